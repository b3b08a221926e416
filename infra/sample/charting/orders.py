"""What was ordered and planned: prescriptions, service requests, care plans, goals."""

from dataclasses import dataclass, field
from typing import Any

from infra.sample.charting.chart import Chart, Visit
from infra.sample.charting.results import quantity
from infra.sample.clinic import Clinician
from infra.sample.vocabulary.medicines import Medicine
from infra.sample.vocabulary.systems import Json, codeable, hl7, snomed

_ORAL = snomed("26643006", "Oral route (qualifier value)")
_CATEGORY = hl7("medicationrequest-category", "community", "Community")


@dataclass(frozen=True, slots=True)
class Regimen:
    """How a medicine is taken: the sentence on the label and the same as `dose` units, `times` every `per`."""

    sentence: str
    dose: str = "1"
    times: int = 1
    per: str = "d"
    as_needed: bool = False
    route: Json = field(default_factory=lambda: codeable("By mouth", _ORAL))


DAILY = Regimen("Take 1 tablet by mouth once a day.")
TWICE_DAILY = Regimen("Take 1 tablet by mouth twice a day with meals.", times=2)
BEDTIME = Regimen("Take 1 tablet by mouth at bedtime.")
WEEKLY = Regimen("Take 1 tablet by mouth once a week with a full glass of water, 30 minutes before food.", per="wk")


@dataclass(frozen=True, slots=True)
class Prescription:
    """One order of one medicine, `ended` being its last day (a date) where it is no longer taken."""

    medicine: Medicine
    started: str
    regimen: Regimen = DAILY
    ended: str | None = None
    status: str = "active"
    why_stopped: str | None = None
    refills: int = 3
    supply: str = "90"


def prescribe(chart: Chart, key: str, order: Prescription, by: Clinician | None = None, **fields: Any) -> Json:
    """A MedicationRequest. `fields` overrule, so that the medicine may be contained or referred to instead of coded."""
    by_reference = "medicationReference" in fields
    defaults = {
        "status": order.status,
        "statusReason": codeable(order.why_stopped) if order.why_stopped else None,
        "intent": "order",
        "category": [_CATEGORY],
        "medicationCodeableConcept": None if by_reference else order.medicine.concept(),
        "subject": chart.subject,
        "authoredOn": order.started,
        "requester": (by or chart.clinician).by_id(),
        "dosageInstruction": [_dosage(order)],
        "dispenseRequest": _dispense(order),
    }
    return chart.add("MedicationRequest", key, **(defaults | fields))


def _dosage(order: Prescription) -> Json:
    regimen, medicine = order.regimen, order.medicine
    bounds = {"boundsPeriod": {"start": order.started, "end": order.ended}} if order.ended else {}
    return {
        "sequence": 1,
        "text": regimen.sentence,
        "timing": {"repeat": {**bounds, "frequency": regimen.times, "period": 1, "periodUnit": regimen.per}},
        "asNeededBoolean": regimen.as_needed,
        "route": regimen.route,
        "doseAndRate": [{"doseQuantity": quantity(regimen.dose, medicine.unit, medicine.unit_text)}],
    }


def _dispense(order: Prescription) -> Json:
    return {
        "validityPeriod": {"start": order.started, **({"end": order.ended} if order.ended else {})},
        "numberOfRepeatsAllowed": order.refills,
        "quantity": quantity(order.supply, order.medicine.unit, order.medicine.unit_text),
    }


def request(chart: Chart, key: str, code: Json, visit: Visit, **fields: Any) -> Json:
    """A ServiceRequest: a test, a referral, a treatment that was ordered."""
    defaults = {
        "status": "active",
        "intent": "order",
        "code": code,
        "subject": chart.subject,
        "encounter": visit.encounter,
        "authoredOn": visit.at,
        "requester": chart.clinician.by_npi(),
    }
    return chart.add("ServiceRequest", key, **(defaults | fields))


def goal(chart: Chart, key: str, words: str, started: str, **fields: Any) -> Json:
    defaults = {
        "lifecycleStatus": "active",
        "achievementStatus": hl7("goal-achievement", "in-progress", "In Progress"),
        "description": codeable(words),
        "subject": chart.subject,
        "startDate": started,
        "expressedBy": chart.clinician.by_id(),
    }
    return chart.add("Goal", key, **(defaults | fields))


def care_plan(chart: Chart, key: str, title: str, *activities: str, **fields: Any) -> Json:
    done = fields.get("status") == "completed"
    defaults = {
        "status": "active",
        "intent": "plan",
        "category": [codeable("Care plan", snomed("734163000", "Care plan (record artifact)"))],
        "title": title,
        "subject": chart.subject,
        "author": chart.clinician.by_npi(),
        "activity": [
            {"detail": {"status": "completed" if done else "in-progress", "description": words}} for words in activities
        ],
    }
    return chart.add("CarePlan", key, **(defaults | fields))
