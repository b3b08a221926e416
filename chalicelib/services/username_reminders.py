"""Telling people a username that they forgot, in the mailbox that they confirmed and nowhere else."""

from chalicelib.auth import pace
from chalicelib.domain import identity
from chalicelib.domain.access import NOBODY
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.notices import Notice, NoticeKind
from chalicelib.models import accounts, audit, outbox
from chalicelib.models.base import together
from chalicelib.models.transaction import Transaction
from chalicelib.services import recovery
from chalicelib.services.recovery import Recipient

_WHAT = "username-reminder"


def request(email: str, source_ip: str) -> None:
    """Send the username of the account that has confirmed an email address to that address.

    Who asks cannot tell whether there is one. Raises TooManyRequests for a source address that asks too often.
    """
    email_key = identity.canonical_email(email)
    with pace.at_least(recovery.SECONDS):
        _, owner_id = together(
            lambda: recovery.check_source(_WHAT, source_ip), lambda: accounts.find_email_owner_id(email_key)
        )
        recipient = Recipient(owner_id, email_key) if owner_id else recovery.nobody(email_key)
        recovery.write(_WHAT, recipient, _remind)


def _remind(tx: Transaction, account_id: str) -> None:
    audit.record(tx, Entry(NOBODY, Action.ACCOUNT_USERNAME_REMIND, account_id=account_id))
    outbox.post(tx, Notice(NoticeKind.USERNAME_REMINDER, account_id))
