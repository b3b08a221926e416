"""What is the same for every answer: problems, request ids, headers, CORS, languages (promises AP 1 and AP 5)."""

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

import app as _app  # noqa: F401  Its import fills the table of routes.
from chalicelib.handlers.operations import REGISTRY
from chalicelib.models import base
from chalicelib.settings import settings
from tests.support.portal import Answer, Person, Portal
from tests.support.promises import Promise

_MEMBERS = {"type", "title", "status", "detail", "code", "request_id"}
_ORIGIN = "http://127.0.0.1:8000"
_STRANGER = "https://evil.example"


@pytest.fixture(scope="module")
def person(portal: Portal) -> Person:
    return portal.register()


def _assert_problem(answer: Answer, status: int, code: str) -> None:
    assert (answer.status, answer.header("content-type")) == (status, "application/problem+json")
    problem = answer.json
    assert _MEMBERS <= problem.keys() <= _MEMBERS | {"errors"}
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["type"].endswith(f"#{code}")
    assert problem["request_id"] == answer.header("x-request-id")
    assert answer.header("cache-control") == "no-store"
    assert all(problem[member] for member in _MEMBERS)


@contextmanager
def _database_down() -> Iterator[None]:
    def refuse(**_call: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://dynamodb.test")

    events = base.connection().client.meta.events
    events.register_first("before-call.dynamodb", refuse)
    try:
        yield
    finally:
        events.unregister("before-call.dynamodb", refuse)


def _refusals(portal: Portal, person: Person) -> dict[int, Answer]:
    """One refusal of each status, the gateway's own among them."""
    with _database_down():
        unavailable = person.get("/v1/me")
    wrong = {"username": "nobody-at-all", "password": "not the password at all"}
    address = "198.51.100.77"
    tries = [portal.call("POST", "/v1/sessions", wrong, source_ip=address) for _ in range(11)]
    key = {"Idempotency-Key": "k"}
    client = portal.client_token()
    deceased = portal.new_patient(deceasedBoolean=True)
    return {
        400: portal.call("POST", "/v1/sessions", raw=b"["),
        401: portal.call("GET", "/v1/me"),
        403: person.call("POST", f"/v1/clinic/patients/{person.patient.patient_id}/activation-codes", {}, headers=key),
        404: portal.call("GET", "/v1/nothing-here"),
        405: portal.call("PUT", "/v1/health"),
        409: portal.call(
            "POST", f"/v1/clinic/patients/{deceased.patient_id}/activation-codes", {}, headers=key, token=client
        ),
        412: person.call("PATCH", "/v1/me", {}, headers={"If-Match": '"999"'}),
        413: portal.call("POST", "/v1/sessions", raw=b" " * (256 * 1024 + 1)),
        415: portal.call("POST", "/v1/sessions", raw=b"a", headers={"Content-Type": "text/plain"}),
        422: portal.call("POST", "/v1/sessions", {}),
        428: person.call("PATCH", "/v1/me", {}),
        429: tries[-1],
        503: unavailable,
    }


@pytest.mark.promise
def test_every_refusal_is_a_problem_with_all_members_request_id_and_cors(
    portal: Portal, person: Person, promise: Promise
) -> None:
    refusals = _refusals(portal, person)
    codes = {400: "malformed_request", 401: "not_signed_in", 403: "not_allowed", 404: "not_found"}
    codes |= {405: "method_not_allowed", 409: "patient_deceased", 412: "stale_version", 413: "payload_too_large"}
    codes |= {415: "unsupported_media_type", 422: "invalid_request", 428: "if_match_missing"}
    codes |= {429: "too_many_requests", 503: "temporarily_unavailable"}
    for status, code in codes.items():
        _assert_problem(refusals[status], status, code)
    promise("AP 1", "kinds of refusals that are problems", asked=len(codes), measured=len(refusals))


def test_a_refusal_says_in_its_headers_what_helps(portal: Portal, person: Person) -> None:
    refusals = _refusals(portal, person)
    assert (refusals[401].header("www-authenticate") or "").startswith("Bearer ")
    assert refusals[405].header("allow") == "GET, OPTIONS"
    assert 0 < int(refusals[429].header("retry-after") or 0) <= 300
    assert int(refusals[503].header("retry-after") or 0) > 0


def test_the_request_id_is_the_same_in_header_body_and_log(portal: Portal, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        answer = portal.call("GET", "/v1/me")
    (line,) = [record.__dict__ for record in caplog.records if record.message == "http.request"]
    assert line["request_id"] == answer.json["request_id"] == answer.header("x-request-id")
    assert (line["route"], line["status"]) == ("/v1/me", 401)


def test_two_requests_have_two_ids(portal: Portal) -> None:
    ids = {portal.call("GET", "/v1/health").header("x-request-id") for _ in range(5)}
    assert len(ids) == 5
    assert None not in ids


def test_an_origin_that_is_configured_reads_answers_and_a_stranger_does_not(portal: Portal) -> None:
    own = portal.call("GET", "/v1/me", headers={"Origin": _ORIGIN})
    assert own.header("access-control-allow-origin") == _ORIGIN
    assert own.header("access-control-allow-credentials") == "true"
    assert "X-Request-Id" in (own.header("access-control-expose-headers") or "")
    for headers in ({"Origin": _STRANGER}, {"Origin": "null"}, {}):
        answer = portal.call("GET", "/v1/me", headers=headers)
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert "Origin" in (answer.header("vary") or "")


def test_the_gateways_own_refusals_have_cors_too(portal: Portal) -> None:
    for method, path in (("GET", "/v1/nothing-here"), ("PUT", "/v1/health")):
        answer = portal.call(method, path, headers={"Origin": _ORIGIN})
        assert answer.header("access-control-allow-origin") == _ORIGIN
        assert portal.call(method, path, headers={"Origin": _STRANGER}).header("access-control-allow-origin") is None


_FOR_EVERY_ORIGIN = {"/v1/shl/{manifest_token}"}
"""What readers of SMART Health Links call, whatever page they are; tests/api/test_shares.py looks at it."""


@pytest.mark.parametrize("path", sorted({operation.path for operation in REGISTRY} - _FOR_EVERY_ORIGIN))
def test_every_path_has_a_preflight(portal: Portal, path: str) -> None:
    concrete = re.sub(r"\{\w+\}", "x", path)
    asked = {"Origin": _ORIGIN, "Access-Control-Request-Method": "GET"}
    answer = portal.call("OPTIONS", concrete, headers=asked)
    methods = {operation.method for operation in REGISTRY if operation.path == path}
    assert (answer.status, answer.body) == (204, b"")
    assert set((answer.header("access-control-allow-methods") or "").split(", ")) == {*methods, "OPTIONS"}
    allowed = (answer.header("access-control-allow-headers") or "").split(", ")
    assert {"Authorization", "Content-Type", "Idempotency-Key", "If-Match", "X-CSRF-Token"} <= set(allowed)
    assert answer.header("access-control-max-age") == "7200"
    assert answer.header("access-control-allow-credentials") == "true"
    stranger = portal.call("OPTIONS", concrete, headers={**asked, "Origin": _STRANGER})
    assert not [name for name in stranger.headers if name.startswith("access-control")]


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/health"), ("GET", "/v1/me"), ("GET", "/l/unknown")])
def test_security_headers_are_on_every_answer(portal: Portal, method: str, path: str) -> None:
    answer = portal.call(method, path)
    assert answer.header("x-content-type-options") == "nosniff"
    assert "max-age=63072000" in (answer.header("strict-transport-security") or "")
    assert answer.header("referrer-policy") == "no-referrer"
    assert "default-src 'none'" in (answer.header("content-security-policy") or "")
    assert "frame-ancestors 'none'" in (answer.header("content-security-policy") or "")
    assert answer.header("x-frame-options") == "DENY"


def test_only_what_concerns_nobody_may_be_cached(portal: Portal, person: Person) -> None:
    for path in ("/v1/config", "/v1/legal/terms", "/v1/security-questions", "/v1/errors", "/v1/openapi.json"):
        assert portal.call("GET", path).header("cache-control") == "public, max-age=300"
    for path in ("/v1/me", "/v1/sessions", "/v1/patients/me/summary", "/v1/patients/me/records", "/v1/health"):
        assert person.get(path).header("cache-control") == "no-store"
    assert portal.call("GET", "/v1/legal/nothing").header("cache-control") == "no-store"


def test_every_answer_says_its_language(portal: Portal) -> None:
    for header in ("en", "en-GB, de;q=0.5", "xx", "*", ";;;,,,q=", "en; q=nan"):
        for path in ("/v1/config", "/v1/me", "/l/unknown"):
            assert portal.call("GET", path, headers={"Accept-Language": header}).header("content-language") == "en"


@pytest.mark.promise
def test_the_address_that_a_header_claims_moves_no_rate_limit(portal: Portal, promise: Promise) -> None:
    wrong = {"username": "nobody-either", "password": "not the password at all"}
    statuses = [
        portal.call(
            "POST",
            "/v1/sessions",
            {**wrong, "username": f"nobody-{number}"},
            source_ip="198.51.100.78",
            headers={"X-Forwarded-For": f"192.0.2.{number}"},
        ).status
        for number in range(11)
    ]
    promise("AP 5", "tries until 429 with another X-Forwarded-For each", asked=11, measured=statuses.index(429) + 1)


def test_a_refused_link_is_a_page(portal: Portal) -> None:
    answer = portal.call("GET", "/l/unknown")
    assert (answer.status, answer.header("content-type")) == (404, "text/html; charset=utf-8")
    assert str(answer.header("x-request-id")) in answer.text
    assert "{" not in re.sub(r"<style>.*?</style>", "", answer.text, flags=re.DOTALL)


def test_a_cookie_session_is_refused_without_its_csrf_token_or_from_another_origin(portal: Portal) -> None:
    somebody = portal.register()
    signed_in = portal.sign_in(somebody.username, body={"transport": "cookie"})
    access = next(cookie for cookie in signed_in.headers["set-cookie"] if cookie.startswith("__Host-access="))
    cookie = {"Cookie": access.partition(";")[0]}
    token = {"X-CSRF-Token": signed_in.json["csrf_token"]}
    assert portal.call("GET", "/v1/me", headers=cookie).status == 200
    for headers in ({}, {"X-CSRF-Token": "x"}, {**token, "Origin": _STRANGER}):
        _assert_problem(
            portal.call("DELETE", "/v1/sessions/others", headers={**cookie, **headers}), 403, "csrf_token_missing"
        )
    assert portal.call("DELETE", "/v1/sessions/others", headers={**cookie, **token, "Origin": _ORIGIN}).status == 204


def test_the_configured_origin_of_these_tests_is_the_portals_own() -> None:
    assert _ORIGIN in settings().origins
    assert _STRANGER not in settings().origins


def test_nothing_is_in_a_body_that_a_browser_could_take_for_a_page(portal: Portal) -> None:
    answer = portal.call("GET", "/v1/legal/%3Cscript%3Ealert(1)%3C%2Fscript%3E")
    assert answer.status == 404
    assert "<script" not in json.dumps(answer.json)
