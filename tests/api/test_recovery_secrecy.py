"""Whoever asks for a reset or a reminder learns nothing, and the code is nowhere but in its email (RC 2, 4 and 6)."""

import io
import logging
import statistics
import sys
import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from chalicelib import clock, observability
from tests.support.aws_calls import AwsCall, failing, hooked, recorded, refused
from tests.support.crowd import fresh_address, seen_by_a_stranger
from tests.support.portal import Answer, Person, Portal
from tests.support.promises import Promise
from tests.support.resets import Reset, ask, confirm, reset_emails, start
from tests.support.setting import setting
from tests.support.sign_in import confirm_email
from tests.support.sizes import is_full, size
from tests.support.times import NOON

MOMENT = timedelta(milliseconds=1)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def without_security_questions() -> Iterator[None]:
    """An account's three more hashes would only take time."""
    with setting("SECURITY_QUESTIONS", "off"):
        yield


@pytest.fixture
def person(portal: Portal) -> Person:
    """Somebody who confirmed their email."""
    found = portal.register()
    confirm_email(portal, found)
    return found


def remind(portal: Portal, email: str) -> Answer:
    return portal.call("POST", "/v1/username-reminders", {"email": email}, source_ip=fresh_address())


def reminders(portal: Portal, address: str) -> list[str]:
    return [email.text or "" for email in portal.emails(address) if email.subject == "Your username"]


def nobody() -> str:
    """An identifier that nobody has, of the length of those that people have."""
    return f"user-{fresh_address().replace(':', '')[-12:]:0>12}"


# --- who exists -------------------------------------------------------------------------------------------------------


@pytest.mark.promise
def test_an_identifier_that_nobody_has_is_answered_as_any_other(
    portal: Portal, person: Person, promise: Promise
) -> None:
    """RC 4: status, headers, body and what is asked of AWS; nothing is sent."""
    unconfirmed = portal.register()
    known = (person.username, person.patient.email, unconfirmed.username, unconfirmed.patient.email)
    portal.drain()
    sent = len(portal.aws.sent_emails())
    unknown = (nobody(), f"{nobody()}@example.org", "Ingrid Solberg", "\u200b", "x" * 320, "@", "a@b", "\ufdfa" * 80)
    with clock.frozen(NOON):
        seen = {_seen(portal, identifier) for identifier in (*known, *unknown)}
    promise(
        "RC 4", f"{len(known) + len(unknown)} identifiers, 8 unknown: different answers", asked=1, measured=len(seen)
    )
    emails = portal.emails()[sent:]
    measured = len(emails) - sum(len(reset_emails(portal, one.patient.email)) for one in (person, unconfirmed))
    promise("RC 4", "emails for unknown identifiers", asked=0, measured=measured)


def _seen(portal: Portal, identifier: str) -> str:
    """An answer without its id, and the calls that it took; some are made at the same time, in no order.

    What the clinic has decided is read once in half a minute, for whoever asks then.
    """
    assert portal.call("GET", "/v1/config").status == 200
    with recorded() as calls:
        answer = ask(portal, identifier)
    status, headers, body = seen_by_a_stranger(answer)
    assert body.pop("reset_id")
    made = sorted((call.operation, len(call.items)) for call in calls)
    return repr((status, headers, body, made))


def test_one_too_many_takes_the_steps_of_any_other(portal: Portal, person: Person) -> None:
    """RC 4 and 6: else the third by name and the first by address would tell that they are one account's."""
    with clock.frozen(NOON):
        seen = {_seen(portal, person.username) for _ in range(4)}
        seen |= {_seen(portal, person.patient.email)}
    assert len(seen) == 1
    assert len(reset_emails(portal, person.patient.email)) == 1


