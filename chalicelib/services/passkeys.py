"""Passkeys: binding them, and signing in and proving anew with them.

With user verification one is two factors: what somebody has, and what they are or know.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib import clock, ids
from chalicelib.auth import limits
from chalicelib.auth import passkeys as webauthn
from chalicelib.auth.passkeys import NotAPasskey
from chalicelib.auth.sessions import Transport
from chalicelib.domain.access import NOBODY, Actor
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.second_factors import MOST_PASSKEYS, Factor
from chalicelib.errors import FieldError, Invalid, NotFound, PasskeyLimitReached, PasskeyNotAccepted
from chalicelib.models import accounts, audit
from chalicelib.models import passkeys as storage
from chalicelib.models import sessions as sessions_storage
from chalicelib.models.accounts import Account
from chalicelib.models.idempotency import Served
from chalicelib.models.passkeys import Found, Passkey
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.services import accounts as account_service
from chalicelib.services import devices, factor_proofs, openings, second_factors
from chalicelib.services.accounts import SignedIn
from chalicelib.services.factor_proofs import Proof
from chalicelib.services.once import Once
from chalicelib.services.openings import Place

_SIGN_IN = "sign-in"


@dataclass(frozen=True, slots=True)
class PasskeyView:
    """A passkey as its owner sees it; times are aware, in UTC. `recovery_codes` are there where they are new."""

    passkey_id: str
    name: str | None
    created_at: datetime
    last_used_at: datetime | None
    recovery_codes: list[str] | None = None


def find_all(actor: Actor) -> list[PasskeyView]:
    """The caller's passkeys, the newest first."""
    found = sorted(storage.find_all(actor.id), key=lambda passkey: passkey.passkey_id, reverse=True)
    return [_view(passkey) for passkey in found]


def creation_options(actor: Actor) -> str:
    """What the caller's browser makes a passkey with, as JSON."""
    account = account_service.find(actor)
    known = [passkey.credential_id for passkey in storage.find_all(actor.id)]
    return webauthn.creation_options(webauthn.new_challenge(_binding(actor.id)), account.pk, account.username, known)


def request_options() -> str:
    """What anybody's browser signs in with, as JSON."""
    return webauthn.request_options(webauthn.new_challenge(_SIGN_IN))


def bind(actor: Actor, credential: dict[str, Any], name: str | None, once: Once) -> PasskeyView:
    """Bind the passkey that the caller's browser made.

    Raises Invalid for an answer that is not right, or to a challenge that was used, and PasskeyLimitReached.
    """
    account, known = account_service.find(actor), storage.find_all(actor.id)
    replayed = once.replayed(Served.find(*once.key))
    if replayed is not None:
        return _replayed(known, replayed["passkey_id"])
    if len(known) >= MOST_PASSKEYS:
        raise PasskeyLimitReached
    try:
        challenge_id, challenge = webauthn.find_challenge(credential, _binding(actor.id))
        made = webauthn.check_new(credential, challenge)
    except NotAPasskey as error:
        raise _refusal() from error
    now = clock.stamp(clock.now())
    passkey_id = ids.new_id("pky")
    passkey = Passkey(
        *storage.passkey_key(account.pk, passkey_id),
        passkey_id=passkey_id,
        credential_id=made.credential_id,
        credential_hash=_hash(made.credential_id),
        public_key=made.public_key,
        sign_count=made.sign_count,
        name=name,
        created_at=now,
    )
    codes: list[str] = []

    def change(tx: Transaction) -> dict[str, str]:
        storage.use_challenge(tx, challenge_id, error=_refusal())
        storage.bind(tx, passkey)
        codes.extend(second_factors.note_bound_in(tx, actor, account, Factor.PASSKEY))
        return {"passkey_id": passkey_id}

    bound_id = once.commit(change)["passkey_id"]
    return _view(passkey, codes or None) if bound_id == passkey_id else _replayed(storage.find_all(actor.id), bound_id)


