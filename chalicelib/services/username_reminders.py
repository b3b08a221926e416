"""Telling people a username that they forgot, in a mailbox that is known to be theirs and nowhere else."""

from chalicelib.auth import pace
from chalicelib.domain.access import NOBODY
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.notices import Notice, NoticeKind
from chalicelib.models import audit, outbox
from chalicelib.models.base import together
from chalicelib.models.transaction import Transaction
from chalicelib.services import recipients, recovery

_WHAT = "username-reminder"


def request(email: str, source_ip: str) -> None:
    """Send the username of the account of an email address to that address: a confirmed one, or one on file.

    Who asks cannot tell whether there is one. Raises TooManyRequests for a source address that asks too often.
    """
    with pace.at_least(recovery.SECONDS):
        _, recipient = together(
            lambda: recovery.check_source(_WHAT, source_ip),
            lambda: recipients.find(email, NoticeKind.USERNAME_REMINDER, is_username=False),
        )
        recovery.write(_WHAT, recipient, _remind)


def _remind(tx: Transaction, account_id: str) -> None:
    audit.record(tx, Entry(NOBODY, Action.ACCOUNT_USERNAME_REMIND, account_id=account_id))
    outbox.post(tx, Notice(NoticeKind.USERNAME_REMINDER, account_id))
