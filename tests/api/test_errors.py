"""Refusals are explained, in the caller's language, and a bug of ours tells nothing but that it happened."""

import json
import logging
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chalice.app import BadRequestError, Chalice, Response

from chalicelib import words
from chalicelib.domain.access import PUBLIC
from chalicelib.handlers import edge
from chalicelib.handlers.fhir_api import Fhir
from chalicelib.handlers.pages import Pages
from chalicelib.handlers.routing import Answer, Call, Routes
from infra.local.gateway import HttpRequest, HttpResponse, portal_gateway
from tests.support.portal import Portal
from tests.support.promises import Promise

ROOT = Path(__file__).parents[2]
_SECRET = "Ingrid Solberg 1961-04-12"


def _serve(kind: type[Routes], view: Callable[[Call], Answer], path: str = "/bug") -> HttpResponse:
    """The answer of an app of this test's own, whose one route is the portal's in all but its view."""
    routes = kind("tests.api.test_errors", registry=[])
    routes.get(path, PUBLIC)(view)
    return _through(lambda made: made.register_blueprint(routes), path)


def _through(add_routes: Callable[[Chalice], None], path: str = "/bug", method: str = "GET") -> HttpResponse:
    made = Chalice(app_name="test-of-errors")
    made.log.disabled = True
    made.register_middleware(edge.middleware, "http")
    add_routes(made)
    return portal_gateway(made).handle(HttpRequest(method, path))


def _fail(call: Call) -> Answer:
    """Fail as a bug does."""
    raise RuntimeError(_SECRET)


def _answer_what_no_json_can_say(call: Call) -> Answer:
    """Answer a shape that cannot be written."""
    return Answer(body=object())  # type: ignore[arg-type]


@pytest.mark.promise
def test_a_bug_is_a_problem_that_tells_nothing(portal: Portal, promise: Promise) -> None:
    answers = [_serve(Routes, view) for view in (_fail, _answer_what_no_json_can_say)]
    for answer in answers:
        problem = answer.json()
        assert (answer.status, problem["code"]) == (500, "internal_error")
        assert answer.header("content-type") == "application/problem+json"
        assert problem["request_id"] == answer.header("x-request-id")
        assert "Traceback" not in answer.body.decode()
        assert _SECRET not in answer.body.decode()
    promise("AP 1", "stack traces in answers", asked=0, measured=sum(b"Traceback" in answer.body for answer in answers))


def test_a_bug_behind_a_link_is_a_page_that_tells_nothing(portal: Portal) -> None:
    answer = _serve(Pages, _fail)
    assert (answer.status, answer.header("content-type")) == (500, "text/html; charset=utf-8")
    assert str(answer.header("x-request-id")) in answer.body.decode()
    assert _SECRET not in answer.body.decode()


def test_a_bug_under_fhir_is_an_operation_outcome_that_tells_nothing(portal: Portal) -> None:
    own, chalices = _serve(Fhir, _fail, "/fhir/R4/bug"), _through(_chalice_breaks, "/fhir/bug")
    for answer in (own, chalices):
        assert (answer.status, answer.header("content-type")) == (500, "application/fhir+json")
        (issue,) = answer.json()["issue"]
        assert (issue["severity"], issue["code"]) == ("fatal", "exception")
        assert str(answer.header("x-request-id")) in issue["diagnostics"]
        assert _SECRET not in answer.body.decode()


