"""Asking for a correction of a record, and what the clinic's staff answer (45 CFR 164.526).

A request shows to whoever sees the record that it is about; one about no record shows to who sees the whole of it, and
to who asked. It lies in the file of its record, so that it goes with it where two files are parted again.
"""

from collections import defaultdict
from dataclasses import dataclass

from chalicelib import clock
from chalicelib.auth import limits
from chalicelib.auth.limits import Limit
from chalicelib.domain import amendments as rules
from chalicelib.domain.access import Actor, Reach, ReachKind
from chalicelib.domain.amendments import (
    AmendmentBy,
    AmendmentEvent,
    AmendmentStatus,
    AmendmentView,
    Answer,
    Correction,
)
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.events import ClinicEvent, ClinicEventType
from chalicelib.domain.notices import ASKED_BY, Notice, NoticeKind
from chalicelib.domain.records.sight import Sight, sight_of
from chalicelib.errors import Conflict, FieldError, Invalid, NotFound, OwnRequest
from chalicelib.models import amendments as storage
from chalicelib.models import audit, outbox
from chalicelib.models.amendments import Amendment
from chalicelib.models.base import together
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.services import clinic_patients, records
from chalicelib.services.clinic_patients import DeskPatient
from chalicelib.services.once import Once
from chalicelib.services.record_pages import Whose
from chalicelib.settings import settings

REQUESTS = Limit(tries=20, seconds=24 * 3600)
"""How often somebody may ask, for whomever."""

_READ_AT_ONCE = 100
_ENDS = {
    AmendmentStatus.APPROVED: (Action.AMENDMENT_APPROVE, ClinicEventType.AMENDMENT_APPROVED),
    AmendmentStatus.DENIED: (Action.AMENDMENT_DENY, ClinicEventType.AMENDMENT_DENIED),
    AmendmentStatus.WITHDRAWN: (Action.AMENDMENT_WITHDRAW, ClinicEventType.AMENDMENT_WITHDRAWN),
}


@dataclass(frozen=True, slots=True)
class Page:
    """A page of requests, and the id that the next one comes after, if there are more."""

    items: list[AmendmentView]
    after: str | None


def ask(actor: Actor, reach: Reach, wanted: Correction, once: Once) -> AmendmentView:
    """Ask for a correction.

    Raises Invalid for a record that the caller does not see, TooManyRequests, and Conflict where they asked twice at
    the same moment.
    """
    # What is read together is one round trip.
    (replayed, windows), owner = together(
        lambda: once.find_or_room({f"amendments:{actor.id}": REQUESTS}),
        lambda: _file_of(reach, wanted.record_id),
    )
    if replayed is not None:
        return _view(_find(reach.patient_ids, replayed["amendment_id"]))
    if owner is None:
        raise Invalid([FieldError("/record_id", "record_unknown")])
    made: list[Amendment] = []

    def change(tx: Transaction) -> dict[str, str]:
        for window in windows:
            limits.spend_in(tx, window, error=Conflict())
        row = storage.create(tx, owner, actor.id, _by(reach), wanted)
        made.append(row)
        _note(tx, actor, row, Action.AMENDMENT_ASK, ClinicEventType.AMENDMENT_ASKED)
        return {"amendment_id": row.amendment_id}

    served = once.commit(change)
    (row,) = made
    is_mine = served["amendment_id"] == row.amendment_id
    return _view(row if is_mine else _find(reach.patient_ids, served["amendment_id"]))


def _file_of(reach: Reach, record_id: str | None) -> str | None:
    """In whose file a request belongs; None where it is about a record that is not there for the caller."""
    if record_id is None:
        return reach.patient_id
    return records.find_owner(reach.patient_ids, record_id, sight_of(reach))


def find_page(actor: Actor, reach: Reach, *, limit: int, before: str | None) -> Page:
    """Requests about a patient's record that the caller may see, the newest first, older than the id `before`."""
    sight, found = sight_of(reach), list[Amendment]()
    while True:
        rows = storage.find_page(reach.patient_ids, _READ_AT_ONCE, before)
        found += _shown(actor, reach.patient_ids, rows, sight)
        if len(found) > limit or len(rows) < _READ_AT_ONCE:
            break
        before = rows[-1].amendment_id
    items = [_view(row) for row in found[:limit]]
    return Page(items, items[-1].amendment_id if len(found) > limit else None)


def find_all_of(actor: Actor) -> list[AmendmentView]:
    """Every request that the caller has made, for whomever, the newest first."""
    return [_view(row) for row in storage.find_all_of(actor.id)]


def find_waiting(patient_ids: tuple[str, ...]) -> list[AmendmentView]:
    """Those of the newest requests about a patient's record that nobody has decided yet: one round trip."""
    rows = storage.find_page(patient_ids, _READ_AT_ONCE, None)
    return [_view(row) for row in rows if row.status == AmendmentStatus.WAITING]


