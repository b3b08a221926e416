"""Sessions: opaque tokens, their rotation and their end (NIST SP 800-63B-4 §5, OWASP ASVS 5.0 V7)."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib import clock, ids
from chalicelib.auth import secrets
from chalicelib.domain.access import NOBODY, Actor, ActorKind
from chalicelib.domain.audit import Action, Entry
from chalicelib.errors import NotSignedIn, SessionEnded
from chalicelib.models import audit
from chalicelib.models import sessions as storage
from chalicelib.models.accounts import Account, Client, Principal
from chalicelib.models.sessions import Session
from chalicelib.models.transaction import Transaction, transaction

ACCESS = timedelta(minutes=15)
WEB_IDLE = timedelta(minutes=30)
WEB_IN_ALL = timedelta(hours=12)
DEVICE_IN_ALL = timedelta(days=30)
GRACE = timedelta(seconds=10)
"""How long the immediate predecessor of a refresh token still gets the same successor.

The answer may have been lost.
"""


_ACCESS_PARTS, _REFRESH_PARTS = 3, 4
_GENERATION_DIGITS = 9


class Transport(StrEnum):
    """How a session's tokens travel."""

    BEARER = "bearer"
    COOKIE = "cookie"


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a client gets of a session; `expires_in` in seconds."""

    session_id: str
    access_token: str
    refresh_token: str | None
    expires_in: int
    csrf_token: str
    session_expires_at: str


@dataclass(frozen=True, slots=True)
class Opening:
    """How a session comes about.

    `factors` are what its holder proved with who they are, and `stepped_up` whether that was a step-up; `version` is
    the credentials version that the change itself makes.
    """

    device_name: str | None = None
    device_id: str | None = None
    factors: tuple[str, ...] = ("password",)
    stepped_up: bool = False
    version: int | None = None


def open_session(tx: Transaction, principal: Principal, transport: Transport, opening: Opening) -> Tokens:
    """Put a new session into the change's transaction."""
    now = clock.now()
    session = _new_session(principal, transport, now, opening.version)
    session.factors = json.dumps(opening.factors)
    session.stepped_up_at = clock.stamp(now) if opening.stepped_up else None
    session.device_name, session.device_id = opening.device_name, opening.device_id
    storage.create_session(tx, session)
    return tokens(session)


def _new_session(principal: Principal, transport: Transport, now: datetime, version: int | None) -> Session:
    session_id = ids.new_id("ses")
    expires_at = now + _lifetime(principal, transport)
    return Session(
        principal.pk,
        storage.session_sk(session_id),
        session_id=session_id,
        transport=transport,
        credentials_version=version or principal.credentials_version,
        generation=0,
        access_hash=secrets.token_hash(_access_token(principal.pk, session_id, 0)),
        access_expires_at=clock.stamp(min(now + ACCESS, expires_at)),
        created_at=clock.stamp(now),
        refreshed_at=clock.stamp(now),
        expires_at=clock.stamp(expires_at),
        ttl=clock.epoch(expires_at) + 86400,
    )


def _lifetime(principal: Principal, transport: Transport) -> timedelta:
    if isinstance(principal, Client):
        return ACCESS
    return WEB_IN_ALL if transport is Transport.COOKIE else DEVICE_IN_ALL


def authenticate(access_token: str, transport: Transport) -> Actor:
    """Who an access token signs in: one consistent round trip, and nothing written. Raises NotSignedIn.

    A cookie's token that comes as a bearer's would pass by the CSRF check, so it signs nobody in.
    """
    principal, session = _live(access_token)
    if session.transport != transport:
        raise NotSignedIn
    if isinstance(principal, Client):
        return Actor(
            ActorKind.CLIENT,
            principal.pk,
            session_id=session.session_id,
            scopes=frozenset(json.loads(principal.scopes)),
        )
    account = principal if isinstance(principal, Account) else None
    return Actor(
        ActorKind.ACCOUNT,
        principal.pk,
        patient_id=account.patient_id if account else None,
        session_id=session.session_id,
        language=account.language if account else None,
        roles=account.staff_roles if account else frozenset(),
        practitioner_id=account.practitioner_id if account else None,
        joined=tuple(sorted(account.joined_patients or ())) if account else (),
        stepped_up_at=clock.read_stamp(session.stepped_up_at) if session.stepped_up_at else None,
        release=account.release if account else None,
    )


def _live(access_token: str) -> tuple[Principal, Session]:
    parts = access_token.split(".")
    if len(parts) != _ACCESS_PARTS or not _are_ids(parts[0], parts[1]):
        raise NotSignedIn
    found = storage.find_principal_and_session(parts[0], parts[1])
    if found is None:
        raise NotSignedIn
    principal, session = found
    if not is_open(principal, session) or not _is_current(session, access_token):
        raise NotSignedIn
    return principal, session


