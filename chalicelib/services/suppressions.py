"""Addresses that nothing is sent to: they bounced, their readers complained, or said STOP.

An address is known by a keyed hash of its canonical form, whatever account or record it stands in.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from chalicelib import clock, ids
from chalicelib.auth import secrets
from chalicelib.clients import push, sms
from chalicelib.domain import identity
from chalicelib.domain.access import SYSTEM, Actor
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.deliveries import Address
from chalicelib.domain.notices import Channel
from chalicelib.domain.suppressions import Reason, Suppression
from chalicelib.models import audit, push_devices, suppressions
from chalicelib.models.base import Key
from chalicelib.models.transaction import Transaction


def address_id(channel: Channel, value: str) -> str:
    """The id of an address: the same wherever it stands. It cannot be read back."""
    return ids.derived_id("adr", bytes.fromhex(_digest(channel, value)))


def is_suppressed(channel: Channel, value: str) -> bool:
    """Whether nothing is sent to an address."""
    return bool(find_suppressed([(channel, value)]))


def find_suppressed(addresses: Iterable[tuple[Channel, str]]) -> dict[tuple[Channel, str], Suppression]:
    """Which of some addresses (email addresses, numbers in E.164) are suppressed, and why: one round trip."""
    keys = {one: _key(*one) for one in addresses if one[0] is not Channel.PUSH}
    rows = suppressions.find_all(set(keys.values())) if keys else {}
    found = {one: rows[wanted].suppression for one, wanted in keys.items() if wanted in rows}
    return {one: suppression for one, suppression in found.items() if suppression}


class Suppressed(NamedTuple):
    """What came of suppressing an address."""

    is_changed: bool
    """Whether the reason is the new one."""
    is_new: bool
    """Whether messages were sent to it until now."""


def suppress(
    tx: Transaction, channel: Channel, value: str, reason: Reason, *, at: datetime, account_id: str | None = None
) -> Suppressed:
    """Send nothing to an address any more, in a transaction with its audit entry.

    `at` is when it bounced or was told so: what is older than the address's last change does nothing, and a weaker
    reason does not take the place of a stronger one. Another change at the same moment is a Conflict at the commit.
    """
    wanted = _key(channel, value)
    known = suppressions.find(wanted)
    before, changed_at = known.suppression if known else None, _stamp(at)
    is_stale = known is not None and changed_at <= known.changed_at
    if is_stale or (before is not None and not reason.outweighs(before.reason)):
        return Suppressed(is_changed=False, is_new=False)
    since = before.since if before else clock.read_stamp(changed_at)
    suppressions.suppress(tx, wanted, known, Suppression(reason, since), changed_at)
    _record(tx, SYSTEM, Action.ADDRESS_SUPPRESS, channel, value, account_id=account_id, reason=reason)
    return Suppressed(is_changed=True, is_new=before is None)


def restore(
    tx: Transaction, channel: Channel, value: str, *, at: datetime, actor: Actor = SYSTEM, account_id: str | None = None
) -> bool:
    """Send to an address again, in a transaction with its audit entry. True where nothing was sent to it before.

    Raises as `suppress` does. What was not suppressed notes the time all the same: older news comes too late.
    """
    wanted = _key(channel, value)
    known = suppressions.find(wanted)
    changed_at = _stamp(at)
    if known is not None and changed_at <= known.changed_at:
        return False
    suppressions.restore(tx, wanted, known, changed_at)
    if known is None or known.suppression is None:
        return False
    _record(tx, actor, Action.ADDRESS_RESTORE, channel, value, account_id=account_id)
    return True


_LESSONS = {
    sms.OPTED_OUT: Reason.STOP,
    sms.INVALID_NUMBER: Reason.BOUNCE,
}
"""What a channel's permanent refusal says of the address, by its code."""


def learn(tx: Transaction, address: Address, code: str, account_id: str | None) -> None:
    """Draw the conclusion of a permanent refusal: a dead device is removed, a wrong address suppressed."""
    if code == push.DEAD and account_id:
        remove_device(tx, account_id, address.value)
    elif code in _LESSONS:
        suppress(tx, address.channel, address.value, _LESSONS[code], at=clock.now(), account_id=account_id)


def remove_device(tx: Transaction, account_id: str, device_id: str) -> None:
    """Forget a device whose token its push service knows no more. Its app registers anew when it is next opened."""
    device = push_devices.find(account_id, device_id)
    if device is not None:
        push_devices.remove(tx, device)
        about: dict[str, object] = {"device_id": device_id}
        audit.record(tx, Entry(SYSTEM, Action.PUSH_DEVICE_REMOVE, account_id=account_id, about=about))


def _key(channel: Channel, value: str) -> Key:
    return suppressions.key(channel, _digest(channel, value))


def _digest(channel: Channel, value: str) -> str:
    canonical = identity.canonical_email(value) if channel is Channel.EMAIL else value
    return secrets.keyed_hash(f"suppressed-{channel}", canonical)


def _stamp(at: datetime) -> str:
    """The time of a change; what claims to come from the future would hold up everything until then."""
    return clock.stamp(min(at, clock.now()))


def _record(
    tx: Transaction,
    actor: Actor,
    action: Action,
    channel: Channel,
    value: str,
    *,
    account_id: str | None,
    **told: object,
) -> None:
    about: dict[str, object] = {"channel": channel, "address_id": address_id(channel, value), **told}
    audit.record(tx, Entry(actor, action, account_id=account_id, about=about))
