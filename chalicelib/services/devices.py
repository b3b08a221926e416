"""Devices that signed in before: strangers' wrong tries do not lock them out (PW 5, OWASP device cookies).

Their own do: whoever guesses on one is no better than a stranger (NIST SP 800-63B-4 §3.2.2).
"""

from datetime import timedelta

from chalicelib import clock, ids
from chalicelib.auth import secrets
from chalicelib.domain.access import NOBODY
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.second_factors import TRUSTED
from chalicelib.models import audit
from chalicelib.models import sessions as storage
from chalicelib.models.accounts import Account
from chalicelib.models.sessions import Device, Trust, device_sk
from chalicelib.models.transaction import Transaction, transaction

FORGOTTEN_AFTER = 100
"""Wrong tries in a row after which a device is not known any more."""

REMEMBERED = timedelta(days=400)
"""As long as browsers keep a cookie."""

_PARTS = 3


def claimed_id(device_token: str | None, account_id: str) -> str | None:
    """The device id in a token, if it names this account; whether it is true is for `is_known` to say."""
    parts = (device_token or "").split(".")
    ours = len(parts) == _PARTS and parts[0] == account_id and ids.has_prefix(parts[1], "dev")
    return parts[1] if ours else None


def is_known(device: Device | None, device_token: str | None) -> bool:
    """Whether the token is the device's own."""
    return device is not None and secrets.same(device.token_hash, secrets.token_hash(device_token or ""))


def note_wrong(account_id: str, device_id: str) -> bool:
    """Count a wrong try on a known device. True where it was the one after which the device is forgotten."""
    if storage.note_wrong_try(account_id, device_id) < FORGOTTEN_AFTER:
        return False
    with transaction() as tx:
        storage.forget_device(tx, account_id, device_id)
        about: dict[str, object] = {"device_id": device_id}
        audit.record(tx, Entry(NOBODY, Action.ACCOUNT_DEVICE_FORGET, account_id=account_id, about=about))
    return True


def trust(account: Account) -> Trust:
    """That a device needs no second step for a while. Another password or another factor ends it (trusted_for)."""
    now = clock.now()
    return Trust(clock.stamp(now), clock.stamp(now + TRUSTED), trusted_for(account))


def trusted_for(account: Account) -> str:
    """What somebody proved once and for a while: the credentials and second factors that an account has now."""
    return f"{int(account.credentials_version)}.{int(account.factors_version)}"


def is_trusted(account: Account, device: Device | None) -> bool:
    """Whether a known device needs no second step. Those of staff always do."""
    if device is None or account.staff_roles or device.trusted_for != trusted_for(account):
        return False
    return clock.stamp(clock.now()) < (device.trusted_until or "")


def remember(tx: Transaction, account: Account, name: str | None, trust: Trust | None = None) -> tuple[str, str]:
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
        trusted_at=trust.since if trust else None,
        trusted_until=trust.until if trust else None,
        trusted_for=trust.what_for if trust else None,
        ttl=clock.epoch(clock.now() + REMEMBERED),
    )
    tx.create(row, error=None)
    return device_id, token
