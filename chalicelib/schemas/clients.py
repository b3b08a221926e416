"""Shapes of service clients as admins manage them."""

from typing import Annotated

from pydantic import Field

from chalicelib.domain.access import ClientScope
from chalicelib.domain.clients import OLD_SECRET_LASTS, OLD_SECRET_LASTS_AT_MOST
from chalicelib.schemas.base import Body, Instant, PageQuery, Shape, Text

_Name = Annotated[Text, Field(min_length=1, max_length=100)]
_Scopes = Annotated[list[ClientScope], Field(min_length=1, max_length=50)]


class NewClient(Body):
    """A system of the clinic, and what it may do."""

    name: _Name
    scopes: _Scopes


class ClientEdit(Body):
    """What shall be different. A disabled client's tokens end at once."""

    name: _Name | None = None
    scopes: _Scopes | None = None
    disabled: bool | None = None


class SecretRotation(Body):
    """For how long the secret before stays good, in seconds; 0 ends it at once, and every token got by it."""

    keep_previous_seconds: int = Field(
        default=int(OLD_SECRET_LASTS.total_seconds()), ge=0, le=int(OLD_SECRET_LASTS_AT_MOST.total_seconds())
    )


class Client(Shape):
    """A service client; `previous_until` is there while two secrets are good."""

    client_id: str
    name: str
    scopes: list[ClientScope]
    disabled: bool
    previous_until: Instant | None
    created_at: Instant


class CreatedClient(Client):
    """A client with its secret, which is in this answer and its replays, and nowhere else."""

    client_secret: str


class RotatedClientSecret(Shape):
    """The new secret, in this answer and its replays; the one before is good until `previous_until`, if at all."""

    client_id: str
    client_secret: str
    previous_until: Instant | None


class ClientPage(Shape):
    """Service clients, the newest first."""

    items: list[Client]
    next_cursor: str | None


class ClientsQuery(PageQuery):
    """How clients are paged."""
