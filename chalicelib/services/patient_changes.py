"""What the clinic has on file for a patient, and what the patient asks to have changed: pending until staff decide."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib import clock
from chalicelib.domain.access import Actor
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.notices import Notice, NoticeKind
from chalicelib.errors import NotFound, OwnRequest, StaleVersion
from chalicelib.models import audit, outbox
from chalicelib.models import patient_changes as storage
from chalicelib.models.patient_changes import PatientChange
from chalicelib.models.patients import Patient
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.services import clinic_patients
from chalicelib.services.clinic_patients import Amendment, DeskPatient

_REVISIONS = 10_000
"""More than anybody asks for changes between two versions of what is on file."""


@dataclass(frozen=True, slots=True)
class Pending:
    """What a patient asks for: new values by field, None to take one away. `asked_at` is aware, in UTC."""

    change_id: str
    patient_id: str
    fields: dict[str, Any]
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class OnFile:
    """What the clinic has on file, and what is asked to be changed."""

    patient: DeskPatient
    pending: Pending | None
    version: int


def read(patient_id: str) -> OnFile:
    """What is on file for a patient. Raises NotFound."""
    patient, change = storage.find_with_patient(patient_id)
    if patient is None:
        raise NotFound
    pending = _pending(change) if change else None
    return OnFile(clinic_patients.view(patient), pending, _version(patient, change))


def ask(actor: Actor, patient_id: str, expected_version: int, fields: dict[str, Any]) -> OnFile:
    """Ask staff to change what is on file; what was asked before and is not decided yet stays asked.

    Raises NotFound and StaleVersion.
    """
    patient, before = storage.find_with_patient(patient_id)
    if patient is None:
        raise NotFound
    if _version(patient, before) != expected_version:
        raise StaleVersion
    with transaction() as tx:
        wanted = {**(before.wanted if before else {}), **fields}
        change_id = storage.ask(tx, patient_id, actor.id, wanted, before)
        about: dict[str, object] = {"change_id": change_id, "fields": sorted(fields)}
        audit.record(tx, Entry(actor, Action.PATIENT_CHANGE_ASK, patient_id=patient_id, about=about))
    return read(patient_id)


def find_all(limit: int, after: str | None) -> list[tuple[Pending, DeskPatient]]:
    """At most `limit` requests that wait for staff, the oldest first, each with what is on file now."""
    return [(_pending(change), clinic_patients.view(patient)) for change, patient in storage.find_all(limit, after)]


def note_looks(actor: Actor, shown: list[Pending]) -> None:
    """Write down, before they are shown, whose requests somebody looked at."""
    if shown:
        with transaction() as tx:
            for one in shown:
                about: dict[str, object] = {"change_id": one.change_id}
                audit.record(tx, Entry(actor, Action.PATIENT_LOOKUP, patient_id=one.patient_id, about=about))


def approve(actor: Actor, change_id: str, *, is_in_person: bool) -> None:
    """Put on file what a patient asked for.

    Raises NotFound, OwnRequest for what the caller has asked for, and Conflict or StaleVersion after another change.
    """
    change = _find(change_id)
    if change.account_id == actor.id:
        raise OwnRequest
    patient = clinic_patients.find(change.pk)

    def also(tx: Transaction) -> None:
        storage.end(tx, change)

    about: dict[str, object] = {"change_id": change_id}
    amendment = Amendment(change.wanted, is_in_person, Action.PATIENT_CHANGE_APPROVE, about, also)
    clinic_patients.edit(actor, change.pk, int(patient.version), amendment)


def deny(actor: Actor, change_id: str) -> None:
    """Leave what is on file as it is; the patient is told. Raises NotFound, and Conflict where it changed meanwhile."""
    change = _find(change_id)
    with transaction() as tx:
        storage.end(tx, change)
        outbox.post(tx, Notice(NoticeKind.CHANGE_DENIED, change.account_id))
        about: dict[str, object] = {"change_id": change_id}
        audit.record(tx, Entry(actor, Action.PATIENT_CHANGE_DENY, patient_id=change.pk, about=about))


def _find(change_id: str) -> PatientChange:
    change = storage.find_by_id(change_id)
    if change is None:
        raise NotFound
    return change


def _pending(change: PatientChange) -> Pending:
    return Pending(change.change_id, change.pk, change.wanted, clock.read_stamp(change.asked_at))


def _version(patient: Patient, change: PatientChange | None) -> int:
    return int(patient.version) * _REVISIONS + (int(change.version) if change else 0)
