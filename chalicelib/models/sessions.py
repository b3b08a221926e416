"""Sessions and known devices, in the accounts table beside the principal they belong to."""

from dataclasses import dataclass

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import UpdateError

from chalicelib.errors import NotFound, NotSignedIn, WrongCredentials
from chalicelib.models.accounts import PRINCIPAL, Account, AccountsTable, Principal
from chalicelib.models.base import storage_errors
from chalicelib.models.transaction import Transaction


class Session(AccountsTable, discriminator="session"):
    """One sign-in; sort key `session#<session id>`.

    Its tokens are kept as hashes, or not at all where they are derived.
    """

    session_id = UnicodeAttribute()
    transport = UnicodeAttribute()
    device_name = UnicodeAttribute(null=True)
    device_id = UnicodeAttribute(null=True)
    credentials_version = NumberAttribute()
    generation = NumberAttribute(default=0)
    access_hash = UnicodeAttribute()
    access_expires_at = UnicodeAttribute()
    previous_access_hash = UnicodeAttribute(null=True)
    previous_access_expires_at = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute()
    refreshed_at = UnicodeAttribute()
    expires_at = UnicodeAttribute()
    factors = UnicodeAttribute(default="[]")
    stepped_up_at = UnicodeAttribute(null=True)


class Device(AccountsTable, discriminator="device"):
    """A device that signed in before; sort key `device#<device id>`."""

    device_id = UnicodeAttribute()
    token_hash = UnicodeAttribute()
    name = UnicodeAttribute(null=True)
    wrong_in_a_row = NumberAttribute(default=0)
    created_at = UnicodeAttribute()
    trusted_at = UnicodeAttribute(null=True)
    trusted_until = UnicodeAttribute(null=True)
    trusted_for = UnicodeAttribute(null=True)


@dataclass(frozen=True, slots=True)
class Trust:
    """That a device needs no second step: since and until when, and for which credentials and factors."""

    since: str
    until: str
    what_for: str


def session_sk(session_id: str) -> str:
    """The sort key of a session."""
    return f"session#{session_id}"


def device_sk(device_id: str) -> str:
    """The sort key of a device."""
    return f"device#{device_id}"


def find_principal_and_session(principal_id: str, session_id: str) -> tuple[Principal, Session] | None:
    """Both rows in one consistent round trip, or None where either is missing."""
    rows = AccountsTable.find_all([(principal_id, PRINCIPAL), (principal_id, session_sk(session_id))])
    principal, session = rows.get((principal_id, PRINCIPAL)), rows.get((principal_id, session_sk(session_id)))
    if isinstance(principal, Principal) and isinstance(session, Session):
        return principal, session
    return None


def find_account_and_device(account_id: str, device_id: str | None) -> tuple[Account | None, Device | None]:
    """An account, and the device of it that a caller claims to be: one round trip."""
    keys = [(account_id, PRINCIPAL)] + ([(account_id, device_sk(device_id))] if device_id else [])
    rows = AccountsTable.find_all(keys)
    account = rows.get(keys[0])
    device = rows.get(keys[-1])
    return (account if isinstance(account, Account) else None), (device if isinstance(device, Device) else None)


def find_device_names(account_id: str, device_ids: list[str]) -> dict[str, str]:
    """The names of an account's devices that have one, by id: one round trip."""
    rows = Device.find_all([(account_id, device_sk(device_id)) for device_id in device_ids]).values()
    return {row.device_id: row.name for row in rows if row.name}


def note_wrong_try(account_id: str, device_id: str) -> int:
    """Count a wrong try of a device; returns how many there were in a row, 0 for a device that is not known."""
    device = Device(account_id, device_sk(device_id))
    try:
        device.update([Device.wrong_in_a_row.add(1)], condition=Device.pk.exists())
    except UpdateError as refused:
        if refused.cause_response_code == "ConditionalCheckFailedException":
            return 0
        with storage_errors():
            raise
    return int(device.wrong_in_a_row)


def note_right_try(tx: Transaction, device: Device, trust: Trust | None = None) -> None:
    """A device that was forgotten meanwhile opens no session as a known one."""
    actions = [Device.wrong_in_a_row.set(0)] if device.wrong_in_a_row else []
    if trust is not None:
        actions += [
            Device.trusted_at.set(trust.since),
            Device.trusted_until.set(trust.until),
            Device.trusted_for.set(trust.what_for),
        ]
    if actions:
        tx.update(device, actions, condition=Device.pk.exists(), error=WrongCredentials())
    else:
        tx.check(device, Device.pk.exists(), error=WrongCredentials())


def forget_device(tx: Transaction, account_id: str, device_id: str) -> None:
    """A device is a stranger's from now on."""
    tx.delete(Device(account_id, device_sk(device_id)))


def find_devices(account_id: str) -> list[Device]:
    """Every known device of an account."""
    with storage_errors():
        return list(Device.query(account_id, Device.sk.startswith("device#"), consistent_read=True))


def find_device(account_id: str, device_id: str) -> Device | None:
    """One known device of an account."""
    return Device.find(account_id, device_sk(device_id))


def end_trust(tx: Transaction, device: Device) -> None:
    """A device needs the second step from now on; strangers' tries lock it out as little as before."""
    tx.update(
        device,
        [Device.trusted_at.remove(), Device.trusted_until.remove(), Device.trusted_for.remove()],
        condition=Device.pk.exists(),
        error=NotFound(),
    )


def create_session(tx: Transaction, session: Session) -> None:
    """A new session."""
    tx.create(session, error=None)


def end_session(tx: Transaction, session: Session) -> None:
    """Remove a session."""
    tx.delete(session)


def replace_session(tx: Transaction, account_id: str, session_id: str) -> None:
    """Remove a session for another that takes its place. Raises NotSignedIn where it was ended meanwhile."""
    tx.delete(Session(account_id, session_sk(session_id)), condition=Session.pk.exists(), error=NotSignedIn())


def find(principal_id: str, session_id: str) -> Session | None:
    """One session of a principal."""
    return Session.find(principal_id, session_sk(session_id))


def find_sessions(account_id: str) -> list[Session]:
    """Every session of a principal that is not swept yet, ended ones too."""
    with storage_errors():
        return list(Session.query(account_id, Session.sk.startswith("session#"), consistent_read=True))


def rotate_session(session: Session, *, access_hash: str, access_expires_at: str, refreshed_at: str) -> bool:
    """Move a session to its next generation. False where somebody else has just done it."""
    try:
        session.update(
            [
                Session.generation.set(session.generation + 1),
                Session.previous_access_hash.set(session.access_hash),
                Session.previous_access_expires_at.set(session.access_expires_at),
                Session.access_hash.set(access_hash),
                Session.access_expires_at.set(access_expires_at),
                Session.refreshed_at.set(refreshed_at),
            ],
            condition=Session.generation == session.generation,
        )
    except UpdateError as refused:
        if refused.cause_response_code == "ConditionalCheckFailedException":
            return False
        with storage_errors():
            raise
    return True
