"""From outbox to a clinic's system: sign and send each event, try again on a schedule, and send anew when asked.

At least once and in no order: a receiver knows an event by its `webhook-id`, which is the event's id.
"""

import base64
import hashlib
import hmac
from typing import TypeAlias

from chalicelib import clock, ids, observability
from chalicelib.auth import secrets
from chalicelib.clients import webhooks as client
from chalicelib.domain import webhooks as rules
from chalicelib.domain.access import SYSTEM, Actor, ActorKind
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.notices import OutboxStatus
from chalicelib.domain.webhooks import Outcome, SendError, WebhookDeliveryStatus
from chalicelib.models import audit, events, outbox, webhooks
from chalicelib.models.events import LoggedEvent
from chalicelib.models.outbox import OutboxRow
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.models.webhooks import Webhook, WebhookDelivery
from chalicelib.settings import settings

REPLAY_FAILED, REPLAY_EVENTS = "failed", "events"

_Step: TypeAlias = tuple[list[tuple[LoggedEvent, WebhookDelivery | None]], str]
"""What a replay sends next, each with where it is by now, and the id behind which there may be more ("" for none)."""

_HASH_BITS = 64
# Each is three rows of the transaction, which has two more.
_REPLAYED_AT_ONCE = 30


def secret_of(webhook_id: str, generation: int) -> str:
    """The secret of one generation, as the specification writes it: made again whenever it is asked for."""
    return f"whsec_{base64.b64encode(_key(webhook_id, generation)).decode()}"


def _key(webhook_id: str, generation: int) -> bytes:
    return secrets.derive("webhook", webhook_id, generation)


