"""Telling parents, and the patient, of the birthday at which the parents' rights change, 30 days before.

Whatever moves a boundary, or changes who is to be told of it, asks in its own transaction to look again: the clinic
gives a parent rights or corrects a birth date, the patient opens an account. The worker then posts what is missing; it
waits in the outbox until it is due, and what is no longer true then is not told.
"""

import hashlib
from contextlib import suppress

from chalicelib import clock, ids, observability
from chalicelib.domain import boundaries
from chalicelib.domain.boundaries import AHEAD, Boundary
from chalicelib.domain.caregivers import AGE_BANDS, PARENTAL
from chalicelib.domain.notices import Notice, NoticeKind, OutboxStatus
from chalicelib.errors import Conflict
from chalicelib.models import accounts, caregivers, outbox, patients
from chalicelib.models.outbox import OutboxRow
from chalicelib.models.patients import Patient
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.settings import settings

_CHILD = "boundary_patient_id"
_ENDS_AT = next(band.since for band in AGE_BANDS if band.ends)


def look_again(tx: Transaction, patient: Patient) -> None:
    """Have whoever is concerned told of each boundary that is ahead of a patient."""
    if _ahead(patient):
        outbox.post(tx, Notice(NoticeKind.AGE_BOUNDARY, about={_CHILD: patient.pk}))


def is_to_look_again(notice: Notice) -> bool:
    """Whether it is no notice yet, but what `look_again` asks for."""
    return notice.account_id is None and _CHILD in notice.about


def post_missing(notice: Notice) -> None:
    """Post a notice for each boundary and whom it concerns; those that wait already stay as they are."""
    patient = patients.find(notice.about[_CHILD])
    for boundary in _ahead(patient) if patient else ():
        for one in _of(boundary, notice.about[_CHILD]):
            with suppress(Conflict), transaction() as tx:
                outbox.post_later(tx, _row_id(one, boundary), one, boundary.told_at)


def _of(boundary: Boundary, patient_id: str) -> list[Notice]:
    """Parents are told of each boundary, and of the last one the patient, if they have an account."""
    about = {_CHILD: patient_id, "age": str(boundary.age)}
    parents = [grant.account_id for grant in caregivers.find_grants(patient_id) if grant.relation in PARENTAL]
    own = accounts.find_patient_account_id(patient_id) if parents and boundary.age == _ENDS_AT else None
    told = [Notice(NoticeKind.AGE_BOUNDARY, parent, about) for parent in parents]
    return [*told, *([Notice(NoticeKind.COMING_OF_AGE, own, about)] if own else [])]


def _row_id(notice: Notice, boundary: Boundary) -> str:
    """The id of what is told to somebody of a boundary, as long as it is on this day."""
    named = (notice.kind, notice.account_id or "", *notice.about.values(), clock.stamp(boundary.at))
    return ids.derived_id("out", hashlib.sha256("\x1f".join(named).encode()).digest())


def tell_now(row: OutboxRow) -> None:
    """Ask anew for what a row has waited for, so that it stands among the news of this day; or for nothing any more."""
    notice = row.notice()
    try:
        with transaction() as tx:
            is_true = is_due(notice.account_id or "", notice.about, waited_until=row.not_before)
            outbox.settle_in(tx, row, OutboxStatus.DONE if is_true else OutboxStatus.DROPPED)
            if is_true:
                outbox.post(tx, notice)
    except Conflict:
        # Another worker was faster.
        observability.event("notice.addressed_before", notice_id=row.pk, account_id=notice.account_id)


def is_due(account_id: str, about: dict[str, str], *, waited_until: str | None = None) -> bool:
    """Whether a boundary is still ahead, but not far, and somebody's rights still change with it.

    It may have moved, because the clinic has corrected the birth date: then what has waited until another day is told
    by another row.
    """
    patient = patients.find(about[_CHILD])
    if patient is None or patient.merged_into or not _is_concerned(account_id, patient.pk):
        return False
    until = clock.now() + AHEAD
    found = [one for one in _ahead(patient) if one.age == int(about["age"]) and one.at <= until]
    return any(waited_until in {None, clock.stamp(one.told_at)} for one in found)


def _is_concerned(account_id: str, patient_id: str) -> bool:
    """Whether an account is a parent's, or that of a patient who has parents to act for them."""
    parents = [grant for grant in caregivers.find_grants(patient_id) if grant.relation in PARENTAL]
    return account_id in {grant.account_id for grant in parents} or (
        bool(parents) and accounts.find_patient_account_id(patient_id) == account_id
    )


def _ahead(patient: Patient) -> list[Boundary]:
    return boundaries.ahead(patient.birth_date, clock.now(), settings().clinic_zone)
