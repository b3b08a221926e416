"""Webhooks: events sent to the clinic's own systems as they happen."""

from dataclasses import asdict

from chalicelib import errors
from chalicelib.auth import cursors
from chalicelib.domain.access import ClientScope, client
from chalicelib.handlers import paging
from chalicelib.handlers.routing import Answer, Call, Routes, path_id
from chalicelib.schemas import webhooks as shapes
from chalicelib.services import webhooks

routes = Routes(__name__)

_OWNER = client(ClientScope.WEBHOOKS_WRITE)


@routes.post(
    "/v1/clinic/webhooks",
    _OWNER,
    status=201,
    answer=shapes.CreatedWebhook,
    creates=True,
    errors=(errors.WebhookLimitReached, errors.NotFound),
)
def create_webhook(call: Call, body: shapes.NewWebhook) -> Answer:
    """Have events sent to a URL on one of the hosts that the portal's operator allows."""
    webhook, secret = webhooks.create(call.actor, body.url, body.types, call.once)
    return Answer(shapes.CreatedWebhook(**asdict(webhook), secret=secret))


@routes.get("/v1/clinic/webhooks", _OWNER, answer=shapes.WebhookPage)
def list_webhooks(call: Call, query: shapes.WebhooksQuery) -> Answer:
    """List one's own webhooks, the newest first."""
    own = webhooks.find_all(call.actor)
    page, next_cursor = paging.page(call, own, lambda webhook: webhook.webhook_id, query)
    return Answer(
        shapes.WebhookPage(items=[shapes.Webhook(**asdict(webhook)) for webhook in page], next_cursor=next_cursor)
    )


@routes.get("/v1/clinic/webhooks/{webhook_id}", _OWNER, answer=shapes.Webhook)
def read_webhook(call: Call) -> Answer:
    """Read one of one's own webhooks."""
    return Answer(shapes.Webhook(**asdict(webhooks.find(call.actor, path_id(call, "webhook_id")))))


@routes.delete("/v1/clinic/webhooks/{webhook_id}", _OWNER, status=204)
def remove_webhook(call: Call) -> Answer:
    """Have nothing more sent there; what is on its way is dropped."""
    webhooks.remove(call.actor, path_id(call, "webhook_id"))
    return Answer()


@routes.post(
    "/v1/clinic/webhooks/{webhook_id}/rotate-secret",
    _OWNER,
    status=201,
    answer=shapes.RotatedSecret,
    creates=True,
    errors=(errors.Conflict,),
)
def rotate_secret(call: Call) -> Answer:
    """Get a new secret; the one before signs too for 24 hours."""
    made = webhooks.rotate_secret(call.actor, path_id(call, "webhook_id"), call.once)
    return Answer(
        shapes.RotatedSecret(webhook_id=made.webhook_id, secret=made.secret, previous_until=made.previous_until)
    )


@routes.post(
    "/v1/clinic/webhooks/{webhook_id}/replay",
    _OWNER,
    status=202,
    creates=True,
    errors=(errors.WebhookDisabled, errors.EventsExpired),
)
def replay(call: Call, body: shapes.WebhookReplay) -> Answer:
    """Have events sent anew: from one on, or those whose delivery failed."""
    webhooks.replay(call.actor, path_id(call, "webhook_id"), body.from_event, call.once)
    return Answer()


@routes.get("/v1/clinic/webhooks/{webhook_id}/deliveries", _OWNER, answer=shapes.WebhookDeliveryPage)
def list_deliveries(call: Call, query: shapes.DeliveriesQuery) -> Answer:
    """List what failed, is on its way, or was taken, the newest event first."""
    webhook_id = path_id(call, "webhook_id")
    binding = call.binding(webhook_id=webhook_id, status=query.status)
    after = cursors.unseal(query.cursor, binding)[0] if query.cursor is not None else None
    found = webhooks.find_deliveries(call.actor, webhook_id, query.status, limit=query.limit + 1, after=after)
    page = found[: query.limit]
    next_cursor = cursors.seal([page[-1].delivery_id], binding) if len(found) > query.limit else None
    return Answer(
        shapes.WebhookDeliveryPage(
            items=[shapes.WebhookDelivery(**asdict(one)) for one in page], next_cursor=next_cursor
        )
    )


@routes.post(
    "/v1/clinic/webhooks/{webhook_id}/deliveries/{delivery_id}/replay",
    _OWNER,
    status=202,
    answer=shapes.WebhookDelivery,
    errors=(errors.WebhookDisabled, errors.Conflict),
)
def replay_delivery(call: Call) -> Answer:
    """Have one event sent anew; what is on its way already stays as it is."""
    delivery = webhooks.replay_one(call.actor, path_id(call, "webhook_id"), path_id(call, "delivery_id"))
    return Answer(shapes.WebhookDelivery(**asdict(delivery)))
