"""Grants in the patients table: who may see and do what for a patient."""

import json

from pynamodb.attributes import UnicodeAttribute

from chalicelib import clock
from chalicelib.domain.caregivers import Grant, Scope
from chalicelib.models.base import storage_errors
from chalicelib.models.patients import PatientsTable
from chalicelib.models.transaction import Transaction

_PREFIX = "caregiver#"


class GrantRow(PatientsTable, discriminator="grant"):
    """One caregiver of a patient; partition key is the patient's id, sort key `caregiver#<account id>`."""

    account_id = UnicodeAttribute()
    scopes = UnicodeAttribute()
    expires_at = UnicodeAttribute(null=True)


def find_grants(patient_id: str) -> list[Grant]:
    """Every grant on a patient, over or not."""
    with storage_errors():
        rows = GrantRow.query(patient_id, GrantRow.sk.startswith(_PREFIX), consistent_read=True)
        return [_grant(row) for row in rows]


def put_grant(tx: Transaction, patient_id: str, grant: Grant) -> None:
    """Give a caregiver a grant, in the place of the one that they had."""
    row = GrantRow(
        patient_id,
        f"{_PREFIX}{grant.account_id}",
        account_id=grant.account_id,
        scopes=json.dumps(sorted(grant.scopes)),
        expires_at=clock.stamp(grant.expires_at) if grant.expires_at else None,
    )
    tx.put(row)


def remove_grant(tx: Transaction, patient_id: str, account_id: str) -> None:
    """Take a caregiver's grant back."""
    tx.delete(GrantRow(patient_id, f"{_PREFIX}{account_id}"))


def _grant(row: GrantRow) -> Grant:
    expires_at = clock.read_stamp(row.expires_at) if row.expires_at else None
    return Grant(row.account_id, frozenset(Scope(one) for one in json.loads(row.scopes)), expires_at)
