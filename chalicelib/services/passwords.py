"""Changing a password that one knows."""

from chalicelib.auth import hashing, limits, sessions
from chalicelib.auth.peppers import peppers
from chalicelib.auth.sessions import Opening, Transport
from chalicelib.domain import passwords as rules
from chalicelib.domain.access import Actor
from chalicelib.domain.accounts import SessionView
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.notices import Notice, NoticeKind
from chalicelib.errors import FieldError, Invalid
from chalicelib.models import accounts, audit, outbox, patients
from chalicelib.models.accounts import Account
from chalicelib.models.transaction import transaction
from chalicelib.services import accounts as account_service
from chalicelib.services import devices
from chalicelib.services import sessions as session_service
from chalicelib.services.accounts import SignedIn
from chalicelib.settings import settings


def change(actor: Actor, current_password: str, new_password: str) -> tuple[SignedIn, Transport]:
    """Set a new password: every session of the account ends, and the caller gets a new one, of the same transport.

    Raises Invalid where the current password is wrong or the new one is refused, and TooManyRequests.
    """
    account = account_service.find(actor)
    session = session_service.find_current(actor)
    check_current(actor, account, session, current_password, "/current_password")
    if errors := check(account, new_password):
        raise Invalid(errors)
    new_hash, transport = hashing.hash(new_password, peppers()), Transport(session.transport)
    with transaction() as tx:
        accounts.change_password(tx, account, new_hash, is_short=is_short(new_password))
        tokens = sessions.open_session(
            tx,
            account,
            transport,
            Opening(session.device_name, session.device_id, version=int(account.credentials_version) + 1),
        )
        audit.record(tx, Entry(actor, Action.ACCOUNT_PASSWORD_CHANGE, account_id=account.pk))
        outbox.post(tx, Notice(NoticeKind.PASSWORD_CHANGED, account.pk))
    return SignedIn(account_service.view(account), tokens), transport


def check_current(actor: Actor, account: Account, session: SessionView, password: str, pointer: str) -> None:
    """Whoever guesses in somebody's session has no more tries than on somebody's device, and then loses both.

    Raises Invalid for the field at `pointer`, and TooManyRequests.
    """
    reserved = limits.take(f"password:account:{account.pk}", session_service.WRONG_PER_BUCKET)
    if hashing.verify(account.password_hash, password, peppers()):
        limits.give_back(reserved)
        return
    limits.note_wrong(reserved)
    audit.record_alone(Entry(actor, Action.ACCOUNT_PASSWORD_REFUSE, account_id=account.pk))
    if devices.note_wrong(account.pk, session.device_id or ""):
        session_service.end(actor, session.session_id)
    raise Invalid([FieldError(pointer, "wrong_password")])


def check(account: Account, new_password: str) -> list[FieldError]:
    """What is wrong with an account's new password. With a second factor a shorter one will do (PW 1)."""
    minimum = rules.SHORTEST_WITH_SECOND_FACTOR if account.bound_factors else rules.SHORTEST
    return account_service.check_password(new_password, own_words(account), "/new_password", minimum)


def is_short(password: str) -> bool:
    """Whether a password is too short to be all that an account has."""
    return len(rules.normalise(password)) < rules.SHORTEST


def own_words(account: Account) -> list[str]:
    """What others may know of an account's holder, and would try as a password."""
    patient = patients.find(account.patient_id) if account.patient_id else None
    words = account_service.words_of(patient) if patient else [settings().clinic_name]
    return [account.username, account.email or account.pending_email or "", *words]
