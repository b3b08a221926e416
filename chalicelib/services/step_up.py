"""Proving once more who one is, for what moves money, data or contacts (ID 9; NIST SP 800-63B-4 §5.2.3)."""

from typing import Any

from chalicelib.auth import sessions as tokens_of
from chalicelib.auth.sessions import Opening, Transport
from chalicelib.domain.access import Actor
from chalicelib.domain.accounts import SessionView
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.second_factors import Factor
from chalicelib.errors import FieldError, Invalid, NotSignedIn, SecondFactorRequired, WrongCode
from chalicelib.models import accounts, audit
from chalicelib.models import sessions as storage
from chalicelib.models.accounts import Account
from chalicelib.models.transaction import transaction
from chalicelib.services import accounts as account_service
from chalicelib.services import devices, factor_proofs, passkeys, passwords
from chalicelib.services import sessions as session_service
from chalicelib.services.accounts import SignedIn
from chalicelib.services.factor_proofs import Proof


def by_password(actor: Actor, password: str) -> tuple[SignedIn, Transport]:
    """A new session in the place of the caller's, stepped up by the password.

    Raises SecondFactorRequired where a second factor is bound, Invalid for a wrong password, and TooManyRequests.
    """
    account, session = account_service.find(actor), session_service.find_current(actor)
    if account.bound_factors or account.staff_roles:
        raise SecondFactorRequired
    passwords.check_current(actor, account, session, password, "/password")
    return _open(actor, account, session, Proof(Factor.PASSWORD, lambda _tx: None))


def by_code(actor: Actor, method: Factor, code: str) -> tuple[SignedIn, Transport]:
    """A new session in the place of the caller's, stepped up by a code.

    Raises Invalid for a wrong code, and TooManyRequests.
    """
    account, session = account_service.find(actor), session_service.find_current(actor)
    try:
        with factor_proofs.counted([factor_proofs.account_bucket(account.pk)]):
            return _open(actor, account, session, factor_proofs.require(account.pk, method, code))
    except WrongCode:
        _note_wrong(actor, session)
        raise Invalid([FieldError("/code", "wrong_code")]) from None


def by_passkey(actor: Actor, credential: dict[str, Any]) -> tuple[SignedIn, Transport]:
    """A new session in the place of the caller's, stepped up by a passkey.

    Raises Invalid for one that is not the caller's or not right, and TooManyRequests.
    """
    account, session = account_service.find(actor), session_service.find_current(actor)
    try:
        with factor_proofs.counted([factor_proofs.account_bucket(account.pk)]):
            return _open(actor, account, session, passkeys.prove(account, credential))
    except WrongCode:
        _note_wrong(actor, session)
        raise Invalid([FieldError("/passkey", "passkey_not_accepted")]) from None


def _note_wrong(actor: Actor, session: SessionView) -> None:
    """As with passwords: whoever guesses here has no more tries than on the device."""
    audit.record_alone(Entry(actor, Action.SECOND_FACTOR_REFUSE, account_id=actor.id))
    if devices.note_wrong(actor.id, session.device_id or ""):
        session_service.end(actor, session.session_id)


def _open(actor: Actor, account: Account, session: SessionView, proof: Proof) -> tuple[SignedIn, Transport]:
    transport = Transport(session.transport)
    factors = tuple(dict.fromkeys((*session.factors, proof.factor)))
    opening = Opening(session.device_name, session.device_id, factors=factors, stepped_up=True)
    with transaction() as tx:
        accounts.check_credentials(tx, account, error=NotSignedIn())
        proof.use(tx)
        storage.replace_session(tx, actor.id, session.session_id)
        tokens = tokens_of.open_session(tx, account, transport, opening)
        about: dict[str, object] = {"session_id": tokens.session_id, "factor": proof.factor}
        about["ended"] = session.session_id
        audit.record(tx, Entry(actor, Action.SESSION_STEP_UP, account_id=account.pk, about=about))
    return SignedIn(account_service.view(account), tokens), transport
