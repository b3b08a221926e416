"""What a request may hold: strict JSON, known fields only, everything wrong told at once (promise AP 2)."""

import json
import time
import uuid
from typing import Any

import pytest

from tests.support.forged import altered
from tests.support.portal import Answer, Person, Portal
from tests.support.promises import Promise

_LIMIT = 256 * 1024


@pytest.fixture(scope="module")
def person(portal: Portal) -> Person:
    return portal.register()


def _sign_in(portal: Portal, raw: bytes, **headers: str) -> Answer:
    return portal.call("POST", "/v1/sessions", raw=raw, headers=headers, source_ip="198.51.100.80")


def _errors(answer: Answer) -> set[tuple[str, str]]:
    assert answer.status == 422, answer.text
    assert all(error["detail"] for error in answer.json["errors"])
    return {(error["pointer"], error["code"]) for error in answer.json["errors"]}


_UNREADABLE = {
    "NaN": b'{"username": NaN, "password": "x"}',
    "Infinity": b'{"username": "x", "password": -Infinity}',
    "1e400": b'{"username": 1e400, "password": "x"}',
    "a key twice": b'{"username": "a", "username": "b", "password": "x"}',
    "half a surrogate pair": b'{"username": "\\ud800", "password": "x"}',
    "1,000 levels": b'{"username":' + b"[" * 1000 + b"]" * 1000 + b"}",
    "100,000 levels": b"[" * 100_000,
    "not UTF-8": b'{"username": "\xff\xfe", "password": "x"}',
    "a list": b"[1]",
    "null": b"null",
    "a text": b'"text"',
    "a number": b"1",
    "half a document": b'{"username": "x"',
    "two documents": b"{}{}",
    "a NUL": b"\x00",
}


@pytest.mark.promise
def test_what_is_no_json_object_is_refused_as_malformed(portal: Portal, promise: Promise) -> None:
    refused = {name: _sign_in(portal, raw) for name, raw in _UNREADABLE.items()}
    assert {name for name, answer in refused.items() if answer.status != 400} == set()
    assert all(answer.json["code"] == "malformed_request" for answer in refused.values())
    promise("AP 2", "bodies that no strict reader takes: refused", asked=len(_UNREADABLE), measured=len(refused))


def test_nothing_that_was_sent_comes_back_in_a_refusal(portal: Portal) -> None:
    canary = "canary4711"
    for raw in (f'{{"username": "{canary}", "pass', f'{{"password": ["{canary}"], "username": 7, "{canary}x": 1}}'):
        answer = _sign_in(portal, raw.encode())
        assert canary not in answer.json["detail"]
        assert all(canary not in error["detail"] for error in answer.json.get("errors", ()))


def test_an_empty_body_is_an_object_without_members(portal: Portal) -> None:
    assert _errors(_sign_in(portal, b"")) == {("/username", "missing"), ("/password", "missing")}


def test_a_body_that_nobody_asked_for_is_refused(person: Person) -> None:
    path = "/v1/sessions/passkey/options"
    assert person.call("POST", path, {}).status == 200
    unknown = person.call("POST", path, {"foo": 1})
    assert [(error["pointer"], error["code"]) for error in unknown.json["errors"]] == [("/foo", "unknown_field")]
    assert person.portal.call("POST", path, raw=b"{bad").json["code"] == "malformed_request"


def test_a_byte_order_mark_does_no_harm(portal: Portal) -> None:
    assert _errors(_sign_in(portal, b"\xef\xbb\xbf{}")) == {("/username", "missing"), ("/password", "missing")}


def test_everything_wrong_is_told_at_once_with_its_place(portal: Portal, person: Person) -> None:
    asked: dict[str, Any] = {"username": 7, "password": None, "transport": "owl", "a/b~c": 1, "account_id": "acc_1"}
    assert _errors(portal.call("POST", "/v1/sessions?later=1", asked)) == {
        ("/username", "text_expected"),
        ("/password", "text_expected"),
        ("/transport", "not_a_choice"),
        ("/a~1b~0c", "unknown_field"),
        ("/account_id", "unknown_field"),
        ("?later", "unknown_field"),
    }


def test_a_place_inside_a_list_has_its_number(portal: Portal) -> None:
    asked = {"security_answers": [{"question_id": "x", "answer": "y"}, {"question_id": 1}]}
    found = _errors(portal.call("POST", "/v1/registrations/reg_1/account", asked))
    assert {("/security_answers/1/question_id", "text_expected"), ("/security_answers/1/answer", "missing")} <= found


def test_read_only_fields_are_refused_and_nothing_changes(person: Person) -> None:
    before = person.get("/v1/me")
    version = {"If-Match": str(before.header("etag"))}
    for name, value in {
        "account_id": "acc_x",
        "patient_id": "pat_x",
        "roles": ["admin"],
        "email_verified": True,
    }.items():
        asked = {name: value, "language": "en", "time_zone": "Asia/Tokyo"}
        assert _errors(person.call("PATCH", "/v1/me", asked, headers=version)) == {(f"/{name}", "unknown_field")}
    assert person.get("/v1/me").json == before.json


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/health?x=1", {("?x", "unknown_field")}),
        ("/v1/me?patient_id=pat_1&admin=1", {("?patient_id", "unknown_field"), ("?admin", "unknown_field")}),
        ("/v1/sessions?limit=0&cursors=x", {("?limit", "too_small"), ("?cursors", "unknown_field")}),
        ("/v1/sessions?limit=101", {("?limit", "too_large")}),
        ("/v1/sessions?limit=ten", {("?limit", "whole_number_expected")}),
        ("/v1/sessions?limit=5&limit=6", {("?limit", "given_twice")}),
        ("/v1/patients/me/records?category=x&from=y", {("?category", "not_a_choice"), ("?from", "moment_expected")}),
    ],
)
def test_wrong_query_parameters_are_told(person: Person, path: str, expected: set[tuple[str, str]]) -> None:
    assert _errors(person.get(path)) == expected