def _are_ids(principal_id: str, session_id: str) -> bool:
    return any(ids.has_prefix(principal_id, prefix) for prefix in ("acc", "cli")) and ids.has_prefix(session_id, "ses")


def is_open(principal: Principal, session: Session) -> bool:
    """Whether a session may still be refreshed, by the portal's clock and the account's credentials."""
    now = clock.stamp(clock.now())
    same = session.credentials_version == principal.credentials_version
    return same and not principal.disabled and now < session.expires_at and now < _idle_until(session)


def _idle_until(session: Session) -> str:
    if session.transport != Transport.COOKIE:
        return session.expires_at
    return clock.stamp(clock.read_stamp(session.refreshed_at) + WEB_IDLE)


def _is_current(session: Session, access_token: str) -> bool:
    now, sent = clock.stamp(clock.now()), secrets.token_hash(access_token)
    current = secrets.same(sent, session.access_hash) and now < session.access_expires_at
    # Requests under way while another tab refreshes still carry the token before; it keeps its own end.
    previous = secrets.same(sent, session.previous_access_hash or "") and now < (
        session.previous_access_expires_at or ""
    )
    return current or previous


def refresh(refresh_token: str, transport: Transport) -> tuple[Principal, Tokens]:
    """The next tokens of a session, which keeps the transport that it was opened for.

    Raises SessionEnded; a spent token ends the whole session, since one of its two holders is a thief.
    """
    principal_id, session_id, generation = _read_refresh_token(refresh_token)
    for _ in range(2):
        found = storage.find_principal_and_session(principal_id, session_id)
        if found is None or found[1].transport != transport or not is_open(*found):
            raise SessionEnded
        principal, session = found
        if generation == session.generation and _rotate(session):
            return principal, tokens(session)
        if generation == session.generation:
            continue
        if generation == session.generation - 1 and clock.now() <= clock.read_stamp(session.refreshed_at) + GRACE:
            return principal, tokens(session)
        _revoke(session)
        raise SessionEnded
    raise SessionEnded


def _rotate(session: Session) -> bool:
    now = clock.now()
    return storage.rotate_session(
        session,
        access_hash=secrets.token_hash(_access_token(session.pk, session.session_id, int(session.generation) + 1)),
        access_expires_at=clock.stamp(min(now + ACCESS, clock.read_stamp(session.expires_at))),
        refreshed_at=clock.stamp(now),
    )


def _revoke(session: Session) -> None:
    about: dict[str, object] = {"session_id": session.session_id}
    with transaction() as tx:
        storage.end_session(tx, session)
        audit.record(tx, Entry(NOBODY, Action.SESSION_REUSE, account_id=session.pk, about=about))


def tokens(session: Session) -> Tokens:
    """The tokens of a session's present generation: derived, so that a lost answer can be given again."""
    generation = int(session.generation)
    left = clock.read_stamp(session.access_expires_at) - clock.now()
    refreshable = session.pk.startswith("acc_")
    return Tokens(
        session_id=session.session_id,
        access_token=_access_token(session.pk, session.session_id, generation),
        refresh_token=_refresh_token(session.pk, session.session_id, generation) if refreshable else None,
        expires_in=max(0, round(left.total_seconds())),
        csrf_token=csrf_token(session.session_id),
        session_expires_at=session.expires_at,
    )


def csrf_token(session_id: str) -> str:
    """The session's CSRF token."""
    return secrets.encode(secrets.derive("csrf", session_id, 0))


def is_csrf_token(sent: str, session_id: str) -> bool:
    """Whether a CSRF token is the session's, in constant time."""
    return secrets.same(sent, csrf_token(session_id))


def claimed_session_id(refresh_token: str) -> str:
    """The session id in a refresh token, true or not. Raises SessionEnded for what is none."""
    parts = refresh_token.split(".")
    if len(parts) != _REFRESH_PARTS or not _are_ids(parts[0], parts[1]):
        raise SessionEnded
    return parts[1]


def _access_token(principal_id: str, session_id: str, generation: int) -> str:
    return f"{principal_id}.{session_id}.{secrets.encode(secrets.derive('access-token', session_id, generation))}"


def _refresh_token(principal_id: str, session_id: str, generation: int) -> str:
    secret = secrets.encode(secrets.derive("refresh-token", session_id, generation))
    return f"{principal_id}.{session_id}.{generation}.{secret}"


def _read_refresh_token(token: str) -> tuple[str, str, int]:
    parts = token.split(".")
    if (
        len(parts) != _REFRESH_PARTS
        or not _are_ids(parts[0], parts[1])
        or not parts[2].isdecimal()
        or len(parts[2]) > _GENERATION_DIGITS
    ):
        raise SessionEnded
    generation = int(parts[2])
    if not secrets.same(token, _refresh_token(parts[0], parts[1], generation)):
        raise SessionEnded
    return parts[0], parts[1], generation
