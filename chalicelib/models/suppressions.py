"""Suppressed addresses in the accounts table, each under a keyed hash: no address stands here."""

from collections.abc import Iterable

from pynamodb.attributes import UnicodeAttribute
from pynamodb.expressions.condition import Condition

from chalicelib import clock
from chalicelib.domain.notices import Channel
from chalicelib.domain.suppressions import Reason, Suppression
from chalicelib.errors import Conflict
from chalicelib.models.accounts import AccountsTable
from chalicelib.models.base import Key
from chalicelib.models.transaction import Transaction

_SK = "suppression"


class SuppressionRow(AccountsTable, discriminator="suppression"):
    """What is known of one address; partition key `suppressed#<channel>#<keyed hash of the address>`.

    A restored address keeps its row, without a reason: `changed_at` tells what came before it from what came after.
    """

    reason = UnicodeAttribute(null=True)
    since = UnicodeAttribute(null=True)
    changed_at = UnicodeAttribute()

    @property
    def suppression(self) -> Suppression | None:
        """What keeps messages from the address now."""
        if not self.reason or not self.since:
            return None
        return Suppression(Reason(self.reason), clock.read_stamp(self.since))


def key(channel: Channel, digest: str) -> Key:
    """Where an address is."""
    return f"suppressed#{channel}#{digest}", _SK


def find(wanted: Key) -> SuppressionRow | None:
    """What is known of one address."""
    return SuppressionRow.find(*wanted)


def find_all(wanted: Iterable[Key]) -> dict[Key, SuppressionRow]:
    """What is known of some addresses, by key."""
    return SuppressionRow.find_all(wanted)


def suppress(
    tx: Transaction, wanted: Key, known: SuppressionRow | None, suppression: Suppression, changed_at: str
) -> None:
    """Keep messages from an address; `known` is its row as it was read. Another change meanwhile is a Conflict."""
    row = SuppressionRow(
        *wanted, reason=suppression.reason, since=clock.stamp(suppression.since), changed_at=changed_at
    )
    tx.put(row, condition=_unchanged(known), error=Conflict())


def restore(tx: Transaction, wanted: Key, known: SuppressionRow | None, changed_at: str) -> None:
    """Send to an address again, and note when, so that older news of it changes nothing."""
    tx.put(SuppressionRow(*wanted, changed_at=changed_at), condition=_unchanged(known), error=Conflict())


def _unchanged(known: SuppressionRow | None) -> Condition:
    if known is None:
        return SuppressionRow.pk.does_not_exist()
    reason = SuppressionRow.reason
    same_reason = reason == known.reason if known.reason else reason.does_not_exist()
    unchanged: Condition = same_reason & (SuppressionRow.changed_at == known.changed_at)
    return unchanged
