"""RC 4: how long asking for a new password takes does not say whether somebody is known, and by what they are reached.

`make promises` prints it. The pace of an answer hides what is left of a difference; the calls say that there is none.
"""

import time
from datetime import timedelta

import pytest

from chalicelib import clock
from tests.support import contact_changes, registering
from tests.support.aws_calls import recorded
from tests.support.crowd import fresh_address
from tests.support.portal import Portal
from tests.support.promises import Promise
from tests.support.resets import ask
from tests.support.setting import setting
from tests.support.sizes import size
from tests.support.timing import compare

UNKNOWN, BY_EMAIL, BY_PHONE, BY_OWN_PHONE = "unknown", "an email", "a phone on file alone", "a confirmed phone alone"


@pytest.fixture(scope="module")
def names(portal: Portal) -> dict[str, str]:
    """A username of each kind of account, all of one length."""
    by_email = contact_changes.confirmed(portal)
    number = contact_changes.new_phone()
    on_file = portal.register(portal.new_patient(telecom=[registering.phone_contact(number)]), email=None)
    own = portal.register(
        portal.new_patient(telecom=[registering.phone_contact(contact_changes.new_phone())]), email=None
    )
    contact_changes.move_phone(own)
    unknown = f"user-{'0' * 12}"
    return {UNKNOWN: unknown, BY_EMAIL: by_email.username, BY_PHONE: on_file.username, BY_OWN_PHONE: own.username}


@pytest.fixture(autouse=True)
def _another_day() -> None:
    """The limits of before are over."""
    clock.advance(timedelta(days=1, seconds=1))


def _warm(portal: Portal) -> None:
    """What the clinic has decided is read once in half a minute, for whoever asks then."""
    assert portal.call("GET", "/v1/config").status == 200


def _calls(portal: Portal, path: str, asked: dict[str, str]) -> list[tuple[str, tuple[str, ...]]]:
    """The calls of a request, each with the kinds of its writes; those made at the same time are in no order."""
    with recorded() as calls:
        assert portal.call("POST", path, asked, source_ip=fresh_address()).status == 202
    return sorted((call.operation, tuple(sorted(kind for kind, _ in call.items))) for call in calls)


def test_a_reset_takes_the_same_calls_whoever_it_is_and_however_they_are_reached(
    portal: Portal, names: dict[str, str]
) -> None:
    with clock.frozen(clock.now()):
        _warm(portal)
        seen = {kind: _calls(portal, "/v1/password-resets", {"identifier": name}) for kind, name in names.items()}
    assert len(seen[UNKNOWN]) > 3
    assert {kind: calls == seen[UNKNOWN] for kind, calls in seen.items()} == dict.fromkeys(names, True)


def test_a_reminder_takes_the_same_calls_for_an_address_on_file_beside_a_phone_and_for_nobodys(portal: Portal) -> None:
    known = contact_changes.confirmed(portal)
    addresses = [known.patient.email, f"patient-{fresh_address().replace(':', '')[-12:]}@example.org"]
    with clock.frozen(clock.now()):
        _warm(portal)
        seen = [_calls(portal, "/v1/username-reminders", {"email": address}) for address in addresses]
    assert seen[0] == seen[1]


@pytest.mark.promise
def test_a_reset_takes_the_same_time_whoever_it_is_and_however_they_are_reached(
    portal: Portal, names: dict[str, str], promise: Promise
) -> None:
    """Interleaved, in another order each time, and each within the limits."""
    times: dict[str, list[float]] = {kind: [] for kind in names}
    order = list(names)
    with setting("SECURITY_QUESTIONS", "off"):
        for _ in range(size("RC 4")):
            clock.advance(timedelta(days=1, seconds=1))
            order = [*order[1:], order[0]]
            _warm(portal)
            for kind in order:
                times[kind].append(_timed(portal, names[kind]))
    for kind in (BY_EMAIL, BY_PHONE, BY_OWN_PHONE):
        compared = compare(times[kind], times[UNKNOWN])
        what = f"{compared.count} resets of who has {kind} and of unknown ones"
        promise("RC 4", what, asked=compared.asked, measured=compared.measured, passed=compared.holds)


def _timed(portal: Portal, name: str) -> float:
    source_ip = fresh_address()
    begun = time.perf_counter()
    ask(portal, name, source_ip=source_ip, checked=False)
    return time.perf_counter() - begun
