"""Sessions: tokens, their refresh and their end, over HTTP (SE 1-3 and 5)."""

import hashlib
from datetime import timedelta

import pytest

from chalicelib import clock
from chalicelib.models.accounts import PRINCIPAL, Account
from tests.support.crowd import fresh_address, seen_by_a_stranger
from tests.support.forged import altered
from tests.support.portal import Portal
from tests.support.promises import Promise
from tests.support.sign_in import is_signed_in, refresh
from tests.support.times import NOON

MOMENT = timedelta(milliseconds=1)


def test_a_session_opens_with_the_account_and_tokens(portal: Portal) -> None:
    person = portal.register()
    answer = portal.sign_in(person.username, body={"device_name": "Ingrid's phone"})
    assert answer.status == 201
    assert (answer.json["token_type"], answer.json["expires_in"], "csrf_token" in answer.json) == ("Bearer", 900, False)
    assert answer.json["account"] == person.get("/v1/me").json
    assert answer.header("cache-control") == "no-store"
    assert "set-cookie" not in answer.headers


def test_a_wrong_password_an_unknown_name_and_a_disabled_account_are_one_answer(portal: Portal) -> None:
    """PW 4: the same status, headers and body; their times come with a later issue."""
    person, disabled = portal.register(), portal.register()
    Account(disabled.session["account"]["account_id"], PRINCIPAL).update([Account.disabled.set(True)])
    address = fresh_address()
    answers = [
        portal.sign_in(person.username, "not the password at all", source_ip=address),
        portal.sign_in("nobody-has-this-name", source_ip=address),
        portal.sign_in(disabled.username, source_ip=address),
        portal.sign_in("\u200b", source_ip=address),
        portal.sign_in("\ufdfa" * 200, source_ip=address),
        portal.sign_in(person.username, "x" * 300, source_ip=address),
    ]
    assert answers[0].status == 401
    assert answers[0].json["code"] == "wrong_credentials"
    assert answers[0].header("www-authenticate") is not None
    assert all(seen_by_a_stranger(answer) == seen_by_a_stranger(answers[0]) for answer in answers)


@pytest.mark.promise
def test_tokens_are_256_bits_kept_as_hashes(portal: Portal, promise: Promise) -> None:
    """SE 1."""
    session = portal.register().session
    secret = session["access_token"].rpartition(".")[2]
    promise("SE 1", "access token's secret: base64url characters", asked=43, measured=len(secret))
    rows = {
        row["sk"]["S"]: row for row in portal.rows("accounts") if row["pk"]["S"] == session["account"]["account_id"]
    }
    kept = rows[f"session#{session['session_id']}"]
    assert kept["access_hash"]["S"] == hashlib.sha256(session["access_token"].encode()).hexdigest()


@pytest.mark.promise
def test_an_access_token_ends_after_15_minutes_by_the_portals_clock(portal: Portal, promise: Promise) -> None:
    """SE 1, SE 5: the row is there, and the token is not taken."""
    with clock.frozen(NOON):
        person = portal.register()
        clock.advance(timedelta(minutes=15) - MOMENT)
        before = person.get("/v1/me").status
        clock.advance(MOMENT)
        after = person.get("/v1/me").status
    promise("SE 1", "access token 1 ms before and at 15 minutes", asked="200, 401", measured=f"{before}, {after}")
    keys = {(row["pk"]["S"], row["sk"]["S"]) for row in portal.rows("accounts")}
    assert (person.session["account"]["account_id"], f"session#{person.session['session_id']}") in keys


@pytest.mark.promise
def test_a_device_keeps_its_session_30_days_by_refresh(portal: Portal, promise: Promise) -> None:
    """SE 1."""
    with clock.frozen(NOON):
        session = portal.register().session
        clock.advance(timedelta(days=29))
        session = refresh(portal, session["refresh_token"]).json
        clock.advance(timedelta(days=1) - MOMENT)
        last = refresh(portal, session["refresh_token"])
        assert last.json["expires_in"] == 0
        clock.advance(MOMENT)
        after = refresh(portal, last.json["refresh_token"]).status
    promise("SE 1", "refresh 1 ms before and at 30 days", asked="201, 401", measured=f"{last.status}, {after}")


