"""The outbox: what is to be told, to whom, through what, about which ids.

A change posts one row in its transaction; whoever works it posts a row for each message. The stream starts the work.
"""

import json
import random
import zlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib import clock, ids
from chalicelib.domain.deliveries import Delivery
from chalicelib.domain.events import ClinicEvent
from chalicelib.domain.notices import Notice, NoticeKind, OutboxStatus, Topic
from chalicelib.errors import Conflict
from chalicelib.models.base import AreaMeta, Key, Row, connection, storage_errors
from chalicelib.models.transaction import Transaction

SHARDS = 8
"""Over how many partitions of the index the pending rows are spread."""

OVERDUE = timedelta(minutes=2)
"""How long a row may be pending until the schedule takes it up; the pause doubles with each time, up to an hour."""

CLAIMED = timedelta(seconds=90)
"""How long a worker has a row for itself: longer than its function may run, unless it says that it still works."""

# The sparse index of rows that are not delivered yet, by when the schedule takes them up.
_PENDING = "pending"
_LONGEST_PAUSE = timedelta(hours=1)
# What a channel could not take is tried again after this, then after twice as long, up to a quarter of an hour: when
# the channel is back, nobody waits longer.
_FIRST_RETRY, _LONGEST_RETRY = timedelta(seconds=15), timedelta(minutes=15)
_KEPT_DAYS = 400
# How many rows of a shard one round of a sweep takes up: few enough for its time-out to be seen between rounds.
_SWEPT = 40


class OutboxRow(Row, discriminator="outbox"):
    """One thing to do after a change, and whether it is done; partition key is its id.

    A delivered row loses its `pending_shard`, and with it its place in the index.
    """

    class Meta(metaclass=AreaMeta):
        area = "outbox"

    ttl = NumberAttribute(null=True)
    topic = UnicodeAttribute()
    notice_kind = UnicodeAttribute(null=True)
    notice_id = UnicodeAttribute(null=True)
    account_id = UnicodeAttribute(null=True)
    patient_id = UnicodeAttribute(null=True)
    address = UnicodeAttribute(null=True)
    about = UnicodeAttribute()
    status = UnicodeAttribute()
    created_at = UnicodeAttribute()
    due_at = UnicodeAttribute()
    not_before = UnicodeAttribute(null=True)
    attempts = NumberAttribute(default=0)
    sweeps = NumberAttribute(default=0)
    claimed_until = UnicodeAttribute(null=True)
    settled_at = UnicodeAttribute(null=True)
    pending_shard = UnicodeAttribute(null=True)

    def notice(self) -> Notice:
        """What the row asks to tell."""
        kind = NoticeKind(self.notice_kind or "")
        return Notice(kind, self.account_id, self.ids(), self.patient_id, stranger=self.address)

    def ids(self) -> dict[str, str]:
        """The ids that the row is about."""
        found: dict[str, str] = json.loads(self.about)
        return found


def post(tx: Transaction, notice: Notice) -> str:
    """Put a notice into the change's transaction; returns the row's id."""
    return _post(
        tx,
        Topic.NOTICES,
        notice.about,
        notice_kind=notice.kind,
        account_id=notice.account_id,
        patient_id=notice.patient_id,
        address=notice.stranger,
    )


def post_later(tx: Transaction, row_id: str, notice: Notice, at: datetime) -> None:
    """Put a notice into a transaction that nobody is to be told of before a time.

    Its id is derived: another of the same is a Conflict, unless that one was not true when its time came.
    """
    told = {"notice_kind": notice.kind, "account_id": notice.account_id, "patient_id": notice.patient_id}
    was_dropped: Condition = OutboxRow.status == OutboxStatus.DROPPED
    _put(tx, row_id, Topic.NOTICES, notice.about, not_before=at, or_where=was_dropped, **told)


def post_event(tx: Transaction, event: ClinicEvent) -> str:
    """Tell the clinic's systems of a change, in its transaction; returns the row's id."""
    return _post(tx, Topic.EVENTS, {"type": event.type, **event.about}, patient_id=event.patient_id)


def post_reference(tx: Transaction, digest: str) -> str:
    """Ask, in the change's transaction, that the records waiting for a reference are brought up to date."""
    return _post(tx, Topic.REFERENCES, {"reference": digest})


def post_export(
    tx: Transaction, account_id: str, export_id: str, *, subject: str, remove_at: datetime | None = None
) -> str:
    """Have an export built, or, where `remove_at` is given, removed at that time; returns the row's id."""
    about = {"export_id": export_id, "subject": subject}
    return _post(tx, Topic.EXPORTS, about, not_before=remove_at, account_id=account_id)


def post_purge(tx: Transaction, account_id: str, closing_id: str, at: datetime) -> str:
    """Have what is kept of a closed account removed at a time; returns the row's id."""
    return _post(tx, Topic.PURGES, {"closing_id": closing_id}, not_before=at, account_id=account_id)


def post_merge_purge(tx: Transaction, account_id: str, merge_id: str, at: datetime) -> str:
    """Have what is kept of an account that a merge closed removed at a time; returns the row's id."""
    return _post(tx, Topic.PURGES, {"merge_id": merge_id}, not_before=at, account_id=account_id)


