"""Shapes of webhooks and their deliveries."""

from typing import Annotated

from pydantic import Field

from chalicelib.domain.events import ClinicEventType
from chalicelib.domain.webhooks import SendError, WebhookDeliveryStatus, WebhookStatus
from chalicelib.schemas.base import Body, Instant, PageQuery, Shape
from chalicelib.schemas.events import EVENT_ID


class NewWebhook(Body):
    """Where events shall be sent, and which: without `types` all of them, those of later versions too."""

    url: Annotated[str, Field(min_length=1, max_length=2000)]
    types: list[ClinicEventType] = Field(default=[], max_length=50)


class Webhook(Shape):
    """Where events are sent. `disabled` is one whose receiver answered 410."""

    webhook_id: str
    url: str
    types: list[str] = Field(description="Empty for all.")
    status: WebhookStatus
    created_at: Instant


class CreatedWebhook(Webhook):
    """A new webhook; its secret is in this answer and its replays, and nowhere else.

    Signatures are those of the Standard Webhooks specification.
    """

    secret: str


class WebhookPage(Shape):
    """One's own webhooks."""

    items: list[Webhook]
    next_cursor: str | None


class WebhooksQuery(PageQuery):
    """How webhooks are paged."""


class RotatedSecret(Shape):
    """The new secret. Until `previous_until` each message is signed with the one before too."""

    webhook_id: str
    secret: str
    previous_until: Instant


class WebhookReplay(Body):
    """Which events are sent anew: those from `from_event` on, that one too; without it those that failed."""

    from_event: Annotated[str, Field(pattern=EVENT_ID)] | None = None


class DeliveriesQuery(PageQuery):
    """Which deliveries."""

    status: WebhookDeliveryStatus = Field(
        default=WebhookDeliveryStatus.FAILED,
        description="`failed`: not tried again by itself; `pending`: on its way; `done`: taken by the receiver.",
    )


class WebhookDelivery(Shape):
    """One event on its way to one webhook. `last_error` says why the last try got no answer."""

    delivery_id: str
    event_id: str
    status: WebhookDeliveryStatus
    attempts: int
    last_status: int | None = Field(description="The HTTP status of the last try.")
    last_error: SendError | None
    last_tried_at: Instant | None
    next_try_at: Instant | None = Field(description="Not before then.")


class WebhookDeliveryPage(Shape):
    """Deliveries, the newest event first."""

    items: list[WebhookDelivery]
    next_cursor: str | None
