"""Which reset of an account counts: the one that was asked for last.

What was sent for it is a link (models/links.py); this row leads from the account to it.
"""

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import UpdateError

from chalicelib import clock
from chalicelib.errors import ResetNotAccepted
from chalicelib.models.accounts import PRINCIPAL, Account, AccountsTable
from chalicelib.models.base import storage_errors
from chalicelib.models.links import Link
from chalicelib.models.transaction import Precedence, Transaction

WRONG_ANSWERS = 3
"""Wrong answers to the security question after which a reset is dead."""


class RunningReset(AccountsTable, discriminator="running_reset"):
    """The reset that counts; partition key is the account's id, sort key `reset`."""

    link_id = UnicodeAttribute()
    wrong_answers = NumberAttribute(default=0)


_SORT_KEY = "reset"


def start(tx: Transaction, link: Link) -> None:
    """Let a reset be the one that counts; the one before it, if any, is dead."""
    ttl = clock.epoch(clock.read_stamp(link.expires_at)) + 86400
    tx.put(RunningReset(link.account_id, _SORT_KEY, link_id=link.pk, ttl=ttl))


def end(tx: Transaction, link: Link) -> None:
    """No reset counts any more. A link that was not the one that counted is refused with ResetNotAccepted."""
    tx.delete(
        RunningReset(link.account_id, _SORT_KEY),
        condition=RunningReset.link_id == link.pk,
        error=ResetNotAccepted(),
        precedence=Precedence.STATE,
    )


def drop(tx: Transaction, account_id: str) -> None:
    """No reset counts any more, if one did."""
    tx.delete(RunningReset(account_id, _SORT_KEY))


def find_account(link: Link) -> Account | None:
    """The account of a link, where the link's reset is the one that counts. One round trip."""
    rows = AccountsTable.find_all([(link.account_id, PRINCIPAL), (link.account_id, _SORT_KEY)])
    account, running = rows.get((link.account_id, PRINCIPAL)), rows.get((link.account_id, _SORT_KEY))
    if not isinstance(account, Account) or not isinstance(running, RunningReset):
        return None
    return account if running.link_id == link.pk and running.wrong_answers < WRONG_ANSWERS else None


def is_running(link: Link) -> bool:
    """Whether a link's reset is the one that counts, with answers left."""
    row = RunningReset.find(link.account_id, _SORT_KEY)
    return row is not None and row.link_id == link.pk and row.wrong_answers < WRONG_ANSWERS


def take_answer(link: Link) -> bool:
    """Reserve one of the reset's answers. False where none is left, or the reset does not count any more."""
    row = RunningReset(link.account_id, _SORT_KEY)
    is_open = (RunningReset.link_id == link.pk) & (RunningReset.wrong_answers < WRONG_ANSWERS)
    try:
        row.update([RunningReset.wrong_answers.add(1)], condition=is_open)
    except UpdateError as refused:
        if refused.cause_response_code == "ConditionalCheckFailedException":
            return False
        with storage_errors():
            raise
    return True


def give_back_answer(link: Link) -> None:
    """The answer was right: it does not count."""
    row = RunningReset(link.account_id, _SORT_KEY)
    try:
        row.update([RunningReset.wrong_answers.add(-1)], condition=RunningReset.link_id == link.pk)
    except UpdateError as refused:
        # A newer reset has taken its place, with answers of its own.
        if refused.cause_response_code != "ConditionalCheckFailedException":
            with storage_errors():
                raise
