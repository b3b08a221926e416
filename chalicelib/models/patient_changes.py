"""What patients ask to have changed of what the clinic has on file: one pending request for each patient."""

import json
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib import clock, ids
from chalicelib.errors import Conflict, NotFound, StaleVersion
from chalicelib.models.base import Key, storage_errors
from chalicelib.models.patients import PATIENT, Patient, PatientsTable, find_many
from chalicelib.models.transaction import Precedence, Transaction

PREFIX = "chr"
_PENDING, _LIST = "pending_change", "pending_changes"


class PatientChange(PatientsTable, discriminator="patient_change"):
    """What one patient asks for; partition key is the patient's id."""

    change_id = UnicodeAttribute()
    account_id = UnicodeAttribute()
    fields = UnicodeAttribute()
    asked_at = UnicodeAttribute()
    version = NumberAttribute(default=1)

    @property
    def wanted(self) -> dict[str, Any]:
        """The new values by the names of the fields; None takes one away."""
        found: dict[str, Any] = json.loads(self.fields)
        return found


class ListedChange(PatientsTable, discriminator="listed_change"):
    """By which staff find what is pending: one partition, sort key is the request's id."""

    patient_id = UnicodeAttribute()


def key(patient_id: str) -> Key:
    """Where a patient's request is."""
    return patient_id, _PENDING


def find(patient_id: str) -> PatientChange | None:
    """What a patient asks for, if anything."""
    return PatientChange.find(patient_id, _PENDING)


def find_with_patient(patient_id: str) -> tuple[Patient | None, PatientChange | None]:
    """A patient and what they ask for: one round trip."""
    rows = PatientsTable.find_all([(patient_id, PATIENT), (patient_id, _PENDING)])
    patient, change = rows.get((patient_id, PATIENT)), rows.get((patient_id, _PENDING))
    return (
        patient if isinstance(patient, Patient) else None,
        change if isinstance(change, PatientChange) else None,
    )


def find_by_id(change_id: str) -> PatientChange | None:
    """A request that is pending."""
    listed = ListedChange.find(_LIST, change_id) if ids.has_prefix(change_id, PREFIX) else None
    change = find(listed.patient_id) if listed else None
    return change if change is not None and change.change_id == change_id else None


def find_all(limit: int, after: str | None) -> list[tuple[PatientChange, Patient]]:
    """At most `limit` pending requests with their patients, the oldest first; `after` is the last id of a page."""
    condition = ListedChange.sk > after if after else ListedChange.sk.startswith(f"{PREFIX}_")
    with storage_errors():
        listed = list(ListedChange.query(_LIST, condition, consistent_read=True, limit=limit))
    patient_ids = [row.patient_id for row in listed]
    patients = {patient.pk: patient for patient in find_many(patient_ids)}
    changes = PatientChange.find_all([(patient_id, _PENDING) for patient_id in patient_ids])
    pairs = [(changes.get((row.patient_id, _PENDING)), patients.get(row.patient_id)) for row in listed]
    return [(change, patient) for change, patient in pairs if change is not None and patient is not None]


def ask(tx: Transaction, patient_id: str, account_id: str, fields: dict[str, Any], before: PatientChange | None) -> str:
    """Ask for changes, in the place of what was asked before. Raises StaleVersion where that changed meanwhile."""
    row = PatientChange(
        patient_id,
        _PENDING,
        change_id=before.change_id if before else ids.new_id(PREFIX),
        account_id=account_id,
        fields=json.dumps(fields),
        asked_at=clock.stamp(clock.now()),
        version=int(before.version) + 1 if before else 1,
    )
    same = PatientChange.version == before.version if before else PatientChange.pk.does_not_exist()
    tx.put(row, condition=same, error=StaleVersion())
    tx.put(ListedChange(_LIST, row.change_id, patient_id=patient_id))
    return str(row.change_id)


def end(tx: Transaction, change: PatientChange) -> None:
    """A request that is decided. Raises NotFound where somebody else was first, Conflict where it was changed."""
    tx.delete(
        ListedChange(_LIST, change.change_id),
        condition=ListedChange.pk.exists(),
        error=NotFound(),
        precedence=Precedence.STATE,
    )
    tx.delete(change, condition=PatientChange.version == change.version, error=Conflict())
