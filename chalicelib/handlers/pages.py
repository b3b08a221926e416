"""What links in email and SMS open.

Plain HTML, safe to open any number of times, acting only when a form is posted. No script, no cookie.
"""

from typing import Any, TypeVar
from urllib.parse import parse_qs

from chalice.app import Response
from pydantic import BaseModel, ValidationError

from chalicelib import errors, words
from chalicelib.domain.access import PUBLIC
from chalicelib.handlers import problems, requests
from chalicelib.handlers.routing import Answer, Call, Routes, path_id
from chalicelib.schemas import pages as shapes
from chalicelib.schemas.base import AnyQuery
from chalicelib.services import links, rendering

_Model = TypeVar("_Model", bound=BaseModel)

HTML = "text/html; charset=utf-8"
_UNKNOWN = "page.unknown_link"
_HEADERS = {
    "Content-Type": HTML,
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
}


def render(name: str, language: str, **values: object) -> str:
    """A page in a language."""
    return (
        rendering.templates().get_template(f"pages/{name}.html").render({**rendering.page_context(language), **values})
    )


def render_error(error: errors.PortalError, request_id: str, language: str) -> Response:
    """A refusal as a page, with the next step."""
    answer = problems.render(error, request_id, language)
    key = _UNKNOWN if type(error) is errors.NotFound else f"error.{error.code}"
    values = {part: words.say(f"{key}.{part}", language, **error.values) for part in ("title", "detail", "cure")}
    answer.body = render("refused", language, request_id=request_id, **values)
    answer.headers.update(_HEADERS)
    return answer


def read_form(raw: bytes, model: type[_Model]) -> _Model:
    """A posted form as a model. Raises Malformed and Invalid."""
    try:
        fields = parse_qs(raw.decode("utf-8"), keep_blank_values=True, strict_parsing=bool(raw), max_num_fields=50)
    except ValueError as wrong:
        raise errors.Malformed(reason="a form was expected") from wrong
    values: dict[str, Any] = {name: given[0].strip() for name, given in fields.items()}
    try:
        return model.model_validate(values)
    except ValidationError as wrong:
        raise errors.Invalid(requests.field_errors(wrong, requests.json_pointer)) from wrong


class Pages(Routes):
    """Routes whose refusals are pages and whose bodies are forms."""

    answers_head = True
    other_query = AnyQuery

    def render_error(self, error: errors.PortalError, request_id: str, language: str) -> Response:
        """A refusal as a page, with the next step."""
        return render_error(error, request_id, language)

    def read_body(self, raw: bytes, model: type[BaseModel]) -> BaseModel:
        """A posted form as a model."""
        return read_form(raw, model)


routes = Pages(__name__)


@routes.get(
    "/l/{token}",
    PUBLIC,
    answer_type="text/html",
    answer_schema={"type": "string"},
    errors=(errors.NotFound, errors.LinkEnded),
)
def open_link(call: Call) -> Answer:
    """Show what a link is for."""
    links.find_open(path_id(call, "token"))
    return Answer(render("verify_email", call.language, problem=None), headers=_HEADERS)


@routes.post(
    "/l/{token}",
    PUBLIC,
    answer_type="text/html",
    answer_schema={"type": "string"},
    media_types=("application/x-www-form-urlencoded",),
    errors=(errors.NotFound, errors.LinkEnded, errors.IdentityNotConfirmed, errors.EmailTaken),
)
def act_on_link(call: Call, body: shapes.LinkForm) -> Answer:
    """Do what a link is for, once the birth date is right."""
    token = path_id(call, "token")
    links.find_open(token)
    birth_date = shapes.read_birth_date(body.date_of_birth)
    if birth_date is None:
        return _again(call, "page.birth_date.unreadable")
    try:
        links.verify_email(token, birth_date.isoformat())
    except errors.IdentityNotConfirmed:
        return _again(call, "page.birth_date.wrong")
    return Answer(render("verified_email", call.language), headers=_HEADERS)


def _again(call: Call, problem: str) -> Answer:
    page = render("verify_email", call.language, problem=words.say(problem, call.language))
    return Answer(page, status=422, headers=_HEADERS)
