"""The local console: sample patients, the mailbox and the clock, beside the portal and only on this machine."""

import json
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from chalicelib import clock
from chalicelib.settings import settings
from infra.local import previews
from infra.local.console_input import LONGEST_ADVANCE_SECONDS, RefusedError, is_form, read_reaction, read_seconds
from infra.local.feedback import Feedback, NotSentError
from infra.local.lambda_proxy import Headers, HttpRequest, HttpResponse
from infra.local.mailbox import Mailbox
from infra.local.seeded import SeededClinic

_TEMPLATES = Path(__file__).parent / "console"
_HOSTS = frozenset({"127.0.0.1", "localhost"})
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


class Console:
    """Answers the console's requests.

    Args:
        clinic: The sample clinic as it was brought in.
        mailbox: What went out.
        feedback: How what became of it is told.
        portal_url: Where the portal is served.
    """

    def __init__(self, clinic: SeededClinic, mailbox: Mailbox, feedback: Feedback, portal_url: str) -> None:
        self._clinic = clinic
        self._mailbox = mailbox
        self._reactions: Mapping[tuple[str, str], Callable[[str, str], None]] = {
            ("email", "bounce"): lambda message_id, _text: feedback.bounce(message_id),
            ("email", "complaint"): lambda message_id, _text: feedback.complain(message_id),
            ("sms", "reply"): feedback.reply,
            ("push", "dead_token"): lambda message_id, _text: feedback.end_token(message_id),
        }
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
            "/feedback": {"POST": self._react},
            "/previews": {"GET": self._previews},
        }

    def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        try:
            return self._route(request)(request)
        except RefusedError as refused:
            return _problem(refused.status, refused.detail, *refused.headers)

    def refuse(self, _request: HttpRequest, status: int) -> HttpResponse:
        """Answer a request that could not be read."""
        return _problem(HTTPStatus(status), "This request cannot be read.")

    def _route(self, request: HttpRequest) -> Callable[[HttpRequest], HttpResponse]:
        _check_that_it_is_local(request)
        methods = self._routes.get(request.path)
        if methods is None:
            raise RefusedError(HTTPStatus.NOT_FOUND, f"The console has {', '.join(self._routes)}.")
        answer = methods.get("GET" if request.method == "HEAD" else request.method)
        if answer is None:
            allow = ", ".join(methods)
            raise RefusedError(HTTPStatus.METHOD_NOT_ALLOWED, f"{request.path} takes {allow}.", ("Allow", allow))
        return answer

    def _outbox(self, _request: HttpRequest) -> HttpResponse:
        return _json(HTTPStatus.OK, {"items": self._mailbox.as_json()})

    def _sample(self, _request: HttpRequest) -> HttpResponse:
        return _json(HTTPStatus.OK, self._clinic.as_json())

    def _page(self, _request: HttpRequest) -> HttpResponse:
        return self._html(
            "page.html",
            clinic=self._clinic,
            longest=LONGEST_ADVANCE_SECONDS,
            messages=self._mailbox.messages(),
            now=clock.now().astimezone(settings().clinic_zone),
            portal_url=self._portal_url,
            steps=_STEPS,
        )

    def _previews(self, _request: HttpRequest) -> HttpResponse:
        return self._html("previews.html", previews=previews.by_kind(), widths=previews.WIDTHS)

    def _html(self, template: str, **values: Any) -> HttpResponse:
        nonce = secrets.token_urlsafe(16)
        page = self._templates.get_template(template).render(clinic_name=settings().clinic_name, nonce=nonce, **values)
        headers = [
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Security-Policy", _POLICY.format(nonce=nonce)),
        ]
        return _answer(HTTPStatus.OK, headers, page.encode())

    def _advance(self, request: HttpRequest) -> HttpResponse:
        by = timedelta(seconds=read_seconds(request))
        # What went out so far keeps the time that it went out at.
        self._mailbox.collect()
        clock.advance(by)
        return _done(request, "/#clock", {"now": clock.stamp(clock.now())})

    def _react(self, request: HttpRequest) -> HttpResponse:
        reaction = read_reaction(request)
        message = self._mailbox.find(reaction.message_id)
        if message is None:
            raise RefusedError(HTTPStatus.NOT_FOUND, "No message of this id went out.")
        react = self._reactions.get((message.channel, reaction.event))
        if react is None:
            known = ", ".join(event for channel, event in self._reactions if channel == message.channel)
            raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, f"event for this message: {known}.")
        try:
            react(message.id, reaction.text)
        except NotSentError as gone:
            raise RefusedError(HTTPStatus.NOT_FOUND, "The message was wiped.") from gone
        return _done(request, "/#mailbox", {"id": message.id, "event": reaction.event})


def _done(request: HttpRequest, place: str, body: Mapping[str, str]) -> HttpResponse:
    """Back to the page for its own forms, JSON for programs."""
    if is_form(request):
        return _answer(HTTPStatus.SEE_OTHER, [("Location", place)], b"")
    return _json(HTTPStatus.OK, body)


def _check_that_it_is_local(request: HttpRequest) -> None:
    """A page on the internet may neither read the console under a name of its own nor post to it."""
    host = request.header("Host") or ""
    if urlsplit(f"//{host}").hostname not in _HOSTS:
        raise RefusedError(HTTPStatus.FORBIDDEN, "The console answers to 127.0.0.1 and localhost only.")
    origin = request.header("Origin")
    if request.method == "POST" and origin not in {None, f"http://{host}"}:
        raise RefusedError(HTTPStatus.FORBIDDEN, "The console takes posts of its own page, and of programs.")


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