def test_a_bug_is_logged_by_its_kind_and_place_without_its_words(
    portal: Portal, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        answer = _serve(Routes, _fail)
    (line,) = [record.__dict__ for record in caplog.records if record.message == "http.bug"]
    assert (line["error_kind"], line["route"]) == ("RuntimeError", "/bug")
    assert line["request_id"] == answer.header("x-request-id")
    assert _SECRET not in caplog.text
    assert all(record.exc_info is None for record in caplog.records)


def _chalice_fails(made: Chalice) -> None:
    def view() -> Any:
        raise RuntimeError(_SECRET)

    made.route("/bug")(view)


def _chalice_refuses(made: Chalice) -> None:
    def view() -> Any:
        raise BadRequestError(_SECRET)

    made.route("/bug")(view)


def _chalice_breaks(made: Chalice) -> None:
    def broken(_request: Any, _get_response: Any) -> Response:
        raise RuntimeError(_SECRET)

    made.register_middleware(broken, "http")
    made.route("/bug")(dict)
    made.route("/fhir/bug", name="fhir_bug")(dict)


@pytest.mark.parametrize(
    ("add_routes", "status", "code"),
    [
        (_chalice_fails, 500, "internal_error"),
        (_chalice_refuses, 400, "malformed_request"),
        (_chalice_breaks, 500, "internal_error"),
    ],
)
def test_what_chalice_says_itself_becomes_a_problem(
    portal: Portal, add_routes: Callable[[Chalice], None], status: int, code: str
) -> None:
    answer = _through(add_routes)
    assert (answer.status, answer.header("content-type")) == (status, "application/problem+json")
    assert (answer.json()["code"], answer.json()["status"]) == (code, status)
    assert _SECRET not in answer.body.decode()
    assert answer.header("x-content-type-options") == "nosniff"


def test_the_catalogue_explains_every_code_and_every_type_leads_to_it(portal: Portal) -> None:
    items = portal.call("GET", "/v1/errors").json["items"]
    entries = {item["code"]: item for item in items}
    assert len(entries) == len(items) > 30
    assert all(item[part] for item in items for part in ("title", "detail", "cure", "type", "status"))
    refused = portal.call("GET", "/v1/me").json
    entry = entries[refused["code"]]
    assert (entry["type"], entry["status"], entry["title"]) == (refused["type"], 401, refused["title"])
    address, _, code = refused["type"].partition("#")
    listed = portal.call("GET", re.sub(r"^https?://[^/]+", "", address))
    assert code in {item["code"] for item in listed.json["items"]}


def test_the_language_is_the_one_that_is_asked_for_first_among_those_spoken() -> None:
    assert words.negotiate(None) == words.negotiate("") == words.negotiate("xx, *") == "en"
    assert words.negotiate("en-US,en;q=0.9") == "en"


_OTHER_LANGUAGE = """
import json, sys
import app
from infra.local.gateway import HttpRequest, portal_gateway

gateway = portal_gateway(app.app)
calls = (("GET", "/v1/me"), ("POST", "/v1/sessions"), ("GET", "/l/nothing"), ("GET", "/v1/legal/terms"))
found = {}
for header in sys.argv[1:]:
    answers = [
        gateway.handle(HttpRequest(method, path, headers=[("Accept-Language", header)]))
        for method, path in calls
    ]
    refused, invalid, page, legal = answers
    found[header] = {
        "languages": [answer.header("Content-Language") for answer in answers],
        "title": refused.json()["title"],
        "field": invalid.json()["errors"][0]["detail"],
        "page": page.body.decode(),
        "legal": legal.json()["title"],
    }
print(json.dumps(found))
"""


def test_one_more_file_of_words_is_one_more_language_everywhere(tmp_path: Path) -> None:
    for part in ("chalicelib", "infra"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "app.py", tmp_path)
    marked = {key: f"«fr» {text}" for key, text in words.catalogue("en").items()}
    (tmp_path / "chalicelib" / "words" / "fr.json").write_text(json.dumps(marked), "utf-8")
    french = ["fr", "fr-CA,en;q=0.5", "de, en;q=0.3, fr ; q=0.8", "FR"]
    english = ["en", "de", "fr;q=0, en", "en, fr", "fr;q=0.4, en;q=0.6"]
    run = subprocess.run(
        [sys.executable, "-c", _OTHER_LANGUAGE, *french, *english],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = json.loads(run.stdout.splitlines()[-1])
    for header, answers in found.items():
        language, mark = ("fr", True) if header in french else ("en", False)
        assert answers["languages"] == [language] * 4, header
        assert [answers[part].startswith("«fr»") for part in ("title", "field", "legal")] == [mark] * 3, header
        assert (f'<html lang="{language}" ' in answers["page"], "«fr»" in answers["page"]) == (True, mark), header
