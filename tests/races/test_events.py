"""Events recorded by many workers at once have places without a gap, and whoever polls meanwhile misses none."""

import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from chalicelib import ids
from chalicelib.domain.webhooks import MOST_WEBHOOKS
from chalicelib.services import events as service
from tests.support.clinic_system import ClinicSystem, clinic_system, end_of_log, happen
from tests.support.crowd import at_once
from tests.support.portal import Portal

pytestmark = pytest.mark.race

EVENTS, WORKERS, POLL_SECONDS = 50, 8, 90


@pytest.fixture
def system(portal: Portal) -> Iterator[ClinicSystem]:
    with clinic_system(portal) as made:
        yield made


def _poll(system: ClinicSystem, after: str, count: int) -> list[str]:
    """Every event that a poller saw, in the order in which it saw them."""
    seen: list[str] = []
    until = time.monotonic() + POLL_SECONDS
    while len(seen) < count and time.monotonic() < until:
        seen += [event["event_id"] for event in system.events(f"?limit=7&after={seen[-1] if seen else after}")]
    return seen


def test_a_poller_sees_each_event_once_and_in_order_while_they_are_recorded(
    portal: Portal, system: ClinicSystem
) -> None:
    start, rows = end_of_log(), happen(EVENTS)
    first = ids.number_of(start) + 1
    seen: list[str] = []
    poller = threading.Thread(target=lambda: seen.extend(_poll(system, start, EVENTS)))
    poller.start()

    def record(worker: int) -> None:
        # Each row goes to two workers, as a queue may hand it over twice.
        for row_id in rows[worker::WORKERS] + rows[worker - 1 :: WORKERS]:
            service.record(row_id)

    at_once(WORKERS, record)
    poller.join()
    assert [ids.number_of(event) for event in seen] == list(range(first, first + EVENTS))
    accounts = Counter(event["about"]["account_id"] for event in system.events_after(start))
    assert (len(accounts), set(accounts.values())) == (EVENTS, {1})


def test_of_webhooks_made_at_once_there_are_no_more_than_the_limit(portal: Portal, system: ClinicSystem) -> None:
    answers = at_once(MOST_WEBHOOKS + 10, lambda _: system.create("http://127.0.0.1:9/"))
    assert Counter(answer.status for answer in answers) == {201: MOST_WEBHOOKS, 409: 10}


def test_secrets_rotated_at_once_are_one_rotation_each(portal: Portal, system: ClinicSystem) -> None:
    hook = system.hook("http://127.0.0.1:9/")
    answers = at_once(8, lambda _: system.post(f"{hook.path}/rotate-secret"))
    made = [answer.json["secret"] for answer in answers if answer.status == 201]
    assert made
    assert {answer.status for answer in answers} <= {201, 409}
    assert len(set(made)) == len(made)