def test_refreshing_gives_new_tokens_and_the_old_access_token_keeps_its_own_end(portal: Portal) -> None:
    with clock.frozen(NOON):
        person = portal.register()
        clock.advance(timedelta(minutes=10))
        new = refresh(portal, person.session["refresh_token"]).json
        assert new["access_token"] != person.token
        assert new["session_id"] == person.session["session_id"]
        assert is_signed_in(portal, new["access_token"])
        assert is_signed_in(portal, person.token)
        clock.advance(timedelta(minutes=5))
        assert is_signed_in(portal, new["access_token"])
        assert not is_signed_in(portal, person.token)


@pytest.mark.promise
def test_a_spent_refresh_token_ends_its_session(portal: Portal, promise: Promise) -> None:
    """SE 3: the immediate predecessor gets the same successor for 10 s, and nothing else is forgiven."""
    with clock.frozen(NOON):
        first = portal.register().session
        second = refresh(portal, first["refresh_token"]).json
        clock.advance(timedelta(seconds=10))
        again = refresh(portal, first["refresh_token"]).json
        assert (again["access_token"], again["refresh_token"]) == (second["access_token"], second["refresh_token"])
        clock.advance(MOMENT)
        late = refresh(portal, first["refresh_token"])
        statuses = [late.status, refresh(portal, second["refresh_token"]).status]
        statuses.append(portal.call("GET", "/v1/me", token=second["access_token"]).status)
    assert late.json["code"] == "session_ended"
    promise(
        "SE 3",
        "spent token after 10 s, its successor, its access token",
        asked="401, 401, 401",
        measured=", ".join(map(str, statuses)),
    )


def test_a_token_two_generations_old_ends_the_session_even_within_10_seconds(portal: Portal) -> None:
    """SE 3."""
    with clock.frozen(NOON):
        first = portal.register().session
        second = refresh(portal, first["refresh_token"]).json
        third = refresh(portal, second["refresh_token"]).json
        assert refresh(portal, first["refresh_token"]).status == 401
        assert not is_signed_in(portal, third["access_token"])


def test_a_token_that_was_never_given_out_ends_nothing(portal: Portal) -> None:
    """SE 3: who makes one up cannot end somebody's session."""
    person = portal.register()
    head, generation, secret = person.session["refresh_token"].rsplit(".", 2)
    made_up = [
        f"{head}.7.{secret}",
        f"{head}.{generation}.{altered(secret)}",
        f"{head}.0{generation}.{secret}",
        "x",
        "a.b.0.c",
    ]
    made_up += [person.token, f"{head}.{generation}.", f"{head}.\u0660.{secret}"]
    assert [refresh(portal, token).status for token in made_up] == [401] * len(made_up)
    assert refresh(portal, person.session["refresh_token"]).status == 201


def test_the_end_of_a_session_by_a_spent_token_is_in_its_history(portal: Portal) -> None:
    """AC 5."""
    first = portal.register().session
    portal.advance(minutes=1)
    refresh(portal, first["refresh_token"])
    portal.advance(minutes=1)
    assert refresh(portal, first["refresh_token"]).status == 401
    mine = [row for row in portal.rows("audit") if row["pk"]["S"] == f"account#{first['account']['account_id']}"]
    assert [row["action"]["S"] for row in mine].count("session:reuse") == 1


@pytest.mark.promise
def test_no_token_works_after_its_session_ended(portal: Portal, promise: Promise) -> None:
    """SE 2: the very next request is refused, by sign-out, password change and disabling."""
    stale = 0
    for end in ("sign out", "change password", "disable"):
        person = portal.register()
        other = portal.sign_in(person.username).json
        if end == "sign out":
            assert person.call("DELETE", "/v1/sessions/current").status == 204
            sessions = [person.session]
        elif end == "change password":
            body = {"current_password": person.password, "new_password": "eleven blue kettles hum"}
            assert person.call("PUT", "/v1/me/password", body).status == 200
            sessions = [person.session, other]
        else:
            Account(person.session["account"]["account_id"], PRINCIPAL).update([Account.disabled.set(True)])
            sessions = [person.session, other]
        stale += sum(is_signed_in(portal, session["access_token"]) for session in sessions)
        stale += sum(refresh(portal, session["refresh_token"]).status == 201 for session in sessions)
        assert is_signed_in(portal, other["access_token"]) is (end == "sign out")
    promise("SE 2", "tokens that worked after the end of their session", asked=0, measured=stale)