@pytest.mark.promise
@pytest.mark.parametrize("kind", ["username", "email"])
def test_known_and_unknown_identifiers_take_the_same_time(
    portal: Portal, person: Person, promise: Promise, kind: str
) -> None:
    """RC 4: interleaved, each within the limits; a small run has too few tries for the narrow band."""
    known = person.username if kind == "username" else person.patient.email
    unknown = nobody() if kind == "username" else f"patient-{nobody()}@example.org"
    times: dict[str, list[float]] = {known: [], unknown: []}
    for number in range(size("RC 4")):
        clock.advance(timedelta(days=1, seconds=1))
        for identifier in (known, unknown) if number % 2 else (unknown, known):
            times[identifier].append(_timed(portal, identifier))
    medians = [statistics.median(times[identifier]) for identifier in (known, unknown)]
    apart, curve = abs(medians[0] / medians[1] - 1), _area_under_curve(times[known], times[unknown])
    count, widest, band = len(times[known]), *((0.05, 0.05) if is_full() else (0.3, 0.35))
    measured = f"{apart:.1%}, {curve:.3f}"
    holds = apart <= widest and abs(curve - 0.5) <= band
    promise(
        "RC 4",
        f"{count} by {kind}: medians apart, AUC",
        asked=f"{widest:.0%}, ± {band}",
        measured=measured,
        passed=holds,
    )


def _timed(portal: Portal, identifier: str) -> float:
    source_ip = fresh_address()
    begun = time.perf_counter()
    ask(portal, identifier, source_ip=source_ip, checked=False)
    return time.perf_counter() - begun


def _area_under_curve(some: list[float], others: list[float]) -> float:
    """How often one of `some` took longer than one of `others`: 0.5 where the time tells nothing."""
    others = sorted(others)
    wins = sum(bisect_left(others, one) + bisect_right(others, one) for one in some) / 2
    return wins / len(some) / len(others)


def test_an_answer_takes_its_least_time(portal: Portal, person: Person) -> None:
    """RC 4: longer than the work behind it, so that a row more or less does not show."""
    from chalicelib.services import recovery

    for ask_once in (lambda: _timed(portal, person.username), lambda: remind(portal, person.patient.email)):
        begun = time.perf_counter()
        ask_once()
        assert time.perf_counter() - begun >= recovery.SECONDS


def test_a_guess_at_nobodys_reset_is_answered_as_at_somebodys(portal: Portal, person: Person) -> None:
    """RC 4: five times wrong and then ended, with the same calls."""
    seen = []
    for identifier in (person.username, nobody()):
        reset_id, answers = ask(portal, identifier).json["reset_id"], []
        for number in range(7):
            with recorded() as calls:
                answer = confirm(portal, reset_id, otp=f"{number:08}")
            answers.append((seen_by_a_stranger(answer), [call.operation for call in calls]))
        seen.append(answers)
    assert seen[0] == seen[1]
    assert seen[0][0] == seen[0][6]


# --- limits -----------------------------------------------------------------------------------------------------------


@pytest.mark.promise
def test_an_account_gets_five_resets_a_day(portal: Portal, person: Person, promise: Promise) -> None:
    """RC 6: beyond, the same answer, and the reset that runs is not killed."""
    with clock.frozen(NOON):
        for _ in range(4):
            start(portal, person.username, person.patient.email)
            clock.advance(HOUR)
        fifth = start(portal, person.username, person.patient.email)
        assert ask(portal, person.patient.email).status == 202
        portal.drain()
        assert confirm(portal, fifth.reset_id, "short", otp=fifth.code).json["code"] == "invalid_request"
        clock.advance(20 * HOUR - MOMENT)
        assert ask(portal, person.username).status == 202
        before = len(reset_emails(portal, person.patient.email))
        clock.advance(MOMENT)
        start(portal, person.username, person.patient.email)
        ask(portal, person.username)
        after = len(reset_emails(portal, person.patient.email))
    promise("RC 6", "resets sent of 7 in a day, then of 2 more", asked="5, 1", measured=f"{before}, {after - before}")


