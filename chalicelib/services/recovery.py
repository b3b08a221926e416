"""What asking for a new password and for a forgotten username share: whoever asks learns nothing (RC 4 and 6).

Every request takes the same calls, in the same order, and writes the same rows. What is for nobody, or is one too many,
is written for the id of an account that does not exist, which the worker that would tell its holder drops.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from chalicelib import ids
from chalicelib.auth import limits, secrets
from chalicelib.auth.limits import Limit, Window
from chalicelib.domain import identity
from chalicelib.errors import Conflict, Unavailable
from chalicelib.models.transaction import Transaction, transaction

PER_SOURCE_ADDRESS = Limit(tries=30, seconds=3600)
PER_ACCOUNT = Limit(tries=5, seconds=86400)
PER_MAILBOX = Limit(tries=3, seconds=3600)

SECONDS = 0.1
"""How long an answer takes at least: longer than the work, so that reading a row more or less does not show."""

_RACES = 50

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a request is for, and the canonical address of the mailbox that a message would go to, if there is one."""

    account_id: str
    mailbox: str | None = None


def nobody(identifier: str) -> Recipient:
    """Whom a request for an identifier that is nobody's is for: the same one each time, so that limits work alike."""
    return Recipient(ids.derived_id("acc", secrets.derive("nobodys-account", identifier, 0)))


def email_key(text: str) -> str | None:
    """The canonical form of an email address; None for what is none."""
    try:
        return identity.canonical_email(text)
    except identity.NotAnEmail:
        return None


def check_source(what: str, source_ip: str) -> None:
    """Count one request of a source address. Raises TooManyRequests."""
    limits.spend(f"{what}:address:{limits.network(source_ip)}", PER_SOURCE_ADDRESS)


def write(what: str, recipient: Recipient, change: Callable[[Transaction, str], _T]) -> _T:
    """Make a change for the account of a recipient, counted by its own transaction.

    Once the account or the mailbox has had its share, the change is made for an account that does not exist.
    """
    for _ in range(_RACES):
        windows = limits.look(_buckets(what, recipient))
        account_id = recipient.account_id
        if any(window.is_full for window in windows):
            account_id = ids.new_id("acc")
            windows = [limits.fresh_window(f"{window.bucket}:{account_id}", window.limit) for window in windows]
        try:
            return _commit(windows, account_id, change)
        except Conflict:
            continue
    raise Unavailable(retry_after=1)


def _buckets(what: str, recipient: Recipient) -> dict[str, Limit]:
    mailbox = secrets.keyed_hash("mailbox", recipient.mailbox or recipient.account_id)
    return {f"{what}:account:{recipient.account_id}": PER_ACCOUNT, f"{what}:mailbox:{mailbox}": PER_MAILBOX}


def _commit(windows: list[Window], account_id: str, change: Callable[[Transaction, str], _T]) -> _T:
    with transaction() as tx:
        for window in windows:
            limits.spend_in(tx, window, error=Conflict())
        return change(tx, account_id)
