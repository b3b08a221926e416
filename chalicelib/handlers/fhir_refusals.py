"""Refusals under /fhir: OperationOutcomes, whoever refuses."""

from collections.abc import Sequence

from chalice.app import Request, Response

from chalicelib import errors, observability, words
from chalicelib.domain.fhir.text import dump
from chalicelib.domain.fhir_api import outcomes
from chalicelib.domain.fhir_api.names import MEDIA_TYPE
from chalicelib.handlers import problems
from chalicelib.settings import settings

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_JSON = frozenset({"json", "application/json", MEDIA_TYPE, "text/json", "application/json+fhir"})
_ANYTHING = frozenset({"*/*", "application/*"})


def is_fhir(path: str) -> bool:
    """Whether a path is one of those whose every answer is FHIR."""
    return path == "/fhir" or path.startswith("/fhir/")


def render(error: errors.PortalError, request_id: str, language: str) -> Response:
    """A refusal as an OperationOutcome, with the headers of a problem."""
    response = problems.render(error, request_id, language)
    told = problems.body(error, request_id, language)
    outcome = outcomes.refusal(response.status_code, told, f"{settings().api_url}/v1/errors")
    response.body = dump(outcome).decode()
    response.headers["Content-Type"] = MEDIA_TYPE
    return response


def refuse(error: errors.PortalError, request: Request) -> Response:
    """The refusal of a request that no operation takes."""
    language = words.negotiate(request.headers.get("accept-language"))
    response = render(error, observability.request_id(), language)
    if isinstance(error, errors.MethodNotAllowed):
        response.headers["Allow"] = "GET, OPTIONS"
    if request.method == "HEAD":
        response.body = ""
    return response


def require_json(formats: Sequence[str] | None, accept: str | None) -> None:
    """Raises NotAcceptable where a query's `_format`, else the Accept header, leaves no room for JSON."""
    # A + in a query is a blank.
    wanted = [one.replace(" ", "+") for one in formats] if formats else (accept or "").split(",")
    named = {one.partition(";")[0].strip().lower() for one in wanted} - {""}
    if named and not named & (_JSON if formats else _JSON | _ANYTHING):
        raise errors.NotAcceptable