@pytest.mark.promise
def test_a_mailbox_gets_three_resets_an_hour(portal: Portal, promise: Promise) -> None:
    """RC 6: for all accounts together whose mailbox it is; those of the others come to where they always do."""
    shared = f"family-{fresh_address().split(':')[2]}@example.org"
    reached = [{"system": "email", "value": shared}, {"system": "phone", "value": "+13125550142"}]
    patients = [portal.new_patient(telecom=reached) for _ in range(2)]
    people = [portal.register(patient, email=None) for patient in patients]
    with clock.frozen(NOON):
        start(portal, people[0].username, shared)
        clock.advance(HOUR / 2)
        start(portal, people[1].username, shared)
        third = start(portal, people[1].username, shared)
        fourth = [ask(portal, one.username).status for one in people]
        portal.drain()
        assert confirm(portal, third.reset_id, "short", otp=third.code).json["code"] == "invalid_request"
        clock.advance(HOUR / 2 - MOMENT)
        ask(portal, people[0].username)
        before = len(reset_emails(portal, shared))
        clock.advance(MOMENT)
        start(portal, people[0].username, shared)
        ask(portal, people[1].username)
        after = len(reset_emails(portal, shared))
    assert fourth == [202, 202]
    promise(
        "RC 6", "resets to a mailbox of 6 in an hour, then of 2", asked="3, 1", measured=f"{before}, {after - before}"
    )


def test_what_was_not_sent_is_not_counted(portal: Portal, person: Person) -> None:
    """RC 6: who asked too often in an hour has the rest of the day's resets left."""
    with clock.frozen(NOON):
        for _ in range(8):
            assert ask(portal, person.username).status == 202
            portal.drain()
        clock.advance(HOUR)
        for _ in range(2):
            start(portal, person.username, person.patient.email)
        ask(portal, person.username)
    assert len(reset_emails(portal, person.patient.email)) == 5


@pytest.mark.promise
@pytest.mark.parametrize("path", ["password-resets", "username-reminders"])
def test_a_source_address_asks_thirty_times_an_hour(portal: Portal, promise: Promise, path: str) -> None:
    """RC 6, AP 5: the 31st is told to wait, whatever it asks for and whatever its headers claim."""
    network = fresh_address().replace("::1", "::")
    name = "identifier" if path == "password-resets" else "email"

    def once(number: int, **claimed: str) -> Answer:
        body = {name: f"nobody-{number}-{network.split(':')[2]}@example.org"}
        return portal.call("POST", f"/v1/{path}", body, source_ip=f"{network}{number:x}", headers=claimed)

    with clock.frozen(NOON):
        statuses = [once(number).status for number in range(1, 31)]
        clock.advance(HOUR - MOMENT)
        refused = once(31, **{"X-Forwarded-For": "198.51.100.77"})
        assert portal.call("POST", f"/v1/{path}", {name: "a@example.org"}, source_ip=fresh_address()).status == 202
        clock.advance(MOMENT)
        after = once(32).status
    assert (refused.json["code"], refused.header("retry-after")) == ("too_many_requests", "1")
    measured = f"{statuses.count(202)}, {refused.status}, {after}"
    promise("RC 6", f"{path} of an address: taken, the next, after an hour", asked="30, 429, 202", measured=measured)


# --- the code ---------------------------------------------------------------------------------------------------------


