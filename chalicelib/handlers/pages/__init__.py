"""What links in email and SMS open.

Plain HTML, safe to open any number of times, acting only when a form is posted. No script, no cookie. What a link's
page shows and does is one registration for each purpose (registry.py); whatever else is asked for under /l is a page.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from chalice.app import Response

from chalicelib import errors, observability, words
from chalicelib.domain.access import PUBLIC
from chalicelib.errors import FieldError
from chalicelib.handlers import problems
from chalicelib.handlers.pages import forms, rendering
from chalicelib.handlers.pages.page import Page, Step, Visit
from chalicelib.handlers.pages.registry import PAGES, form_schema
from chalicelib.handlers.routing import Answer, Call, Routes, path_id
from chalicelib.schemas.base import AnyQuery
from chalicelib.services import links

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_LINK = "/l/{token}"
_SHAPE: dict[str, Any] = {"answer_type": "text/html", "answer_schema": {"type": "string"}}


class Pages(Routes):
    """Routes whose refusals are pages and whose bodies are forms."""

    answers_head = True
    other_query = AnyQuery

    def render_error(self, error: errors.PortalError, request_id: str, language: str) -> Response:
        """A refusal as a page, with the next step."""
        return rendering.refusal(error, request_id, language)

    def refuse(self, paths: Mapping[str, tuple[tuple[str, ...], Callable[[], Response]]]) -> frozenset[str]:
        """Serve methods of paths only to refuse them; returns them as `METHOD path`."""
        for path, (methods, view) in paths.items():
            self._serve_refusals(path, methods, view)
        return frozenset(f"{method} {path}" for path, (methods, _) in paths.items() for method in methods)

    def _serve_refusals(self, path: str, methods: tuple[str, ...], view: Callable[[], Response]) -> None:
        def serve(**_path: str) -> Response:
            return view()

        served = methods if path == _LINK else (*methods, "OPTIONS")
        serve.__name__ = f"refuse_{path}"
        self.route(path, methods=list(served), name=serve.__name__, cors=False, content_types=[])(serve)


routes = Pages(__name__)


@routes.get(_LINK, PUBLIC, **_SHAPE, errors=(errors.NotFound, errors.LinkEnded))
def open_link(call: Call) -> Answer:
    """Show what a link is for. Opening it does nothing, however often."""
    visit = _visit(call)
    if visit.link.end is not None:
        return rendering.ended(visit.link.purpose, visit.link.end, visit.language)
    return rendering.answer(PAGES[visit.link.purpose].form_step(visit), visit.language)


@routes.post(
    _LINK,
    PUBLIC,
    **_SHAPE,
    media_types=("application/x-www-form-urlencoded",),
    raw_schema=form_schema(),
    errors=(
        errors.NotFound,
        errors.LinkEnded,
        errors.IdentityNotConfirmed,
        errors.EmailTaken,
        errors.TooManyRequests,
    ),
)
def act_on_link(call: Call, body: bytes) -> Answer:
    """Do what a link is for, once the birth date is right."""
    visit = _visit(call)
    if visit.link.end is not None:
        return rendering.ended(visit.link.purpose, visit.link.end, visit.language)
    page, given = PAGES[visit.link.purpose], forms.fields(body)
    try:
        step = _act(page, visit, given)
    except (errors.LinkEnded, errors.Refused) as refusal:
        return _refuse(page, visit, given, refusal)
    return rendering.answer(step, visit.language, 422 if step.problems else 200)


def _visit(call: Call) -> Visit:
    token = path_id(call, "token")
    link = links.open_link(token)
    own = link.language if link.language in words.languages() else words.DEFAULT
    return Visit(token, link, words.negotiate(call.header("accept-language"), own))


def _act(page: Page[Any], visit: Visit, given: dict[str, str]) -> Step:
    form = forms.read(given, page.form, asks_birth_date=page.asks(visit))
    born = form.date_of_birth.isoformat() if form.date_of_birth else None
    return page.act(replace(visit, birth_date=born), form) or page.done_step(visit)


def _refuse(page: Page[Any], visit: Visit, given: dict[str, str], refusal: errors.PortalError) -> Answer:
    """The form again with what is to be mended. Raises the refusal where the form cannot mend it."""
    # The last wrong try ends a link, and somebody else may have used it a moment ago: the page says so at once.
    end = links.open_link(visit.token).end
    if end is not None:
        return rendering.ended(visit.link.purpose, end, visit.language, problems.status_of(type(refusal)))
    found = _problems(refusal)
    if not found or not {problem.pointer.removeprefix("/") for problem in found} <= page.form.on_the_first_form:
        raise refusal
    return rendering.answer(page.form_step(visit, found, forms.to_show_again(given)), visit.language, 422)


def _problems(refusal: errors.PortalError) -> tuple[FieldError, ...]:
    if isinstance(refusal, errors.IdentityNotConfirmed):
        return (FieldError("/date_of_birth", "birth_date_wrong"),)
    return tuple(refusal.errors) if isinstance(refusal, errors.Invalid) else ()


def _nothing_here() -> Response:
    return _refusal_of(errors.NotFound())


def _other_method() -> Response:
    refused = _refusal_of(errors.MethodNotAllowed())
    refused.headers["Allow"] = "GET, HEAD, OPTIONS, POST"
    return refused


def _refusal_of(error: errors.PortalError) -> Response:
    request = routes.current_request
    language = words.negotiate(request.headers.get("accept-language"))
    refused = rendering.refusal(error, observability.request_id(), language)
    if request.method == "HEAD":
        refused.body = ""
    return refused


REFUSED = routes.refuse(
    {
        "/l": (_METHODS, _nothing_here),
        "/l/{token}/{rest}": (_METHODS, _nothing_here),
        _LINK: (("PUT", "PATCH", "DELETE"), _other_method),
    }
)
"""What is served only to be refused, as `METHOD path`: API Gateway itself would answer these with JSON."""
