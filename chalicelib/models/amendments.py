"""Requests for corrections, in the patients table: each in its patient's file, with rows that lead to it.

The clinic's list is one partition, where what waits stands apart from what is over.
"""

import functools
import itertools

from pynamodb.attributes import UnicodeAttribute

from chalicelib import clock, ids
from chalicelib.domain.amendments import AmendmentBy, AmendmentStatus, Answer, Correction
from chalicelib.errors import Conflict
from chalicelib.models import record_amendments
from chalicelib.models.accounts import AccountsTable
from chalicelib.models.base import Key, find_rows, storage_errors, together
from chalicelib.models.patients import PATIENT, Patient, PatientsTable
from chalicelib.models.transaction import Transaction

PREFIX = "amd"
_LIST, _WAITING, _OVER = "amendments", "waiting#", "over#"
_OWN = "amendment#"


class Amendment(PatientsTable, discriminator="amendment"):
    """One request; partition key is the patient's id, sort key `amendment#<amendment id>`."""

    amendment_id = UnicodeAttribute()
    account_id = UnicodeAttribute()
    asked_by = UnicodeAttribute()
    record_id = UnicodeAttribute(null=True)
    reason = UnicodeAttribute()
    correction = UnicodeAttribute()
    status = UnicodeAttribute()
    created_at = UnicodeAttribute()
    ended_at = UnicodeAttribute(null=True)
    ended_by = UnicodeAttribute(null=True)
    answer = UnicodeAttribute(null=True)
    note = UnicodeAttribute(null=True)


class ListedAmendment(PatientsTable, discriminator="listed_amendment"):
    """By which staff find a request; sort key `waiting#<amendment id>` or `over#<amendment id>`."""

    amendment_id = UnicodeAttribute()
    patient_id = UnicodeAttribute()


class OwnAmendment(AccountsTable, discriminator="own_amendment"):
    """A request that the holder of an account has made; sort key `amendment#<amendment id>`."""

    amendment_id = UnicodeAttribute()
    patient_id = UnicodeAttribute()


def create(tx: Transaction, patient_id: str, account_id: str, by: AmendmentBy, wanted: Correction) -> Amendment:
    """A new request."""
    amendment_id = ids.new_id(PREFIX)
    row = Amendment(
        *_key(patient_id, amendment_id),
        amendment_id=amendment_id,
        account_id=account_id,
        asked_by=by,
        record_id=wanted.record_id,
        reason=wanted.reason,
        correction=wanted.text,
        status=AmendmentStatus.WAITING,
        created_at=clock.stamp(clock.now()),
    )
    tx.create(row, error=None)
    tx.create(_listed(row, _WAITING), error=None)
    own = OwnAmendment(account_id, f"{_OWN}{amendment_id}", amendment_id=amendment_id, patient_id=patient_id)
    tx.create(own, error=None)
    if wanted.record_id:
        record_amendments.note(tx, patient_id, wanted.record_id, amendment_id, AmendmentStatus.WAITING)
    return row


def end(tx: Transaction, row: Amendment, status: AmendmentStatus, by: AmendmentBy, answer: Answer) -> Amendment:
    """What became of a request, once; returns it as it is then. One that is over is a Conflict at the commit."""
    ended = Amendment.from_raw_data(row.to_dynamodb_dict())
    ended.status, ended.ended_by, ended.ended_at = status, by, clock.stamp(clock.now())
    ended.answer, ended.note = answer.reason, answer.note
    tx.put(ended, condition=Amendment.status == AmendmentStatus.WAITING, error=Conflict())
    tx.delete(_listed(row, _WAITING))
    tx.put(_listed(row, _OVER))
    if row.record_id:
        record_amendments.note(tx, row.pk, row.record_id, row.amendment_id, status)
    return ended


def _listed(row: Amendment, group: str) -> ListedAmendment:
    return ListedAmendment(_LIST, f"{group}{row.amendment_id}", amendment_id=row.amendment_id, patient_id=row.pk)


