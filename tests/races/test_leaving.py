"""Closing, opening again and removing an account under race: one of them has its way, once (OP 5)."""

from collections import Counter
from datetime import datetime, timedelta

import pytest

from chalicelib import clock
from chalicelib.models import accounts, audit, closures
from chalicelib.models.transaction import transaction
from chalicelib.services import purges
from tests.support import contact_changes
from tests.support.crowd import at_once
from tests.support.faults import overtaken_by
from tests.support.leaving import CLOSE, closed, export, keys_of, purge_row, reopening_paths
from tests.support.links import account_id_of, post
from tests.support.people import token_of
from tests.support.portal import Person, Portal
from tests.support.promises import Promise
from tests.support.sizes import size

pytestmark = [pytest.mark.race, pytest.mark.promise]


def _closed(portal: Portal) -> tuple[Person, str, str]:
    """Somebody who has closed their account, the path of their link, and the row that asks to remove it."""
    person = contact_changes.confirmed(portal)
    closed(person)
    (path,) = reopening_paths(portal, person.patient.email)
    return person, path, purge_row(portal, person)


def _ends(person: Person) -> datetime:
    """When a closed account can be opened no more."""
    found = accounts.find_account(account_id_of(person))
    assert found is not None
    assert found.closed_until
    return clock.read_stamp(found.closed_until)


def _reopen(portal: Portal, person: Person, path: str) -> int:
    return post(portal, path, date_of_birth=person.patient.date_of_birth).status


def _actions(person: Person, action: str) -> int:
    entries = audit.find_entries(f"account#{account_id_of(person)}")
    return sum(entry.action == action for entry in entries)


def test_of_many_who_close_one_account_at_once_one_does(portal: Portal, promise: Promise) -> None:
    person, count = contact_changes.confirmed(portal), size("ID 4")
    tokens = [token_of(account_id_of(person)) for _ in range(count)]
    statuses = Counter(at_once(count, lambda number: portal.call("DELETE", CLOSE, token=tokens[number]).status))
    promise("OP 5", f"{count} close one account at once: closings", asked=1, measured=_actions(person, "account:close"))
    assert statuses[200] == 1
    assert set(statuses) <= {200, 401, 503}
    assert len(reopening_paths(portal, person.patient.email)) == 1


def test_of_many_who_open_it_again_at_once_one_does(portal: Portal, promise: Promise) -> None:
    person, path, _ = _closed(portal)
    # As many as a link bears that are under way at the same time.
    statuses = Counter(at_once(5, lambda _: _reopen(portal, person, path)))
    opened = _actions(person, "account:reopen")
    promise("OP 5", "5 open one account again at once: openings", asked=1, measured=opened)
    assert statuses[200] == 1
    assert set(statuses) <= {200, 410, 503}


def test_a_removal_that_began_first_wins(portal: Portal, promise: Promise) -> None:
    """Who opens the account has read it in time, and writes a moment too late."""
    person, path, row_id = _closed(portal)

    def remove() -> None:
        portal.advance(seconds=5)
        purges.work(row_id)
        # The other one's clock has not moved.
        portal.advance(seconds=-5)

    with clock.frozen(_ends(person) - timedelta(seconds=3)), overtaken_by(remove):
        status = _reopen(portal, person, path)
    removed = accounts.find_account(account_id_of(person)) is None
    promise(
        "OP 5", "removed while it is opened again: status, removed", asked="410, True", measured=f"{status}, {removed}"
    )
    assert _actions(person, "account:reopen") == 0
    assert {sk for _, sk in keys_of(portal, account_id_of(person))} <= {"link"}


def test_a_removal_that_has_only_begun_wins_as_well(portal: Portal, promise: Promise) -> None:
    """Its worker died after the step that decides, just before the one who opens the account writes."""
    person, path, row_id = _closed(portal)

    def begin() -> None:
        portal.advance(seconds=5)
        found = accounts.find_account(account_id_of(person))
        assert found is not None
        with transaction() as tx:
            closures.begin_purge(tx, found)
        portal.advance(seconds=-5)

    ends = _ends(person)
    with clock.frozen(ends - timedelta(seconds=3)), overtaken_by(begin):
        status = _reopen(portal, person, path)
    with clock.frozen(ends + timedelta(seconds=3)):
        purges.work(row_id)
    removed = accounts.find_account(account_id_of(person)) is None
    got = f"{status}, {removed}"
    promise("OP 5", "removal begun while it is opened: status, removed", asked="410, True", measured=got)


def test_an_opening_that_came_first_wins(portal: Portal, promise: Promise) -> None:
    """Who removes the account has read it as closed, and writes a moment after it was opened."""
    person, path, row_id = _closed(portal)
    ends = _ends(person)
    statuses: list[int] = []

    def reopen() -> None:
        portal.advance(seconds=-5)
        statuses.append(_reopen(portal, person, path))
        portal.advance(seconds=5)

    with clock.frozen(ends + timedelta(seconds=1)):
        with overtaken_by(reopen):
            purges.work(row_id)
        for _ in range(2):
            portal.advance(minutes=2)
            purges.work(row_id)
    found = accounts.find_account(account_id_of(person))
    is_open = found is not None and not found.disabled
    promise(
        "OP 5",
        "opened again while it is removed: status, open",
        asked="200, True",
        measured=f"{statuses[0]}, {is_open}",
    )
    assert _actions(person, "account:purge") == 0


def test_both_at_once_leave_an_open_account_or_none(portal: Portal, promise: Promise) -> None:
    """At the very moment at which the one may no more and the other may, many times, with two workers."""
    torn = []
    for _ in range(4):
        person, path, row_id = _closed(portal)
        with clock.frozen(_ends(person) - timedelta(milliseconds=2)):

            def act(number: int, row_id: str = row_id, person: Person = person, path: str = path) -> int:
                if number == 0:
                    portal.advance(seconds=0.002)
                    return 0
                if number < 3:
                    purges.work(row_id)
                    return 0
                return _reopen(portal, person, path)

            statuses = at_once(6, act)
            for _ in range(3):
                portal.advance(minutes=2)
                purges.work(row_id)
        after = accounts.find_account(account_id_of(person))
        opened = 200 in statuses
        is_whole = (opened and after is not None and not after.disabled) or (not opened and after is None)
        torn += [] if is_whole else [(statuses, after)]
    promise("OP 5", "opened and removed at once, 4 times: neither open nor gone", asked=0, measured=len(torn))


def test_of_many_who_ask_for_a_copy_at_once_three_get_one(portal: Portal, promise: Promise) -> None:
    person = contact_changes.confirmed(portal)
    token = token_of(account_id_of(person))
    statuses = Counter(at_once(20, lambda _: export(person, token=token).status))
    promise(
        "OP 5",
        "20 ask for a copy at once: at most 3 in a day",
        asked="3 or fewer",
        measured=statuses[202],
        passed=0 < statuses[202] <= 3,
    )
    assert set(statuses) <= {202, 409, 429, 503}
