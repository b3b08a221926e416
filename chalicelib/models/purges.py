"""Removing what is kept of a closed account: its partition row by row, and the rows elsewhere that lead to it."""

from typing import Any

from chalicelib.domain import identity
from chalicelib.domain.contact_changes import Changed
from chalicelib.domain.proxy_requests import ProxyStatus
from chalicelib.errors import Conflict
from chalicelib.models import accounts, activations, contact_changes
from chalicelib.models.accounts import PRINCIPAL, Account, AccountsTable, Email, PatientAccount, Username
from chalicelib.models.base import Key, connection, storage_errors
from chalicelib.models.proxy_requests import ProxyRequest
from chalicelib.models.transaction import Transaction


def find_keys(account_id: str, limit: int) -> list[tuple[Key, str]]:
    """Where rows of an account lie, with the kind of each, but for the account's own row.

    Rows of kinds that this version of the portal does not know are among them.
    """
    request: dict[str, Any] = {
        "TableName": AccountsTable.Meta.table_name,
        "KeyConditionExpression": "pk = :pk",
        "ProjectionExpression": "pk, sk, kind",
        "ExpressionAttributeValues": {":pk": {"S": account_id}},
        "ConsistentRead": True,
        "Limit": limit + 1,
    }
    with storage_errors():
        items = connection().dispatch("Query", request)["Items"]
    found = [((item["pk"]["S"], item["sk"]["S"]), item["kind"]["S"]) for item in items]
    return [(key, kind) for key, kind in found if key[1] != PRINCIPAL][:limit]


def remove(tx: Transaction, key: Key) -> None:
    """A row that nothing else leads to."""
    tx.delete(AccountsTable(*key))


def find_former_usernames(account_id: str) -> list[str]:
    """The canonical forms of usernames that an account has given up, and that are reserved for it or were."""
    changes = contact_changes.find_all(account_id)
    given_up = [row.before for row in changes if row.what == Changed.USERNAME and row.before]
    keys = {identity.canonical_username(name) for name in given_up}
    held = Username.find_all([accounts.username_row(key, "").key for key in sorted(keys)]) if keys else {}
    return [row.pk.partition("#")[2] for row in held.values() if row.account_id == account_id]


def free_username(tx: Transaction, account_id: str, username_key: str) -> None:
    """A username is nobody's any more."""
    _free(tx, accounts.username_row(username_key, account_id), Username)


def remove_proxy_request(tx: Transaction, row: ProxyRequest) -> None:
    """What somebody asked for who is gone, and nobody has decided."""
    tx.delete(row, condition=ProxyRequest.status == ProxyStatus.PENDING, error=Conflict())


def remove_account(tx: Transaction, account: Account) -> None:
    """The account, and all that is its own alone: its username, its addresses, its place with its patient."""
    free_username(tx, account.pk, account.username_key)
    if account.email:
        _free(tx, accounts.email_row(identity.canonical_email(account.email), account.pk), Email)
    if account.pending_email:
        tx.delete(accounts.pending_email_row(identity.canonical_email(account.pending_email), account.pk))
    if account.patient_id:
        _leave_patient(tx, account.pk, account.patient_id)
    tx.delete(account, condition=Account.purge_began_at.exists(), error=Conflict())


def _leave_patient(tx: Transaction, account_id: str, patient_id: str) -> None:
    """The place with a patient, unless a merge has given it to another account."""
    owner_id = accounts.find_patient_account_id(patient_id)
    if owner_id is not None and owner_id != account_id:
        row = accounts.patient_row(patient_id, owner_id)
        tx.check(row, PatientAccount.account_id == owner_id, error=Conflict())
        return
    _free(tx, accounts.patient_row(patient_id, account_id), PatientAccount)
    # The code that the account was opened with is used: with the row gone the patient can have a new one.
    tx.delete(AccountsTable(*activations.key(patient_id)))


def _free(tx: Transaction, row: Any, kind: Any) -> None:
    own = kind.pk.does_not_exist() | (kind.account_id == row.account_id)
    tx.delete(row, condition=own, error=Conflict())
