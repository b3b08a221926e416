"""The web app's sessions: cookies that no script reads, and a CSRF token on whatever changes something (SE 1, SE 4)."""

from datetime import timedelta

import pytest

from chalicelib import clock
from tests.support.portal import PASSWORD, Portal
from tests.support.promises import Promise
from tests.support.sign_in import Browser, cookies_of, refresh
from tests.support.times import NOON

MOMENT = timedelta(milliseconds=1)
HOME = "http://127.0.0.1:8000"


@pytest.fixture
def browser(portal: Portal) -> Browser:
    person = portal.register()
    return Browser(portal, portal.sign_in(person.username, body={"transport": "cookie"}))


@pytest.mark.promise
def test_every_cookie_is_host_only_and_out_of_reach(portal: Portal, promise: Promise) -> None:
    """SE 4, and no token in the body."""
    person = portal.register()
    answer = portal.sign_in(person.username, body={"transport": "cookie"})
    cookies = cookies_of(answer)
    assert set(cookies) == {"__Host-access", "__Host-refresh", "__Host-device"}
    safe = [
        name
        for name, cookie in cookies.items()
        if cookie["secure"] and cookie["httponly"] and cookie["samesite"] == "Strict"
        if cookie["path"] == "/" and not cookie["domain"] and int(cookie["max-age"]) > 0
    ]
    promise("SE 4", "cookies that are __Host-, Secure, HttpOnly and SameSite", asked=3, measured=len(safe))
    body = answer.json
    assert not {"access_token", "refresh_token", "token_type", "device_token"} & body.keys()
    assert body["csrf_token"]
    values = [cookie.value for cookie in cookies.values()]
    assert not any(value in answer.text for value in values)


