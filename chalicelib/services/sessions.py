"""Signing in and out (PW 4-6, SE 1-3)."""

import json
from dataclasses import dataclass

from chalicelib import clock, ids
from chalicelib.auth import hashing, limits, pace, secrets
from chalicelib.auth import sessions as tokens_of
from chalicelib.auth.limits import Limit, Try
from chalicelib.auth.peppers import peppers
from chalicelib.auth.sessions import Transport
from chalicelib.domain import identity
from chalicelib.domain.access import NOBODY, Actor
from chalicelib.domain.accounts import SessionView
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.second_factors import Factor
from chalicelib.errors import NotFound, SecondFactorRequired, SessionEnded, WrongCredentials
from chalicelib.models import accounts, audit
from chalicelib.models import sessions as storage
from chalicelib.models.accounts import Account
from chalicelib.models.base import in_chunks
from chalicelib.models.sessions import Device, Session
from chalicelib.models.transaction import transaction
from chalicelib.services import accounts as account_service
from chalicelib.services import devices, openings, second_steps
from chalicelib.services.accounts import SignedIn
from chalicelib.services.openings import Place
from chalicelib.services.second_steps import SecondStep

WRONG_PER_BUCKET = Limit(tries=10, seconds=300)
WRONG_OVERALL = Limit(tries=1000, seconds=300)
DISABLED_AFTER = 100
"""Wrong tries in a row after which a password is disabled (NIST SP 800-63B-4 §3.2.2)."""

_OVERALL = "sign-in"
_SECONDS = 0.2
"""No wrong sign-in is refused sooner, so that reading the account that is there takes no time of its own (PW 4)."""
_ENDED_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to sign in, and where it comes from."""

    username: str
    password: str
    source_ip: str
    transport: Transport
    device_name: str | None
    device_token: str | None


def sign_in(attempt: Attempt) -> SignedIn | SecondStep:
    """A new session, or what the second step of signing in begins with.

    Raises TooManyRequests before any hash is computed, WrongCredentials for every other reason, and, once the password
    is right, SecondFactorRequired for staff who have no second factor.
    """
    # Whoever has to wait (429) is told so at once: that says nothing of the account, and holds no function up.
    with pace.no_refusal_before(_SECONDS, WrongCredentials):
        return _sign_in(attempt)


def _sign_in(attempt: Attempt) -> SignedIn | SecondStep:
    username_key = identity.canonical_username(attempt.username)
    account, device = _find(username_key, attempt.device_token)
    tries = _reserve(username_key, device, attempt.source_ip)
    if not _is_right(attempt.password, account, known_device=device is not None):
        for reserved in tries:
            limits.note_wrong(reserved)
        _note_wrong(account, device, username_key)
        raise WrongCredentials
    for reserved in tries:
        limits.give_back(reserved)
    if account is None:
        raise WrongCredentials
    return _open(account, device, attempt)


def _find(username_key: str, device_token: str | None) -> tuple[Account | None, Device | None]:
    account_id = accounts.find_account_id(username_key) or _nobodys_id(username_key)
    account, device = storage.find_account_and_device(account_id, devices.claimed_id(device_token, account_id))
    return account, device if devices.is_known(device, device_token) else None


def _reserve(username_key: str, device: Device | None, source_ip: str) -> list[Try]:
    """One try of each bucket that the attempt counts in.

    A known device has a bucket of its own, which strangers cannot fill.
    """
    if device is not None:
        return [limits.take(f"sign-in:device:{device.device_id}", WRONG_PER_BUCKET)]
    limits.check_overall(_OVERALL, WRONG_OVERALL)
    by_account = limits.take(account_bucket(username_key), WRONG_PER_BUCKET)
    try:
        by_address = limits.take(f"sign-in:address:{limits.network(source_ip)}", WRONG_PER_BUCKET)
    except Exception:
        limits.give_back(by_account)
        raise
    return [by_account, by_address]


def account_bucket(username_key: str) -> str:
    """Where strangers' tries at one username count, whether anybody has it or not."""
    return f"sign-in:account:{secrets.keyed_hash('username', username_key)}"


def _is_right(password: str, account: Account | None, *, known_device: bool) -> bool:
    if account is None:
        hashing.verify_nothing(password, peppers())
        return False
    right = hashing.verify(account.password_hash, password, peppers())
    barred = account.disabled or (account.password_disabled and not known_device)
    return right and not barred


