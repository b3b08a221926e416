"""Webhooks of the clinic's systems, and where each event is on its way to each of them."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import takewhile

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import UpdateError
from pynamodb.expressions.update import Action

from chalicelib import clock, ids
from chalicelib.domain.webhooks import MOST_WEBHOOKS, Outcome, SendError, WebhookDeliveryStatus, WebhookStatus
from chalicelib.errors import Conflict, NotFound, WebhookLimitReached
from chalicelib.models.accounts import AccountsTable
from chalicelib.models.base import storage_errors
from chalicelib.models.events import LOG, LoggedEvent
from chalicelib.models.transaction import Precedence, Transaction

WEBHOOKS = "webhooks"
"""The partition of all webhooks: who records an event reads them all."""

PREFIX = "whk"
_NUMBER = "number"


class Webhook(AccountsTable, discriminator="webhook"):
    """Where a client wants events sent; sort key is its id. Its secret is derived from id and `generation`."""

    client_id = UnicodeAttribute()
    url = UnicodeAttribute()
    types = UnicodeAttribute()
    generation = NumberAttribute(default=1)
    rotated_at = UnicodeAttribute(null=True)
    disabled_at = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute()

    @property
    def webhook_id(self) -> str:
        """Its id."""
        return self.sk

    @property
    def status(self) -> WebhookStatus:
        """Whether it is sent to."""
        return WebhookStatus.DISABLED if self.disabled_at else WebhookStatus.ACTIVE

    @property
    def wanted_types(self) -> list[str]:
        """The types that it is sent; none for all."""
        found: list[str] = json.loads(self.types)
        return found

    def wants(self, event_type: str) -> bool:
        """Whether it is sent events of a type."""
        return not self.disabled_at and (not self.wanted_types or event_type in self.wanted_types)


class WebhookNumber(AccountsTable, discriminator="webhook_number"):
    """How many webhooks there are."""

    number = NumberAttribute(default=0)


class WebhookDelivery(AccountsTable, discriminator="webhook_delivery"):
    """One event on its way to one webhook; partition key is the webhook, sort key `<status>#<delivery id>`.

    `round` counts how often it was started anew, each time by a row of the outbox.
    """

    delivery_id = UnicodeAttribute()
    event_id = UnicodeAttribute()
    round = NumberAttribute(default=0)
    attempts = NumberAttribute(default=0)
    last_status = NumberAttribute(null=True)
    last_error = UnicodeAttribute(null=True)
    last_tried_at = UnicodeAttribute(null=True)
    next_try_at = UnicodeAttribute(null=True)
    expires_at = UnicodeAttribute()

    @property
    def status(self) -> WebhookDeliveryStatus:
        """Where it is."""
        return WebhookDeliveryStatus(self.sk.partition("#")[0])


def find_all() -> list[Webhook]:
    """Every webhook of every client, the oldest first."""
    with storage_errors():
        return list(Webhook.query(WEBHOOKS, Webhook.sk.startswith(f"{PREFIX}_"), consistent_read=True))


def find(webhook_id: str) -> Webhook | None:
    """A webhook, whoever's it is."""
    return Webhook.find(WEBHOOKS, webhook_id) if ids.has_prefix(webhook_id, PREFIX) else None


def create(tx: Transaction, client_id: str, url: str, types: Collection[str]) -> Webhook:
    """A new webhook. Raises WebhookLimitReached."""
    row = Webhook(
        WEBHOOKS,
        ids.new_id(PREFIX),
        client_id=client_id,
        url=url,
        types=json.dumps(sorted(types)),
        created_at=clock.stamp(clock.now()),
    )
    tx.create(row, error=None)
    room = WebhookNumber.pk.does_not_exist() | (WebhookNumber.number < MOST_WEBHOOKS)
    number = WebhookNumber(WEBHOOKS, _NUMBER)
    tx.update(number, [WebhookNumber.number.add(1)], condition=room, error=WebhookLimitReached(most=MOST_WEBHOOKS))
    return row


def remove(tx: Transaction, webhook: Webhook) -> None:
    """Forget a webhook. Raises NotFound where another did it first."""
    tx.delete(webhook, condition=Webhook.pk.exists(), error=NotFound(), precedence=Precedence.STATE)
    tx.update(WebhookNumber(WEBHOOKS, _NUMBER), [WebhookNumber.number.add(-1)])


def rotate(tx: Transaction, webhook: Webhook, at: datetime) -> None:
    """A new secret, beside which the present one signs for a while. Raises Conflict where another did it first."""
    actions = [Webhook.generation.add(1), Webhook.rotated_at.set(clock.stamp(at))]
    tx.update(webhook, actions, condition=Webhook.generation == webhook.generation, error=Conflict())


def disable(tx: Transaction, webhook: Webhook) -> None:
    """Send nothing there any more. Raises Conflict where it was removed or disabled meanwhile."""
    disabled_at = Webhook.disabled_at.set(clock.stamp(clock.now()))
    active = Webhook.pk.exists() & Webhook.disabled_at.does_not_exist()
    tx.update(webhook, [disabled_at], condition=active, error=Conflict())