def delivery_id_of(webhook_id: str, position: int) -> str:
    """The one delivery of an event to a webhook: it sorts as the events do."""
    digest = hashlib.sha256(webhook_id.encode()).digest()
    of_webhook = int.from_bytes(digest[: _HASH_BITS // 8], "big")
    return ids.numbered_id(rules.DELIVERY_PREFIX, position << _HASH_BITS | of_webhook)


def start(tx: Transaction, webhook_id: str, event: LoggedEvent, before: WebhookDelivery | None) -> str:
    """Put an event on its way to a webhook; `before` is where it is by now, if it ever was. Returns the delivery's id.

    Raises Conflict where it is on its way already.
    """
    delivery_id = delivery_id_of(webhook_id, event.position)
    number = webhooks.start(tx, webhook_id, delivery_id, event, before)
    about = {"webhook_id": webhook_id, "event_id": event.event_id, "delivery_id": delivery_id}
    outbox.post_webhook(tx, _row_id(delivery_id, str(number)), about)
    return delivery_id


def start_replay(tx: Transaction, webhook_id: str, what: str, *, after: str, until: str) -> None:
    """Ask that events are sent anew: those behind an id up to another, or the deliveries that failed."""
    about = {"webhook_id": webhook_id, "replay": what, "after": after, "until": until}
    outbox.post_webhook(tx, ids.new_id("out"), about)


def _row_id(*parts: str) -> str:
    return ids.derived_id("out", hashlib.sha256("\x1f".join(parts).encode()).digest())


def deliver(row_id: str) -> None:
    """Do what a row asks, if it is still to be done: send one event, or put more of them on their way."""
    row = outbox.find(row_id)
    if row is None or row.status != OutboxStatus.PENDING or not outbox.claim(row):
        return
    try:
        if "replay" in row.ids():
            _replay(row)
        else:
            _deliver(row)
    except Exception:
        outbox.release(row)
        raise


def _deliver(row: OutboxRow) -> None:
    about = row.ids()
    webhook, event, delivery = webhooks.find_task(about["webhook_id"], about["event_id"], about["delivery_id"])
    if webhook is None or event is None or delivery is None or event.is_over:
        outbox.settle(row, OutboxStatus.DROPPED)
        return
    if webhook.disabled_at:
        _fail(row, delivery, Outcome(error=SendError.WEBHOOK_DISABLED))
        return
    outcome = _send(webhook, event, delivery)
    if outcome.is_success:
        with transaction() as tx:
            outbox.settle_in(tx, row, OutboxStatus.DONE)
            webhooks.finish(tx, delivery, WebhookDeliveryStatus.DONE, outcome)
    elif outcome.is_gone:
        _fail(row, delivery, outcome, gone=webhook)
    else:
        _try_again(row, delivery, outcome)


def _send(webhook: Webhook, event: LoggedEvent, delivery: WebhookDelivery) -> Outcome:
    is_local = settings().stage == "local"
    endpoint = rules.read_url(webhook.url)
    # The operator may have taken the host off the list since the webhook was made.
    if endpoint is None or rules.problem_of(endpoint, settings().webhook_hosts, is_local=is_local):
        return Outcome(error=SendError.HOST_NOT_ALLOWED)
    if not delivery.last_tried_at or delivery.last_error == SendError.HOST_NOT_ALLOWED:
        # Before the first try that leaves the portal; those after it tell nothing new.
        reader, about = Actor(ActorKind.CLIENT, webhook.client_id), {"webhook_id": webhook.webhook_id}
        entry = Entry(reader, Action.WEBHOOK_SEND, event.patient_id, about={**about, "event_id": event.event_id})
        audit.record_alone(entry)
    body = event.view.encode()
    return client.post(endpoint, _headers(webhook, event.event_id, body), body, is_local=is_local)


def _headers(webhook: Webhook, event_id: str, body: bytes) -> dict[str, str]:
    timestamp = str(clock.epoch(clock.now()))
    content = f"{event_id}.{timestamp}.".encode() + body
    return {
        "Content-Type": "application/json",
        "User-Agent": "patient-portal-webhooks",
        "webhook-id": event_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(
            f"v1,{base64.b64encode(hmac.digest(_key(webhook.webhook_id, generation), content, 'sha256')).decode()}"
            for generation in _generations(webhook)
        ),
    }


def _generations(webhook: Webhook) -> list[int]:
    """Of the secrets that sign: for a while after a rotation the one before signs too."""
    present = int(webhook.generation)
    rotated_at = clock.read_stamp(webhook.rotated_at) if webhook.rotated_at else None
    if rotated_at is None or clock.now() >= rotated_at + rules.OLD_SECRET_SIGNS:
        return [present]
    return [present, present - 1]


def _try_again(row: OutboxRow, delivery: WebhookDelivery, outcome: Outcome) -> None:
    pause = rules.pause_after(int(row.attempts) + 1, outcome.retry_after)
    if pause is None:
        _fail(row, delivery, outcome)
        return
    webhooks.note_try(delivery, outcome, clock.now() + pause)
    outbox.retry_later(row, pause)


def _fail(row: OutboxRow, delivery: WebhookDelivery, outcome: Outcome, *, gone: Webhook | None = None) -> None:
    """Nothing more is tried by itself: from now on the delivery is among the dead letters."""
    with transaction() as tx:
        outbox.settle_in(tx, row, OutboxStatus.FAILED)
        webhooks.finish(tx, delivery, WebhookDeliveryStatus.FAILED, outcome)
        if gone is not None:
            webhooks.disable(tx, gone)
            about: dict[str, object] = {"webhook_id": gone.webhook_id}
            audit.record(tx, Entry(SYSTEM, Action.WEBHOOK_DISABLE, account_id=gone.client_id, about=about))
    observability.event("webhook.failed", notice_id=row.pk, attempt=int(row.attempts) + 1)
    observability.count("WebhookFailed")


def _replay(row: OutboxRow) -> None:
    """Put the next events of a replay on their way, and ask for those after them, in one transaction."""
    about = row.ids()
    webhook = webhooks.find(about["webhook_id"])
    if webhook is None or webhook.disabled_at:
        outbox.settle(row, OutboxStatus.DROPPED)
        return
    step = _failed_ones if about["replay"] == REPLAY_FAILED else _events
    found, after = step(webhook, about["after"], about["until"])
    with transaction() as tx:
        outbox.settle_in(tx, row, OutboxStatus.DONE)
        for event, before in found:
            start(tx, webhook.webhook_id, event, before)
        if after:
            outbox.post_webhook(tx, _row_id(row.pk, "next"), {**about, "after": after})


def _failed_ones(webhook: Webhook, after: str, _until: str) -> _Step:
    """The next failed deliveries with their events, and the id of the last one where there may be more."""
    failed = webhooks.find_failed(webhook.webhook_id, limit=_REPLAYED_AT_ONCE, after=after)
    known = events.find_many([one.event_id for one in failed])
    found = [(known[one.event_id], one) for one in failed if one.event_id in known]
    more = failed[-1].delivery_id if len(failed) == _REPLAYED_AT_ONCE else ""
    return [(event, one) for event, one in found if not event.is_over], more


def _events(webhook: Webhook, after: str, until: str) -> _Step:
    """The next events that the webhook wants and that are not on their way to it, and the id of the last one read."""
    read = events.find_after(ids.number_of(after), _REPLAYED_AT_ONCE)
    wanted = {
        delivery_id_of(webhook.webhook_id, event.position): event
        for event in read
        if event.event_id <= until and webhook.wants(event.type) and not event.is_over
    }
    before = webhooks.find_deliveries(webhook.webhook_id, list(wanted))
    under_way = {one for one, delivery in before.items() if delivery.status is WebhookDeliveryStatus.PENDING}
    more = read[-1].event_id if len(read) == _REPLAYED_AT_ONCE and read[-1].event_id < until else ""
    return [(event, before.get(one)) for one, event in wanted.items() if one not in under_way], more
