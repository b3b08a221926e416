"""Ties between staff and patients, in the patients table: who cares for whom, and who has broken the glass."""

from collections.abc import Iterable

from pynamodb.attributes import UnicodeAttribute

from chalicelib import clock, ids
from chalicelib.models.base import storage_errors, together
from chalicelib.models.patients import PatientsTable
from chalicelib.models.transaction import Transaction

_TIE, _TEAM, _GLASS = "tie#", "team", "glass"


class CareTie(PatientsTable, discriminator="care_tie"):
    """One tie; partition key is the patient's id, sort key `tie#<holder id>#<source>`.

    Its holder is an account, or a Practitioner of the records; its source is the record that says so, or the breaking
    of the glass, whose reason it keeps.
    """

    holder_id = UnicodeAttribute()
    source = UnicodeAttribute()
    ends_at = UnicodeAttribute(null=True)
    reason = UnicodeAttribute(null=True)

    @property
    def is_over(self) -> bool:
        """By the portal's clock."""
        return bool(self.ends_at) and clock.stamp(clock.now()) >= self.ends_at


def find_ties(patient_id: str, holder_ids: Iterable[str]) -> list[CareTie]:
    """The ties of some holders to a patient, over or not: one round trip."""
    found = together(*(lambda holder=holder: _find(patient_id, f"{_TIE}{holder}#") for holder in holder_ids))
    return [tie for ties in found for tie in ties]


def find_all(patient_id: str) -> list[CareTie]:
    """Every tie to a patient, over or not."""
    return _find(patient_id, _TIE)


def _find(patient_id: str, prefix: str) -> list[CareTie]:
    with storage_errors():
        return list(CareTie.query(patient_id, CareTie.sk.startswith(prefix), consistent_read=True))


def put_tie(tx: Transaction, patient_id: str, holder_id: str, source: str, ends_at: str | None) -> None:
    """Somebody cares for a patient, as a record says, until a time or until the record says otherwise."""
    tx.put(_row(patient_id, holder_id, source, ends_at))


def remove_tie(tx: Transaction, tie: CareTie) -> None:
    """A tie that no record says any more."""
    tx.delete(tie)


def put_care_team_tie(tx: Transaction, patient_id: str, account_id: str) -> None:
    """Somebody is in the care team of a patient from now on."""
    put_tie(tx, patient_id, account_id, _TEAM, None)


def break_glass(tx: Transaction, patient_id: str, account_id: str, ends_at: str, reason: str) -> str:
    """Somebody sees a patient's record until a time, in an emergency; returns the id under which that is kept."""
    glass_id = ids.new_id("gls")
    row = _row(patient_id, account_id, f"{_GLASS}#{glass_id}", ends_at)
    row.reason = reason
    tx.create(row, error=None)
    return glass_id


def _row(patient_id: str, holder_id: str, source: str, ends_at: str | None) -> CareTie:
    sk = f"{_TIE}{holder_id}#{source}"
    return CareTie(patient_id, sk, holder_id=holder_id, source=source, ends_at=ends_at)