class _Listener(logging.Handler):
    """Keeps every record of every logger, whatever its level."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith(("moto", "werkzeug", "infra", "asyncio")):
            self.texts.append(repr(vars(record)))


@contextmanager
def listening() -> Iterator[list[str]]:
    """Everything that is logged."""
    root, listener, lines = logging.getLogger(), _Listener(), io.StringIO()
    handler = observability.logger().registered_handler
    assert isinstance(handler, logging.StreamHandler)
    level, handler.stream = root.level, lines
    root.addHandler(listener)
    root.setLevel(logging.DEBUG)
    try:
        yield listener.texts
    finally:
        root.setLevel(level)
        root.removeHandler(listener)
        handler.stream = sys.__stdout__
        listener.texts.append(lines.getvalue())


@pytest.mark.promise
def test_the_code_is_stored_nowhere_and_in_no_log_or_queue(portal: Portal, person: Person, promise: Promise) -> None:
    """RC 2: nor is the link's secret; asked for, sent, guessed at, met by bugs, used and used again."""
    sinks: dict[str, list[str]] = {"sent to AWS": []}

    def listen(call: AwsCall) -> None:
        if call.service != "sesv2":
            sinks["sent to AWS"].append(f"{call.service} {call.operation} {call.params!r}")

    with hooked(listen), listening() as sinks["logs"]:
        reset = start(portal, person.username, person.patient.email)
        confirm(portal, reset.reset_id, otp=reset.wrong_code())
        _meet_bugs(portal, reset)
        assert confirm(portal, reset.reset_id, token=reset.token).status == 204
        confirm(portal, reset.reset_id, otp=reset.code)
        portal.drain()
    for area in ("accounts", "audit", "outbox", "patients"):
        sinks[f"{area} rows"] = [repr(row) for row in portal.rows(area)]
    assert all(sinks.values()), "a sink that caught nothing proves nothing"
    assert any(call.startswith("sqs SendMessageBatch") for call in sinks["sent to AWS"])
    secrets = (reset.code, reset.token, reset.token[26:])
    found = [text[:200] for texts in sinks.values() for text in texts if any(secret in text for secret in secrets)]
    promise("RC 2", f"code and token in {len(sinks)} sinks", asked=0, measured=len(found), passed=not found)
    # Who is looked up is no secret to the tables that it is looked up in, and nobody else's business (AC 4).
    kept = "".join(text for sink in ("logs", "audit rows", "outbox rows") for text in sinks[sink])
    assert person.username not in kept
    assert person.patient.email not in kept


def _meet_bugs(portal: Portal, reset: Reset) -> None:
    """A bug's exception quotes everything that it has."""
    for bug in (ValueError(reset.code), refused("ValidationException", message=reset.token)):
        with failing(lambda call: call.service == "dynamodb", bug):
            assert confirm(portal, reset.reset_id, otp=reset.code).status in {500, 503}


# --- the username -----------------------------------------------------------------------------------------------------


def test_a_reminder_goes_to_the_address_that_is_confirmed(portal: Portal, person: Person) -> None:
    answer = remind(portal, person.patient.email.replace("example.org", "EXAMPLE.org"))
    assert (answer.status, answer.json) == (202, {})
    (text,) = reminders(portal, person.patient.email)
    assert person.username in text


@pytest.mark.promise
def test_an_address_that_nobody_confirmed_gets_no_reminder_and_the_same_answer(
    portal: Portal, person: Person, promise: Promise
) -> None:
    """RC 4 and 8."""
    unconfirmed = portal.register(portal.new_patient(telecom=[]))
    portal.drain()
    seen = set()
    for address in (person.patient.email, unconfirmed.patient.email, f"{nobody()}@example.org"):
        with recorded() as calls:
            answer = remind(portal, address)
        seen.add(repr((seen_by_a_stranger(answer), sorted((call.operation, len(call.items)) for call in calls))))
    promise("RC 4", "reminders, 2 of 3 for nobody: different answers", asked=1, measured=len(seen))
    sent = f"{len(reminders(portal, person.patient.email))}, {len(reminders(portal, unconfirmed.patient.email))}"
    promise("RC 8", "reminders sent: confirmed, unconfirmed", asked="1, 0", measured=sent)


def test_reminders_have_the_limits_of_resets_and_leave_those_alone(portal: Portal, person: Person) -> None:
    """RC 6: three an hour for a mailbox, five a day for an account."""
    address, sent = person.patient.email, []
    with clock.frozen(NOON):
        for wait in (0, 1, 22, 1):
            clock.advance(wait * HOUR)
            assert {remind(portal, address).status for _ in range(4)} == {202}
            sent.append(len(reminders(portal, address)))
        start(portal, person.username, address)
    assert sent == [3, 5, 5, 8]


def test_what_is_no_address_is_refused(portal: Portal) -> None:
    refused = remind(portal, "not-an-address")
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, "/email")
