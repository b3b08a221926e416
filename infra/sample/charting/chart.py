"""One patient's chart: the Patient resource, the visits, and what all the other entries hang on."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from infra.sample.charting.bundle import BundleWriter
from infra.sample.charting.times import stamp
from infra.sample.clinic import LAKESIDE, OKONKWO, ORGANIZATION, Clinician, Site
from infra.sample.vocabulary.systems import CLINIC_NUMBER, MRN, SSN, Concept, Json, codeable, hl7, hl7_coding, snomed


@dataclass(frozen=True, slots=True)
class Person:
    """What the clinic has on file about a patient."""

    slug: str
    mrn: str
    names: tuple[Json, ...]
    gender: str
    born: date
    telecom: tuple[Json, ...] = ()
    clinic_number: str | None = None
    ssn: str | None = None
    address: Json | None = None
    more: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Visit:
    """An encounter as the entries made at it see it: when, when signed off, and the reference to it."""

    key: str
    on: date
    at: str
    issued: str
    encounter: Json


@dataclass(frozen=True, slots=True)
class VisitKind:
    """What sort of contact it was: the v3-ActCode class and the type of encounter."""

    act: str
    act_display: str
    concept: Concept
    text: str
    hours: int = 0


OFFICE = VisitKind("AMB", "ambulatory", snomed("185349003", "Encounter for check up (procedure)"), "Office visit")
FOLLOW_UP = VisitKind("AMB", "ambulatory", snomed("390906007", "Follow-up encounter (procedure)"), "Follow-up visit")
WELL_CHILD = VisitKind("AMB", "ambulatory", snomed("410620009", "Well child visit (procedure)"), "Well child visit")
VIDEO = VisitKind(
    "VR", "virtual", snomed("448337001", "Telemedicine consultation with patient (procedure)"), "Video visit"
)
EMERGENCY = VisitKind(
    "EMER", "emergency", snomed("50849002", "Emergency room admission (procedure)"), "Emergency visit", hours=6
)
HOSPITAL = VisitKind(
    "IMP", "inpatient encounter", snomed("32485007", "Hospital admission (procedure)"), "Hospital stay", hours=75
)


class Chart:
    """Writes one patient's resources into a bundle, each under a key that is unique in this chart."""

    def __init__(self, bundle: BundleWriter, person: Person, clinician: Clinician = OKONKWO) -> None:
        self.person = person
        self.clinician = clinician
        self._bundle = bundle
        self.patient = bundle.add("Patient", person.slug, _patient(person, clinician))
        self.subject = {**self.patient, "display": person.names[0]["text"]}

    def add(self, kind: str, key: str, **fields: Any) -> Json:
        """Enters a resource and answers the Reference to it. A trailing underscore frees a name that Python keeps."""
        return self._bundle.add(
            kind, f"{self.person.slug}-{key}", {name.rstrip("_"): value for name, value in fields.items()}
        )

    def visit(
        self,
        on: date,
        kind: VisitKind = OFFICE,
        *,
        time: str = "09:30",
        site: Site = LAKESIDE,
        clinician: Clinician | None = None,
        reason: Json | None = None,
    ) -> Visit:
        """A finished encounter; the practitioner is named by NPI and the place by id."""
        at = stamp(on, time)
        seen_by = clinician or self.clinician
        encounter = self.add(
            "Encounter",
            f"visit-{on}",
            status="finished",
            class_=hl7_coding("v3-ActCode", kind.act, kind.act_display),
            type=[codeable(kind.text, kind.concept)],
            subject=self.subject,
            participant=[{"individual": seen_by.by_npi(), "period": {"start": at}}],
            period={"start": at, "end": _end(on, time, kind.hours)},
            reasonCode=[reason] if reason else None,
            location=[{"location": site.reference()}],
            serviceProvider=ORGANIZATION,
        )
        return Visit(str(on), on, at, stamp(on + timedelta(days=1), "07:15"), encounter)


def _end(on: date, time: str, hours: int) -> str:
    hour, minute = (int(part) for part in time.split(":"))
    minutes = hour * 60 + minute + (hours * 60 or 25)
    days, rest = divmod(minutes, 24 * 60)
    return stamp(on + timedelta(days=days), f"{rest // 60:02}:{rest % 60:02}")


def _patient(person: Person, clinician: Clinician) -> Json:
    return {
        "meta": {"lastUpdated": "2026-10-31T06:00:00.000Z"},
        "identifier": _identifiers(person),
        "active": True,
        "name": list(person.names),
        "telecom": list(person.telecom) or None,
        "gender": person.gender,
        "birthDate": person.born.isoformat(),
        "address": [person.address] if person.address else None,
        "generalPractitioner": [clinician.by_id()],
        "managingOrganization": ORGANIZATION,
        **person.more,
    }


def _identifiers(person: Person) -> list[Json]:
    kinds = (
        ("MR", "Medical record number", MRN, person.mrn),
        ("PI", "Patient internal identifier", CLINIC_NUMBER, person.clinic_number),
        ("SS", "Social Security number", SSN, person.ssn),
    )
    return [
        {"use": "official", "type": hl7("v2-0203", code, display), "system": system, "value": value}
        for code, display, system, value in kinds
        if value is not None
    ]


def human_name(given: str, family: str, use: str = "official", **more: Any) -> Json:
    """A HumanName; `given` holds all given names, separated by spaces."""
    return {"use": use, "text": f"{given} {family}", "family": family, "given": given.split(), **more}


def postal_address(line: str, city: str, state: str, postal_code: str) -> Json:
    return {
        "use": "home",
        "line": [line],
        "city": city,
        "state": state,
        "postalCode": postal_code,
        "country": "US",
    }


def phone(value: str, use: str = "mobile", **more: Any) -> Json:
    return {"system": "phone", "value": value, "use": use, **more}


def email(value: str) -> Json:
    return {"system": "email", "value": value, "use": "home"}
