"""From a change to a clinic's system, the process ended at every step in turn: at least once, and never invented."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import StreamRequestHandler

import pytest

from chalicelib.domain.webhooks import PAUSES
from chalicelib.models import outbox
from chalicelib.services import delivery
from infra.local.lambda_proxy import LambdaContext
from tests.support.aws_calls import AwsCall, hooked, recorded, unreachable
from tests.support.clinic_system import ClinicSystem, Hook, clinic_system, end_of_log, happen
from tests.support.portal import Portal
from tests.support.promises import Promise
from tests.support.receiver import Receiver, receiving, status


@pytest.fixture
def system(portal: Portal) -> Iterator[ClinicSystem]:
    with clinic_system(portal) as made:
        yield made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def _run(portal: Portal, function: str, row_id: str) -> list[str]:
    event = {"Records": [{"messageId": "m", "body": json.dumps({"id": row_id})}]}
    answer = getattr(portal.app, function)(event, LambdaContext(function))
    return [item["itemIdentifier"] for item in answer["batchItemFailures"]]


def _on_its_way(portal: Portal, hook: Hook) -> str:
    """The row of the outbox that sends the one event that has just happened."""
    (row_id,) = happen()
    assert _run(portal, "record_events", row_id) == []
    waiting = [
        row["pk"]["S"]
        for row in portal.rows("outbox")
        if hook.webhook_id in row["about"]["S"] and row["status"]["S"] == "pending"
    ]
    assert len(waiting) == 1
    return str(waiting[0])


@contextmanager
def _ending_at(step: int) -> Iterator[list[AwsCall]]:
    """The process ends before its call of this number: none of those after it is made."""
    calls: list[AwsCall] = []

    def end(call: AwsCall) -> None:
        calls.append(call)
        if len(calls) > step:
            raise unreachable()

    with hooked(end):
        yield calls


def _restart(portal: Portal) -> None:
    portal.advance(minutes=3)
    delivery.sweep()
    portal.drain()


@pytest.mark.promise
def test_ended_at_every_step_nothing_is_lost_and_nothing_invented(
    portal: Portal, system: ClinicSystem, receiver: Receiver, promise: Promise
) -> None:
    """DL 1, DL 3 for webhooks."""
    hook = system.hook(receiver.url)
    (row_id,) = happen()
    with recorded() as calls:
        _run(portal, "record_events", row_id)
    recording = len(calls)
    portal.drain()
    row_id = _on_its_way(portal, hook)
    with recorded() as calls:
        _run(portal, "deliver_webhooks", row_id)
    sending = len(calls)
    assert recording >= 4
    assert sending >= 4
    lost, invented, runs = 0, 0, 0
    for function, steps in (("record_events", recording), ("deliver_webhooks", sending)):
        for step in range(steps):
            start, before = end_of_log(), len(receiver.received)
            row_id = happen()[0] if function == "record_events" else _on_its_way(portal, hook)
            with _ending_at(step):
                assert _run(portal, function, row_id) == ["m"], (function, step)
            _restart(portal)
            system.renew()
            (event,) = system.events_after(start)
            sent = [request.event_id for request in receiver.received[before:]]
            runs += 1
            lost += event["event_id"] not in sent
            invented += len(sent) > 2 or set(sent) != {event["event_id"]}
    promise("DL 1", f"webhooks ended at {runs} steps: events lost", asked=0, measured=lost)
    promise("DL 3", f"webhooks ended at {runs} steps: invented, or sent over twice", asked=0, measured=invented)
    assert hook.counts() == {"pending": 0, "done": runs + 2, "failed": 0}


def test_the_same_message_twice_is_sent_once(portal: Portal, system: ClinicSystem, receiver: Receiver) -> None:
    row_id = _on_its_way(portal, system.hook(receiver.url))
    for _ in range(3):
        assert _run(portal, "deliver_webhooks", row_id) == []
    assert len(receiver.received) == 1


def test_two_workers_with_the_same_message_send_it_once(
    portal: Portal, system: ClinicSystem, receiver: Receiver
) -> None:
    hook = system.hook(receiver.url)
    row_id = _on_its_way(portal, hook)
    other: list[list[str]] = []

    def meanwhile(connection: StreamRequestHandler) -> None:
        other.append(_run(portal, "deliver_webhooks", row_id))
        status(204)(connection)

    receiver.usual = meanwhile
    assert _run(portal, "deliver_webhooks", row_id) == []
    assert other == [[]]
    assert len(receiver.received) == 1
    assert hook.counts() == {"pending": 0, "done": 1, "failed": 0}


def test_a_worker_whose_claim_ran_out_notes_nothing_over_the_one_who_took_over(
    portal: Portal, system: ClinicSystem, receiver: Receiver
) -> None:
    hook = system.hook(receiver.url)
    row_id = _on_its_way(portal, hook)

    def slow(connection: StreamRequestHandler) -> None:
        receiver.usual = status(204)
        portal.advance(minutes=2)
        assert _run(portal, "deliver_webhooks", row_id) == []
        status(500)(connection)

    receiver.usual = slow
    assert _run(portal, "deliver_webhooks", row_id) == []
    assert len(receiver.received) == 2
    (done,) = hook.deliveries("done")
    assert (done["attempts"], done["last_status"]) == (1, 204)
    assert hook.counts() == {"pending": 0, "done": 1, "failed": 0}
    row = outbox.find(row_id)
    assert row is not None
    assert row.status == "done"


def test_a_message_of_an_event_that_is_over_is_dropped(
    portal: Portal, system: ClinicSystem, receiver: Receiver
) -> None:
    hook = system.hook(receiver.url)
    row_id = _on_its_way(portal, hook)
    portal.advance(days=400)
    assert _run(portal, "deliver_webhooks", row_id) == []
    row = outbox.find(row_id)
    assert row is not None
    assert (row.status, receiver.received) == ("dropped", [])


def test_an_outage_of_all_but_the_last_try_loses_nothing(
    portal: Portal, system: ClinicSystem, receiver: Receiver
) -> None:
    """DL 2: three days."""
    hook = system.hook(receiver.url)
    receiver.next = [status(503)] * len(PAUSES)
    happen()
    portal.drain()
    for pause in PAUSES:
        portal.advance(seconds=pause.total_seconds() + 60)
        delivery.sweep()
        portal.drain()
    system.renew()
    assert len(receiver.received) == len(PAUSES) + 1
    assert hook.counts() == {"pending": 0, "done": 1, "failed": 0}
