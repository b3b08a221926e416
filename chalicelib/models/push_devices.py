"""Devices that take push messages, in the accounts table beside the account that is signed in on them.

A token is one device's of one account: the row `push_token#<hash>` says whose. An endpoint is what the push service
calls a token: the row `endpoint#<hash>` says whose that is, since its events name nothing else.
"""

import hashlib

from pynamodb.attributes import UnicodeAttribute
from pynamodb.expressions.condition import Condition

from chalicelib.domain.push_devices import MOST
from chalicelib.errors import Conflict
from chalicelib.models.accounts import AccountsTable
from chalicelib.models.base import Key, storage_errors
from chalicelib.models.transaction import Transaction, transaction

_PREFIX = "push#"


class PushDevice(AccountsTable, discriminator="push_device"):
    """One app on one device; partition key is the account's id, sort key `push#<device id>`."""

    device_id = UnicodeAttribute()
    platform = UnicodeAttribute()
    push_token = UnicodeAttribute()
    token_hash = UnicodeAttribute()
    endpoint_arn = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute()
    refreshed_at = UnicodeAttribute()


class PushToken(AccountsTable, discriminator="push_token"):
    """Whose a push token is; partition key `push_token#<keyed hash of the token>`."""

    account_id = UnicodeAttribute()
    device_id = UnicodeAttribute()


class PushEndpoint(AccountsTable, discriminator="push_endpoint"):
    """Whose an endpoint is; partition key `endpoint#<SHA-256 of its ARN>`."""

    account_id = UnicodeAttribute()
    device_id = UnicodeAttribute()


def device_key(account_id: str, device_id: str) -> Key:
    """Where a device is."""
    return account_id, f"{_PREFIX}{device_id}"


def token_key(token_hash: str) -> Key:
    """Where it says whose a token is."""
    return f"push_token#{token_hash}", "push_token"


def endpoint_key(arn: str) -> Key:
    """Where it says whose an endpoint is."""
    return f"endpoint#{hashlib.sha256(arn.encode()).hexdigest()}", "endpoint"


def find(account_id: str, device_id: str) -> PushDevice | None:
    """One device of an account."""
    return PushDevice.find(*device_key(account_id, device_id))


def find_all(account_id: str) -> list[PushDevice]:
    """The devices of an account, the last refreshed first; those over the limit count as gone."""
    return find_stored(account_id)[:MOST]


def find_stored(account_id: str) -> list[PushDevice]:
    """Every row of a device, over the limit too.

    Registrations at the same moment do not see each other and may pass the limit; the next one clears up.
    """
    with storage_errors():
        found = list(PushDevice.query(account_id, PushDevice.sk.startswith(_PREFIX), consistent_read=True))
    return sorted(found, key=lambda device: (device.refreshed_at, device.device_id), reverse=True)


def find_by_endpoint(arn: str) -> PushDevice | None:
    """The device that has an endpoint now."""
    endpoint = PushEndpoint.find(*endpoint_key(arn))
    device = find(endpoint.account_id, endpoint.device_id) if endpoint else None
    return device if device is not None and device.endpoint_arn == arn else None


def register(tx: Transaction, device: PushDevice, owner: PushToken | None) -> None:
    """A new device with a token; `owner` says whose that was until now (None: nobody's).

    Whoever registers removes that other device in the same transaction, by `drop`. Raises Conflict at the commit.
    """
    tx.create(device, error=None)
    _take_token(tx, device, owner)


def refresh(tx: Transaction, device: PushDevice, known: PushDevice, owner: PushToken | None) -> None:
    """A device in place of `known`, the same one as it was read; `owner` as in `register`."""
    tx.put(device, condition=_unchanged(known), error=Conflict())
    _take_token(tx, device, owner)
    if device.token_hash != known.token_hash:
        _give_up_token(tx, known)
    if known.endpoint_arn and not device.endpoint_arn:
        tx.delete(PushEndpoint(*endpoint_key(known.endpoint_arn)))


def remove(tx: Transaction, device: PushDevice) -> None:
    """A device leaves, with its token and its endpoint.

    Raises Conflict at the commit where it was changed meanwhile.
    """
    drop(tx, device)
    _give_up_token(tx, device)


def drop(tx: Transaction, device: PushDevice) -> None:
    """A device leaves whose token is another's from now on."""
    tx.delete(device, condition=_unchanged(device), error=Conflict())
    if device.endpoint_arn:
        tx.delete(PushEndpoint(*endpoint_key(device.endpoint_arn)))


def note_endpoint(device: PushDevice, arn: str) -> bool:
    """Keep what the push service calls the device's token. False where the device has another token by now, or left.

    It is delivery state, which leaves no audit entry.
    """
    try:
        with transaction() as tx:
            tx.update(device, [PushDevice.endpoint_arn.set(arn)], condition=_unchanged(device), error=Conflict())
            tx.put(PushEndpoint(*endpoint_key(arn), account_id=device.pk, device_id=device.device_id))
            if device.endpoint_arn and device.endpoint_arn != arn:
                tx.delete(PushEndpoint(*endpoint_key(device.endpoint_arn)))
    except Conflict:
        return False
    device.endpoint_arn = arn
    return True


def _take_token(tx: Transaction, device: PushDevice, owner: PushToken | None) -> None:
    row = PushToken(*token_key(device.token_hash), account_id=device.pk, device_id=device.device_id)
    was = (PushToken.device_id == owner.device_id) if owner else PushToken.pk.does_not_exist()
    tx.put(row, condition=was, error=Conflict())


def _give_up_token(tx: Transaction, device: PushDevice) -> None:
    own = PushToken.device_id == device.device_id
    tx.delete(PushToken(*token_key(device.token_hash)), condition=own, error=Conflict())


def _unchanged(device: PushDevice) -> Condition:
    """Only while a device has the token and the endpoint that it was read with."""
    endpoint = PushDevice.endpoint_arn
    same_endpoint = endpoint == device.endpoint_arn if device.endpoint_arn else endpoint.does_not_exist()
    same: Condition = (PushDevice.token_hash == device.token_hash) & same_endpoint
    return same