def post_upload(tx: Transaction, upload_id: str, *, at: datetime | None = None) -> str:
    """Have somebody see to a file that was sent, now or at a time; returns the row's id."""
    return _post(tx, Topic.UPLOADS, {"upload_id": upload_id}, not_before=at)


def post_reading(tx: Transaction, patient_id: str, reading_id: str) -> str:
    """Have a picture read; returns the row's id."""
    return _post(tx, Topic.PICTURES, {"reading_id": reading_id}, patient_id=patient_id)


def post_webhook(tx: Transaction, row_id: str, about: dict[str, str]) -> None:
    """Put a message to a clinic's system into a transaction that has a row for each once only."""
    _put(tx, row_id, Topic.WEBHOOKS, about)


def post_delivery(tx: Transaction, delivery: Delivery, not_before: datetime | None = None) -> None:
    """Put one message of a notice into a transaction. Its id is derived: another of the same is a Conflict."""
    _put(
        tx,
        delivery.row_id,
        Topic(delivery.address.channel),
        delivery.about,
        not_before=not_before,
        notice_kind=delivery.kind,
        notice_id=delivery.notice_id,
        account_id=delivery.account_id,
        patient_id=delivery.patient_id,
        address=delivery.address.ref,
    )


def _post(tx: Transaction, topic: Topic, about: dict[str, str], **columns: Any) -> str:
    row_id = ids.new_id("out")
    _put(tx, row_id, topic, about, **columns)
    return row_id


def _put(
    tx: Transaction,
    row_id: str,
    topic: Topic,
    about: dict[str, str],
    not_before: datetime | None = None,
    or_where: Condition | None = None,
    **columns: Any,
) -> None:
    now = clock.now()
    row = OutboxRow(
        row_id,
        "outbox",
        topic=topic,
        about=json.dumps(about),
        status=OutboxStatus.PENDING,
        created_at=clock.stamp(now),
        due_at=clock.stamp(not_before or now + OVERDUE),
        not_before=clock.stamp(not_before) if not_before else None,
        pending_shard=str(zlib.crc32(row_id.encode()) % SHARDS),
        ttl=clock.epoch(not_before or now) + _KEPT_DAYS * 86400,
        **columns,
    )
    tx.create(row, error=Conflict(), or_where=or_where)


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


def keep_claim(row: OutboxRow) -> bool:
    """Have a row for oneself for longer. False where another worker has it by now, or it is settled."""
    mine: Condition = OutboxRow.claimed_until == row.claimed_until
    return _update(row, [OutboxRow.claimed_until.set(clock.stamp(clock.now() + CLAIMED))], mine)


def release(row: OutboxRow) -> None:
    """Give a claimed row back, undone."""
    _update(row, [OutboxRow.claimed_until.remove()])


def settle(row: OutboxRow, status: OutboxStatus) -> None:
    """Note that a row is done or dropped; the first to settle wins."""
    _update(row, _settled(status))


def settle_in(tx: Transaction, row: OutboxRow, status: OutboxStatus) -> None:
    """Settle a row together with what follows from it. Another who settled it first is a Conflict."""
    tx.update(row, _settled(status), condition=OutboxRow.status == OutboxStatus.PENDING, error=Conflict())


def _settled(status: OutboxStatus) -> list[Action]:
    settled_at = OutboxRow.settled_at.set(clock.stamp(clock.now()))
    return [OutboxRow.status.set(status), settled_at, OutboxRow.pending_shard.remove()]


def retry_later(row: OutboxRow, pause: timedelta | None = None) -> None:
    """A try failed that may succeed later: the schedule takes the row up after a pause.

    Without a pause of the caller's own it doubles with each try, with a fifth of jitter either way.
    """
    doubled = min(_FIRST_RETRY * 2 ** int(row.attempts), _LONGEST_RETRY)
    wait = pause or doubled * random.uniform(0.8, 1.2)  # noqa: S311  It spreads load, it keeps no secret.
    due_at = OutboxRow.due_at.set(clock.stamp(clock.now() + wait))
    _update(row, [due_at, OutboxRow.attempts.set(row.attempts + 1), OutboxRow.claimed_until.remove()])


def hold(row: OutboxRow, until: datetime) -> None:
    """Give a claimed row back until a time before which it must not be sent."""
    at = clock.stamp(until)
    _update(row, [OutboxRow.due_at.set(at), OutboxRow.not_before.set(at), OutboxRow.claimed_until.remove()])


def postpone(row: OutboxRow, *, is_queued: bool) -> None:
    """The schedule has taken a row up: once it is queued, it waits twice as long as before until the next time.

    What could not be queued makes room for the rows behind it as well. A worker who was faster has said when.
    """
    pause = min(OVERDUE * 2 ** (int(row.sweeps) + 1), _LONGEST_PAUSE) if is_queued else OVERDUE
    actions = [OutboxRow.due_at.set(clock.stamp(clock.now() + pause)), OutboxRow.sweeps.set(row.sweeps + is_queued)]
    _update(row, actions, OutboxRow.due_at == row.due_at)


def _update(row: OutboxRow, actions: Sequence[Action], condition: Condition | None = None) -> bool:
    """Change a row that is still pending. False where it is not, or the condition failed."""
    pending = OutboxRow.status == OutboxStatus.PENDING
    with storage_errors():
        try:
            row.update(list(actions), condition=pending if condition is None else pending & condition)
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
