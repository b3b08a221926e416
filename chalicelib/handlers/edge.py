"""The HTTP middleware: a request id, CORS and security headers on every answer, one log line.

A body of Chalice's own making never gets through it.
"""

import time
from collections.abc import Callable
from http import HTTPStatus

from chalice.app import Request, Response

from chalicelib import errors, ids, observability, words
from chalicelib.handlers import fhir_refusals, problems
from chalicelib.handlers.pages import rendering as pages
from chalicelib.settings import settings

_SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
}
_EXPOSED = "ETag, Link, Location, Retry-After, X-Request-Id, Content-Language, WWW-Authenticate"
_ALLOWED_HEADERS = (
    "Authorization, Content-Type, Idempotency-Key, If-Match, Accept-Language, X-CSRF-Token, X-Device-Token"
)
_PREFLIGHT_SECONDS = "7200"
_FOR_EVERY_ORIGIN = "/v1/shl/"
"""What pages of any origin may call: whoever reads SMART Health Links, which carry all that it takes."""

_OWN: dict[int, type[errors.PortalError]] = {
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
}


def middleware(request: Request, get_response: Callable[[Request], Response]) -> Response:
    """Everything that is the same for each answer of the API."""
    started = time.perf_counter()
    observability.set_request_id(request.context.get("requestId") or ids.new_id("req"))
    response = _respond(request, get_response)
    for name, value in {
        **_SECURITY,
        **cors(request.headers.get("origin"), request.path),
        "X-Request-Id": observability.request_id(),
    }.items():
        response.headers.setdefault(name, value)
    if request.method == "OPTIONS" and "Access-Control-Allow-Origin" in response.headers:
        response.headers.update(_preflight(str(response.headers["Allow"])))
    observability.event(
        "http.request",
        route=request.context.get("resourcePath", "unknown"),
        method=request.method,
        status=response.status_code,
        duration_ms=round((time.perf_counter() - started) * 1000),
    )
    return response


def cors(origin: str | None, path: str = "") -> dict[str, str]:
    """CORS headers for an allowed origin; a stranger's page gets none, but where no cookie says who asks."""
    if path.startswith(_FOR_EVERY_ORIGIN):
        return {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": _EXPOSED}
    if origin is None or origin not in settings().origins:
        return {"Vary": "Origin, Accept-Language"}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Expose-Headers": _EXPOSED,
        "Vary": "Origin, Accept-Language",
    }


def _preflight(methods: str) -> dict[str, str]:
    return {
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": _ALLOWED_HEADERS,
        "Access-Control-Max-Age": _PREFLIGHT_SECONDS,
    }


def _respond(request: Request, get_response: Callable[[Request], Response]) -> Response:
    """The answer, or a problem in the place of what Chalice makes of a request that reaches no view."""
    language = words.negotiate(request.headers.get("accept-language"))
    try:
        response = get_response(request)
    except Exception as bug:  # noqa: BLE001  Chalice would answer with a body of its own.
        observability.fault("http.bug", bug, method=request.method)
        return _refusal(request, errors.InternalError(), language)
    # Our own answers are text; a few that Chalice makes have a dict for a body.
    if not isinstance(response.body, dict):
        return response
    mended = _refusal(request, _meant(response.status_code), language)
    if "Allow" in response.headers:
        mended.headers["Allow"] = response.headers["Allow"]
    return mended


def _refusal(request: Request, error: errors.PortalError, language: str) -> Response:
    """A problem; a page where people arrive by links, and FHIR where programs ask for it."""
    if pages.is_page(request.path):
        return pages.refusal(error, observability.request_id(), language)
    if fhir_refusals.is_fhir(request.path):
        return fhir_refusals.render(error, observability.request_id(), language)
    return problems.render(error, observability.request_id(), language)


def _meant(status: int) -> errors.PortalError:
    if status in _OWN:
        return _OWN[status]()
    if status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return errors.Malformed(reason="it is not a request that the portal knows")
    return errors.InternalError()
