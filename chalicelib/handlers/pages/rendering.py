"""Pages as answers: a step of a link's page, a link that is over, a refusal; each with the headers of a page."""

from collections.abc import Mapping
from urllib.parse import quote

from chalice.app import Response

from chalicelib import errors, words
from chalicelib.domain.links import LinkEnd, LinkPurpose
from chalicelib.handlers import problems
from chalicelib.handlers.pages.page import Step, text_of
from chalicelib.handlers.routing import Answer
from chalicelib.services import rendering
from chalicelib.settings import settings

_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
}
_UNKNOWN = "page.unknown_link"
_PARTS = ("title", "detail", "cure")


def is_page(path: str) -> bool:
    """Whether a path is one of those whose every answer is a page."""
    return path == "/l" or path.startswith("/l/")


def answer(step: Step, language: str, status: int = 200) -> Answer:
    """A step as an answer."""
    texts: dict[str, str] = {}
    for problem in step.problems:
        texts.setdefault(problem.pointer.removeprefix("/"), text_of(problem, language))
    body = _render(step.template, language, problems=texts, **step.values)
    return Answer(body, status=status, headers={**_HEADERS, "Content-Language": language})


def ended(purpose: LinkPurpose, end: LinkEnd, language: str, status: int = 410) -> Answer:
    """What a link that is over says, with the next step."""
    is_well = end is LinkEnd.USED
    values = {part: words.say(_ended_key(purpose, end, part), language) for part in _PARTS}
    return answer(Step("ended", {**values, "is_well": is_well}), language, status)


def refusal(error: errors.PortalError, request_id: str, language: str) -> Response:
    """A refusal as a page, with the next step."""
    response = problems.render(error, request_id, language)
    key = _UNKNOWN if type(error) is errors.NotFound else f"error.{error.code}"
    values = {part: words.say(f"{key}.{part}", language, **error.values) for part in _PARTS}
    response.body = _render("refused", language, request_id=request_id, **values)
    response.headers.update(_HEADERS)
    return response


def _ended_key(purpose: LinkPurpose, end: LinkEnd, part: str) -> str:
    """A purpose's own words for an end where the catalogue has them, else those of any link."""
    own = f"page.{purpose}.{end}.{part}"
    if own in words.catalogue(words.DEFAULT):
        return own
    return f"page.{purpose}.next_step" if part == "cure" else f"page.ended.{end}.{part}"


def _render(name: str, language: str, **values: object) -> str:
    rules = settings()
    context: Mapping[str, object] = {
        **rendering.page_context(language),
        "clinic_phone": rules.clinic_phone,
        "clinic_phone_url": f"tel:{quote(rules.clinic_phone.replace(' ', ''), safe='+')}",
        "problems": {},
        **values,
    }
    return rendering.templates().get_template(f"pages/{name}.html").render(context)
