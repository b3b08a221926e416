"""Passkeys beside the account that they belong to, whose each is, and the challenges that were used."""

from dataclasses import dataclass

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib import clock
from chalicelib.errors import Conflict, PasskeyNotAccepted, PortalError
from chalicelib.models.accounts import PRINCIPAL, Account, AccountsTable
from chalicelib.models.base import Key, storage_errors
from chalicelib.models.transaction import Precedence, Transaction

_DAY = 86400


class Passkey(AccountsTable, discriminator="passkey"):
    """One passkey; sort key `passkey#<passkey id>`. Its public key is base64url."""

    passkey_id = UnicodeAttribute()
    credential_id = UnicodeAttribute()
    credential_hash = UnicodeAttribute()
    public_key = UnicodeAttribute()
    sign_count = NumberAttribute(default=0)
    name = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute()
    last_used_at = UnicodeAttribute(null=True)


class PasskeyOwner(AccountsTable, discriminator="passkey_owner"):
    """Whose a passkey is; partition key `passkey#<hash of the credential's id>`."""

    account_id = UnicodeAttribute()
    passkey_id = UnicodeAttribute()


class UsedChallenge(AccountsTable, discriminator="used_challenge"):
    """A challenge that was answered; partition key is its id. Its end is in its id, so that this row may go."""


@dataclass(frozen=True, slots=True)
class Found:
    """A passkey and its account."""

    account: Account
    passkey: Passkey


def passkey_key(account_id: str, passkey_id: str) -> Key:
    """The key of a passkey."""
    return account_id, f"passkey#{passkey_id}"


def find_all(account_id: str) -> list[Passkey]:
    """Every passkey of an account, the oldest first."""
    with storage_errors():
        return list(Passkey.query(account_id, Passkey.sk.startswith("passkey#"), consistent_read=True))


def find(credential_hash: str) -> Found | None:
    """The passkey of a credential: two round trips."""
    owner = PasskeyOwner.find(*_owner_key(credential_hash))
    if owner is None:
        return None
    keys = [(owner.account_id, PRINCIPAL), passkey_key(owner.account_id, owner.passkey_id)]
    account, passkey = (AccountsTable.find_all(keys).get(key) for key in keys)
    return Found(account, passkey) if isinstance(account, Account) and isinstance(passkey, Passkey) else None


def bind(tx: Transaction, passkey: Passkey) -> None:
    """A passkey, which is one account's."""
    tx.create(passkey, error=None)
    owner = PasskeyOwner(*_owner_key(passkey.credential_hash), account_id=passkey.pk, passkey_id=passkey.passkey_id)
    tx.create(owner, error=Conflict())


def remove(tx: Transaction, passkey: Passkey) -> None:
    """A passkey that is no more."""
    tx.delete(passkey, condition=Passkey.pk.exists(), error=Conflict())
    tx.delete(PasskeyOwner(*_owner_key(passkey.credential_hash)))


def use(tx: Transaction, passkey: Passkey, sign_count: int) -> None:
    """Note that a passkey was used, which nobody else did since it was read."""
    tx.update(
        passkey,
        [Passkey.sign_count.set(sign_count), Passkey.last_used_at.set(clock.stamp(clock.now()))],
        condition=Passkey.sign_count == int(passkey.sign_count),
        error=PasskeyNotAccepted(),
    )


def use_challenge(tx: Transaction, challenge_id: str, *, error: PortalError) -> None:
    """Use a challenge, once."""
    row = UsedChallenge(challenge_id, "challenge", ttl=clock.epoch(clock.now()) + _DAY)
    tx.create(row, error=error, precedence=Precedence.STATE)


def _owner_key(credential_hash: str) -> Key:
    return f"passkey#{credential_hash}", "owner"
