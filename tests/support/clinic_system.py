"""A clinic's own system: what it hears of, and how it manages its webhooks."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from chalicelib import clock, ids
from chalicelib.domain.access import Actor, ActorKind
from chalicelib.domain.events import KEPT, ClinicEvent, ClinicEventType, event_id
from chalicelib.models import events, outbox, webhooks
from chalicelib.models.transaction import transaction
from chalicelib.services import webhooks as service
from tests.support.portal import Answer, Portal


def happen(count: int = 1, *, patient_id: str | None = None, kind: str = ClinicEventType.ACCOUNT_CREATED) -> list[str]:
    """Have things happen, as changes of the portal tell of them; returns the ids of the outbox rows."""
    rows = []
    for _ in range(count):
        with transaction() as tx:
            about = {"account_id": ids.new_id("acc")}
            event = ClinicEvent(ClinicEventType(kind), patient_id or ids.new_id("pat"), about)
            rows.append(outbox.post_event(tx, event))
    return rows


def end_of_log() -> str:
    """The id of the last event that is recorded."""
    return event_id(events.find_last_place().position)


def let_the_log_expire(portal: Portal) -> None:
    """Move the clock to the moment at which the last event is over."""
    last = events.find_last_place().recorded_at
    assert last is not None
    portal.advance(seconds=(last + KEPT - clock.now()).total_seconds())


@dataclass
class ClinicSystem:
    """A client with its token."""

    portal: Portal
    credentials: tuple[str, str]
    token: str

    @property
    def client_id(self) -> str:
        return self.credentials[0]

    def renew(self) -> None:
        """A new token, where time has passed."""
        self.token = self.portal.client_token(self.credentials)

    def call(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> Answer:
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        return self.portal.call(method, path, body, token=self.token, headers=headers)

    def get(self, path: str) -> Answer:
        return self.call("GET", path)

    def post(self, path: str, body: Any = None, *, key: str | None = None) -> Answer:
        return self.call("POST", path, body, key=key)

    def create(self, url: str, *types: str, key: str | None = None) -> Answer:
        """One try to make a webhook."""
        return self.post("/v1/clinic/webhooks", {"url": url, **({"types": types} if types else {})}, key=key)

    def hook(self, url: str, *types: str) -> "Hook":
        """A webhook, and what can be done with it."""
        made = self.create(url, *types)
        assert made.status == 201, made.text
        return Hook(self, made.json["webhook_id"], made.json["secret"])

    def events(self, query: str = "") -> list[Any]:
        """One page of events."""
        answer = self.get(f"/v1/clinic/events{query}")
        assert answer.status == 200, answer.text
        items: list[Any] = answer.json["items"]
        return items

    def events_after(self, event: str) -> list[Any]:
        """Every event behind one, page by page."""
        found: list[Any] = []
        while items := self.events(f"?limit=100&after={found[-1]['event_id'] if found else event}"):
            found += items
        return found


@dataclass
class Hook:
    """One webhook of a system."""

    system: ClinicSystem
    webhook_id: str
    secret: str

    @property
    def path(self) -> str:
        return f"/v1/clinic/webhooks/{self.webhook_id}"

    @property
    def status(self) -> str:
        status: str = self.system.get(self.path).json["status"]
        return status

    def deliveries(self, status: str = "failed", query: str = "") -> list[Any]:
        answer = self.system.get(f"{self.path}/deliveries?status={status}{query}")
        assert answer.status == 200, answer.text
        items: list[Any] = answer.json["items"]
        return items

    def counts(self) -> dict[str, int]:
        """How many deliveries there are of each status, up to a page of each."""
        return {status: len(self.deliveries(status, "&limit=100")) for status in ("pending", "done", "failed")}


@contextmanager
def clinic_system(portal: Portal) -> Iterator[ClinicSystem]:
    """A system of its own; before and after it there is no webhook."""
    remove_every_webhook()
    portal.drain()
    yield new_system(portal)
    remove_every_webhook()
    clock.reset()
    portal.drain()


def new_system(portal: Portal) -> ClinicSystem:
    """One more client."""
    credentials = portal.new_client("events.read", "webhooks.write")
    return ClinicSystem(portal, credentials, portal.client_token(credentials))


def remove_every_webhook() -> None:
    """What other tests left would be sent to, and there is a limit to all of them together."""
    for webhook in webhooks.find_all():
        service.remove(Actor(ActorKind.CLIENT, webhook.client_id), webhook.webhook_id)
