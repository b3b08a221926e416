"""The outbox: which notice, to whom, about which ids.

Written in the change's transaction; its stream starts the delivery.
"""

import json
import zlib
from datetime import timedelta
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib import clock, ids
from chalicelib.domain.notices import Notice, NoticeKind, OutboxStatus, Topic
from chalicelib.models.base import AreaMeta, Key, Row, connection, storage_errors
from chalicelib.models.transaction import Transaction

SHARDS = 8
"""Over how many partitions of the index the pending rows are spread."""

OVERDUE = timedelta(minutes=2)
"""How long a row may be pending until the schedule takes it up; the pause doubles with each time, up to an hour."""

CLAIMED = timedelta(seconds=90)
"""How long a worker has a row for itself: longer than its function may run."""

# The sparse index of rows that are not delivered yet, by when the schedule takes them up.
_PENDING = "pending"
_LONGEST_PAUSE = timedelta(hours=1)
_KEPT_DAYS = 400
# How many rows of a shard one sweep takes up.
_SWEPT = 250


class OutboxRow(Row, discriminator="outbox"):
    """One thing to do after a change, and whether it is done; partition key is its id.

    A delivered row loses its `pending_shard`, and with it its place in the index.
    """

    class Meta(metaclass=AreaMeta):
        area = "outbox"

    ttl = NumberAttribute(null=True)
    topic = UnicodeAttribute()
    notice_kind = UnicodeAttribute(null=True)
    account_id = UnicodeAttribute(null=True)
    about = UnicodeAttribute()
    status = UnicodeAttribute()
    created_at = UnicodeAttribute()
    due_at = UnicodeAttribute()
    sweeps = NumberAttribute(default=0)
    claimed_until = UnicodeAttribute(null=True)
    settled_at = UnicodeAttribute(null=True)
    pending_shard = UnicodeAttribute(null=True)

    def notice(self) -> Notice:
        """What the row asks to tell."""
        return Notice(NoticeKind(self.notice_kind or ""), self.account_id or "", self.ids())

    def ids(self) -> dict[str, str]:
        """The ids that the row is about."""
        found: dict[str, str] = json.loads(self.about)
        return found


def post(tx: Transaction, notice: Notice) -> str:
    """Put a notice into the change's transaction; returns its id."""
    return _put(tx, Topic.EMAIL, notice.about, notice_kind=notice.kind, account_id=notice.account_id)


def post_reference(tx: Transaction, digest: str) -> str:
    """Ask, in the change's transaction, that the records waiting for a reference are brought up to date."""
    return _put(tx, Topic.REFERENCES, {"reference": digest})


def _put(tx: Transaction, topic: Topic, about: dict[str, str], **columns: Any) -> str:
    row_id, now = ids.new_id("out"), clock.now()
    row = OutboxRow(
        row_id,
        "outbox",
        topic=topic,
        about=json.dumps(about),
        status=OutboxStatus.PENDING,
        created_at=clock.stamp(now),
        due_at=clock.stamp(now + OVERDUE),
        pending_shard=str(zlib.crc32(row_id.encode()) % SHARDS),
        ttl=clock.epoch(now) + _KEPT_DAYS * 86400,
        **columns,
    )
    tx.create(row, error=None)
    return row_id


def find(row_id: str) -> OutboxRow | None:
    """A row."""
    return OutboxRow.find(row_id, "outbox")


def claim(row: OutboxRow) -> bool:
    """Take a pending row for this worker alone, so that a message that came twice is not sent twice at once.

    False where another worker has it, or it is settled. Delivery state is written alone.
    """
    now = clock.now()
    free = OutboxRow.claimed_until.does_not_exist() | (OutboxRow.claimed_until <= clock.stamp(now))
    return _update(row, [OutboxRow.claimed_until.set(clock.stamp(now + CLAIMED))], free)


def release(row: OutboxRow) -> None:
    """Give a claimed row back, undone."""
    _update(row, [OutboxRow.claimed_until.remove()])


def settle(row: OutboxRow, status: OutboxStatus) -> None:
    """Note that a row is done or dropped; the first to settle wins."""
    settled_at = OutboxRow.settled_at.set(clock.stamp(clock.now()))
    _update(row, [OutboxRow.status.set(status), settled_at, OutboxRow.pending_shard.remove()])


def postpone(row: OutboxRow) -> None:
    """The row is on its queue again: the schedule waits twice as long before it takes it up the next time."""
    pause = min(OVERDUE * 2 ** (int(row.sweeps) + 1), _LONGEST_PAUSE)
    _update(row, [OutboxRow.due_at.set(clock.stamp(clock.now() + pause)), OutboxRow.sweeps.set(row.sweeps + 1)])


def _update(row: OutboxRow, actions: list[Action], condition: Condition | None = None) -> bool:
    """Change a row that is still pending. False where it is not, or the condition failed."""
    pending = OutboxRow.status == OutboxStatus.PENDING
    with storage_errors():
        try:
            row.update(actions, condition=pending if condition is None else pending & condition)
        except UpdateError as refused:
            if refused.cause_response_code == "ConditionalCheckFailedException":
                return False
            raise
    return True


def find_due() -> list[OutboxRow]:
    """The rows that the schedule has to take up now, the most overdue first in each shard."""
    now = clock.stamp(clock.now())
    with storage_errors():
        keys = [key for shard in range(SHARDS) for key in _due_keys(shard, now)]
    rows = OutboxRow.find_all(keys)
    return [rows[key] for key in keys if key in rows and rows[key].status == OutboxStatus.PENDING]


def _due_keys(shard: int, now: str) -> list[Key]:
    # PynamoDB's own query asks for the kind of row too, which an index of keys alone does not have.
    request = {
        "TableName": OutboxRow.Meta.table_name,
        "IndexName": _PENDING,
        "KeyConditionExpression": "pending_shard = :shard AND due_at <= :now",
        "ExpressionAttributeValues": {":shard": {"S": str(shard)}, ":now": {"S": now}},
        "Limit": _SWEPT,
    }
    return [(item["pk"]["S"], item["sk"]["S"]) for item in connection().dispatch("Query", request)["Items"]]
