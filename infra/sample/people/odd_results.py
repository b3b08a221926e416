"""Marcus Delacroix, 54, born on 29 February: results out of range, missing, cancelled, corrected, pending and odd."""

from datetime import date
from typing import Any

from infra.sample.charting import history, results
from infra.sample.charting.bundle import BundleWriter
from infra.sample.charting.chart import EMERGENCY, FOLLOW_UP, Chart, Person, Visit, email, human_name, phone
from infra.sample.charting.history import Diagnosis
from infra.sample.charting.orders import Prescription, prescribe, request
from infra.sample.charting.results import laboratory, observe, quantity
from infra.sample.vocabulary import disorders, medicines, vitals
from infra.sample.vocabulary import laboratory as analytes
from infra.sample.vocabulary.laboratory import Analyte
from infra.sample.vocabulary.systems import Json, codeable, hl7, loinc, snomed

MARCUS = Person(
    slug="marcus",
    mrn="AL-115093",
    clinic_number="2058 4410",
    names=(human_name("Marcus", "Delacroix"),),
    gender="male",
    born=date(1972, 2, 29),
    telecom=(
        # A number that he has given up stands first; it is not one to send a code to.
        phone("+1-312-555-0170", "old", period={"end": "2024-06-30"}),
        phone("+1-312-555-0171"),
        email("marcus.delacroix@post.example.com"),
    ),
)

_URINE_GLUCOSE = loinc("5792-7", "Glucose [Mass/volume] in Urine by Test strip")
_CULTURE = loinc("600-7", "Bacteria identified in Blood by Culture")
_HEPATITIS = loinc("5195-3", "Hepatitis B virus surface Ag [Presence] in Serum")
_NUCLEAR_ANTIBODY = loinc("5048-4", "Nuclear Ab [Titer] in Serum by Immunofluorescence")
_BASE_EXCESS = Analyte("11555-0", "Base excess in Blood by calculation", "Base excess", "mmol/L", ("-2.0", "2.0"))
_NEGATIVE = codeable("Negative", snomed("260385009", "Negative (qualifier value)"))


def write() -> BundleWriter:
    bundle = BundleWriter("05-marcus-delacroix")
    chart = Chart(bundle, MARCUS)
    emergency = chart.visit(date(2026, 9, 2), EMERGENCY, time="21:05", reason=codeable("Weakness since the morning"))
    _out_of_range(chart, emergency)
    _missing(chart, emergency)
    _beyond_measure(chart, emergency)
    _unfinished(chart, emergency)
    later = chart.visit(date(2026, 9, 9), FOLLOW_UP)
    _corrected(chart, later)
    _in_words(chart, later)
    _odd_shapes(chart, later)
    _odd_times(chart, later)
    _treatment(chart, emergency)
    return bundle


def _out_of_range(chart: Chart, visit: Visit) -> None:
    potassium = laboratory(chart, visit, analytes.POTASSIUM, "6.80")
    glucose = laboratory(chart, visit, analytes.GLUCOSE, "41")
    hemoglobin = laboratory(chart, visit, analytes.HEMOGLOBIN, "6.5")
    sodium = laboratory(chart, visit, analytes.SODIUM, "134")
    laboratory(chart, visit, analytes.UREA, "31")
    laboratory(chart, visit, _BASE_EXCESS, "-6.50")
    results.report(
        chart,
        visit,
        loinc("24323-8", "Comprehensive metabolic 2000 panel - Serum or Plasma"),
        "Emergency blood tests",
        result=[potassium, glucose, hemoglobin, sodium],
        conclusion="Potassium is dangerously high. Called to the ward at 22:10.",
    )


def _absent(code: str, display: str) -> dict[str, Any]:
    return {
        "valueQuantity": None,
        "interpretation": None,
        "referenceRange": None,
        "dataAbsentReason": hl7("data-absent-reason", code, display),
    }


def _missing(chart: Chart, visit: Visit) -> None:
    hemolyzed = [{"text": "The sample was damaged on the way to the laboratory."}]
    laboratory(chart, visit, analytes.CREATININE, "0", note=hemolyzed, **_absent("error", "Error"))
    laboratory(chart, visit, analytes.EGFR, "0", **_absent("unknown", "Unknown"))
    laboratory(
        chart, visit, analytes.FERRITIN, "0", **{**_absent("not-performed", "Not Performed"), "status": "cancelled"}
    )
    not_heard = hl7("data-absent-reason", "not-performed", "Not Performed")
    lost = {"code": vitals.DIASTOLIC.concept(), "dataAbsentReason": not_heard}
    heard = {"code": vitals.SYSTOLIC.concept(), **results.measured(vitals.SYSTOLIC, "84", "male")}
    observe(
        chart,
        visit,
        "blood-pressure",
        codeable("Blood pressure", vitals.BLOOD_PRESSURE),
        category=results.category("vital-signs"),
        component=[heard, lost],
    )


def _beyond_measure(chart: Chart, visit: Visit) -> None:
    below = {**quantity("0.01", "ng/mL"), "comparator": "<"}
    laboratory(chart, visit, analytes.TROPONIN, "0.01", valueQuantity=below)
    above = {**quantity("300", "mg/L"), "comparator": ">"}
    laboratory(chart, visit, analytes.CRP, "300", valueQuantity=above)
    least = {**quantity("0.005", "m[IU]/L", "mIU/L"), "comparator": "<="}
    laboratory(chart, visit, analytes.TSH, "0.005", valueQuantity=least)