def test_one_sees_ones_sessions_and_ends_one_or_all_others(portal: Portal) -> None:
    person = portal.register(device_name="Laptop")
    phone = portal.sign_in(person.username, body={"device_name": "Phone"}).json
    tablet = portal.sign_in(person.username, body={"device_name": "Tablet"}).json
    stranger = portal.register()
    listed = person.get("/v1/sessions").json["items"]
    assert [(row["device_name"], row["current"]) for row in listed] == [
        ("Tablet", False),
        ("Phone", False),
        ("Laptop", True),
    ]
    assert person.call("DELETE", f"/v1/sessions/{phone['session_id']}").status == 204
    assert not is_signed_in(portal, phone["access_token"])
    assert person.call("DELETE", "/v1/sessions/others").status == 204
    assert not is_signed_in(portal, tablet["access_token"])
    assert [row["session_id"] for row in person.get("/v1/sessions").json["items"]] == [person.session["session_id"]]
    assert is_signed_in(portal, stranger.token)


def test_anothers_session_and_a_missing_one_are_one_answer(portal: Portal) -> None:
    """AC 2."""
    person, stranger = portal.register(), portal.register()
    theirs = stranger.call("DELETE", f"/v1/sessions/{person.session['session_id']}")
    missing = stranger.call("DELETE", "/v1/sessions/ses_" + "0" * 26)
    assert theirs.status == 404
    assert seen_by_a_stranger(theirs) == seen_by_a_stranger(missing)
    assert is_signed_in(portal, person.token)


def test_sessions_are_paged(portal: Portal) -> None:
    person = portal.register()
    for _ in range(4):
        portal.sign_in(person.username)
    found: list[str] = []
    path = "/v1/sessions?limit=2"
    while True:
        page = person.get(path).json
        found += [row["session_id"] for row in page["items"]]
        if page["next_cursor"] is None:
            break
        path = f"/v1/sessions?limit=2&cursor={page['next_cursor']}"
    assert len(found) == len(set(found)) == 5
    assert found[-1] == person.session["session_id"]


def test_ended_sessions_are_not_listed(portal: Portal) -> None:
    """SE 5."""
    person = portal.register(transport="bearer")
    portal.sign_in(person.username, body={"transport": "cookie"})
    assert len(person.get("/v1/sessions").json["items"]) == 2
    portal.advance(minutes=31)
    session = refresh(portal, person.session["refresh_token"]).json
    listed = portal.call("GET", "/v1/sessions", token=session["access_token"]).json["items"]
    assert [row["session_id"] for row in listed] == [session["session_id"]]


def test_the_current_session_is_told(portal: Portal) -> None:
    person = portal.register()
    current = person.get("/v1/sessions/current").json
    assert (current["session_id"], current["transport"]) == (person.session["session_id"], "bearer")
    assert current["csrf_token"]


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic dXNlcjpwYXNz",
        "Bearer a.b.c",
        "Bearer acc_00000000000000000000000000.ses_00000000000000000000000000.x",
        "Bearer {access}x",
        "Bearer {refresh}",
    ],
)
def test_what_is_no_access_token_signs_nobody_in(portal: Portal, header: str) -> None:
    session = portal.register().session
    filled = header.format(access=session["access_token"], refresh=session["refresh_token"])
    answer = portal.call("GET", "/v1/me", headers={"Authorization": filled} if filled else {})
    assert (answer.status, answer.json["code"]) == (401, "not_signed_in")
    assert answer.header("www-authenticate") is not None


def test_a_secret_of_one_session_does_not_fit_another(portal: Portal) -> None:
    person, stranger = portal.register(), portal.register()
    account, session, _ = person.token.split(".")
    secret = stranger.token.split(".")[2]
    assert not is_signed_in(portal, f"{account}.{session}.{secret}")
    assert not is_signed_in(portal, f"{stranger.token.split('.')[0]}.{session}.{person.token.split('.')[2]}")
