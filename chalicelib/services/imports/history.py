"""What a record was before this version of it: kept, so that the portal can say what has changed since a moment."""

import json
from datetime import timedelta

from chalicelib import clock
from chalicelib.domain.fhir import text
from chalicelib.domain.records.changes import differs, seen
from chalicelib.models import record_history
from chalicelib.models.patients import Held
from chalicelib.models.records import Record
from chalicelib.models.transaction import Transaction

_TICK = timedelta(milliseconds=1)


def next_stamp(before: Held | None) -> str:
    """The time of a change, later than the record's last one, whatever the clock of this machine says."""
    now = clock.stamp(clock.now())
    if not isinstance(before, Record) or before.last_change < now:
        return now
    return clock.stamp(clock.read_stamp(before.last_change) + _TICK)


def succeed(tx: Transaction, row: Record, before: Record, at: str) -> None:
    """Let a row take the place of an earlier one at a time. What people saw until then is kept where it differs."""
    row.changed_key = f"{at}#{row.record_id}"
    row.added_at = before.came_at
    row.earlier, row.shown_at = before.earlier, before.shown_since
    if _shows_another(row, before):
        record_history.put_was(tx, before, at)
        row.earlier, row.shown_at = json.dumps([*before.shown_until, at][-record_history.MOST_STAMPS :]), at


def leave(tx: Transaction, record: Record | None) -> None:
    """A record leaves its patient, who may have read it."""
    if record is not None:
        record_history.put_gone(tx, record, next_stamp(record))


def _shows_another(row: Record, before: Record) -> bool:
    if row.is_sensitive != before.is_sensitive:
        return True
    views = (seen(text.parse(one.view), one.last_updated) for one in (before, row))
    return differs(*views)
