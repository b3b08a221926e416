"""Changing a password that one knows."""

from chalicelib.auth import hashing, limits
from chalicelib.auth.peppers import peppers
from chalicelib.auth.sessions import Transport
from chalicelib.domain.access import Actor
from chalicelib.domain.audit import Action, Entry
from chalicelib.errors import FieldError, Invalid
from chalicelib.models import accounts, audit, patients
from chalicelib.models.transaction import transaction
from chalicelib.services import accounts as account_service
from chalicelib.services.accounts import SignedIn
from chalicelib.services.sessions import WRONG_PER_BUCKET, find_current
from chalicelib.settings import settings


def change(actor: Actor, current_password: str, new_password: str) -> tuple[SignedIn, Transport]:
    """Set a new password: every session of the account ends, and the caller gets a new one, of the same transport.

    Raises Invalid where the current password is wrong or the new one is refused, and TooManyRequests.
    """
    account = account_service.find(actor)
    session = find_current(actor)
    reserved = limits.take(f"password:account:{account.pk}", WRONG_PER_BUCKET)
    if not hashing.verify(account.password_hash, current_password, peppers()):
        raise Invalid([FieldError("/current_password", "wrong_password")])
    limits.give_back(reserved)
    patient = patients.find(account.patient_id) if account.patient_id else None
    words = [
        account.username,
        account.email or "",
        settings().clinic_name,
        *(account_service.words_of(patient) if patient else []),
    ]
    if errors := account_service.check_password(new_password, words, "/new_password"):
        raise Invalid(errors)
    new_hash = hashing.hash(new_password, peppers())
    with transaction() as tx:
        accounts.change_password(tx, account, new_hash)
        version = int(account.credentials_version) + 1
        transport = Transport(session.transport)
        signed_in = account_service.open_session(tx, account, transport, session.device_name, version=version)
        audit.record(tx, Entry(actor, Action.ACCOUNT_PASSWORD_CHANGE, account_id=account.pk))
    return signed_in, transport
