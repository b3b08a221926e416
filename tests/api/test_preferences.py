"""What one is told, how, and when it is quiet: read, and replaced as a whole."""

import json
from typing import Any

import pytest

from tests.support.aws_calls import recorded
from tests.support.portal import Answer, Person, Portal

PATH = "/v1/me/notification-preferences"
ALL = {"push": True, "email": True, "sms": True}
SOME = {"push": False, "email": True, "sms": False}


def row(notice_type: str = "results", **channels: bool) -> dict[str, Any]:
    return {"notice_type": notice_type, "channels": {**SOME, **channels}}


def put(person: Person, *rows: dict[str, Any], etag: str | None = None, **more: Any) -> Answer:
    headers = {"If-Match": etag or person.get(PATH).header("etag") or ""}
    return person.call("PUT", PATH, {"rows": list(rows), "quiet_hours": None, **more}, headers=headers)


def choices(answer: Answer) -> dict[str, dict[str, bool]]:
    return {one["notice_type"]: one["channels"] for one in answer.json["rows"]}


@pytest.fixture(scope="module")
def person(portal: Portal) -> Person:
    return portal.register()


def test_who_chose_nothing_has_every_row_at_its_default(portal: Portal) -> None:
    first = portal.register().get(PATH)
    assert (first.status, first.header("etag")) == (200, '"0"')
    assert first.json["rows"] == [
        {"notice_type": "security", "lead_time": None, "channels": ALL, "locked": True},
        {"notice_type": "results", "lead_time": None, "channels": {**ALL, "sms": False}, "locked": False},
    ]
    assert (first.json["quiet_hours"], first.json["time_zone"], first.json["language"]) == (
        None,
        "America/Chicago",
        "en",
    )


def test_a_choice_is_kept_and_what_is_not_sent_goes_back_to_its_default(person: Person) -> None:
    quiet = {"starts": "22:00", "ends": "07:30"}
    chosen = put(person, row(sms=True), quiet_hours=quiet)
    assert chosen.status == 200
    assert choices(chosen) == {"security": ALL, "results": {"push": False, "email": True, "sms": True}}
    assert chosen.json["quiet_hours"] == quiet
    again = person.get(PATH)
    assert (again.json, again.header("etag")) == (chosen.json, chosen.header("etag"))
    assert choices(put(person))["results"] == {"push": True, "email": True, "sms": False}
    assert person.get(PATH).json["quiet_hours"] is None


def test_a_locked_row_may_be_sent_as_it_is(person: Person) -> None:
    assert put(person, row("security", **ALL), row()).status == 200


def test_everything_but_security_can_be_switched_off(person: Person) -> None:
    nothing = put(person, row(email=False))
    assert choices(nothing) == {"security": ALL, "results": {"push": False, "email": False, "sms": False}}


def test_the_account_shows_through(portal: Portal) -> None:
    person = portal.register()
    person.call("PATCH", "/v1/me", {"time_zone": "America/Denver", "language": "es"}, headers={"If-Match": '"1"'})
    shown = person.get(PATH).json
    assert (shown["time_zone"], shown["language"]) == ("America/Denver", "es")


