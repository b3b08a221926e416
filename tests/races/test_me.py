"""What one person sets, from many clients at once (BK 9), and a push token that many register at once."""

import uuid
from collections import Counter

import pytest

from tests.support.crowd import at_once
from tests.support.portal import Answer, Person, Portal
from tests.support.promises import Promise
from tests.support.sizes import size

pytestmark = [pytest.mark.race, pytest.mark.promise]


def test_of_many_who_replace_one_version_of_the_preferences_one_wins(portal: Portal, promise: Promise) -> None:
    """BK 9: the first version, which no row holds yet, and a later one."""
    person, count, path = portal.register(), size("BK 9"), "/v1/me/notification-preferences"
    for version in ('"0"', '"1"'):

        def put(number: int, version: str = version) -> Answer:
            quiet = {"starts": "22:00", "ends": f"{number // 60 + 1:02}:{number % 60:02}"}
            return person.call("PUT", path, {"rows": [], "quiet_hours": quiet}, headers={"If-Match": version})

        answers = at_once(count, put)
        won = [answer for answer in answers if answer.status == 200]
        promise("BK 9", f"{count} PUTs of preferences with ETag {version} at once: done", asked=1, measured=len(won))
        assert Counter(answer.status for answer in answers) == {200: 1, 412: count - 1}
        assert person.get(path).json == won[0].json


def test_of_many_who_replace_one_version_of_the_phrase_one_wins(portal: Portal, promise: Promise) -> None:
    """BK 9."""
    person, count, path = portal.register(), size("BK 9"), "/v1/me/security-phrase"
    version = {"If-Match": person.get(path).header("etag") or ""}
    answers = at_once(
        count, lambda number: person.call("PUT", path, {"security_phrase": f"phrase {number}"}, headers=version)
    )
    won = [answer for answer in answers if answer.status == 200]
    promise("BK 9", f"{count} PUTs of a phrase with one ETag at once: done", asked=1, measured=len(won))
    assert Counter(answer.status for answer in answers) == {200: 1, 412: count - 1}
    assert person.get(path).json == won[0].json


def register(person: Person, token: str) -> Answer:
    body = {"platform": "android", "push_token": token}
    return person.call("POST", "/v1/me/devices", body, headers={"Idempotency-Key": str(uuid.uuid4())})


def devices(person: Person) -> list[str]:
    return [item["device_id"] for item in person.get("/v1/me/devices").json["items"]]


def test_a_token_that_two_accounts_register_at_once_has_one_owner(portal: Portal, promise: Promise) -> None:
    """AC 4: what is one person's news never rings on another's phone."""
    people, token, count = [portal.register(), portal.register()], f"token:{uuid.uuid4().hex}", 20
    answers = at_once(count, lambda number: register(people[number % 2], token))
    assert {answer.status for answer in answers} <= {201, 409}
    owned = [device_id for person in people for device_id in devices(person)]
    promise("AC 4", f"{count} registrations of a token by two accounts at once: devices", asked=1, measured=len(owned))
    assert owned[0] in {answer.json["device_id"] for answer in answers if answer.status == 201}
    rows = [row for row in portal.rows("accounts") if row.get("push_token", {}).get("S") == token]
    assert [row["device_id"]["S"] for row in rows] == owned
    # And it can still be registered, refreshed and removed: no half of it is left anywhere.
    assert register(people[0], token).status == 201
    assert [len(devices(person)) for person in people] == [1, 0]
    assert people[0].call("DELETE", f"/v1/me/devices/{devices(people[0])[0]}").status == 204
    assert register(people[1], token).status == 201


def test_a_token_that_one_account_registers_many_times_at_once_is_one_device(portal: Portal) -> None:
    person, token = portal.register(), f"token:{uuid.uuid4().hex}"
    answers = at_once(20, lambda _number: register(person, token))
    assert Counter(answer.status for answer in answers) == {201: 20}
    assert {answer.json["device_id"] for answer in answers} == set(devices(person))
    assert len(devices(person)) == 1


def test_a_device_that_is_removed_many_times_at_once_is_removed_once(portal: Portal) -> None:
    person = portal.register()
    device_id = register(person, f"token:{uuid.uuid4().hex}").json["device_id"]
    answers = at_once(8, lambda _number: person.call("DELETE", f"/v1/me/devices/{device_id}"))
    assert Counter(answer.status for answer in answers) == {204: 1, 404: 7}


def test_devices_registered_at_once_never_count_more_than_twenty(portal: Portal) -> None:
    person = portal.register()
    answers = at_once(25, lambda number: register(person, f"token-{number}:{uuid.uuid4().hex}"))
    made = {answer.json["device_id"] for answer in answers if answer.status == 201}
    listed = person.get("/v1/me/devices?limit=100").json["items"]
    assert len(listed) == 20
    assert {item["device_id"] for item in listed} <= made
