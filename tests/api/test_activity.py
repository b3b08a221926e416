"""What happened to one's account, in words: PW 8, and who started a recovery."""

import json
import re

import pytest

from chalicelib import words
from chalicelib.domain.audit import Action
from chalicelib.services import activity
from tests.support import contact_changes, resets
from tests.support.crowd import fresh_address
from tests.support.portal import Answer, Person, Portal

PATH = "/v1/me/activity"

OF_NO_ACCOUNT = frozenset(
    action
    for action in Action
    if action.split(":")[0]
    in {
        "activation_code",
        "amendment",
        "caregiver",
        "client",
        "document",
        "events",
        "glass",
        "import",
        "model",
        "patient",
        "picture_reading",
        "proxy_requests",
        "record",
        "registration",
        "settings",
        "share",
        "staff",
        "upload",
        "webhook",
    }
) | {Action.PROXY_REQUEST_APPROVE}
"""Events that stand in a patient's history or the clinic's, and in no account's."""


def _read(person: Person, query: str = "", **headers: str) -> Answer:
    return person.portal.call("GET", f"{PATH}{query}", token=contact_changes.stepped_up(person), headers=headers)


def _kinds(person: Person) -> list[str]:
    return [item["kind"] for item in _read(person, "?limit=100").json["items"]]


@pytest.mark.parametrize("language", words.languages())
@pytest.mark.parametrize("action", [action for action in Action if action not in OF_NO_ACCOUNT])
def test_every_event_that_an_account_can_have_has_words(action: Action, language: str) -> None:
    assert activity.key(action) in words.catalogue(language)


def test_no_words_are_left_of_events_that_there_are_not() -> None:
    known = {activity.key(action) for action in Action} | {"activity.other"}
    assert {key for key in words.catalogue("en") if key.startswith("activity.")} <= known


def test_what_happened_stands_there_the_newest_first_with_the_device(portal: Portal) -> None:
    person = contact_changes.confirmed(portal)
    assert portal.sign_in(person.username, "wrong wrong wrong wrong", source_ip=fresh_address()).status == 401
    signed_in = portal.sign_in(person.username, body={"device_name": "Ana's tablet"}, source_ip=fresh_address())
    assert signed_in.status == 201
    assert resets.ask(portal, person.username).status == 202
    contact_changes.move_email(person)
    contact_changes.move_phone(person)
    assert contact_changes.change(person, "username", f"{person.username}.new").status == 200
    assert _kinds(person)[:8] == [
        "account:username:change",
        "account:phone:confirm",
        "account:phone:ask",
        "account:email:verify",
        "account:email:ask",
        "account:password:reset:request",
        "session:create",
        "session:refuse",
    ]
    items = _read(person).json["items"]
    (sign_in,) = [item for item in items if item["kind"] == "session:create"]
    assert (sign_in["text"], sign_in["by"], sign_in["device_name"]) == ("You signed in.", "you", "Ana's tablet")
    by_nobody = [item["by"] for item in items if item["kind"] in {"session:refuse", "account:password:reset:request"}]
    assert by_nobody == ["somebody", "somebody"]


def test_it_is_told_in_the_readers_language(portal: Portal) -> None:
    person = contact_changes.confirmed(portal)
    english = {item["activity_id"]: item["text"] for item in _read(person).json["items"]}
    spanish = {item["activity_id"]: item["text"] for item in _read(person, **{"Accept-Language": "es"}).json["items"]}
    assert english.keys() == spanish.keys()
    assert [one for one in english if english[one] == spanish[one]] == []


def test_it_has_nothing_of_anybody_elses(portal: Portal) -> None:
    person, other = contact_changes.confirmed(portal), contact_changes.confirmed(portal)
    contact_changes.move_email(other)
    mine, theirs = (_read(one, "?limit=100").json["items"] for one in (person, other))
    assert {item["activity_id"] for item in mine} & {item["activity_id"] for item in theirs} == set()
    kept = json.dumps(mine)
    assert re.findall(r"acc_|ses_|dev_|lnk_|pat_|@", kept) == []


def test_it_is_paged_without_a_gap_while_more_happens(portal: Portal) -> None:
    person = contact_changes.confirmed(portal)
    for _ in range(5):
        assert portal.sign_in(person.username, source_ip=fresh_address()).status == 201
    whole = [item["activity_id"] for item in _read(person, "?limit=100").json["items"]]
    seen, cursor = [], ""
    while True:
        page = _read(person, f"?limit=2{cursor}").json
        seen += [item["activity_id"] for item in page["items"]]
        assert portal.sign_in(person.username, source_ip=fresh_address()).status == 201
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == whole


def test_a_recovery_that_the_help_desk_started_says_so(portal: Portal) -> None:
    from chalicelib.domain.staff import Role
    from tests.support.people import new_staff, token_of

    person = contact_changes.confirmed(portal)
    account_id = person.session["account"]["account_id"]
    path = f"/v1/clinic/accounts/{account_id}/recovery"
    headers = {"Idempotency-Key": "recover-1"}
    desk = token_of(new_staff(Role.HELP_DESK))
    assert portal.call("POST", path, {"check": "in_person"}, token=desk, headers=headers).status in {201, 202}
    first = _read(person).json["items"][0]
    assert (first["kind"], first["by"]) == ("account:recover", "clinic")
    assert "help desk" in first["text"]
