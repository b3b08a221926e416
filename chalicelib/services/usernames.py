"""Another username for one's own account."""

from chalicelib.domain import identity
from chalicelib.domain.access import Actor
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.contact_changes import Changed
from chalicelib.errors import FieldError, Invalid
from chalicelib.models import audit
from chalicelib.models import contact_changes as storage
from chalicelib.models.transaction import transaction
from chalicelib.services import contact_changes


def change(actor: Actor, username: str) -> None:
    """Sign in by another name from now on; the one before it stays reserved while the change can be undone.

    Raises Invalid, UsernameTaken, and TooManyRequests after 5 changes in a day.
    """
    name, account = username.strip(), contact_changes.own(actor)
    if reasons := identity.check_username(name, own_email=account.email):
        raise Invalid([FieldError("/username", f"username_{reason}") for reason in reasons])
    if name == account.username:
        return
    contact_changes.spend(account.pk, Changed.USERNAME)
    contact_changes.settled(lambda: _change(actor, name))


def _change(actor: Actor, name: str) -> None:
    account, key = contact_changes.own(actor), identity.canonical_username(name)
    with transaction() as tx:
        storage.set_username(tx, account, name, key, reserved_until=storage.reserved_until())
        contact_changes.record(tx, account, Changed.USERNAME, before=account.username, after=name)
        audit.record(tx, Entry(actor, Action.ACCOUNT_USERNAME_CHANGE, account_id=account.pk))
