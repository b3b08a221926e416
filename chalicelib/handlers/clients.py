"""Service clients: the clinic's own systems, as admins manage them."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from chalicelib import errors
from chalicelib.domain.access import staff
from chalicelib.domain.clients import ClientView
from chalicelib.domain.staff import Permission
from chalicelib.handlers import paging
from chalicelib.handlers.routing import Answer, Call, Routes, etag, path_id
from chalicelib.schemas import clients as shapes
from chalicelib.services import clients

routes = Routes(__name__)

_ADMIN = staff(Permission.CLIENTS_WRITE)
_ONE = "/v1/clinic/clients/{client_id}"


@routes.get("/v1/clinic/clients", _ADMIN, answer=shapes.ClientPage)
def list_clients(call: Call, query: shapes.ClientsQuery) -> Answer:
    """List the clinic's systems, the newest first."""
    page, next_cursor = paging.page(call, clients.find_all(), lambda client: client.client_id, query)
    return Answer(shapes.ClientPage(items=[_shape(client) for client in page], next_cursor=next_cursor))


@routes.post(
    "/v1/clinic/clients",
    _ADMIN,
    status=201,
    answer=shapes.CreatedClient,
    creates=True,
    tells_version=True,
    step_up=True,
)
def create_client(call: Call, body: shapes.NewClient) -> Answer:
    """Let a system of the clinic in; its secret is in this answer and its replays, and nowhere else."""
    made = clients.create_once(call.actor, body.name, body.scopes, call.once)
    shape = shapes.CreatedClient(**_fields(made.client), client_secret=made.client_secret)
    return Answer(shape, headers=etag(made.client.version))


@routes.get(_ONE, _ADMIN, answer=shapes.Client, tells_version=True)
def read_client(call: Call) -> Answer:
    """Read what a system may do."""
    return _answer(clients.find(path_id(call, "client_id")))


@routes.patch(_ONE, _ADMIN, answer=shapes.Client, edits=True, tells_version=True, step_up=True)
def edit_client(call: Call, body: shapes.ClientEdit) -> Answer:
    """Change a system's name or scopes, or disable it."""
    changed = clients.edit(
        call.actor,
        path_id(call, "client_id"),
        call.expected_version,
        name=body.name,
        scopes=body.scopes,
        disabled=body.disabled,
    )
    return _answer(changed)


@routes.post(
    f"{_ONE}/rotate",
    _ADMIN,
    status=201,
    answer=shapes.RotatedClientSecret,
    creates=True,
    step_up=True,
    errors=(errors.Conflict,),
)
def rotate_secret(call: Call, body: shapes.SecretRotation) -> Answer:
    """Get a new secret; the one before stays good for a time, or not at all."""
    keep = timedelta(seconds=body.keep_previous_seconds)
    made = clients.rotate(call.actor, path_id(call, "client_id"), keep, call.once)
    return Answer(
        shapes.RotatedClientSecret(
            client_id=made.client.client_id, client_secret=made.client_secret, previous_until=made.previous_until
        )
    )


def _answer(client: ClientView) -> Answer:
    return Answer(_shape(client), headers=etag(client.version))


def _shape(client: ClientView) -> shapes.Client:
    return shapes.Client(**_fields(client))


def _fields(client: ClientView) -> dict[str, Any]:
    fields = asdict(client)
    return {**{name: value for name, value in fields.items() if name != "version"}, "scopes": list(client.scopes)}