QUIET = {"starts": "22:00", "ends": "07:00"}


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"rows": [row("weather")]}, [("/rows/0/notice_type", "not_a_choice")]),
        ({"rows": [{**row(), "lead_time": "P1D"}]}, [("/rows/0/lead_time", "not_a_choice")]),
        ({"rows": [row(), row()]}, [("/rows/1", "given_twice")]),
        (
            {"rows": [row("security")]},
            [
                ("/rows/0/channels/push", "cannot_be_switched_off"),
                ("/rows/0/channels/sms", "cannot_be_switched_off"),
            ],
        ),
        ({"rows": [{**row(), "locked": False}]}, [("/rows/0/locked", "unknown_field")]),
        ({"rows": [{**row(), "channels": {"push": True, "email": True}}]}, [("/rows/0/channels/sms", "missing")]),
        ({"rows": [row(fax=True)]}, [("/rows/0/channels/fax", "unknown_field")]),
        (
            {"rows": [{**row(), "channels": {**ALL, "sms": "yes"}}]},
            [("/rows/0/channels/sms", "true_or_false_expected")],
        ),
        ({"rows": [row()] * 101}, [("/rows", "too_many")]),
        ({"time_zone": "America/Denver"}, [("/time_zone", "unknown_field")]),
        ({"language": "es"}, [("/language", "unknown_field")]),
        ({"quiet_hours": {**QUIET, "starts": "24:00"}}, [("/quiet_hours/starts", "time_of_day_expected")]),
        ({"quiet_hours": {**QUIET, "ends": "7:00"}}, [("/quiet_hours/ends", "time_of_day_expected")]),
        ({"quiet_hours": {**QUIET, "ends": "\u0660\u0667:00"}}, [("/quiet_hours/ends", "time_of_day_expected")]),
        ({"quiet_hours": {"starts": "07:00", "ends": "07:00"}}, [("/quiet_hours/ends", "quiet_hours_empty")]),
        ({"quiet_hours": {"starts": "07:00"}}, [("/quiet_hours/ends", "missing")]),
        (
            {
                "rows": [row("security", push=True, sms=True, email=False)],
                "quiet_hours": {"starts": "07:00", "ends": "07:00"},
            },
            [("/rows/0/channels/email", "cannot_be_switched_off"), ("/quiet_hours/ends", "quiet_hours_empty")],
        ),
    ],
)
def test_what_is_wrong_is_named_by_its_place_and_nothing_is_stored(
    person: Person, body: dict[str, Any], errors: list[tuple[str, str]]
) -> None:
    """DL 6: security notices cannot be switched off."""
    before = person.get(PATH)
    refused = put(person, **{"rows": [], **body}) if "rows" not in body else put(person, *body["rows"], **body)
    assert refused.status == 422, refused.text
    assert [(error["pointer"], error["code"]) for error in refused.json["errors"]] == errors
    after = person.get(PATH)
    assert (after.json, after.header("etag")) == (before.json, before.header("etag"))


def test_a_replacement_names_everything(person: Person) -> None:
    refused = person.call("PUT", PATH, {}, headers={"If-Match": person.get(PATH).header("etag") or ""})
    assert [error["pointer"] for error in refused.json["errors"]] == ["/rows", "/quiet_hours"]


def test_a_version_is_replaced_once(portal: Portal) -> None:
    """BK 9."""
    person = portal.register()
    first = person.get(PATH).header("etag") or ""
    second = put(person, row(), etag=first).header("etag") or ""
    assert second != first
    for stale in (first, '"7"', f"W/{second}", "*"):
        refused = put(person, row(sms=True), etag=stale)
        assert (refused.status, refused.json["code"]) == (412, "stale_version")
    assert choices(person.get(PATH))["results"] == SOME
    assert put(person, row(sms=True), etag=second).status == 200
    missing = person.call("PUT", PATH, {"rows": [], "quiet_hours": None})
    assert (missing.status, missing.json["code"]) == (428, "if_match_missing")


def test_a_change_is_in_the_history_and_costs_three_round_trips(portal: Portal) -> None:
    """AC 5; DESIGN, section 3."""
    person = portal.register()
    with recorded() as calls:
        changed = put(person, row(), etag='"0"')
    assert [call.operation for call in calls] == ["BatchGetItem", "TransactWriteItems", "BatchGetItem"]
    (entry,) = [one for one in portal.rows("audit") if one["request_id"]["S"] == changed.header("x-request-id")]
    assert entry["action"]["S"] == "account:preferences:edit"
    assert json.loads(entry["about"]["S"]) == {"version": 1}
    with recorded() as calls:
        person.get(PATH)
    assert [call.operation for call in calls] == ["BatchGetItem", "BatchGetItem"]
