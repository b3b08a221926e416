"""Telling parents, and the patient, of the birthday at which the parents' rights change, 30 days before.

The notices are posted when the clinic gives the rights, and wait in the outbox until they are due; what is no longer
true then is not told.
"""

from chalicelib import clock, observability
from chalicelib.domain import boundaries
from chalicelib.domain.boundaries import AHEAD, Boundary
from chalicelib.domain.caregivers import AGE_BANDS, PARENTAL, Grant
from chalicelib.domain.notices import Notice, NoticeKind, OutboxStatus
from chalicelib.errors import Conflict
from chalicelib.models import accounts, caregivers, outbox, patients
from chalicelib.models.outbox import OutboxRow
from chalicelib.models.patients import Patient
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.settings import settings

_ENDS_AT = next(band.since for band in AGE_BANDS if band.ends)


def post(tx: Transaction, patient: Patient, grant: Grant, patient_account_id: str | None) -> None:
    """Have a parent told of each boundary ahead, and of the last one the patient, if they have an account."""
    if grant.relation not in PARENTAL:
        return
    for boundary in _ahead(patient):
        about = {"boundary_patient_id": patient.pk, "age": str(boundary.age)}
        outbox.post_later(tx, Notice(NoticeKind.AGE_BOUNDARY, grant.account_id, about), boundary.told_at)
        if boundary.age == _ENDS_AT and patient_account_id:
            own = Notice(NoticeKind.COMING_OF_AGE, patient_account_id, about)
            outbox.post_later(tx, own, boundary.told_at)


def tell_now(row: OutboxRow) -> None:
    """Ask anew for what a row has waited for, so that it stands among the news of this day; or for nothing any more."""
    notice = row.notice()
    try:
        with transaction() as tx:
            is_true = is_due(notice.account_id or "", notice.about)
            outbox.settle_in(tx, row, OutboxStatus.DONE if is_true else OutboxStatus.DROPPED)
            if is_true:
                outbox.post(tx, notice)
    except Conflict:
        # Another worker was faster.
        observability.event("notice.addressed_before", notice_id=row.pk, account_id=notice.account_id)


def is_due(account_id: str, about: dict[str, str]) -> bool:
    """Whether a boundary is still ahead, but not far, and somebody's rights still change with it.

    It may have moved, because the clinic has corrected the birth date.
    """
    patient = patients.find(about["boundary_patient_id"])
    if patient is None or not _is_concerned(account_id, patient.pk):
        return False
    until = clock.now() + AHEAD
    return any(one.age == int(about["age"]) and one.at <= until for one in _ahead(patient))


def _is_concerned(account_id: str, patient_id: str) -> bool:
    """Whether an account is a parent's, or that of a patient who has parents to act for them."""
    parents = [grant for grant in caregivers.find_grants(patient_id) if grant.relation in PARENTAL]
    return account_id in {grant.account_id for grant in parents} or (
        bool(parents) and accounts.find_patient_account_id(patient_id) == account_id
    )


def _ahead(patient: Patient) -> list[Boundary]:
    return boundaries.ahead(patient.birth_date, clock.now(), settings().clinic_zone)
