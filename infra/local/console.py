"""The local console: sample patients, the mailbox and the clock, beside the portal and only on this machine."""

import json
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from chalicelib import clock
from chalicelib.settings import settings
from infra.local.lambda_proxy import Headers, HttpRequest, HttpResponse
from infra.local.mailbox import Mailbox
from infra.local.seeded import SeededClinic

LONGEST_ADVANCE_SECONDS = 10 * 365 * 24 * 3600

_TEMPLATES = Path(__file__).parent / "console"
_HOSTS = frozenset({"127.0.0.1", "localhost"})
_FORM = "application/x-www-form-urlencoded"
_BODY_LIMIT = 10_000
_STEPS = (
    ("1 minute", 60),
    ("15 minutes", 15 * 60),
    ("1 hour", 3600),
    ("1 day", 24 * 3600),
    ("1 week", 7 * 24 * 3600),
    ("22 days", 22 * 24 * 3600),
)
# An email is shown in a frame without scripts, and gets this page's policy: its inline styles and pictures, no network.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-{nonce}'; img-src data:; connect-src 'self'; "
    "form-action 'self'; frame-src 'self'; frame-ancestors 'none'; base-uri 'none'"
)


class _RefusedError(Exception):
    """What was sent to the console makes no sense."""

    def __init__(self, status: HTTPStatus, detail: str, *headers: tuple[str, str]) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers


class Console:
    """Answers the console's requests.

    Args:
        clinic: The sample clinic as it was brought in.
        mailbox: What went out.
        portal_url: Where the portal is served.
    """

    def __init__(self, clinic: SeededClinic, mailbox: Mailbox, portal_url: str) -> None:
        self._clinic = clinic
        self._mailbox = mailbox
        self._portal_url = portal_url
        self._templates = Environment(
            loader=FileSystemLoader(_TEMPLATES), autoescape=select_autoescape(["html"]), undefined=StrictUndefined
        )
        self._templates.filters["when"] = _when
        self._routes: dict[str, dict[str, Callable[[HttpRequest], HttpResponse]]] = {
            "/": {"GET": self._page},
            "/outbox.json": {"GET": self._outbox},
            "/sample.json": {"GET": self._sample},
            "/clock": {"POST": self._advance},
        }

    def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        try:
            return self._route(request)(request)
        except _RefusedError as refused:
            return _problem(refused.status, refused.detail, *refused.headers)

    def refuse(self, _request: HttpRequest, status: int) -> HttpResponse:
        """Answer a request that could not be read."""
        return _problem(HTTPStatus(status), "This request cannot be read.")

    def _route(self, request: HttpRequest) -> Callable[[HttpRequest], HttpResponse]:
        _check_that_it_is_local(request)
        methods = self._routes.get(request.path)
        if methods is None:
            raise _RefusedError(HTTPStatus.NOT_FOUND, f"The console has {', '.join(self._routes)}.")
        answer = methods.get("GET" if request.method == "HEAD" else request.method)
        if answer is None:
            allow = ", ".join(methods)
            raise _RefusedError(HTTPStatus.METHOD_NOT_ALLOWED, f"{request.path} takes {allow}.", ("Allow", allow))
        return answer

    def _outbox(self, _request: HttpRequest) -> HttpResponse:
        return _json(HTTPStatus.OK, {"items": self._mailbox.as_json()})

    def _sample(self, _request: HttpRequest) -> HttpResponse:
        return _json(HTTPStatus.OK, self._clinic.as_json())

    def _page(self, _request: HttpRequest) -> HttpResponse:
        nonce = secrets.token_urlsafe(16)
        page = self._templates.get_template("page.html").render(
            clinic=self._clinic,
            longest=LONGEST_ADVANCE_SECONDS,
            clinic_name=settings().clinic_name,
            messages=self._mailbox.messages(),
            nonce=nonce,
            now=clock.now().astimezone(settings().clinic_zone),
            portal_url=self._portal_url,
            steps=_STEPS,
        )
        headers = [
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Security-Policy", _POLICY.format(nonce=nonce)),
        ]
        return _answer(HTTPStatus.OK, headers, page.encode())

    def _advance(self, request: HttpRequest) -> HttpResponse:
        is_form = (request.header("Content-Type") or "").split(";")[0].strip() == _FORM
        by = timedelta(seconds=_read_seconds(request.body, is_form=is_form))
        # What went out so far keeps the time that it went out at.
        self._mailbox.collect()
        clock.advance(by)
        if is_form:
            return _answer(HTTPStatus.SEE_OTHER, [("Location", "/#clock")], b"")
        return _json(HTTPStatus.OK, {"now": clock.stamp(clock.now())})


def _check_that_it_is_local(request: HttpRequest) -> None:
    """A page on the internet may neither read the console under a name of its own nor post to it."""
    host = request.header("Host") or ""
    if urlsplit(f"//{host}").hostname not in _HOSTS:
        raise _RefusedError(HTTPStatus.FORBIDDEN, "The console answers to 127.0.0.1 and localhost only.")
    origin = request.header("Origin")
    if request.method == "POST" and origin not in {None, f"http://{host}"}:
        raise _RefusedError(HTTPStatus.FORBIDDEN, "The console takes posts of its own page, and of programs.")


def _read_seconds(body: bytes, *, is_form: bool) -> float:
    seconds = _from_form(body) if is_form else _from_json(body)
    if not 0 <= seconds <= LONGEST_ADVANCE_SECONDS:
        detail = f"advance_seconds is a number from 0 to {LONGEST_ADVANCE_SECONDS} (ten years)."
        raise _RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
    return seconds


def _from_form(body: bytes) -> float:
    try:
        return float(parse_qs(body[:_BODY_LIMIT].decode())["advance_seconds"][-1])
    except (KeyError, ValueError) as error:
        raise _RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, "advance_seconds is missing, or no number.") from error


def _from_json(body: bytes) -> float:
    try:
        sent = json.loads(body[:_BODY_LIMIT])
    except (ValueError, RecursionError) as error:
        raise _RefusedError(HTTPStatus.BAD_REQUEST, 'The body is JSON: {"advance_seconds": 60}.') from error
    seconds = sent.get("advance_seconds") if isinstance(sent, dict) else None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise _RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, "advance_seconds is missing, or no number.")
    return seconds


def _when(text: str) -> datetime:
    """A message's time, in the clinic's zone."""
    return clock.read_stamp(text).astimezone(settings().clinic_zone)


def _problem(status: HTTPStatus, detail: str, *headers: tuple[str, str]) -> HttpResponse:
    problem = {"type": "about:blank", "title": status.phrase, "status": status, "detail": detail}
    return _answer(status, [("Content-Type", "application/problem+json"), *headers], json.dumps(problem).encode())


def _json(status: HTTPStatus, body: Any) -> HttpResponse:
    return _answer(status, [("Content-Type", "application/json")], json.dumps(body, ensure_ascii=False).encode())


def _answer(status: HTTPStatus, headers: Headers, body: bytes) -> HttpResponse:
    always = [("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer")]
    return HttpResponse(status, [*headers, *always], body)
