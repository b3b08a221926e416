"""The clinic's own systems: client credentials (RFC 6749 §4.4) and what they may do."""

import json
from collections.abc import Iterable

from chalicelib import clock, ids
from chalicelib.auth import limits, secrets, sessions
from chalicelib.auth.limits import Limit
from chalicelib.auth.sessions import Tokens, Transport
from chalicelib.domain.access import SYSTEM, Actor, ActorKind, ClientScope
from chalicelib.domain.audit import Action, Entry
from chalicelib.errors import WrongClientCredentials
from chalicelib.models import accounts, audit
from chalicelib.models.accounts import Client
from chalicelib.models.transaction import transaction

WRONG_PER_ADDRESS = Limit(tries=10, seconds=300)


def create(name: str, scopes: Iterable[ClientScope]) -> tuple[str, str]:
    """A new service client; returns its id and its secret, which is shown this once."""
    client_id, secret = ids.new_id("cli"), secrets.random_token()
    row = Client(
        client_id,
        accounts.PRINCIPAL,
        name=name,
        secret_hash=secrets.token_hash(secret),
        scopes=json.dumps(sorted(scopes)),
        created_at=clock.stamp(clock.now()),
        credentials_version=1,
    )
    with transaction() as tx:
        tx.create(row, error=None)
        audit.record(tx, Entry(SYSTEM, Action.CLIENT_CREATE, account_id=client_id, about={"scopes": sorted(scopes)}))
    return client_id, secret


def open_session(client_id: str, secret: str, source_ip: str) -> Tokens:
    """An access token for a client.

    Raises WrongClientCredentials, and TooManyRequests after 10 wrong tries in 5 minutes.
    """
    reserved = limits.take(f"client:address:{limits.network(source_ip)}", WRONG_PER_ADDRESS)
    found = accounts.find_client(client_id) if ids.has_prefix(client_id, "cli") else None
    if found is None or found.disabled or not secrets.same(found.secret_hash, secrets.token_hash(secret)):
        limits.note_wrong(reserved)
        raise WrongClientCredentials
    limits.give_back(reserved)
    with transaction() as tx:
        accounts.check_credentials(tx, found, error=WrongClientCredentials())
        tokens = sessions.open_session(tx, found, Transport.BEARER)
        actor = Actor(ActorKind.CLIENT, client_id)
        about: dict[str, object] = {"session_id": tokens.session_id}
        audit.record(tx, Entry(actor, Action.CLIENT_SESSION_CREATE, account_id=client_id, about=about))
    return tokens
