"""The way back to the clinic's own systems: what happened, in one order that a poller follows without missing any."""

import random
import time
from dataclasses import dataclass

from chalicelib.domain.access import Actor
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.events import EventRow, event_id
from chalicelib.domain.notices import OutboxStatus
from chalicelib.errors import Conflict, EventsExpired, FieldError, Invalid, Unavailable
from chalicelib.models import audit, events, outbox, webhooks
from chalicelib.models.events import LoggedEvent
from chalicelib.models.outbox import OutboxRow
from chalicelib.models.transaction import transaction
from chalicelib.services import webhook_delivery

# As many writers as Lambda ever runs of the function at once each lose a few times.
_TRIES = 30


@dataclass(frozen=True, slots=True)
class Page:
    """Events as JSON text each, in their order, and the place of the last one where there are more."""

    views: list[str]
    after: int | None


def record(row_id: str) -> None:
    """Give the event of an outbox row its place in the log, and put it on its way to every webhook that wants it.

    Doing it again changes nothing. Raises Unavailable where others were faster over and over.
    """
    for attempt in range(_TRIES):
        row = outbox.find(row_id)
        if row is None or row.status != OutboxStatus.PENDING:
            return
        try:
            _record(row)
        except Conflict:
            # Another worker had the place, or this very row: which of them, the row says.
            time.sleep(random.uniform(0, 0.005 * (attempt + 1)))  # noqa: S311  It spreads load, it keeps no secret.
        else:
            return
    raise Unavailable


def _record(row: OutboxRow) -> None:
    last = events.find_last_place()
    about = row.ids()
    view = EventRow(
        event_id=event_id(last.position + 1),
        type=about.pop("type"),
        occurred_at=row.created_at,
        patient_id=row.patient_id,
        about=about,
    )
    wanting = [webhook for webhook in webhooks.find_all() if webhook.wants(view["type"])]
    with transaction() as tx:
        outbox.settle_in(tx, row, OutboxStatus.DONE)
        event = events.append(tx, last, view)
        for webhook in wanting:
            webhook_delivery.start(tx, webhook.webhook_id, event, None)


def find_page(actor: Actor, *, limit: int, after: int | None) -> Page:
    """A page of the log behind a place, or from its beginning; whose events they are is audited before it is answered.

    Raises EventsExpired where the next event is kept no longer, Invalid where there is no such place.
    """
    rows = _first_rows(limit + 1) if after is None else _rows_after(after, limit + 1, "?after")
    page = rows[:limit]
    _audit(actor, page)
    return Page([row.view for row in page], page[-1].position if len(rows) > limit else None)


def check_place(position: int, pointer: str) -> None:
    """Whether the log can be read on behind a place, which `pointer` gave. Raises EventsExpired, Invalid."""
    _rows_after(position, 1, pointer)


def _first_rows(limit: int) -> list[LoggedEvent]:
    rows = events.find_first(limit)
    return _without_gap(rows, rows[0].position - 1) if rows else []


def _rows_after(after: int, limit: int, pointer: str) -> list[LoggedEvent]:
    rows = _without_gap(events.find_after(after, limit), after)
    if rows and not rows[0].is_over:
        return rows
    last = events.find_last_place()
    if after > last.position:
        raise Invalid([FieldError(pointer, "event_unknown")])
    if after == last.position:
        return []
    # The counter was read first, so that an event which is not there now was there, and is over.
    first = events.find(after + 1)
    if first is None or first.is_over:
        raise EventsExpired
    return [first]


def _without_gap(rows: list[LoggedEvent], after: int) -> list[LoggedEvent]:
    """The rows up to the first that is missing: a query may not see all that was written while it ran."""
    return [row for place, row in enumerate(rows, after + 1) if row.position == place]


def _audit(actor: Actor, page: list[LoggedEvent]) -> None:
    """One entry for each patient, all in one transaction: at most as many as the page has events."""
    seen: dict[str | None, list[str]] = {}
    for row in page:
        seen.setdefault(row.patient_id, []).append(row.event_id)
    with transaction() as tx:
        for patient_id, event_ids in seen.items():
            about: dict[str, object] = {"event_ids": event_ids}
            audit.record(tx, Entry(actor, Action.EVENTS_READ, patient_id=patient_id, about=about))
