"""Devices that get push messages: registered, refreshed, moved to whoever signs in on them, removed."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib import clock
from tests.support.aws_calls import recorded
from tests.support.portal import Answer, Person, Portal

PATH = "/v1/me/devices"


@contextmanager
def standing() -> Iterator[datetime]:
    """The clock stands still at a whole second; sessions are short, so tests move it by minutes at most."""
    with clock.frozen(clock.now().replace(microsecond=0)):
        yield clock.now()


def shown(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def a_token() -> str:
    return f"token:{uuid.uuid4().hex}"


def register(person: Person, token: str, platform: str = "ios", key: str | None = None) -> Answer:
    body = {"platform": platform, "push_token": token}
    return person.call("POST", PATH, body, headers={"Idempotency-Key": key or str(uuid.uuid4())})


def refresh(person: Person, device_id: str, token: str) -> Answer:
    return person.call("POST", f"{PATH}/{device_id}/refresh", {"push_token": token})


def ids(person: Person) -> list[str]:
    return [item["device_id"] for item in person.get(f"{PATH}?limit=100").json["items"]]


def rows(portal: Portal, *persons: Person) -> list[dict[str, Any]]:
    """Every row that says something of these persons' devices, tokens and endpoints."""
    accounts = {person.session["account"]["account_id"] for person in persons}
    kinds = {"push_device", "push_token", "push_endpoint"}
    found = [row for row in portal.rows("accounts") if row.get("kind", {}).get("S") in kinds]
    return [row for row in found if {row["pk"]["S"], row.get("account_id", {}).get("S")} & accounts]


def history(portal: Portal, person: Person) -> list[tuple[str, dict[str, Any]]]:
    """The audited actions on a person's devices, oldest first, with what they were about."""
    account = f"account#{person.session['account']['account_id']}"
    entries = sorted((row["sk"]["S"], row) for row in portal.rows("audit") if row["pk"]["S"] == account)
    told = [(row["action"]["S"], json.loads(row["about"]["S"])) for _, row in entries]
    return [(action, about) for action, about in told if action.startswith("push_device:")]


@pytest.fixture
def person(portal: Portal) -> Person:
    return portal.register()


@pytest.mark.parametrize("platform", ["ios", "android", "fire"])
def test_a_device_is_registered_and_listed_without_its_token(portal: Portal, person: Person, platform: str) -> None:
    token = a_token()
    with standing() as noon:
        made = register(person, token, platform)
    assert made.status == 201
    assert made.json == {
        "device_id": made.json["device_id"],
        "platform": platform,
        "created_at": shown(noon),
        "refreshed_at": shown(noon),
    }
    listed = person.get(PATH)
    assert listed.json == {"items": [made.json], "next_cursor": None}
    assert token not in made.text + listed.text
    audited = history(portal, person)
    assert audited == [("push_device:create", {"device_id": made.json["device_id"]})]


def test_the_same_token_is_the_same_device_refreshed(portal: Portal, person: Person) -> None:
    token = a_token()
    with standing() as noon:
        first = register(person, token).json
        clock.advance(timedelta(minutes=2))
        again = register(person, token)
    assert again.status == 201
    assert again.json == {**first, "refreshed_at": shown(noon + timedelta(minutes=2))}
    assert ids(person) == [first["device_id"]]
    assert [action for action, _ in history(portal, person)] == ["push_device:create", "push_device:refresh"]


def test_the_same_token_may_come_from_another_platform(person: Person) -> None:
    token = a_token()
    first = register(person, token, "android").json
    assert register(person, token, "fire").json["device_id"] == first["device_id"]
    assert [item["platform"] for item in person.get(PATH).json["items"]] == ["fire"]


def test_a_token_moves_to_whoever_registers_it_last(portal: Portal) -> None:
    before, after, token = portal.register(), portal.register(), a_token()
    other = register(before, a_token()).json["device_id"]
    lost = register(before, token).json["device_id"]
    taken = register(after, token).json["device_id"]
    assert taken != lost
    assert (ids(before), ids(after)) == ([other], [taken])
    (owner,) = [
        row
        for row in rows(portal, before, after)
        if row["kind"]["S"] == "push_token" and row["device_id"]["S"] != other
    ]
    assert owner["account_id"]["S"] == after.session["account"]["account_id"]
    # Neither learns whose it is or was, from the history or from the answer.
    assert history(portal, before)[-1] == ("push_device:remove", {"device_id": lost})
    assert history(portal, after) == [("push_device:create", {"device_id": taken})]


def test_a_refresh_moves_a_token_from_another_account_or_another_device(portal: Portal) -> None:
    before, after = portal.register(), portal.register()
    theirs, mine = a_token(), a_token()
    register(before, theirs)
    kept, own = register(after, a_token()).json["device_id"], register(after, mine).json["device_id"]
    assert refresh(after, kept, theirs).json["device_id"] == kept
    assert (ids(before), sorted(ids(after))) == ([], sorted([kept, own]))
    assert refresh(after, kept, mine).status == 200
    assert ids(after) == [kept]
    assert history(portal, after)[-1] == ("push_device:refresh", {"device_id": kept, "removed": [own]})
    kinds = sorted(row["kind"]["S"] for row in rows(portal, before, after))
    assert kinds == ["push_device", "push_token"]


