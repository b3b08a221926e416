"""One's own account: read, and changed in what may be changed by itself."""

import pytest

from tests.support.portal import Person, Portal


@pytest.fixture(scope="module")
def person(portal: Portal) -> Person:
    return portal.register(username="Mae.Solberg")


def etag(person: Person) -> str:
    return person.get("/v1/me").header("etag") or ""


def test_one_reads_ones_own_account(person: Person) -> None:
    me = person.get("/v1/me").json
    assert me["account_id"].startswith("acc_")
    assert (me["patient_id"], me["username"]) == (person.patient.patient_id, "Mae.Solberg")
    assert (me["email"], me["email_verified"]) == (person.patient.email, False)
    assert (me["language"], me["time_zone"], me["roles"]) == ("en", "America/Chicago", ["patient"])


def test_language_and_zone_are_changed_with_the_version_that_was_read(person: Person) -> None:
    before = etag(person)
    body = {"time_zone": "America/Denver"}
    changed = person.call("PATCH", "/v1/me", body, headers={"If-Match": before})
    assert (changed.status, changed.json["time_zone"]) == (200, "America/Denver")
    assert changed.header("etag") == etag(person) != before
    stale = person.call("PATCH", "/v1/me", body, headers={"If-Match": before})
    assert (stale.status, stale.json["code"]) == (412, "stale_version")
    assert person.call("PATCH", "/v1/me", body).status == 428


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"time_zone": "Mars/Olympus"}, "/time_zone"),
        ({"language": "tlh"}, "/language"),
        ({"roles": ["admin"]}, "/roles"),
        ({"email_verified": True}, "/email_verified"),
        ({"username": "somebody.else"}, "/username"),
        ({"patient_id": "pat_" + "0" * 26}, "/patient_id"),
    ],
)
def test_nothing_else_of_an_account_can_be_written(person: Person, body: dict[str, object], pointer: str) -> None:
    """AC 2: mass assignment is refused and nothing is stored."""
    before = person.get("/v1/me").json
    refused = person.call("PATCH", "/v1/me", body, headers={"If-Match": etag(person)})
    assert (refused.status, [error["pointer"] for error in refused.json["errors"]]) == (422, [pointer])
    assert person.get("/v1/me").json == before


def test_a_clinics_system_has_no_account(portal: Portal) -> None:
    assert portal.call("GET", "/v1/me", token=portal.client_token()).status == 403


def test_every_change_of_an_account_is_in_its_history(portal: Portal) -> None:
    """AC 5."""
    mine = portal.register()
    portal.sign_in(mine.username, "not the password")
    portal.sign_in(mine.username)
    mine.call("PATCH", "/v1/me", {"time_zone": "America/Denver"}, headers={"If-Match": etag(mine)})
    mine.call("PUT", "/v1/me/password", {"current_password": mine.password, "new_password": "eleven blue kettles hum"})
    account = f"account#{mine.session['account']['account_id']}"
    rows = sorted((row for row in portal.rows("audit") if row["pk"]["S"] == account), key=lambda row: row["sk"]["S"])
    assert [row["action"]["S"] for row in rows] == [
        "account:create",
        "session:refuse",
        "session:create",
        "account:edit",
        "account:password:change",
    ]
