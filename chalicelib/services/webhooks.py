"""Webhooks as the clinic's systems manage them: each belongs to the client that made it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from chalicelib import clock, ids
from chalicelib.domain import webhooks as rules
from chalicelib.domain.access import Actor
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.events import PREFIX, event_id
from chalicelib.domain.webhooks import DeliveryView, SendError, WebhookDeliveryStatus, WebhookView
from chalicelib.errors import FieldError, Invalid, NotFound, WebhookDisabled
from chalicelib.models import audit, events, webhooks
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.models.webhooks import Webhook, WebhookDelivery
from chalicelib.services import webhook_delivery
from chalicelib.services.events import check_place
from chalicelib.services.once import Once
from chalicelib.settings import settings


@dataclass(frozen=True, slots=True)
class WebhookSecret:
    """What a client signs with it, `whsec_…`, and until when the one before signs too; shown when it is made."""

    webhook_id: str
    secret: str
    previous_until: datetime


def create(actor: Actor, url: str, types: Collection[str], once: Once) -> tuple[WebhookView, str]:
    """A new webhook and its secret. Raises Invalid, WebhookLimitReached."""
    problem = rules.problem_of(rules.read_url(url), settings().webhook_hosts, is_local=settings().stage == "local")
    if problem is not None:
        raise Invalid([FieldError("/url", problem)])

    def change(tx: Transaction) -> dict[str, str]:
        made = webhooks.create(tx, actor.id, url, types)
        _audit(tx, actor, Action.WEBHOOK_CREATE, made.webhook_id)
        return {"webhook_id": made.webhook_id}

    webhook_id = once.commit(change)["webhook_id"]
    return find(actor, webhook_id), webhook_delivery.secret_of(webhook_id, 1)


def find_all(actor: Actor) -> list[WebhookView]:
    """The client's own webhooks, the newest first."""
    return [_view(webhook) for webhook in reversed(webhooks.find_all()) if webhook.client_id == actor.id]


def find(actor: Actor, webhook_id: str) -> WebhookView:
    """One of the client's own webhooks. Raises NotFound, for another's too."""
    return _view(_own(actor, webhook_id))


def remove(actor: Actor, webhook_id: str) -> None:
    """Send nothing there any more; what is on its way is dropped. Raises NotFound."""
    webhook = _own(actor, webhook_id)
    with transaction() as tx:
        webhooks.remove(tx, webhook)
        _audit(tx, actor, Action.WEBHOOK_REMOVE, webhook_id)


def rotate_secret(actor: Actor, webhook_id: str, once: Once) -> WebhookSecret:
    """A new secret, beside which the present one signs for a day. Raises NotFound, Conflict."""
    webhook, now = _own(actor, webhook_id), clock.now()

    def change(tx: Transaction) -> dict[str, str]:
        webhooks.rotate(tx, webhook, now)
        _audit(tx, actor, Action.WEBHOOK_ROTATE, webhook_id)
        return {"generation": str(int(webhook.generation) + 1), "rotated_at": clock.stamp(now)}

    made = once.commit(change)
    return WebhookSecret(
        webhook_id,
        webhook_delivery.secret_of(webhook_id, int(made["generation"])),
        clock.read_stamp(made["rotated_at"]) + rules.OLD_SECRET_SIGNS,
    )


def replay(actor: Actor, webhook_id: str, from_event: str | None, once: Once) -> None:
    """Send anew every event from one on, or without one all that failed. It is done by and by.

    Raises NotFound, WebhookDisabled, EventsExpired, and Invalid for an event that there is not.
    """
    webhook = _active(actor, webhook_id)
    what, after = webhook_delivery.REPLAY_FAILED, ""
    if from_event is not None:
        what, after = webhook_delivery.REPLAY_EVENTS, _place_before(from_event)
    until = event_id(events.find_last_place().position)

    def change(tx: Transaction) -> dict[str, str]:
        webhook_delivery.start_replay(tx, webhook.webhook_id, what, after=after, until=until)
        _audit(tx, actor, Action.WEBHOOK_REPLAY, webhook_id)
        return {"webhook_id": webhook_id}

    once.commit(change)


def _place_before(from_event: str) -> str:
    """Behind which place an event is the first one. Raises EventsExpired, Invalid."""
    position = ids.number_of(from_event) if ids.has_prefix(from_event, PREFIX) else 0
    if not 0 < position <= events.find_last_place().position:
        raise Invalid([FieldError("/from_event", "event_unknown")])
    check_place(position - 1, "/from_event")
    return event_id(position - 1)


def find_deliveries(
    actor: Actor, webhook_id: str, status: WebhookDeliveryStatus, *, limit: int, after: str | None
) -> list[DeliveryView]:
    """At most `limit` deliveries of one status, the newest event first; `after` is the last id of the page before.

    Raises NotFound.
    """
    webhook = _own(actor, webhook_id)
    rows = webhooks.find_page(webhook.webhook_id, status, limit=limit, after=after)
    return [_delivery_view(row) for row in rows]


def replay_one(actor: Actor, webhook_id: str, delivery_id: str) -> DeliveryView:
    """Send one event anew; what is on its way already stays as it is. Raises NotFound, WebhookDisabled, Conflict."""
    webhook = _active(actor, webhook_id)
    delivery = _delivery(webhook, delivery_id)
    if delivery.status is WebhookDeliveryStatus.PENDING:
        return _delivery_view(delivery)
    event = events.find(ids.number_of(delivery.event_id))
    if event is None or event.is_over:
        raise NotFound
    with transaction() as tx:
        webhook_delivery.start(tx, webhook_id, event, delivery)
        _audit(tx, actor, Action.WEBHOOK_REPLAY, webhook_id, delivery_id=delivery_id)
    return _delivery_view(_delivery(webhook, delivery_id))


def _own(actor: Actor, webhook_id: str) -> Webhook:
    found = webhooks.find(webhook_id)
    if found is None or found.client_id != actor.id:
        raise NotFound
    return found


def _active(actor: Actor, webhook_id: str) -> Webhook:
    webhook = _own(actor, webhook_id)
    if webhook.disabled_at:
        raise WebhookDisabled
    return webhook


def _delivery(webhook: Webhook, delivery_id: str) -> WebhookDelivery:
    found = webhooks.find_deliveries(webhook.webhook_id, [delivery_id]).get(delivery_id)
    if found is None:
        raise NotFound
    return found


def _view(webhook: Webhook) -> WebhookView:
    return WebhookView(
        webhook_id=webhook.webhook_id,
        url=webhook.url,
        types=webhook.wanted_types,
        status=webhook.status,
        created_at=clock.read_stamp(webhook.created_at),
    )


def _delivery_view(delivery: WebhookDelivery) -> DeliveryView:
    return DeliveryView(
        delivery_id=delivery.delivery_id,
        event_id=delivery.event_id,
        status=delivery.status,
        attempts=int(delivery.attempts),
        last_status=int(delivery.last_status) if delivery.last_status else None,
        last_error=SendError(delivery.last_error) if delivery.last_error else None,
        last_tried_at=_time(delivery.last_tried_at),
        next_try_at=_time(delivery.next_try_at),
    )


def _time(stamp: str | None) -> datetime | None:
    return clock.read_stamp(stamp) if stamp else None


def _audit(tx: Transaction, actor: Actor, action: Action, webhook_id: str, **more: object) -> None:
    about: dict[str, object] = {"webhook_id": webhook_id, **more}
    audit.record(tx, Entry(actor, action, account_id=actor.id, about=about))