def test_a_refresh_says_that_a_device_is_in_use(person: Person) -> None:
    token = a_token()
    with standing() as noon:
        device = register(person, token).json
        clock.advance(timedelta(minutes=1))
        assert refresh(person, device["device_id"], token).json == {
            **device,
            "refreshed_at": shown(noon + timedelta(minutes=1)),
        }
        clock.advance(timedelta(minutes=1))
        changed = refresh(person, device["device_id"], a_token())
    assert (changed.status, changed.json["refreshed_at"]) == (200, shown(noon + timedelta(minutes=2)))
    assert person.get(PATH).json["items"] == [changed.json]


def test_a_token_that_was_given_up_is_free(portal: Portal, person: Person) -> None:
    token = a_token()
    device_id = register(person, token).json["device_id"]
    refresh(person, device_id, a_token())
    other = portal.register()
    assert register(other, token).status == 201
    assert ids(person) == [device_id]


def test_a_removed_device_leaves_nothing(portal: Portal, person: Person) -> None:
    token = a_token()
    device_id = register(person, token).json["device_id"]
    assert person.call("DELETE", f"{PATH}/{device_id}").status == 204
    assert ids(person) == []
    assert rows(portal, person) == []
    assert history(portal, person)[-1] == ("push_device:remove", {"device_id": device_id})
    assert person.call("DELETE", f"{PATH}/{device_id}").status == 404
    assert refresh(person, device_id, token).status == 404
    assert register(person, token).json["device_id"] != device_id


def test_of_more_than_twenty_the_one_that_was_not_refreshed_for_longest_leaves(portal: Portal, person: Person) -> None:
    with standing():
        made = []
        for _ in range(20):
            made.append(register(person, a_token()).json["device_id"])
            clock.advance(timedelta(seconds=1))
        refresh(person, made[0], a_token())
        clock.advance(timedelta(seconds=1))
        last = register(person, a_token()).json["device_id"]
    assert sorted(ids(person)) == sorted([made[0], *made[2:], last])
    assert history(portal, person)[-1] == ("push_device:create", {"device_id": last, "removed": [made[1]]})
    assert len(rows(portal, person)) == 40


def test_a_walk_sees_every_device_once(person: Person) -> None:
    made = [register(person, a_token()).json["device_id"] for _ in range(5)]
    pages = [person.get(f"{PATH}?limit=2").json]
    while pages[-1]["next_cursor"] is not None:
        pages.append(person.get(f"{PATH}?limit=2&cursor={pages[-1]['next_cursor']}").json)
    assert [len(page["items"]) for page in pages] == [2, 2, 1]
    assert [item["device_id"] for page in pages for item in page["items"]] == sorted(made, reverse=True)


def test_a_replay_is_the_first_answer_in_its_present_state(person: Person) -> None:
    """AP 3."""
    token, key = a_token(), str(uuid.uuid4())
    with standing() as noon:
        first = register(person, token, key=key)
        assert register(person, token, key=key).json == first.json
        clock.advance(timedelta(minutes=1))
        refresh(person, first.json["device_id"], token)
        replay = register(person, token, key=key)
        assert replay.json == {**first.json, "refreshed_at": shown(noon + timedelta(minutes=1))}
        person.call("DELETE", f"{PATH}/{first.json['device_id']}")
        assert register(person, token, key=key).json == first.json
    assert ids(person) == []
    reused = register(person, a_token(), key=key)
    assert (reused.status, reused.json["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/platform", "/push_token"]),
        ({"platform": "windows", "push_token": "x"}, ["/platform"]),
        ({"platform": "ios", "push_token": ""}, ["/push_token"]),
        ({"platform": "ios", "push_token": "two words"}, ["/push_token"]),
        ({"platform": "ios", "push_token": "line\n"}, ["/push_token"]),
        ({"platform": "ios", "push_token": "x" * 4097}, ["/push_token"]),
        ({"platform": "ios", "push_token": "x", "endpoint_arn": "arn:aws:sns:…"}, ["/endpoint_arn"]),
    ],
)
def test_what_is_no_device_is_refused_by_its_place(person: Person, body: dict[str, Any], pointers: list[str]) -> None:
    refused = person.call("POST", PATH, body, headers={"Idempotency-Key": str(uuid.uuid4())})
    assert (refused.status, [error["pointer"] for error in refused.json["errors"]]) == (422, pointers)
    assert "x" * 40 not in refused.text
    assert ids(person) == []


def test_no_push_service_is_called_and_the_token_is_in_no_other_row(portal: Portal, person: Person) -> None:
    """AC 4: nor in what Idempotency-Key remembers."""
    token = a_token()
    with recorded() as calls:
        device_id = register(person, token).json["device_id"]
        refresh(person, device_id, token)
        ids(person)
        assert {call.service for call in calls} == {"dynamodb"}
    told = [
        row
        for area in ("accounts", "audit", "outbox")
        for row in portal.rows(area)
        if token in json.dumps(row, default=repr)
    ]
    assert [row["kind"]["S"] for row in told] == ["push_device"]


def test_registering_takes_three_round_trips(person: Person) -> None:
    """DESIGN, section 3: signing in; the state, of which two reads are made at once; and the change."""
    with recorded() as calls:
        register(person, a_token())
    assert next(call.operation for call in calls) == "BatchGetItem"
    assert sorted(call.operation for call in calls) == ["BatchGetItem", "BatchGetItem", "Query", "TransactWriteItems"]


def test_anothers_device_is_as_one_that_is_not_there(portal: Portal, person: Person) -> None:
    """AC 2."""
    theirs = register(portal.register(), a_token()).json["device_id"]
    for device_id in (theirs, f"psh_{'0' * 26}"):
        assert person.call("DELETE", f"{PATH}/{device_id}").status == 404
        assert refresh(person, device_id, a_token()).status == 404