def _nobodys_id(username_key: str) -> str:
    """The id of an account that does not exist: what nobody has takes as many calls as what somebody has (PW 4)."""
    return ids.derived_id("acc", secrets.derive("nobodys-username", username_key, 0))


def _note_wrong(account: Account | None, device: Device | None, username_key: str) -> None:
    """Strangers' tries count together, against the account's password; a known device's count against the device."""
    if device is None:
        limits.note_overall(_OVERALL)
    about: dict[str, object] = {"known_device": device is not None}
    account_id = account.pk if account else _nobodys_id(username_key)
    audit.record_alone(Entry(NOBODY, Action.SESSION_REFUSE, account_id=account_id, about=about))
    if account is None:
        accounts.note_nobodys_wrong_password(account_id)
    elif device is not None:
        devices.note_wrong(account.pk, device.device_id)
    elif accounts.note_wrong_password(account) >= DISABLED_AFTER and not account.password_disabled:
        _disable_password(account)


def _disable_password(account: Account) -> None:
    with transaction() as tx:
        accounts.disable_password(tx, account)
        audit.record(tx, Entry(NOBODY, Action.ACCOUNT_PASSWORD_DISABLE, account_id=account.pk))


def _open(account: Account, device: Device | None, attempt: Attempt) -> SignedIn | SecondStep:
    if account.staff_roles and not account.bound_factors:
        raise SecondFactorRequired
    place = Place(attempt.transport, device, attempt.device_name)
    rehash = hashing.needs_rehash(account.password_hash, peppers())
    new_hash = hashing.hash(attempt.password, peppers()) if rehash else None
    with transaction() as tx:
        accounts.note_right_password(tx, account, new_hash=new_hash, unlocks=not account.password_disabled)
        if account.bound_factors and not devices.is_trusted(account, device):
            return second_steps.begin(tx, account, place)
        return openings.open_session(tx, account, place, (Factor.PASSWORD,))


def refresh(refresh_token: str, transport: Transport) -> SignedIn:
    """The next tokens of a session. Raises SessionEnded; a spent token ends its session."""
    principal, tokens = tokens_of.refresh(refresh_token, transport)
    if not isinstance(principal, Account):
        raise SessionEnded
    return SignedIn(account_service.view(principal), tokens)


def session_id_of(refresh_token: str) -> str:
    """The session that a refresh token claims to be of."""
    return tokens_of.claimed_session_id(refresh_token)


def find_all(actor: Actor) -> list[SessionView]:
    """The caller's open sessions, the latest first."""
    account = account_service.find(actor)
    found = [_view(session) for session in storage.find_sessions(actor.id) if tokens_of.is_open(account, session)]
    return sorted(found, key=lambda session: (session.created_at, session.session_id), reverse=True)


def find_current(actor: Actor) -> SessionView:
    """The session of this very call."""
    return _view(_find_session(actor, actor.session_id or ""))


def _view(session: Session) -> SessionView:
    return SessionView(
        session_id=session.session_id,
        device_id=session.device_id,
        device_name=session.device_name,
        transport=session.transport,
        created_at=clock.read_stamp(session.created_at),
        refreshed_at=clock.read_stamp(session.refreshed_at),
        expires_at=clock.read_stamp(session.expires_at),
        stepped_up_at=clock.read_stamp(session.stepped_up_at) if session.stepped_up_at else None,
        factors=tuple(json.loads(session.factors)),
    )


def end(actor: Actor, session_id: str) -> None:
    """Sign one session out. Raises NotFound for one that is not the caller's."""
    _end(actor, [_find_session(actor, session_id)])


def end_others(actor: Actor) -> int:
    """Sign every other session out; returns how many."""
    others = [session for session in storage.find_sessions(actor.id) if session.session_id != actor.session_id]
    _end(actor, others)
    return len(others)


def _find_session(actor: Actor, session_id: str) -> Session:
    session = storage.find(actor.id, session_id)
    if session is None:
        raise NotFound
    return session


def _end(actor: Actor, ended: list[Session]) -> None:
    for chunk in in_chunks(ended, _ENDED_AT_ONCE):
        with transaction() as tx:
            for session in chunk:
                storage.end_session(tx, session)
            about: dict[str, object] = {"session_ids": [session.session_id for session in chunk]}
            audit.record(tx, Entry(actor, Action.SESSION_END, account_id=actor.id, about=about))