@pytest.mark.parametrize(
    "sent", ["text/plain", "application/x-www-form-urlencoded", "application/octet-stream", "json", ""]
)
def test_another_kind_of_content_is_refused(portal: Portal, sent: str) -> None:
    answer = _sign_in(portal, b"{}", **{"Content-Type": sent})
    assert (answer.status, answer.json["code"]) == (415, "unsupported_media_type")


def test_json_may_name_its_charset(portal: Portal) -> None:
    assert _sign_in(portal, b"{}", **{"Content-Type": "Application/JSON; charset=utf-8"}).status == 422


@pytest.mark.promise
def test_a_body_over_the_limit_is_refused_before_it_is_read(portal: Portal, promise: Promise) -> None:
    assert _sign_in(portal, b"x" * (_LIMIT + 1)).status == 413
    assert _sign_in(portal, b"x" * _LIMIT).status == 400
    started = time.perf_counter()
    answer = _sign_in(portal, json.dumps({"username": "x", "password": "p" * 1024 * 1024}).encode())
    taken = (time.perf_counter() - started) * 1000
    assert answer.json["code"] == "payload_too_large"
    promise("PW 7", "1 MB password refused: ms", asked="under 50", measured=round(taken, 1), passed=taken < 50)


def test_the_longest_path_and_a_path_that_is_no_id_are_not_found(person: Person) -> None:
    for part in ("x" * 201, "%00", "%F0%9F%92%A9%0A", "x" * 3000):
        assert person.get(f"/v1/patients/{part}/records").status == 404
        assert person.call("DELETE", f"/v1/sessions/{part}").status == 404


def test_what_creates_needs_a_key(portal: Portal) -> None:
    patient = portal.new_patient()
    path = f"/v1/clinic/patients/{patient.patient_id}/activation-codes"
    token = portal.client_token()
    for headers in ({}, {"Idempotency-Key": ""}, {"Idempotency-Key": "k" * 256}):
        answer = portal.call("POST", path, {}, headers=headers, token=token)
        assert (answer.status, answer.json["code"]) == (400, "idempotency_key_missing")
    assert portal.call("POST", path, {}, headers={"Idempotency-Key": "k" * 255}, token=token).status == 201


def test_the_same_key_gives_the_same_answer_and_never_serves_another_body(portal: Portal) -> None:
    patient = portal.new_patient()
    key = str(uuid.uuid4())
    first, again = portal.issue_code(patient, key=key), portal.issue_code(patient, key=key)
    assert (first.status, first.json) == (again.status, again.json)
    path = f"/v1/clinic/patients/{patient.patient_id}/activation-codes"
    asked = {"deliver": "print"}
    other = portal.call("POST", path, asked, headers={"Idempotency-Key": key}, token=portal.client_token())
    assert (other.status, other.json["code"]) == (422, "idempotency_key_reused")


def test_an_edit_needs_the_version_that_was_read(person: Person) -> None:
    version = str(person.get("/v1/me").header("etag"))
    stale = [
        '"0"',
        '"999999"',
        "*",
        f"W/{version}",
        version.strip('"'),
        "garbage",
        '""',
        f'{version}, "2"',
        '"' + "9" * 40,
    ]
    for tag in stale:
        answer = person.call("PATCH", "/v1/me", {"time_zone": "Asia/Tokyo"}, headers={"If-Match": tag})
        assert (answer.status, answer.json["code"]) == (412, "stale_version"), tag
    assert person.call("PATCH", "/v1/me", {"time_zone": "Asia/Tokyo"}).status == 428
    edited = person.call("PATCH", "/v1/me", {"time_zone": "America/Denver"}, headers={"If-Match": version})
    assert (edited.status, edited.json["time_zone"]) == (200, "America/Denver")
    assert edited.header("etag") not in {version, None}
    assert person.call("PATCH", "/v1/me", {}, headers={"If-Match": version}).status == 412


def test_a_cursor_serves_its_own_list_of_its_own_caller_only(portal: Portal, person: Person) -> None:
    for number in range(3):
        portal.sign_in(person.username, source_ip=f"198.51.100.{90 + number}")
    cursor = person.get("/v1/sessions?limit=1").json["next_cursor"]
    assert person.get(f"/v1/sessions?limit=2&cursor={cursor}").status == 200
    other = portal.register()
    flipped = altered(cursor)
    tries = [
        person.get(f"/v1/patients/me/records?cursor={cursor}"),
        other.get(f"/v1/sessions?cursor={cursor}"),
        *(
            person.get(f"/v1/sessions?cursor={wrong}")
            for wrong in (flipped, altered(cursor, 0), "", "x", "%00", "%F0%9F%92%A9")
        ),
    ]
    assert [(answer.status, answer.json["code"]) for answer in tries] == [(400, "invalid_cursor")] * len(tries)