def _unfinished(chart: Chart, visit: Visit) -> None:
    order = request(chart, "order-culture", codeable("Blood culture", _CULTURE), visit, priority="urgent")
    growth = observe(
        chart,
        visit,
        "culture",
        codeable("Blood culture", _CULTURE),
        status="preliminary",
        valueString="No growth after 24 hours",
        basedOn=[order],
    )
    results.report(chart, visit, _CULTURE, "Blood culture", status="preliminary", result=[growth], basedOn=[order])
    awaited = loinc("24331-1", "Lipid 1996 panel - Serum or Plasma")
    results.report(chart, visit, awaited, "Lipid panel", status="registered", issued=None)


def _corrected(chart: Chart, visit: Visit) -> None:
    why = [{"text": "Corrected: first reported as 5.60 under another patient's label."}]
    laboratory(chart, visit, analytes.POTASSIUM, "4.60", status="corrected", note=why)
    laboratory(chart, visit, analytes.HEMOGLOBIN, "9.1", status="amended")
    laboratory(chart, visit, analytes.GLUCOSE, "512", status="entered-in-error")


def _in_words(chart: Chart, visit: Visit) -> None:
    expected = [{"text": "Negative"}]
    normal = [hl7("v3-ObservationInterpretation", "NEG", "Negative")]
    observe(
        chart,
        visit,
        "hepatitis",
        codeable("Hepatitis B surface antigen", _HEPATITIS),
        valueCodeableConcept=_NEGATIVE,
        referenceRange=expected,
        interpretation=normal,
    )
    observe(
        chart,
        visit,
        "urine-glucose",
        codeable("Sugar in the urine", _URINE_GLUCOSE),
        valueString="Trace",
        referenceRange=expected,
        interpretation=[codeable("A little above normal")],
    )
    therapeutic = [
        {"type": codeable("Target with warfarin"), "text": "2.0 to 3.0"},
        {"type": codeable("Without warfarin"), "low": quantity("0.8", "{INR}"), "high": quantity("1.1", "{INR}")},
    ]
    laboratory(chart, visit, analytes.INR, "1.0", referenceRange=therapeutic)


def _odd_shapes(chart: Chart, visit: Visit) -> None:
    titer = {"numerator": {"value": 1}, "denominator": {"value": 160}}
    ratio = observe(chart, visit, "ana", codeable("Antinuclear antibodies", _NUCLEAR_ANTIBODY), valueRatio=titer)
    cells = {"low": {"value": 2, "unit": "/[HPF]"}, "high": {"value": 5, "unit": "/[HPF]"}}
    seen = observe(chart, visit, "urine-cells", codeable("White cells in the urine, microscope"), valueRange=cells)
    colonies = observe(
        chart,
        visit,
        "urine-colonies",
        codeable("Bacteria in the urine"),
        valueQuantity=quantity("1.0E+5", "[CFU]/mL", "CFU/mL"),
    )
    blood = observe(chart, visit, "blood-urine", codeable("Blood in the urine"), valueBoolean=False)
    observe(
        chart,
        visit,
        "urinalysis",
        codeable("Urinalysis", loinc("24356-8", "Urinalysis complete panel - Urine")),
        hasMember=[ratio, seen, colonies, blood],
    )
    # Codes without words, and words without codes: both need a title that a person can read.
    bare: Json = {"coding": [{"system": "http://loinc.org", "code": "2075-0"}]}
    observe(chart, visit, "bare-code", bare, valueQuantity=quantity("104", "mmol/L"))
    observe(chart, visit, "no-category", codeable("Cigarettes a day"), category=None, valueQuantity={"value": 0})


def _odd_times(chart: Chart, visit: Visit) -> None:
    collected = {"start": "2026-09-07T07:00:00-05:00", "end": "2026-09-08T07:00:00-05:00"}
    protein = loinc("2889-4", "Protein [Mass/time] in 24 hour Urine")
    observe(
        chart,
        visit,
        "protein",
        codeable("Protein in urine of 24 hours", protein),
        effectiveDateTime=None,
        effectivePeriod=collected,
        valueQuantity=quantity("120", "mg/(24.h)", "mg/24 h"),
    )
    laboratory(chart, visit, analytes.SODIUM, "139", effectiveDateTime="2026-09-09T14:30:00.250Z")
    laboratory(chart, visit, analytes.PLATELETS, "149", effectiveDateTime=None)
    laboratory(chart, visit, analytes.CHOLESTEROL, "199", effectiveDateTime="2019", issued=None, encounter=None)


def _treatment(chart: Chart, visit: Visit) -> None:
    hyperkalemia = Diagnosis(disorders.HYPERKALEMIA, "2026-09-02", "2026-09-09", category="encounter-diagnosis")
    history.diagnose(chart, "hyperkalemia", hyperkalemia, visit)
    history.diagnose(chart, "hypertension", Diagnosis(disorders.HYPERTENSION, "2015"))
    stopped = Prescription(
        medicines.LISINOPRIL_10, "2015-06-03", ended="2026-09-02", status="stopped", why_stopped="High potassium"
    )
    prescribe(chart, "lisinopril", stopped)
    prescribe(chart, "amlodipine", Prescription(medicines.AMLODIPINE, "2026-09-03"), dispenseRequest=None)
