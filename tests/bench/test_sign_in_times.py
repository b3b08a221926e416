"""PW 4: how long a refused sign-in takes does not say whether there is such a user. `make promises` prints it."""

import time
from datetime import timedelta

import pytest

from chalicelib import clock
from chalicelib.models import accounts
from chalicelib.models.accounts import Account
from tests.support.aws_calls import recorded
from tests.support.crowd import fresh_address
from tests.support.portal import Person, Portal
from tests.support.promises import Promise
from tests.support.sizes import size
from tests.support.timing import area_under_curve, compare

WRONG = "a wrong sentence of the same length"
UNKNOWN, KNOWN, DISABLED = "unknown user", "wrong password", "disabled account"


@pytest.fixture(scope="module")
def names(portal: Portal) -> dict[str, str]:
    """A username of each kind. One's account is disabled, so that the right password is refused as well."""
    known, disabled = portal.register(), portal.register()
    _account(disabled).update([Account.disabled.set(True)])
    return {UNKNOWN: "nobody.has.this.name", KNOWN: known.username, DISABLED: disabled.username}


def _account(person: Person) -> Account:
    found = accounts.find_account(person.session["account"]["account_id"])
    assert found is not None
    return found


def _timed(portal: Portal, name: str, password: str) -> float:
    source_ip = fresh_address()
    begun = time.perf_counter()
    answer = portal.sign_in(name, password, source_ip=source_ip, checked=False)
    taken = time.perf_counter() - begun
    assert answer.status == 401
    return taken


@pytest.mark.promise
def test_a_refused_sign_in_takes_the_same_time_whoever_it_is(
    portal: Portal, names: dict[str, str], promise: Promise
) -> None:
    """Interleaved, in another order each time, and each within the limits."""
    passwords = {UNKNOWN: WRONG, KNOWN: WRONG, DISABLED: "seven green teapots sing"}
    times: dict[str, list[float]] = {kind: [] for kind in names}
    order = list(names)
    for number in range(size("PW 4")):
        if number % 5 == 0:
            # The limits of five minutes open again, and nobody's password is disabled by so many wrong ones.
            clock.advance(timedelta(minutes=6))
            _forget_wrong(names[KNOWN])
        order = [*order[1:], order[0]]
        for kind in order:
            times[kind].append(_timed(portal, names[kind], passwords[kind]))
    found = {kind: compare(times[kind], times[UNKNOWN]) for kind in (KNOWN, DISABLED)}
    for kind, compared in found.items():
        what = f"{compared.count} of {kind} and of {UNKNOWN}, interleaved"
        promise("PW 4", what, asked=compared.asked, measured=compared.measured, passed=compared.holds)


def _forget_wrong(username: str) -> None:
    account = accounts.find_account(accounts.find_account_id(username) or "")
    assert account is not None
    account.update([Account.wrong_in_a_row.set(0)])


def test_the_curve_tells_times_apart_that_are_apart() -> None:
    assert area_under_curve([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]) == 0.5
    assert area_under_curve([4.0, 5.0], [1.0, 2.0]) == 1.0
    assert not compare([0.035] * 20, [0.002] * 20).holds


def test_a_refused_sign_in_takes_the_same_calls_whoever_it_is(portal: Portal, names: dict[str, str]) -> None:
    seen = []
    for name in names.values():
        clock.advance(timedelta(minutes=6))
        with recorded() as calls:
            _timed(portal, name, WRONG)
        seen.append([call.operation for call in calls])
    assert seen[0] == seen[1] == seen[2]
