"""The log of what the clinic's systems are told: numbered without gaps, in the order in which it was recorded.

Transactions commit out of the order of their ids, so the worker gives each event its place, in one transaction with the
counter of places: whoever sees an event sees all that are before it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import orjson
from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib import clock, ids
from chalicelib.domain.events import KEPT, EventRow, event_id
from chalicelib.errors import Conflict
from chalicelib.models.accounts import AccountsTable
from chalicelib.models.base import storage_errors
from chalicelib.models.transaction import Transaction

LOG = "events"
"""The partition of all events: a log is read in one order, from wherever its reader was."""

_COUNT = "count"
_END = "evt_\uffff"
# Some hundred kilobytes: what expires is gone from the table within a day or two.
_READ_OVER_AT_ONCE = 500


class LoggedEvent(AccountsTable, discriminator="event"):
    """One event; sort key is its id. `view` is the JSON that is listed and sent."""

    type = UnicodeAttribute()
    patient_id = UnicodeAttribute(null=True)
    view = UnicodeAttribute()
    expires_at = UnicodeAttribute()

    @property
    def event_id(self) -> str:
        """Its id."""
        return self.sk

    @property
    def position(self) -> int:
        """Its place in the log, the first of which is 1."""
        return ids.number_of(self.sk)

    @property
    def is_over(self) -> bool:
        """Whether it can no longer be read, by the portal's clock."""
        return clock.stamp(clock.now()) >= self.expires_at


class EventCount(AccountsTable, discriminator="event_count"):
    """How many events were ever recorded, and when the last one was."""

    position = NumberAttribute(default=0)
    recorded_at = UnicodeAttribute(null=True)


@dataclass(frozen=True, slots=True)
class LastPlace:
    """The last place that was given away, and when."""

    position: int
    recorded_at: datetime | None


def find_last_place() -> LastPlace:
    """The last place of the log that is taken."""
    row = EventCount.find(LOG, _COUNT)
    if row is None:
        return LastPlace(0, None)
    return LastPlace(int(row.position), clock.read_stamp(row.recorded_at) if row.recorded_at else None)


def append(tx: Transaction, last: LastPlace, event: EventRow) -> LoggedEvent:
    """Put an event at the place after `last`, which its id says. Raises Conflict where another writer was faster."""
    # The clocks of workers differ by a little; what expires first must be what stands first.
    recorded_at = max(clock.now(), last.recorded_at or clock.now())
    expires_at = recorded_at + KEPT
    row = LoggedEvent(
        LOG,
        event["event_id"],
        type=event["type"],
        patient_id=event["patient_id"],
        view=orjson.dumps(event).decode(),
        expires_at=clock.stamp(expires_at),
        ttl=clock.epoch(expires_at),
    )
    unchanged = EventCount.position == last.position if last.position else EventCount.pk.does_not_exist()
    count = EventCount(LOG, _COUNT, position=last.position + 1, recorded_at=clock.stamp(recorded_at))
    tx.put(count, condition=unchanged, error=Conflict())
    tx.create(row, error=Conflict())
    return row


def find(position: int) -> LoggedEvent | None:
    """The event at a place, expired or not."""
    return LoggedEvent.find(LOG, event_id(position))


def find_many(event_ids: Iterable[str]) -> dict[str, LoggedEvent]:
    """These events by id, expired or not."""
    return {row.event_id: row for row in LoggedEvent.find_all([(LOG, one) for one in event_ids]).values()}


def find_after(position: int, limit: int) -> list[LoggedEvent]:
    """Up to `limit` events behind a place, in their order, expired ones too: one round trip."""
    later = LoggedEvent.sk.between(event_id(position + 1), _END)
    with storage_errors():
        return list(LoggedEvent.query(LOG, later, consistent_read=True, limit=limit))


def find_first(limit: int) -> list[LoggedEvent]:
    """The first events that are not expired. Expired ones are read over until the table's own expiry removes them."""
    with storage_errors():
        rows = LoggedEvent.query(
            LOG,
            LoggedEvent.sk.between("evt_", _END),
            filter_condition=LoggedEvent.expires_at > clock.stamp(clock.now()),
            consistent_read=True,
            limit=limit,
            page_size=_READ_OVER_AT_ONCE,
        )
        return list(rows)