def _key(patient_id: str, amendment_id: str) -> Key:
    return patient_id, f"{_OWN}{amendment_id}"


def find(patient_ids: tuple[str, ...], amendment_id: str) -> Amendment | None:
    """One request in one of some patients' files."""
    if not ids.has_prefix(amendment_id, PREFIX):
        return None
    return next(iter(Amendment.find_all([_key(one, amendment_id) for one in patient_ids]).values()), None)


def find_page(patient_ids: tuple[str, ...], limit: int, before: str | None) -> list[Amendment]:
    """At most `limit` requests in some patients' files, the newest first, older than the id `before`."""
    pages: list[list[Amendment]] = together(*(functools.partial(_of_one, one, limit, before) for one in patient_ids))
    return sorted(itertools.chain(*pages), key=lambda row: row.amendment_id, reverse=True)[:limit]


def _of_one(patient_id: str, limit: int, before: str | None) -> list[Amendment]:
    older = Amendment.sk.between(_OWN, f"{_OWN}{before}") if before else Amendment.sk.startswith(_OWN)
    with storage_errors():
        rows = list(Amendment.query(patient_id, older, consistent_read=True, scan_index_forward=False, limit=limit + 1))
    return [row for row in rows if row.amendment_id != before][:limit]


def find_all_of(account_id: str) -> list[Amendment]:
    """Every request that the holder of an account has made, the newest first: two round trips."""
    with storage_errors():
        own = list(OwnAmendment.query(account_id, OwnAmendment.sk.startswith(_OWN), consistent_read=True))
    rows = Amendment.find_all([_key(row.patient_id, row.amendment_id) for row in own]) if own else {}
    return sorted(rows.values(), key=lambda row: row.amendment_id, reverse=True)


def find_listed(amendment_id: str) -> Amendment | None:
    """A request by its id alone: two round trips."""
    if not ids.has_prefix(amendment_id, PREFIX):
        return None
    places = ListedAmendment.find_all([(_LIST, f"{group}{amendment_id}") for group in (_WAITING, _OVER)])
    return next((find((one.patient_id,), amendment_id) for one in places.values()), None)


def find_all(limit: int, after: str | None) -> list[tuple[str, Amendment, Patient]]:
    """At most `limit` requests with their patients, and the place of each: what waits first, the oldest at the top.

    Behind that comes what is over, the latest first. `after` is the last place of a page.
    """
    listed = _find_waiting(limit, after) if after is None or after.startswith(_WAITING) else []
    if len(listed) < limit:
        listed += _find_over(limit - len(listed), after if after and after.startswith(_OVER) else None)
    wanted: list[tuple[type[PatientsTable], Key]] = [
        (Amendment, _key(one.patient_id, one.amendment_id)) for one in listed
    ]
    rows = find_rows([*wanted, *((Patient, (one.patient_id, PATIENT)) for one in listed)])
    found = {place[1:]: row for place, row in rows.items()}
    return [
        (one.sk, row, patient)
        for one in listed
        if isinstance(row := found.get(_key(one.patient_id, one.amendment_id)), Amendment)
        and isinstance(patient := found.get((one.patient_id, PATIENT)), Patient)
    ]


def _find_waiting(limit: int, after: str | None) -> list[ListedAmendment]:
    later = (
        ListedAmendment.sk.between(f"{after}$", f"{_WAITING}~") if after else ListedAmendment.sk.startswith(_WAITING)
    )
    with storage_errors():
        return list(ListedAmendment.query(_LIST, later, consistent_read=True, limit=limit))


def _find_over(limit: int, before: str | None) -> list[ListedAmendment]:
    older = ListedAmendment.sk.between(_OVER, before) if before else ListedAmendment.sk.startswith(_OVER)
    with storage_errors():
        rows = list(
            ListedAmendment.query(_LIST, older, consistent_read=True, scan_index_forward=False, limit=limit + 1)
        )
    return [row for row in rows if row.sk != before][:limit]