def _replayed(known: list[Passkey], passkey_id: str) -> PasskeyView:
    found = next((passkey for passkey in known if passkey.passkey_id == passkey_id), None)
    if found is None:
        raise NotFound
    return _view(found)


def remove(actor: Actor, passkey_id: str) -> None:
    """Remove a passkey. Raises NotFound, and SecondFactorRequired or LongerPasswordNeeded where it is needed."""
    account, known = account_service.find(actor), storage.find_all(actor.id)
    passkey = next((one for one in known if one.passkey_id == passkey_id), None)
    if passkey is None:
        raise NotFound
    left = account.bound_factors - ({Factor.PASSKEY} if len(known) == 1 else set())
    with transaction() as tx:
        storage.remove(tx, passkey)
        second_factors.note_removed_in(tx, actor, account, Factor.PASSKEY, left)


def sign_in(
    credential: dict[str, Any], transport: Transport, device: tuple[str | None, str | None], source_ip: str
) -> SignedIn:
    """The session of whoever's passkey answered; `device` is the token and the name of theirs.

    Raises PasskeyNotAccepted, and TooManyRequests for a source address that is wrong too often.
    """
    with factor_proofs.counted([f"passkey:address:{limits.network(source_ip)}"]):
        challenge_id, found, sign_count = _check(credential)
        account, (device_token, device_name) = found.account, device
        if account.disabled:
            raise PasskeyNotAccepted
        device_id = devices.claimed_id(device_token, account.pk)
        known = sessions_storage.find_device(account.pk, device_id) if device_id else None
        place = Place(transport, known if devices.is_known(known, device_token) else None, device_name)
        with transaction() as tx:
            accounts.check_credentials(tx, account, error=PasskeyNotAccepted())
            storage.use_challenge(tx, challenge_id, error=PasskeyNotAccepted())
            storage.use(tx, found.passkey, sign_count)
            return openings.open_session(tx, account, place, (Factor.PASSKEY,))


def prove(account: Account, credential: dict[str, Any]) -> Proof:
    """The proof that a passkey of an account answered. Raises PasskeyNotAccepted."""
    challenge_id, found, sign_count = _check(credential)
    if found.account.pk != account.pk:
        raise PasskeyNotAccepted

    def use(tx: Transaction) -> None:
        storage.use_challenge(tx, challenge_id, error=PasskeyNotAccepted())
        storage.use(tx, found.passkey, sign_count)

    return Proof(Factor.PASSKEY, use)


def _check(credential: dict[str, Any]) -> tuple[str, Found, int]:
    """The challenge that was answered, whose passkey answered, and how often it was used. Raises PasskeyNotAccepted."""
    found = storage.find(_hash(credential["id"]))
    if found is None:
        raise PasskeyNotAccepted
    try:
        challenge_id, challenge = webauthn.find_challenge(credential, _SIGN_IN)
        count = webauthn.check(credential, challenge, found.passkey.public_key, int(found.passkey.sign_count))
    except NotAPasskey as error:
        audit.record_alone(Entry(NOBODY, Action.SECOND_FACTOR_REFUSE, account_id=found.account.pk))
        raise PasskeyNotAccepted from error
    return challenge_id, found, count


def _binding(account_id: str) -> str:
    return f"binding:{account_id}"


def _hash(credential_id: str) -> str:
    return hashlib.sha256(credential_id.rstrip("=").encode()).hexdigest()


def _refusal() -> Invalid:
    return Invalid([FieldError("/response", "passkey_not_accepted")])


def _view(passkey: Passkey, recovery_codes: list[str] | None = None) -> PasskeyView:
    return PasskeyView(
        passkey.passkey_id,
        passkey.name,
        clock.read_stamp(passkey.created_at),
        clock.read_stamp(passkey.last_used_at) if passkey.last_used_at else None,
        recovery_codes,
    )
