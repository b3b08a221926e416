"""PINs of shares under race: however many are tried at once, no more count than there are (SMART Health Links)."""

from collections import Counter

import pytest

from chalicelib.domain.shares import TRIES
from chalicelib.models import shares as storage
from tests.support.crowd import at_once
from tests.support.links import account_id_of
from tests.support.portal import Person, Portal
from tests.support.record_exports import strong
from tests.support.shares import ask, ask_manifest, listed, made, open_page, path_of

pytestmark = pytest.mark.race

WRONG = "918273"


def _row(person: Person, share_id: str) -> storage.Share:
    found = storage.find(account_id_of(person), share_id)
    assert found is not None
    return found


@pytest.mark.parametrize("is_built", [True, False])
def test_of_many_wrong_pins_at_once_five_are_compared(portal: Portal, is_built: bool) -> None:
    person = portal.register()
    share = made(person) if is_built else ask(portal, "me", strong(person)).json
    statuses = Counter(at_once(40, lambda number: _either(portal, share, number, WRONG)))
    row = _row(person, share["share_id"])
    assert (row.tries, row.ended_as) == (TRIES, "locked")
    # 422 of the page, 401 of the manifest; the rest came too late, or gave up on the race.
    assert statuses[401] + statuses[422] <= TRIES
    assert set(statuses) <= {401, 404, 410, 422, 503}
    assert ask_manifest(portal, share).status == 404
    assert open_page(portal, share).status == 410


def _either(portal: Portal, share: dict[str, str], number: int, pin: str) -> int:
    return (ask_manifest if number % 2 else open_page)(portal, share, pin).status


def test_a_right_pin_among_many_wrong_ones_opens_only_where_fewer_than_five_were_before(portal: Portal) -> None:
    person = portal.register()
    share = made(person)
    pins = [f"9{number:05}" for number in range(40)]
    pins[20] = share["pin"]
    statuses = at_once(40, lambda number: ask_manifest(portal, share, pins[number]).status)
    row = _row(person, share["share_id"])
    assert row.tries == TRIES
    assert statuses.count(401) <= TRIES
    assert row.opening_count == (statuses[20] == 200)


def test_many_who_open_it_at_once_each_leave_a_receipt(portal: Portal) -> None:
    person = portal.register()
    share = made(person)
    statuses = Counter(at_once(12, lambda number: ask_manifest(portal, share, recipient=f"Reader {number}").status))
    assert set(statuses) <= {200, 503}
    (found,) = listed(person)
    assert found["opening_count"] == len({one["recipient"] for one in found["openings"]}) == statuses[200] > 0


def test_whoever_opens_it_while_it_is_ended_is_told_of_or_refused(portal: Portal) -> None:
    person = portal.register()
    share = made(person)
    path = f"{path_of('me')}/{share['share_id']}"

    def act(number: int) -> int:
        return person.call("DELETE", path).status if number == 3 else ask_manifest(portal, share).status

    statuses = at_once(8, act)
    assert statuses[3] == 204
    assert _row(person, share["share_id"]).opening_count == statuses.count(200)
    assert ask_manifest(portal, share).status == 404
