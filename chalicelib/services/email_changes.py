"""Another email address for one's own account: the old one stays until the new one is confirmed."""

from chalicelib.auth import limits
from chalicelib.domain import identity
from chalicelib.domain.access import Actor
from chalicelib.domain.audit import Action, Entry
from chalicelib.errors import FieldError, Invalid
from chalicelib.models import accounts as account_storage
from chalicelib.models import audit
from chalicelib.models import contact_changes as storage
from chalicelib.models.accounts import Account
from chalicelib.models.transaction import transaction
from chalicelib.services import accounts, contact_changes


def ask(actor: Actor, email: str) -> None:
    """Have a new address confirmed. One that is somebody else's looks the same to the caller (ID 5).

    Raises Invalid for the address that the account has, and TooManyRequests after 5 in an hour.
    """
    limits.spend(f"email-confirmation:account:{actor.id}", accounts.CONFIRMATIONS)
    contact_changes.settled(lambda: _ask(actor, email))


def _ask(actor: Actor, email: str) -> None:
    account, key = contact_changes.own(actor), identity.canonical_email(email)
    if account.email and identity.canonical_email(account.email) == key:
        raise Invalid([FieldError("/email", "email_unchanged")])
    owner_id = account_storage.find_email_owner_id(key)
    with transaction() as tx:
        storage.set_pending_email(tx, account, email, former_key=_waiting_key(account), new_key=key)
        account.pending_email = email
        accounts.post_email_notice(tx, account, owner_id)
        audit.record(tx, Entry(actor, Action.ACCOUNT_EMAIL_ASK, account_id=account.pk))


def cancel(actor: Actor) -> None:
    """Let the address that waits be forgotten; its links do nothing any more."""
    contact_changes.settled(lambda: _cancel(actor))


def _cancel(actor: Actor) -> None:
    account = contact_changes.own(actor)
    if not account.pending_email:
        return
    with transaction() as tx:
        storage.set_pending_email(tx, account, None, former_key=_waiting_key(account), new_key=None)
        audit.record(tx, Entry(actor, Action.ACCOUNT_EMAIL_CANCEL, account_id=account.pk))


def _waiting_key(account: Account) -> str | None:
    return identity.canonical_email(account.pending_email) if account.pending_email else None
