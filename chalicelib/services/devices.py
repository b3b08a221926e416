"""Devices that signed in before: strangers' wrong tries do not lock them out (PW 5, OWASP device cookies)."""

from chalicelib import clock, ids
from chalicelib.auth import secrets
from chalicelib.models.accounts import Account
from chalicelib.models.sessions import Device, device_sk
from chalicelib.models.transaction import Transaction

_PARTS = 3


def claimed_id(device_token: str | None, account_id: str) -> str | None:
    """The device id in a token, if it names this account; whether it is true is for `is_known` to say."""
    parts = (device_token or "").split(".")
    ours = len(parts) == _PARTS and parts[0] == account_id and ids.has_prefix(parts[1], "dev")
    return parts[1] if ours else None


def is_known(device: Device | None, device_token: str | None) -> bool:
    """Whether the token is the device's own."""
    return device is not None and secrets.same(device.token_hash, secrets.token_hash(device_token or ""))


def remember(tx: Transaction, account: Account, name: str | None) -> tuple[str, str]:
    """A new known device of an account; returns its id and its token."""
    device_id = ids.new_id("dev")
    token = f"{account.pk}.{device_id}.{secrets.random_token()}"
    row = Device(
        account.pk,
        device_sk(device_id),
        device_id=device_id,
        token_hash=secrets.token_hash(token),
        name=name,
        created_at=clock.stamp(clock.now()),
    )
    tx.create(row, error=None)
    return device_id, token
