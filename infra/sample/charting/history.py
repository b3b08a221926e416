"""What a patient has and had: diagnoses, allergies, vaccines, procedures, family, devices."""

from dataclasses import dataclass
from typing import Any

from infra.sample.charting.chart import Chart, Visit
from infra.sample.clinic import LAKESIDE, Clinician
from infra.sample.vocabulary.disorders import Disorder
from infra.sample.vocabulary.systems import Concept, Json, codeable, hl7

_CONDITION_CATEGORIES = {
    "problem-list-item": "Problem List Item",
    "encounter-diagnosis": "Encounter Diagnosis",
}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One line of the problem list. Dates may be a year, a month or a day, as FHIR allows."""

    disorder: Disorder
    onset: str
    abated: str | None = None
    clinical: str = "active"
    verification: str = "confirmed"
    category: str = "problem-list-item"
    severity: Json | None = None
    note: str | None = None
    text: str | None = None


def diagnose(chart: Chart, key: str, diagnosis: Diagnosis, visit: Visit | None = None) -> Json:
    """A Condition; without a visit it was brought along from elsewhere."""
    clinical = "resolved" if diagnosis.abated and diagnosis.clinical == "active" else diagnosis.clinical
    return chart.add(
        "Condition",
        key,
        clinicalStatus=hl7("condition-clinical", clinical, clinical.capitalize()),
        verificationStatus=hl7("condition-ver-status", diagnosis.verification, diagnosis.verification.capitalize()),
        category=[hl7("condition-category", diagnosis.category, _CONDITION_CATEGORIES[diagnosis.category])],
        severity=diagnosis.severity,
        code=diagnosis.disorder.concept(diagnosis.text),
        subject=chart.subject,
        encounter=visit.encounter if visit else None,
        onsetDateTime=diagnosis.onset,
        abatementDateTime=diagnosis.abated,
        recordedDate=visit.at if visit else None,
        recorder=chart.clinician.by_npi(),
        note=[{"text": diagnosis.note}] if diagnosis.note else None,
    )


@dataclass(frozen=True, slots=True)
class Reaction:
    """How an allergy shows, and how badly (mild, moderate, severe)."""

    concept: Concept
    text: str
    severity: str


def allergy(chart: Chart, key: str, substance: Json, reaction: Reaction | None = None, **fields: Any) -> Json:
    shown = reaction and [{"manifestation": [codeable(reaction.text, reaction.concept)], "severity": reaction.severity}]
    defaults = {
        "clinicalStatus": hl7("allergyintolerance-clinical", "active", "Active"),
        "verificationStatus": hl7("allergyintolerance-verification", "confirmed", "Confirmed"),
        "type": "allergy",
        "code": substance,
        "patient": chart.subject,
        "recorder": chart.clinician.by_id(),
        "reaction": shown,
    }
    return chart.add("AllergyIntolerance", key, **(defaults | fields))


def vaccinate(chart: Chart, vaccine: Concept, *days: str, text: str | None = None) -> None:
    """One completed Immunization for each day."""
    for dose, on in enumerate(days, start=1):
        chart.add(
            "Immunization",
            f"cvx-{vaccine.code}-{on}",
            status="completed",
            vaccineCode=codeable(text or vaccine.display, vaccine),
            patient=chart.subject,
            occurrenceDateTime=on,
            primarySource=True,
            location=LAKESIDE.reference(),
            lotNumber=f"SAMPLE-{vaccine.code}{on[2:4]}",
            site=hl7("v3-ActSite", "LA", "left arm"),
            route=hl7("v3-RouteOfAdministration", "IM", "Injection, intramuscular"),
            protocolApplied=[{"doseNumberPositiveInt": dose}] if len(days) > 1 else None,
        )


def procedure(chart: Chart, key: str, code: Json, by: Clinician | None, **fields: Any) -> Json:
    defaults = {
        "status": "completed",
        "code": code,
        "subject": chart.subject,
        "performer": [{"actor": by.by_npi()}] if by else None,
    }
    return chart.add("Procedure", key, **(defaults | fields))


def relative(chart: Chart, role: tuple[str, str], born: str | None, *conditions: tuple[Disorder, int]) -> Json:
    """A FamilyMemberHistory; `role` is a code and words of v3-RoleCode, each condition comes with the age at onset."""
    code, display = role
    return chart.add(
        "FamilyMemberHistory",
        f"family-{code.lower()}",
        status="completed",
        patient=chart.subject,
        date="2016-09-08",
        relationship=hl7("v3-RoleCode", code, display),
        bornDate=born,
        condition=[
            {
                "code": disorder.concept(),
                "onsetAge": {"value": age, "unit": "years", "system": "http://unitsofmeasure.org", "code": "a"},
            }
            for disorder, age in conditions
        ],
    )
