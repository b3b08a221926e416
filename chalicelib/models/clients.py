"""Service clients as admins manage them; the row that sessions hang on is models/accounts.Client."""

from chalicelib import clock
from chalicelib.errors import Conflict, StaleVersion
from chalicelib.models import accounts
from chalicelib.models.accounts import AccountsTable, Client
from chalicelib.models.base import storage_errors
from chalicelib.models.transaction import Precedence, Transaction

_LIST = "clients"


class ListedClient(AccountsTable, discriminator="listed_client"):
    """By which all clients are found: one partition, sort key is a client's id."""


def create(tx: Transaction, client: Client) -> None:
    """A new client."""
    tx.create(client, error=None)
    tx.create(ListedClient(_LIST, client.pk), error=None)


def find_all() -> list[Client]:
    """Every client, the oldest first. Two round trips."""
    with storage_errors():
        client_ids = [row.sk for row in ListedClient.query(_LIST, consistent_read=True)]
    found = Client.find_all([(client_id, accounts.PRINCIPAL) for client_id in client_ids])
    return [found[client_id, accounts.PRINCIPAL] for client_id in client_ids]


def edit(tx: Transaction, client: Client, expected_version: int, *, name: str, scopes: str, disabled: bool) -> None:
    """Change a client of an expected version; all its tokens end where it is disabled. Raises StaleVersion."""
    ends = [Client.credentials_version.add(1)] if disabled and not client.disabled else []
    tx.update(
        client,
        [
            Client.name.set(name),
            Client.scopes.set(scopes),
            Client.disabled.set(disabled),
            Client.version.add(1),
            *ends,
        ],
        condition=Client.version == expected_version,
        error=StaleVersion(),
        precedence=Precedence.STATE,
    )


def rotate(tx: Transaction, client: Client, secret_hash: str, previous_until: str | None) -> None:
    """Another secret; the one before is good until a time, or, with all that was got by it, for nothing any more.

    Raises Conflict where somebody else changed the client meanwhile.
    """
    actions = [
        Client.secret_hash.set(secret_hash),
        Client.generation.add(1),
        Client.version.add(1),
    ]
    if previous_until is None:
        actions += [
            Client.previous_secret_hash.remove(),
            Client.previous_until.remove(),
            Client.credentials_version.add(1),
        ]
    else:
        actions += [
            Client.previous_secret_hash.set(client.secret_hash),
            Client.previous_until.set(previous_until),
        ]
    tx.update(client, actions, condition=Client.version == client.version, error=Conflict())


def good_secrets(client: Client) -> list[str]:
    """The hashes of the secrets that a client may sign in with now."""
    is_live = bool(client.previous_until) and clock.stamp(clock.now()) < client.previous_until
    return [client.secret_hash, *([client.previous_secret_hash or ""] if is_live else [])]