def test_registering_in_a_browser_signs_in_by_cookies(portal: Portal) -> None:
    patient = portal.new_patient()
    started = portal.start_registration(patient, portal.issue_code(patient).json["activation_code"]).json
    browser = Browser(portal, portal.finish_registration(started, transport="cookie"))
    assert browser.call("GET", "/v1/me").status == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/v1/me/password", {"current_password": PASSWORD, "new_password": "eleven blue kettles hum"}),
        ("DELETE", "/v1/sessions/others", None),
        ("DELETE", "/v1/sessions/current", None),
        ("POST", "/v1/sessions/refresh", {}),
    ],
)
def test_what_another_page_sends_is_refused(browser: Browser, method: str, path: str, body: object) -> None:
    """SE 4: without the CSRF token, or from another origin, nothing unsafe happens."""
    attacks = [
        {"X_CSRF_Token": ""},
        {"X_CSRF_Token": "made-up"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": f"{HOME}.evil.example"},
    ]
    for headers in attacks:
        refused = browser.call(method, path, body, **headers)
        assert (refused.status, refused.json["code"]) == (403, "csrf_token_missing"), headers
    assert browser.call("GET", "/v1/me").status == 200
    assert browser.call(method, path, body, Origin=HOME).status in {200, 201, 204}


def test_anothers_csrf_token_does_not_fit(portal: Portal, browser: Browser) -> None:
    person = portal.register()
    stranger = Browser(portal, portal.sign_in(person.username, body={"transport": "cookie"}))
    assert browser.call("DELETE", "/v1/sessions/others", X_CSRF_Token=stranger.csrf_token).status == 403


def test_an_empty_bearer_header_does_not_spare_the_csrf_token(browser: Browser) -> None:
    """SE 4."""
    for header in ("Bearer ", "Bearer", "Basic eDp5"):
        assert browser.call("DELETE", "/v1/sessions/others", X_CSRF_Token="", Authorization=header).status == 403


def test_a_page_of_another_origin_cannot_sign_a_browser_in(portal: Portal) -> None:
    """SE 4: nobody is slipped into a stranger's account."""
    person = portal.register()
    asked = {"username": person.username, "password": person.password, "transport": "cookie"}
    refused = portal.call("POST", "/v1/sessions", asked, headers={"Origin": "https://evil.example"})
    assert (refused.status, "set-cookie" in refused.headers) == (403, False)
    assert portal.call("POST", "/v1/sessions", asked, headers={"Origin": HOME}).status == 201


def test_a_cookie_sessions_refresh_token_gets_no_tokens_in_a_body(portal: Portal) -> None:
    """SE 4: the transport of a session is for life, so that nothing of it ever reaches a script."""
    person = portal.register()
    answer = portal.sign_in(person.username, body={"transport": "cookie"})
    token = cookies_of(answer)["__Host-refresh"].value
    assert refresh(portal, token).status == 401
    assert Browser(portal, answer).call("POST", "/v1/sessions/refresh").status == 201


def test_a_bearer_sessions_refresh_token_is_no_cookie(portal: Portal) -> None:
    person = portal.register()
    csrf = person.get("/v1/sessions/current").json["csrf_token"]
    sent = {"Cookie": f"__Host-refresh={person.session['refresh_token']}", "X-CSRF-Token": csrf}
    assert portal.call("POST", "/v1/sessions/refresh", {}, headers=sent).status == 401


def test_a_browser_refreshes_without_a_body(browser: Browser) -> None:
    before = browser.cookie
    answer = browser.call("POST", "/v1/sessions/refresh")
    assert answer.status == 201
    assert not {"access_token", "refresh_token"} & answer.json.keys()
    assert browser.cookie != before
    assert browser.call("GET", "/v1/sessions/current").json["transport"] == "cookie"


@pytest.mark.promise
def test_a_web_session_ends_after_30_idle_minutes(portal: Portal, promise: Promise) -> None:
    """SE 1 and 5."""
    with clock.frozen(NOON):
        person = portal.register()
        browser = Browser(portal, portal.sign_in(person.username, body={"transport": "cookie"}))
        clock.advance(timedelta(minutes=30) - MOMENT)
        before = browser.call("POST", "/v1/sessions/refresh").status
        clock.advance(timedelta(minutes=30))
        after = browser.call("POST", "/v1/sessions/refresh").status
    promise("SE 1", "web session 1 ms before and at 30 idle minutes", asked="201, 401", measured=f"{before}, {after}")


@pytest.mark.promise
def test_a_web_session_ends_after_12_hours(portal: Portal, promise: Promise) -> None:
    """SE 1 and 5: however busy it is."""
    with clock.frozen(NOON):
        person = portal.register()
        browser = Browser(portal, portal.sign_in(person.username, body={"transport": "cookie"}))
        for _ in range(35):
            clock.advance(timedelta(minutes=20))
            assert browser.call("POST", "/v1/sessions/refresh").status == 201
        clock.advance(timedelta(minutes=20) - MOMENT)
        before = browser.call("POST", "/v1/sessions/refresh").status
        clock.advance(MOMENT)
        after = [browser.call("GET", "/v1/me").status, browser.call("POST", "/v1/sessions/refresh").status]
    measured = f"{before}, {after[0]}, {after[1]}"
    promise("SE 1", "web session 1 ms before and at 12 hours", asked="201, 401, 401", measured=measured)


def test_signing_out_takes_the_cookies_away(browser: Browser) -> None:
    answer = browser.call("DELETE", "/v1/sessions/current")
    ended = {name: cookie["max-age"] for name, cookie in cookies_of(answer).items()}
    assert ended == {"__Host-access": "0", "__Host-refresh": "0"}


def test_changing_the_password_in_a_browser_keeps_to_cookies(browser: Browser) -> None:
    body = {"current_password": PASSWORD, "new_password": "eleven blue kettles hum"}
    before = browser.cookie["Cookie"]
    answer = browser.call("PUT", "/v1/me/password", body)
    assert (answer.status, "access_token" in answer.json) == (200, False)
    assert browser.cookie["Cookie"] != before
    assert browser.call("GET", "/v1/me").status == 200