def start(
    tx: Transaction, webhook_id: str, delivery_id: str, event: LoggedEvent, before: WebhookDelivery | None
) -> int:
    """Put an event on its way to a webhook, for the first time or anew; returns the number of the round.

    Raises Conflict where it is on its way already.
    """
    number = 0 if before is None else int(before.round) + 1
    if before is not None:
        tx.delete(before, condition=WebhookDelivery.round == before.round, error=Conflict())
    row = WebhookDelivery(
        webhook_id,
        _sk(WebhookDeliveryStatus.PENDING, delivery_id),
        delivery_id=delivery_id,
        event_id=event.event_id,
        round=number,
        next_try_at=clock.stamp(clock.now()),
        expires_at=event.expires_at,
        ttl=event.ttl,
    )
    tx.create(row, error=Conflict())
    return number


def finish(tx: Transaction, delivery: WebhookDelivery, status: WebhookDeliveryStatus, outcome: Outcome) -> None:
    """An event arrived, or never will by itself. Raises Conflict where another noted it first."""
    tx.delete(delivery, condition=WebhookDelivery.round == delivery.round, error=Conflict())
    row = WebhookDelivery(
        delivery.pk,
        _sk(status, delivery.delivery_id),
        delivery_id=delivery.delivery_id,
        event_id=delivery.event_id,
        round=delivery.round,
        attempts=delivery.attempts + (outcome.error is not SendError.WEBHOOK_DISABLED),
        last_status=outcome.status,
        last_error=outcome.error,
        last_tried_at=clock.stamp(clock.now()),
        expires_at=delivery.expires_at,
        ttl=delivery.ttl,
    )
    tx.create(row, error=Conflict())


def note_try(delivery: WebhookDelivery, outcome: Outcome, next_try_at: datetime) -> None:
    """A try failed and there will be another. Delivery state is written alone."""
    status, error = WebhookDelivery.last_status, WebhookDelivery.last_error
    actions: list[Action] = [
        WebhookDelivery.attempts.set(delivery.attempts + 1),
        status.remove() if outcome.status is None else status.set(outcome.status),
        error.remove() if outcome.error is None else error.set(outcome.error),
        WebhookDelivery.last_tried_at.set(clock.stamp(clock.now())),
        WebhookDelivery.next_try_at.set(clock.stamp(next_try_at)),
    ]
    with storage_errors():
        try:
            delivery.update(actions, condition=WebhookDelivery.round == delivery.round)
        except UpdateError as refused:
            # Another worker, who had the row after this one's claim ended, has noted how it went.
            if refused.cause_response_code != "ConditionalCheckFailedException":
                raise


def find_task(
    webhook_id: str, event_id: str, delivery_id: str
) -> tuple[Webhook | None, LoggedEvent | None, WebhookDelivery | None]:
    """All that one message to a webhook is made of: one round trip."""
    webhook_key, event_key = (WEBHOOKS, webhook_id), (LOG, event_id)
    delivery_key = (webhook_id, _sk(WebhookDeliveryStatus.PENDING, delivery_id))
    rows = AccountsTable.find_all([webhook_key, event_key, delivery_key])
    webhook, event, delivery = rows.get(webhook_key), rows.get(event_key), rows.get(delivery_key)
    return (
        webhook if isinstance(webhook, Webhook) else None,
        event if isinstance(event, LoggedEvent) else None,
        delivery if isinstance(delivery, WebhookDelivery) else None,
    )


def find_deliveries(webhook_id: str, delivery_ids: Sequence[str]) -> dict[str, WebhookDelivery]:
    """These deliveries by id, wherever they are on their way."""
    keys = [(webhook_id, _sk(status, one)) for one in delivery_ids for status in WebhookDeliveryStatus]
    return {row.delivery_id: row for row in WebhookDelivery.find_all(keys).values()}


def find_page(
    webhook_id: str, status: WebhookDeliveryStatus, *, limit: int, after: str | None
) -> list[WebhookDelivery]:
    """At most `limit` deliveries of one status, the newest event first; `after` is the last id of the page before."""
    last = {"pk": {"S": webhook_id}, "sk": {"S": _sk(status, after)}} if after else None
    with storage_errors():
        rows = WebhookDelivery.query(
            webhook_id,
            WebhookDelivery.sk.startswith(f"{status}#"),
            consistent_read=True,
            scan_index_forward=False,
            limit=limit,
            last_evaluated_key=last,
        )
        # What is older expires earlier: behind the first that is over, all are.
        return list(takewhile(lambda row: row.expires_at > clock.stamp(clock.now()), rows))


def find_failed(webhook_id: str, *, limit: int, after: str) -> list[WebhookDelivery]:
    """Up to `limit` failed deliveries behind an id ("" for the first), the oldest event first."""
    # All ids have one length, so that a longer one stands right behind its beginning.
    low = _sk(WebhookDeliveryStatus.FAILED, f"{after} " if after else "dlv_")
    later = WebhookDelivery.sk.between(low, _sk(WebhookDeliveryStatus.FAILED, "dlv_\uffff"))
    with storage_errors():
        return list(WebhookDelivery.query(webhook_id, later, consistent_read=True, limit=limit))


def _sk(status: WebhookDeliveryStatus, delivery_id: str) -> str:
    return f"{status}#{delivery_id}"
