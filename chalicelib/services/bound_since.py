"""What somebody bound to an account since a time, taken off it: they may not have been its holder."""

from collections.abc import Iterator

from chalicelib.domain.access import Actor
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.second_factors import Factor
from chalicelib.models import audit, passkeys, push_devices, second_factors, sessions
from chalicelib.models.accounts import Account
from chalicelib.models.base import in_chunks
from chalicelib.models.transaction import Transaction, transaction

_AT_ONCE = 25


def forget_devices(actor: Actor, since: str) -> None:
    """Forget every device that signed in first, or got a push token, since a time (`clock.stamp`).

    There may be more of them than a transaction takes, so that each lot is one of its own; doing it again does no harm.
    A push device counts from when its token was last set, which may be another's by now; its app sets it again.
    """
    for known in in_chunks(_known_since(actor.id, since), _AT_ONCE):
        with transaction() as tx:
            for one in known:
                sessions.forget_device(tx, actor.id, one.device_id)
            _record(tx, actor, Action.ACCOUNT_DEVICE_FORGET, {"device_ids": [one.device_id for one in known]})
    pushed = [one for one in push_devices.find_stored(actor.id) if one.refreshed_at >= since]
    for lot in in_chunks(pushed, _AT_ONCE):
        with transaction() as tx:
            for device in lot:
                push_devices.remove(tx, device)
                _record(tx, actor, Action.PUSH_DEVICE_REMOVE, {"device_id": device.device_id})


def _known_since(account_id: str, since: str) -> list[sessions.Device]:
    return [one for one in sessions.find_devices(account_id) if one.created_at >= since]


def _record(tx: Transaction, actor: Actor, action: Action, about: dict[str, object]) -> None:
    audit.record(tx, Entry(actor, action, account_id=actor.id, about=about))


def remove_factors_in(tx: Transaction, account: Account, since: str) -> frozenset[Factor]:
    """Remove second factors and recovery codes of since a time; returns which factors are left.

    What is being set up goes as well, and recovery codes go with the last factor. Raises Conflict at the commit.
    """
    bound = second_factors.find(account.pk)
    left = frozenset(_factors_before(tx, account.pk, bound.totp, since))
    codes = bound.recovery_codes
    if codes is not None and (codes.created_at >= since or not left):
        second_factors.remove(tx, codes)
    if bound.pending_totp is not None:
        second_factors.remove(tx, bound.pending_totp)
    return left


def _factors_before(tx: Transaction, account_id: str, totp: second_factors.Totp | None, since: str) -> Iterator[Factor]:
    if totp is not None and totp.created_at < since:
        yield Factor.TOTP
    elif totp is not None:
        second_factors.remove(tx, totp)
    for passkey in passkeys.find_all(account_id):
        if passkey.created_at < since:
            yield Factor.PASSKEY
        else:
            passkeys.remove(tx, passkey)
