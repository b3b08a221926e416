"""The clinic's own systems: client credentials (RFC 6749 §4.4), and how admins manage them.

A secret is derived from the client's id and its generation, so that the answer which shows it can be given again.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib import clock, ids
from chalicelib.auth import limits, secrets, sessions
from chalicelib.auth.limits import Limit
from chalicelib.auth.sessions import Opening, Tokens, Transport
from chalicelib.domain.access import SYSTEM, Actor, ActorKind, ClientScope
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.clients import ClientView
from chalicelib.errors import NotFound, WrongClientCredentials
from chalicelib.models import accounts, audit
from chalicelib.models import clients as storage
from chalicelib.models.accounts import Client
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.services.once import Once

WRONG_PER_ADDRESS = Limit(tries=10, seconds=300)


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """A client's secret when it is made, and until when the one before is good, if it is at all."""

    client: ClientView
    client_secret: str
    previous_until: datetime | None = None


def create(name: str, scopes: Iterable[ClientScope]) -> tuple[str, str]:
    """A new service client, made by the operator; returns its id and its secret, which is shown this once."""
    row = _new(name, scopes)
    with transaction() as tx:
        _create(tx, SYSTEM, row)
    return row.pk, _secret(row.pk, 1)


def create_once(actor: Actor, name: str, scopes: Iterable[ClientScope], once: Once) -> ClientSecret:
    """A new service client, made by an admin; its secret is in this answer and its replays."""
    row = _new(name, scopes)

    def change(tx: Transaction) -> dict[str, str]:
        _create(tx, actor, row)
        return {"client_id": row.pk}

    client_id = once.commit(change)["client_id"]
    return ClientSecret(find(client_id), _secret(client_id, 1))


def _new(name: str, scopes: Iterable[ClientScope]) -> Client:
    client_id = ids.new_id("cli")
    return Client(
        client_id,
        accounts.PRINCIPAL,
        name=name,
        secret_hash=secrets.token_hash(_secret(client_id, 1)),
        generation=1,
        scopes=json.dumps(sorted(set(scopes))),
        created_at=clock.stamp(clock.now()),
        credentials_version=1,
        version=1,
    )


def _create(tx: Transaction, actor: Actor, row: Client) -> None:
    storage.create(tx, row)
    _audit(tx, actor, Action.CLIENT_CREATE, row.pk, scopes=json.loads(row.scopes))


def find_all() -> list[ClientView]:
    """Every client, the newest first."""
    return [_view(client) for client in reversed(storage.find_all())]


def find(client_id: str) -> ClientView:
    """One client. Raises NotFound."""
    return _view(_find(client_id))


def edit(
    actor: Actor,
    client_id: str,
    expected_version: int,
    *,
    name: str | None,
    scopes: Iterable[ClientScope] | None,
    disabled: bool | None,
) -> ClientView:
    """Change what is given. Scopes hold from the next request on, and a disabled client's tokens end at once.

    Raises NotFound and StaleVersion.
    """
    client = _find(client_id)
    changed = {
        "name": client.name if name is None else name,
        "scopes": client.scopes if scopes is None else json.dumps(sorted(set(scopes))),
        "disabled": client.disabled if disabled is None else disabled,
    }
    fields = sorted(field for field, value in changed.items() if value != getattr(client, field))
    with transaction() as tx:
        storage.edit(
            tx,
            client,
            expected_version,
            name=str(changed["name"]),
            scopes=str(changed["scopes"]),
            disabled=bool(changed["disabled"]),
        )
        _audit(tx, actor, Action.CLIENT_EDIT, client_id, fields=fields, scopes=json.loads(str(changed["scopes"])))
    return find(client_id)


def rotate(actor: Actor, client_id: str, keep: timedelta, once: Once) -> ClientSecret:
    """A new secret; the one before is good for as long as `keep` says.

    With no time at all it ends at once, and so does every token that was got by it. Raises NotFound, and Conflict where
    somebody else changed the client at the same moment.
    """
    client = _find(client_id)
    until = clock.stamp(clock.now() + keep) if keep else None

    def change(tx: Transaction) -> dict[str, str]:
        generation = int(client.generation) + 1
        storage.rotate(tx, client, secrets.token_hash(_secret(client_id, generation)), until)
        _audit(tx, actor, Action.CLIENT_ROTATE, client_id, previous_until=until)
        return {"generation": str(generation), "previous_until": until or ""}

    made = once.commit(change)
    previous_until = clock.read_stamp(made["previous_until"]) if made["previous_until"] else None
    return ClientSecret(find(client_id), _secret(client_id, int(made["generation"])), previous_until)


def open_session(client_id: str, secret: str, source_ip: str) -> Tokens:
    """An access token for a client.

    Raises WrongClientCredentials, and TooManyRequests after 10 wrong tries in 5 minutes.
    """
    reserved = limits.take(f"client:address:{limits.network(source_ip)}", WRONG_PER_ADDRESS)
    found = accounts.find_client(client_id) if ids.has_prefix(client_id, "cli") else None
    if found is None or found.disabled or not _is_right(found, secret):
        limits.note_wrong(reserved)
        raise WrongClientCredentials
    limits.give_back(reserved)
    with transaction() as tx:
        accounts.check_credentials(tx, found, error=WrongClientCredentials())
        tokens = sessions.open_session(tx, found, Transport.BEARER, Opening())
        actor = Actor(ActorKind.CLIENT, client_id)
        _audit(tx, actor, Action.CLIENT_SESSION_CREATE, client_id, session_id=tokens.session_id)
    return tokens


def _is_right(client: Client, secret: str) -> bool:
    sent = secrets.token_hash(secret)
    return any(secrets.same(one, sent) for one in storage.good_secrets(client))


def _secret(client_id: str, generation: int) -> str:
    return secrets.encode(secrets.derive("client-secret", client_id, generation))


def _find(client_id: str) -> Client:
    client = accounts.find_client(client_id) if ids.has_prefix(client_id, "cli") else None
    if client is None:
        raise NotFound
    return client


def _view(client: Client) -> ClientView:
    is_live = len(storage.good_secrets(client)) > 1
    return ClientView(
        client_id=client.pk,
        name=client.name,
        scopes=tuple(ClientScope(scope) for scope in json.loads(client.scopes)),
        disabled=bool(client.disabled),
        previous_until=clock.read_stamp(client.previous_until) if is_live and client.previous_until else None,
        created_at=clock.read_stamp(client.created_at),
        version=int(client.version),
    )


def _audit(tx: Transaction, actor: Actor, action: Action, client_id: str, **about: object) -> None:
    audit.record(tx, Entry(actor, action, account_id=client_id, about=about))
