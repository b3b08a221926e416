"""Accounts that their holders have closed: `closing_id` names one closing, which is undone or carried out, not both."""

from datetime import datetime

from chalicelib import clock
from chalicelib.errors import Conflict, LinkEnded, StaleVersion
from chalicelib.models import accounts
from chalicelib.models.accounts import Account
from chalicelib.models.transaction import Precedence, Transaction


def close(tx: Transaction, account: Account, closing_id: str, until: datetime) -> None:
    """Nobody signs in any more, every session ends, and the account can be opened again until a time.

    Raises StaleVersion at the commit where the account was changed meanwhile.
    """
    tx.update(
        account,
        [
            Account.disabled.set(True),
            Account.closing_id.set(closing_id),
            Account.closed_until.set(clock.stamp(until)),
            Account.pending_phone.remove(),
            Account.credentials_version.add(1),
            Account.version.add(1),
        ],
        condition=(Account.version == account.version) & Account.closing_id.does_not_exist(),
        error=StaleVersion(),
    )


def reopen(tx: Transaction, account: Account, password_hash: str) -> None:
    """An account is open again, with a password that nobody knows.

    Raises LinkEnded where it is too late, or a merge has closed the account as well.
    """
    tx.update(
        account,
        [
            *accounts.reopening(),
            Account.password_hash.set(password_hash),
            Account.password_is_short.set(False),
            Account.wrong_in_a_row.set(0),
            Account.credentials_version.add(1),
            Account.version.add(1),
        ],
        condition=(
            (Account.closing_id == account.closing_id)
            & Account.purge_began_at.does_not_exist()
            & Account.closed_by_merge.does_not_exist()
            & (Account.closed_until > clock.stamp(clock.now()))
        ),
        error=LinkEnded(),
        precedence=Precedence.STATE,
    )


def begin_purge(tx: Transaction, account: Account) -> None:
    """From here on an account cannot be opened again. Raises Conflict at the commit where it was, or may be still.

    One that a merge alone has closed is opened by whoever undoes the merge, who finds it as it was read.
    """
    now = clock.stamp(clock.now())
    is_closed = (
        (Account.closing_id == account.closing_id) & (Account.closed_until <= now)
        if account.closing_id
        else (Account.closed_by_merge == account.closed_by_merge)
        & Account.closing_id.does_not_exist()
        & (Account.disabled == True)  # noqa: E712  A condition, no comparison.
    )
    tx.update(
        account,
        [Account.purge_began_at.set(now), Account.version.add(1)],
        condition=is_closed & Account.purge_began_at.does_not_exist(),
        error=Conflict(),
    )