def find(actor: Actor, reach: Reach, amendment_id: str) -> AmendmentView:
    """One request. Raises NotFound, also for one that the caller may not see."""
    return _view(_find_shown(actor, reach, amendment_id))


def withdraw(actor: Actor, reach: Reach, amendment_id: str) -> None:
    """Take a request back while it waits; again changes nothing. Raises NotFound, and Conflict once it is decided."""
    row = _find_shown(actor, reach, amendment_id)
    if row.status == AmendmentStatus.WITHDRAWN:
        return
    _end(actor, row, AmendmentStatus.WITHDRAWN, _by(reach), Answer())


def find_all(limit: int, after: str | None) -> list[tuple[str, AmendmentView, DeskPatient]]:
    """At most `limit` requests as staff see them, each with its place in the list and its patient: what waits first."""
    return [
        (place, _view(row), clinic_patients.view(patient)) for place, row, patient in storage.find_all(limit, after)
    ]


def note_looks(actor: Actor, shown: list[AmendmentView]) -> None:
    """Write down, before they are shown, whose requests somebody of the clinic read."""
    of_patients = defaultdict[str, list[str]](list)
    for one in shown:
        of_patients[one.patient_id].append(one.amendment_id)
    with transaction() as tx:
        for patient_id, amendment_ids in of_patients.items():
            about: dict[str, object] = {"amendment_ids": amendment_ids, "by": ReachKind.STAFF}
            audit.record(tx, Entry(actor, Action.AMENDMENT_READ, patient_id=patient_id, about=about))


def decide(actor: Actor, amendment_id: str, status: AmendmentStatus, answer: Answer) -> AmendmentView:
    """Grant a request or turn it down; the patient and whoever asked are told.

    Raises NotFound, Conflict for one that is over, and OwnRequest for the caller's own, or one about their own record.
    """
    row = storage.find_listed(amendment_id)
    if row is None:
        raise NotFound
    if actor.id == row.account_id or row.pk in {actor.patient_id, *actor.joined}:
        raise OwnRequest
    return _view(_end(actor, row, status, AmendmentBy.CLINIC, answer))


def _end(actor: Actor, row: Amendment, status: AmendmentStatus, by: AmendmentBy, answer: Answer) -> Amendment:
    if row.status != AmendmentStatus.WAITING:
        raise Conflict
    with transaction() as tx:
        ended = storage.end(tx, row, status, by, answer)
        _note(tx, actor, row, *_ENDS[status])
        if by is AmendmentBy.CLINIC:
            about = {**_ids(row), ASKED_BY: row.account_id}
            outbox.post(tx, Notice(NoticeKind.AMENDMENT_DECIDED, about=about, patient_id=row.pk))
    return ended


def _note(tx: Transaction, actor: Actor, row: Amendment, action: Action, event: ClinicEventType) -> None:
    """Write a step down in the patient's history, and tell the clinic's systems."""
    about: dict[str, object] = {**_ids(row)}
    audit.record(tx, Entry(actor, action, patient_id=row.pk, about=about))
    outbox.post_event(tx, ClinicEvent(event, row.pk, _ids(row)))


def _ids(row: Amendment) -> dict[str, str]:
    return {"amendment_id": row.amendment_id, **({"record_id": row.record_id} if row.record_id else {})}


def _find(whose: Whose, amendment_id: str) -> Amendment:
    row = storage.find(whose, amendment_id)
    if row is None:
        raise NotFound
    return row


def _find_shown(actor: Actor, reach: Reach, amendment_id: str) -> Amendment:
    row = _find(reach.patient_ids, amendment_id)
    if not _shown(actor, reach.patient_ids, [row], sight_of(reach)):
        raise NotFound
    return row


def _shown(actor: Actor, whose: Whose, rows: list[Amendment], sight: Sight) -> list[Amendment]:
    """Those of some requests that the caller may see: their text may say what their record does."""
    if sight.is_full:
        return rows
    named = records.shown_among(whose, {row.record_id for row in rows if row.record_id}, sight)
    return [row for row in rows if (row.record_id in named if row.record_id else row.account_id == actor.id)]


def _by(reach: Reach) -> AmendmentBy:
    return AmendmentBy.PATIENT if reach.by is ReachKind.SELF else AmendmentBy.CAREGIVER


def _view(row: Amendment) -> AmendmentView:
    asked_at = clock.read_stamp(row.created_at)
    events = [AmendmentEvent(asked_at, AmendmentStatus.WAITING, AmendmentBy(row.asked_by))]
    if row.ended_at and row.ended_by:
        end = AmendmentEvent(clock.read_stamp(row.ended_at), AmendmentStatus(row.status), AmendmentBy(row.ended_by))
        events.append(end)
    return AmendmentView(
        amendment_id=row.amendment_id,
        patient_id=row.pk,
        account_id=row.account_id,
        correction=Correction(row.record_id, row.reason, row.correction),
        status=AmendmentStatus(row.status),
        expected_by=rules.expected_by(asked_at, settings().clinic_zone),
        answer=Answer(row.answer, row.note),
        events=tuple(events),
    )
