"""Changes of contacts under race: one owner of a name (ID 4), one use of a code and of the link that undoes (ID 9)."""

import unicodedata
import uuid
from collections import Counter

import pytest

from tests.support import contact_changes
from tests.support.crowd import at_once
from tests.support.links import post
from tests.support.people import new_account, token_of
from tests.support.portal import Portal
from tests.support.promises import Promise
from tests.support.sizes import size

pytestmark = [pytest.mark.race, pytest.mark.promise]

_SPELLINGS = (str, str.upper, str.title, lambda name: f" {name} ", lambda name: name.replace("a", "\uff41"))


def test_one_of_many_who_take_a_username_at_once_has_it(portal: Portal, promise: Promise) -> None:
    """ID 4, however each spells it."""
    count, name = size("ID 4"), f"fabian.{uuid.uuid4().hex[:10]}"
    tokens = [token_of(new_account()) for _ in range(count)]

    def take(number: int) -> int:
        spelled = _SPELLINGS[number % len(_SPELLINGS)](name)
        return portal.call("PUT", "/v1/me/username", {"username": spelled}, token=tokens[number]).status

    statuses = Counter(at_once(count, take))
    promise("ID 4", f"{count} change to one username at once: 200, 409", asked="1, 1", measured=_per(statuses, count))
    names = [portal.call("GET", "/v1/me", token=token).json["username"] for token in tokens]
    assert sum("fabian" in unicodedata.normalize("NFKC", one).casefold() for one in names) == 1


def _per(statuses: Counter[int], count: int) -> str:
    return f"{statuses[200]}, {statuses[409] / (count - 1):.0f}"


def test_one_account_that_changes_its_username_many_times_at_once_has_one(portal: Portal) -> None:
    account_id = new_account()
    token = token_of(account_id)
    names = [f"many.{uuid.uuid4().hex[:10]}" for _ in range(4)]
    statuses = at_once(4, lambda at: portal.call("PUT", "/v1/me/username", {"username": names[at]}, token=token).status)
    assert set(statuses) <= {200, 503}
    mine = [row for row in portal.rows("accounts") if row["sk"]["S"] == "username" and "account_id" in row]
    own = [row for row in mine if row["account_id"]["S"] == account_id and "reserved_until" not in row]
    assert len(own) == 1
    now = portal.call("GET", "/v1/me", token=token).json["username"]
    assert own[0]["pk"]["S"] == f"username#{now}"


def test_a_code_to_a_phone_is_used_once_however_many_type_it_at_once(portal: Portal) -> None:
    person, number = contact_changes.confirmed(portal), contact_changes.new_phone()
    assert contact_changes.change(person, "phone", number).status == 202
    code = contact_changes.phone_code(portal, number)
    token = contact_changes.stepped_up(person)
    answers = at_once(5, lambda _: portal.call("POST", "/v1/me/phone/confirm", {"code": code}, token=token).status)
    assert Counter(answers)[200] == 1
    changes = [row for row in portal.rows("accounts") if row["sk"]["S"].startswith("contact_change#")]
    assert len([row for row in changes if row.get("after", {}).get("S") == number]) == 1


def test_the_link_that_undoes_a_change_is_used_once(portal: Portal) -> None:
    person = contact_changes.confirmed(portal)
    contact_changes.move_email(person)
    (path,) = contact_changes.undo_paths(portal, person.patient.email)
    born = person.patient.date_of_birth
    statuses = Counter(at_once(5, lambda _: post(portal, path, date_of_birth=born).status))
    assert statuses[200] == 1
    assert set(statuses) <= {200, 410, 503}
    restored = [email for email in portal.emails(person.patient.email) if "undid" in email.subject]
    assert len(restored) == 1
