"""Patients as the clinic's systems find them."""

from dataclasses import dataclass

from chalicelib.auth import secrets
from chalicelib.domain.access import Actor
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.fhir.ssn import is_ssn_system
from chalicelib.domain.records import titles
from chalicelib.errors import FieldError, Invalid
from chalicelib.models import audit, patients
from chalicelib.models.patients import Patient


@dataclass(frozen=True, slots=True)
class FoundPatient:
    """Enough of a patient to know that it is the right one."""

    patient_id: str
    clinic_number: str
    first_name: str | None
    last_name: str | None
    names: tuple[str, ...]
    birth_date: str | None
    deceased: bool
    merged_from: tuple[str, ...]


def find_by_identifier(actor: Actor, identifier: str) -> list[FoundPatient]:
    """The patients with an identifier, `value` or `system|value`, newest id first.

    In the place of one who turned out to be another patient stands that other one. Every look is audited before it is
    answered. Raises Invalid for a Social Security number, which the portal does not keep.
    """
    system, bar, value = identifier.rpartition("|")
    if bar and is_ssn_system(system):
        raise Invalid([FieldError("?identifier", "ssn_not_searchable")])
    if not value:
        raise Invalid([FieldError("?identifier", "wrong_form")])
    value_hash = secrets.keyed_hash("identifier", titles.clean(value) or "")
    matches = remaining(patients.find_many(patients.find_ids_by_identifier(value_hash, system if bar else None)))
    if not matches:
        audit.record_alone(Entry(actor, Action.PATIENT_LOOKUP, about={"found": 0}))
    for patient in matches:
        audit.record_alone(Entry(actor, Action.PATIENT_LOOKUP, patient_id=patient.pk))
    return sorted((found(patient) for patient in matches), key=lambda patient: patient.patient_id, reverse=True)


def found(patient: Patient) -> FoundPatient:
    """Enough of a patient to know that it is the right one."""
    given, family = next(iter(patient.all_names), ([], ""))
    return FoundPatient(
        patient_id=patient.pk,
        clinic_number=patient.clinic_number,
        first_name=given[0] if given else None,
        last_name=family or None,
        names=tuple(" ".join([*given, family]).strip() for given, family in patient.all_names),
        birth_date=patient.birth_date,
        deceased=bool(patient.deceased),
        merged_from=patient.joined_ids,
    )


def remaining(matches: list[Patient]) -> list[Patient]:
    """Some patients, each once, with the remaining one in the place of whoever is merged into them."""
    into = {patient.merged_into for patient in matches if patient.merged_into} - {patient.pk for patient in matches}
    others = patients.find_many(sorted(into)) if into else []
    return [patient for patient in (*matches, *others) if not patient.merged_into]
