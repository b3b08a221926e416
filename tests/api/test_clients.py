"""Service clients as admins manage them: secrets that rotate, scopes that change, and an end at once."""

import uuid
from typing import Any

import pytest

from chalicelib.domain.staff import Role
from tests.support.people import new_staff, token_of
from tests.support.portal import Answer, Portal

PATH = "/v1/clinic/clients"
SCOPES = ["events.read", "patients.read"]


class Admin:
    """An admin, and what they do with the clinic's systems."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.token = token_of(new_staff(Role.ADMIN))

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        return self.portal.call(method, path, body, token=self.token, headers=headers)

    def create(self, key: str | None = None, **changes: Any) -> Answer:
        body = {"name": "Laboratory system", "scopes": SCOPES, **changes}
        return self.call("POST", PATH, body, **{"Idempotency-Key": key or str(uuid.uuid4())})

    def rotate(self, client_id: str, key: str | None = None, **body: Any) -> Answer:
        return self.call("POST", f"{PATH}/{client_id}/rotate", body, **{"Idempotency-Key": key or str(uuid.uuid4())})

    def edit(self, client_id: str, **changes: Any) -> Answer:
        etag = self.call("GET", f"{PATH}/{client_id}").header("etag") or ""
        return self.call("PATCH", f"{PATH}/{client_id}", changes, **{"If-Match": etag})


@pytest.fixture(scope="module")
def admin(portal: Portal) -> Admin:
    return Admin(portal)


def _sign_in(portal: Portal, made: dict[str, Any]) -> Answer:
    asked = {"grant_type": "client_credentials", "client_id": made["client_id"], "client_secret": made["client_secret"]}
    return portal.call("POST", "/v1/clinic/tokens", asked, source_ip=f"198.18.{uuid.uuid4().int % 250}.9")


def _events(portal: Portal, token: str) -> Answer:
    return portal.call("GET", "/v1/clinic/events", token=token)


def test_a_new_client_signs_in_with_the_secret_that_is_shown_once(portal: Portal, admin: Admin) -> None:
    made = admin.create()
    assert made.status == 201, made.text
    assert _sign_in(portal, made.json).status == 201
    read = admin.call("GET", f"{PATH}/{made.json['client_id']}")
    assert read.json == {name: value for name, value in made.json.items() if name != "client_secret"}
    assert made.json["client_secret"] not in admin.call("GET", f"{PATH}?limit=100").text
    assert read.json["scopes"] == SCOPES


def test_a_replay_shows_the_same_secret_and_no_table_holds_it(portal: Portal, admin: Admin) -> None:
    key = str(uuid.uuid4())
    first, again = admin.create(key), admin.create(key)
    assert (again.status, again.json) == (first.status, first.json)
    assert admin.create(key, name="Another").status == 422
    kept = [row for area in ("accounts", "audit", "outbox") for row in portal.rows(area)]
    assert first.json["client_secret"] not in str(kept)


def test_two_secrets_are_good_until_the_time_that_was_set(portal: Portal, admin: Admin) -> None:
    made = admin.create().json
    rotated = admin.rotate(made["client_id"], keep_previous_seconds=3600)
    assert rotated.status == 201
    assert rotated.json["client_secret"] != made["client_secret"]
    until = rotated.json["previous_until"]
    assert admin.call("GET", f"{PATH}/{made['client_id']}").json["previous_until"] == until
    assert _sign_in(portal, made).status == _sign_in(portal, rotated.json).status == 201
    portal.advance(seconds=3601)
    assert _sign_in(portal, made).status == 401
    assert _sign_in(portal, rotated.json).status == 201
    admin.token = token_of(new_staff(Role.ADMIN))
    assert admin.call("GET", f"{PATH}/{made['client_id']}").json["previous_until"] is None


def test_a_rotation_without_time_ends_the_old_secret_and_its_tokens_at_once(portal: Portal, admin: Admin) -> None:
    made = admin.create().json
    token = _sign_in(portal, made).json["access_token"]
    assert _events(portal, token).status == 200
    rotated = admin.rotate(made["client_id"], keep_previous_seconds=0).json
    assert rotated["previous_until"] is None
    assert _events(portal, token).status == 401
    assert _sign_in(portal, made).status == 401
    assert _sign_in(portal, rotated).status == 201


def test_a_second_rotation_leaves_two_secrets_and_no_third(portal: Portal, admin: Admin) -> None:
    first = admin.create().json
    second = admin.rotate(first["client_id"]).json
    third = admin.rotate(first["client_id"]).json
    assert [_sign_in(portal, one).status for one in (first, second, third)] == [401, 201, 201]


def test_the_replay_of_a_rotation_makes_no_other_secret(portal: Portal, admin: Admin) -> None:
    made, key = admin.create().json, str(uuid.uuid4())
    first, again = admin.rotate(made["client_id"], key), admin.rotate(made["client_id"], key)
    assert first.json == again.json
    assert _sign_in(portal, made).status == 201


def test_scopes_that_are_taken_away_are_gone_at_the_next_request(portal: Portal, admin: Admin) -> None:
    made = admin.create().json
    token = _sign_in(portal, made).json["access_token"]
    assert admin.edit(made["client_id"], scopes=["patients.read"]).json["scopes"] == ["patients.read"]
    assert _events(portal, token).status == 403


def test_a_disabled_client_is_out_at_once_and_comes_back_only_with_a_new_token(portal: Portal, admin: Admin) -> None:
    made = admin.create().json
    token = _sign_in(portal, made).json["access_token"]
    assert admin.edit(made["client_id"], disabled=True).json["disabled"] is True
    assert _events(portal, token).status == 401
    assert _sign_in(portal, made).status == 401
    assert admin.edit(made["client_id"], disabled=False).json["disabled"] is False
    assert _events(portal, token).status == 401
    assert _sign_in(portal, made).status == 201


def test_an_edit_of_a_version_that_is_past_changes_nothing(admin: Admin) -> None:
    made = admin.create().json
    assert admin.edit(made["client_id"], name="First").status == 200
    stale = admin.call("PATCH", f"{PATH}/{made['client_id']}", {"name": "Second"}, **{"If-Match": '"1"'})
    assert stale.status == 412
    assert admin.call("GET", f"{PATH}/{made['client_id']}").json["name"] == "First"


def test_a_list_shows_every_client_once_the_newest_first(admin: Admin) -> None:
    made = [admin.create(name=f"System {place}").json["client_id"] for place in range(3)]
    found: list[str] = []
    cursor = ""
    while len(found) < 3:
        page = admin.call("GET", f"{PATH}?limit=2{cursor}").json
        found += [item["client_id"] for item in page["items"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert found[:3] == made[::-1]


def test_only_an_admin_who_has_just_stepped_up_makes_a_client(portal: Portal) -> None:
    body, key = {"name": "Mine", "scopes": SCOPES}, {"Idempotency-Key": str(uuid.uuid4())}
    plain = token_of(new_staff(Role.ADMIN), stepped_up=False)
    refused = portal.call("POST", PATH, body, headers=key, token=plain)
    assert (refused.status, refused.json["code"]) == (403, "step_up_required")
    for role in set(Role) - {Role.ADMIN}:
        assert portal.call("POST", PATH, body, headers=key, token=token_of(new_staff(role))).status == 403
    assert portal.call("GET", PATH, token=portal.client_token()).status == 403


def test_what_is_no_scope_and_a_time_too_long_are_refused(admin: Admin) -> None:
    assert admin.create(scopes=[]).status == admin.create(scopes=["everything"]).status == 422
    client_id = admin.create().json["client_id"]
    for seconds in (-1, 7 * 86400 + 1):
        assert admin.rotate(client_id, keep_previous_seconds=seconds).status == 422
