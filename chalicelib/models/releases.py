"""When the holder of an account wants to see new results: it lies in the account's row, which signing in reads."""

from chalicelib.errors import StaleVersion
from chalicelib.models.accounts import PRINCIPAL, Account
from chalicelib.models.transaction import Transaction


def put(tx: Transaction, account_id: str, before: str | None, after: str) -> None:
    """Choose anew, if nobody has since `before` was read: else StaleVersion at the commit."""
    unchanged = Account.release == before if before else Account.pk.exists() & Account.release.does_not_exist()
    tx.update(Account(account_id, PRINCIPAL), [Account.release.set(after)], condition=unchanged, error=StaleVersion())
