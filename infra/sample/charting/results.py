"""What is measured: laboratory values, vital signs, panels and their reports."""

from decimal import Decimal
from typing import Any

from infra.sample.charting.chart import Chart, Visit
from infra.sample.clinic import ORGANIZATION
from infra.sample.vocabulary.laboratory import Analyte, Panel
from infra.sample.vocabulary.systems import UCUM, Concept, Json, codeable, hl7, loinc
from infra.sample.vocabulary.vitals import BLOOD_PRESSURE, DIASTOLIC, SYSTOLIC

_CATEGORIES = {
    "laboratory": "Laboratory",
    "vital-signs": "Vital Signs",
    "survey": "Survey",
    "social-history": "Social History",
    "exam": "Exam",
    "imaging": "Imaging",
    "procedure": "Procedure",
}


def category(code: str) -> list[Json]:
    return [hl7("observation-category", code, _CATEGORIES[code])]


def quantity(value: str | Decimal, unit: str, unit_text: str | None = None) -> Json:
    """A Quantity whose decimals stay as written; `unit` is the UCUM code."""
    return {"value": Decimal(value), "unit": unit_text or unit, "system": UCUM, "code": unit}


def measured(analyte: Analyte, value: str | Decimal, gender: str) -> Json:
    """Value, reference range and interpretation, as both an Observation and a component carry them."""
    number = Decimal(value)
    judged = analyte.interpret(number, gender)
    return {
        "valueQuantity": quantity(number, analyte.unit, analyte.unit_text),
        **({"interpretation": [hl7("v3-ObservationInterpretation", *judged)]} if judged else {}),
        **_reference_range(analyte, gender),
    }


def _reference_range(analyte: Analyte, gender: str) -> Json:
    limits = zip(("low", "high"), analyte.normal_for(gender), strict=True)
    bounds = {name: quantity(limit, analyte.unit, analyte.unit_text) for name, limit in limits if limit}
    return {"referenceRange": [bounds]} if bounds else {}


def observe(chart: Chart, visit: Visit, key: str, code: Json, **fields: Any) -> Json:
    """An Observation of whatever shape; `fields` overrule the defaults, and None leaves one out."""
    defaults = {
        "status": "final",
        "category": category("laboratory"),
        "code": code,
        "subject": chart.subject,
        "encounter": visit.encounter,
        "effectiveDateTime": visit.at,
        "issued": visit.issued,
    }
    return chart.add("Observation", f"{key}-{visit.key}", **(defaults | fields))


def laboratory(chart: Chart, visit: Visit, analyte: Analyte, value: str | Decimal, **fields: Any) -> Json:
    found = measured(analyte, value, chart.person.gender)
    return observe(chart, visit, analyte.code, analyte.concept(), **({"performer": [ORGANIZATION]} | found | fields))


def vital(chart: Chart, visit: Visit, analyte: Analyte, value: str | Decimal) -> Json:
    found = measured(analyte, value, chart.person.gender)
    return observe(
        chart, visit, analyte.code, analyte.concept(), category=category("vital-signs"), issued=visit.at, **found
    )


def blood_pressure(chart: Chart, visit: Visit, systolic: str | Decimal, diastolic: str | Decimal) -> Json:
    components = [
        {"code": analyte.concept(), **measured(analyte, value, chart.person.gender)}
        for analyte, value in ((SYSTOLIC, systolic), (DIASTOLIC, diastolic))
    ]
    return observe(
        chart,
        visit,
        BLOOD_PRESSURE.code,
        codeable("Blood pressure", BLOOD_PRESSURE),
        category=category("vital-signs"),
        issued=visit.at,
        component=components,
    )


def panel(chart: Chart, visit: Visit, ordered: Panel, values: tuple[str | Decimal, ...], **fields: Any) -> Json:
    """One Observation for each analyte, and the DiagnosticReport that groups them."""
    results = [
        laboratory(chart, visit, analyte, value) for analyte, value in zip(ordered.analytes, values, strict=True)
    ]
    return report(chart, visit, ordered.concept, ordered.text, **({"result": results} | fields))


_SECTIONS = {"LAB": "Laboratory", "RAD": "Radiology", "EC": "Electrocardiac", "CUS": "Cardiac Ultrasound"}


def report(chart: Chart, visit: Visit, concept: Concept, text: str, *, section: str = "LAB", **fields: Any) -> Json:
    """A DiagnosticReport; `section` is the diagnostic service of HL7 table 0074."""
    defaults = {
        "status": "final",
        "category": [hl7("v2-0074", section, _SECTIONS[section])],
        "code": codeable(text, concept),
        "subject": chart.subject,
        "encounter": visit.encounter,
        "effectiveDateTime": visit.at,
        "issued": visit.issued,
        "performer": [ORGANIZATION],
    }
    return chart.add("DiagnosticReport", f"{concept.code}-{visit.key}", **(defaults | fields))


def coded_answer(chart: Chart, visit: Visit, question: Concept, text: str, answer: Json) -> Json:
    """A fact of social history: a question and the coded answer to it."""
    return observe(
        chart,
        visit,
        question.code,
        codeable(text, question),
        category=category("social-history"),
        valueCodeableConcept=answer,
    )


def smoking(chart: Chart, visit: Visit, code: str, display: str, text: str) -> Json:
    answer = codeable(text, Concept("http://snomed.info/sct", code, display))
    return coded_answer(chart, visit, loinc("72166-2", "Tobacco smoking status"), "Smoking status", answer)
