"""Idempotency rows: put by the change's own transaction, so that a change and the memory of it cannot part."""

import json
from datetime import timedelta

from pynamodb.attributes import UnicodeAttribute

from chalicelib import clock
from chalicelib.errors import IdempotencyKeyReused
from chalicelib.models.accounts import AccountsTable
from chalicelib.models.base import Key, RawItem
from chalicelib.models.transaction import Precedence, Transaction

KEPT = timedelta(hours=24)


class Served(AccountsTable, discriminator="served"):
    """A request that succeeded: the hash of its body, and the ids that its answer is rendered from."""

    request_hash = UnicodeAttribute()
    ids = UnicodeAttribute()
    expires_at = UnicodeAttribute()

    def replayed_ids(self, request_hash: str) -> dict[str, str] | None:
        """The ids to answer again, or None where the row is older than it is kept.

        Raises IdempotencyKeyReused for another body.
        """
        if clock.stamp(clock.now()) >= self.expires_at:
            return None
        if self.request_hash != request_hash:
            raise IdempotencyKeyReused
        found: dict[str, str] = json.loads(self.ids)
        return found


def key(row_id: str) -> Key:
    """Where a request is remembered."""
    return f"once#{row_id}", "served"


def remember(tx: Transaction, row_id: str, request_hash: str, answer_ids: dict[str, str]) -> None:
    """Remember a request in its change's transaction; a row that is already there wins over every other refusal."""
    now = clock.now()
    row = Served(
        *key(row_id),
        request_hash=request_hash,
        ids=json.dumps(answer_ids),
        expires_at=clock.stamp(now + KEPT),
        ttl=clock.epoch(now + KEPT),
    )
    fresh = Served.pk.does_not_exist() | (Served.expires_at <= clock.stamp(now))
    tx.put(row, condition=fresh, precedence=Precedence.REPLAY, return_old=True)


def of_item(item: RawItem) -> Served:
    """The row out of a cancelled transaction's answer."""
    return Served.from_raw_data(item)
