"""SES throttles everything for ten minutes, then fails half of the time, and workers die in between (DL 2 and 3)."""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest

from chalicelib import clock
from chalicelib.domain.notices import Notice, NoticeKind
from chalicelib.models import accounts, outbox
from chalicelib.models.accounts import Account, AccountsTable
from chalicelib.models.base import in_chunks
from chalicelib.models.transaction import transaction
from tests.support.aws_calls import AwsCall, failing, refused, unreachable
from tests.support.portal import Portal
from tests.support.promises import Promise
from tests.support.sizes import size

THROTTLED_MINUTES = 10
RUN_MINUTES = 1_440
"""By when all must be out: a day. What failed waits up to a quarter of an hour, and a sweep is shorter than that."""


@pytest.mark.promise
def test_an_outage_of_ses_loses_nothing_and_repeats_what_a_crash_repeats(portal: Portal, promise: Promise) -> None:
    portal.drain()
    run, chance = uuid4().hex[:8], random.Random(3)
    addresses = _ask_for(run, size("DL 3"))
    tried, crashes = Counter[str](), [0]
    with clock.frozen(clock.now()):
        with _throttled(tried):
            _pass(portal, THROTTLED_MINUTES)
        assert _sent(portal, run) == Counter()
        minutes = THROTTLED_MINUTES
        with _half_failing(tried, chance), _dying(portal, run, chance, crashes):
            while len(_sent(portal, run)) < len(addresses) and minutes < RUN_MINUTES:
                _pass(portal, 5)
                minutes += 5
        for _ in range(6):
            _pass(portal, 20)
    sent = _sent(portal, run)
    lost, twice = set(addresses) - set(sent), sum(sent.values()) - len(sent)
    print(
        f"DL 3: {len(addresses)} messages, {sum(tried.values())} tries, {tried['throttled']} throttled, "
        f"{tried['failed']} failed, {crashes[0]} crashes, {minutes} minutes until all were out, "
        f"{len(lost)} lost, {twice} duplicates"
    )
    asked = f"{len(addresses)} messages through a throttled and half-failing SES"
    promise("DL 3", f"{asked}: lost", asked=0, measured=len(lost))
    promise("DL 3", f"{asked}: sent to somebody else", asked=0, measured=len(set(sent) - set(addresses)))
    promise(
        "DL 3",
        f"{asked}, {crashes[0]} crashes: duplicates",
        asked="at most 1 a crash",
        measured=twice,
        passed=crashes[0] > 0 and twice <= crashes[0],
    )
    own = [row for row in portal.rows("outbox") if run.upper() in row.get("account_id", {}).get("S", "")]
    pending = [row for row in own if row["status"]["S"] == "pending"]
    assert own
    promise("DL 3", f"{asked}: rows left pending", asked=0, measured=len(pending))


def _ask_for(run: str, number: int) -> list[str]:
    """As many people, each of whom a change tells something by email."""
    people = [_account(run, place) for place in range(number)]
    with AccountsTable.batch_write() as batch:
        for account in people:
            batch.save(account)
    for some in in_chunks(people, 50):
        with transaction() as tx:
            for account in some:
                outbox.post(tx, Notice(NoticeKind.USERNAME_REMINDER, account.pk))
    return [str(account.email) for account in people]


def _account(run: str, place: int) -> Account:
    name = f"outage-{run}-{place}"
    return Account(
        f"acc_{run.upper()}{place:018d}",
        accounts.PRINCIPAL,
        username=name,
        username_key=name,
        email=f"{name}@example.org",
        language="en",
        time_zone="America/Chicago",
        password_hash="none",
        terms_version="1",
        created_at=clock.stamp(clock.now()),
    )


def _pass(portal: Portal, minutes: int) -> None:
    """Work off the queues, and let the schedule find what is due after some minutes."""
    for ahead in (minutes, 0):
        # A round takes a batch of each queue at most, so that many messages need many rounds.
        portal.pump.drain(limit=10_000)
        portal.advance(minutes=ahead)


def _is_email(call: AwsCall) -> bool:
    return call.service == "sesv2"


@contextmanager
def _throttled(tried: Counter[str]) -> Iterator[None]:
    def matches(call: AwsCall) -> bool:
        tried["throttled"] += _is_email(call)
        return _is_email(call)

    with failing(matches, refused("TooManyRequestsException")):
        yield


@contextmanager
def _half_failing(tried: Counter[str], chance: random.Random) -> Iterator[None]:
    def matches(call: AwsCall) -> bool:
        fails = _is_email(call) and chance.random() < 0.5
        tried["failed" if fails else "taken"] += _is_email(call)
        return fails

    with failing(matches, unreachable()):
        yield


@contextmanager
def _dying(portal: Portal, run: str, chance: random.Random, crashes: list[int]) -> Iterator[None]:
    """One worker in fifty dies after SES has taken a message and before anybody noted it."""
    seen = [len(portal.aws.sent_emails())]

    def matches(call: AwsCall) -> bool:
        now = len(portal.aws.sent_emails())
        is_after_sending, seen[0] = now > seen[0] and call.service == "dynamodb", now
        dies = is_after_sending and chance.random() < 0.02
        crashes[0] += dies
        return dies

    with failing(matches, KeyError("the process is gone")):
        yield


def _sent(portal: Portal, run: str) -> Counter[str]:
    return Counter(to for email in portal.aws.sent_emails() for to in email.to if f"outage-{run}-" in to)
