"""The outbox: which notice, to whom, about which ids.

Written in the change's transaction; its stream starts the delivery.
"""

import json
import zlib
from datetime import datetime
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import UpdateError
from pynamodb.expressions.update import Action
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib import clock, ids
from chalicelib.domain.notices import Notice, NoticeKind, OutboxStatus, Topic
from chalicelib.models.base import AreaMeta, Row, storage_errors
from chalicelib.models.transaction import Transaction

SHARDS = 8
"""Over how many partitions of the index the pending rows are spread."""

_KEPT_DAYS = 400
# How many rows of a shard one sweep takes up.
_SWEPT = 500


class PendingIndex(GlobalSecondaryIndex["OutboxRow"]):  # type: ignore[no-untyped-call]  # PynamoDB leaves it untyped.
    """Rows that are not delivered yet; a delivered row leaves the index."""

    class Meta:
        index_name = "pending"
        projection = KeysOnlyProjection()

    pending_shard = UnicodeAttribute(hash_key=True)
    created_at = UnicodeAttribute(range_key=True)


class OutboxRow(Row, discriminator="outbox"):
    """One thing to do after a change, and whether it is done; partition key is its id."""

    class Meta(metaclass=AreaMeta):
        area = "outbox"

    ttl = NumberAttribute(null=True)
    topic = UnicodeAttribute()
    notice_kind = UnicodeAttribute(null=True)
    account_id = UnicodeAttribute(null=True)
    about = UnicodeAttribute()
    status = UnicodeAttribute()
    created_at = UnicodeAttribute()
    settled_at = UnicodeAttribute(null=True)
    pending_shard = UnicodeAttribute(null=True)
    pending = PendingIndex()

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
        pending_shard=str(zlib.crc32(row_id.encode()) % SHARDS),
        ttl=clock.epoch(now) + _KEPT_DAYS * 86400,
        **columns,
    )
    tx.create(row, error=None)
    return row_id


def find(row_id: str) -> OutboxRow | None:
    """A row."""
    return OutboxRow.find(row_id, "outbox")


def settle(row: OutboxRow, status: OutboxStatus) -> None:
    """Note that a row is done or dropped. Delivery state is written alone; the first to settle wins."""
    actions: list[Action] = [
        OutboxRow.status.set(status),
        OutboxRow.settled_at.set(clock.stamp(clock.now())),
        OutboxRow.pending_shard.remove(),
    ]
    try:
        row.update(actions, condition=OutboxRow.status == OutboxStatus.PENDING)
    except UpdateError as refused:
        if refused.cause_response_code != "ConditionalCheckFailedException":
            with storage_errors():
                raise


def find_undone(before: datetime) -> list[tuple[str, Topic]]:
    """The ids and topics of the rows that have been pending since before a moment, oldest first in each shard."""
    with storage_errors():
        keys = [
            row.key
            for shard in range(SHARDS)
            for row in OutboxRow.pending.query(str(shard), OutboxRow.created_at < clock.stamp(before), limit=_SWEPT)
        ]
    return [
        (row.pk, Topic(row.topic)) for row in OutboxRow.find_all(keys).values() if row.status == OutboxStatus.PENDING
    ]
