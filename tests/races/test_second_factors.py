"""Codes of second factors under race: each opens one thing (PW 9)."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest

from chalicelib import clock
from tests.support import factors, passkeys, times
from tests.support.crowd import at_once
from tests.support.passkeys import Authenticator
from tests.support.portal import Answer, Person, Portal
from tests.support.promises import Promise
from tests.support.sizes import size

pytestmark = [pytest.mark.race, pytest.mark.promise]

# In the middle of a step, so that a code is right for as long as the race takes.
NOON = times.NOON + timedelta(seconds=15)


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with clock.frozen(NOON):
        yield


def open_sessions(person: Person) -> int:
    return len(person.get("/v1/sessions").json["items"])


def opened(answers: list[Answer]) -> int:
    statuses = Counter(answer.status for answer in answers)
    assert set(statuses) <= {201, 401, 429}, statuses
    return statuses[201]


def test_of_many_uses_of_one_code_one_signs_in(portal: Portal, promise: Promise) -> None:
    """PW 9: each from a sign-in and an address of its own, so that the counter alone decides."""
    person = portal.register()
    app = factors.bind(person)
    portal.advance(minutes=5)
    tokens = [factors.begin(portal, person) for _ in range(size("PW 9"))]
    answers = at_once(len(tokens), lambda number: factors.finish(portal, tokens[number], app.code()))
    promise("PW 9", f"{len(tokens)} uses of one code at once: sessions", asked=1, measured=opened(answers))
    assert open_sessions(person) == 2


def test_of_many_second_steps_of_one_sign_in_one_counts(portal: Portal, promise: Promise) -> None:
    """Each with another right code, so that the sign-in alone decides."""
    person = portal.register()
    app = factors.bind(person)
    mfa_token = factors.begin(portal, person)
    answers = at_once(
        len(app.recovery_codes),
        lambda number: factors.finish(portal, mfa_token, app.recovery_codes[number], method="recovery_code"),
    )
    promise("PW 9", "10 codes for one sign-in at once: sessions", asked=1, measured=opened(answers))
    assert person.get("/v1/me/mfa").json["recovery_codes_left"] == 9


def test_of_many_uses_of_one_recovery_code_one_signs_in(portal: Portal, promise: Promise) -> None:
    """PW 9."""
    person = portal.register()
    app = factors.bind(person)
    tokens = [factors.begin(portal, person) for _ in range(size("PW 9"))]
    code = app.recovery_codes[0]
    answers = at_once(len(tokens), lambda number: factors.finish(portal, tokens[number], code, method="recovery_code"))
    promise("PW 9", f"{len(tokens)} uses of one recovery code at once: sessions", asked=1, measured=opened(answers))
    assert person.get("/v1/me/mfa").json["recovery_codes_left"] == 9


def test_of_many_replays_of_one_passkeys_answer_one_signs_in(portal: Portal, promise: Promise) -> None:
    """PW 9: of a passkey that does not count, so that the challenge alone decides."""
    person, authenticator = portal.register(), Authenticator()
    passkeys.bind(person, authenticator)
    authenticator.count = -1
    answer, count = authenticator.answer(passkeys.options(portal)), size("PW 9")
    answers = at_once(count, lambda _: passkeys.sign_in(portal, answer))
    promise(
        "PW 9", f"{count} replays of one answer to a challenge at once: sessions", asked=1, measured=opened(answers)
    )
    assert open_sessions(person) == 2


def test_of_many_step_ups_with_one_code_one_counts(portal: Portal, promise: Promise) -> None:
    """ID 9: in sessions of their own, so that the counter alone decides."""
    person = portal.register()
    beside = [
        Person(portal, person.patient, person.username, person.password, portal.sign_in(person.username).json)
        for _ in range(8)
    ]
    app = factors.bind(person)
    portal.advance(minutes=5)
    answers = at_once(len(beside), lambda number: factors.step_up(beside[number], code=app.code()))
    stepped_up = sum(answer.status == 201 for answer in answers)
    promise("PW 9", f"{len(beside)} step-ups with one code at once: done", asked=1, measured=stepped_up)


def test_of_many_bindings_of_one_app_one_gives_codes_that_work(portal: Portal, promise: Promise) -> None:
    person = portal.register()
    factors.step_up(person)
    app = factors.set_up(person)
    answers = at_once(6, lambda _: factors.confirm(person, app.code()))
    done = [answer for answer in answers if answer.status == 200]
    promise("PW 9", "6 confirmations of one app at once: done", asked=1, measured=len(done))
    (code, *_) = done[0].json["recovery_codes"]
    assert factors.finish(portal, factors.begin(portal, person), code, method="recovery_code").status == 201
