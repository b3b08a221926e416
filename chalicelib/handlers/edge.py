"""The HTTP middleware: a request id, CORS and security headers on every answer, one log line.

No body of Chalice's own making.
"""

import time
from collections.abc import Callable

from chalice.app import Request, Response

from chalicelib import errors, ids, observability, words
from chalicelib.handlers import problems
from chalicelib.handlers.operations import REGISTRY
from chalicelib.settings import settings

_SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
}
_EXPOSED = "ETag, Location, Retry-After, X-Request-Id, Content-Language, WWW-Authenticate"
_ALLOWED_HEADERS = (
    "Authorization, Content-Type, Idempotency-Key, If-Match, Accept-Language, X-CSRF-Token, X-Device-Token"
)
_PREFLIGHT_SECONDS = "7200"
_OWN: dict[int, type[errors.PortalError]] = {
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
    415: errors.UnsupportedMediaType,
}


def middleware(request: Request, get_response: Callable[[Request], Response]) -> Response:
    """Everything that is the same for each answer of the API."""
    started = time.perf_counter()
    observability.set_request_id(request.context.get("requestId") or ids.new_id("req"))
    response = _without_chalice_body(request, get_response(request))
    for name, value in {
        **_SECURITY,
        **cors(request.headers.get("origin")),
        "X-Request-Id": observability.request_id(),
    }.items():
        response.headers.setdefault(name, value)
    if request.method == "OPTIONS":
        response.headers.update(_preflight(request.context.get("resourcePath", "")))
    observability.event(
        "http.request",
        route=request.context.get("resourcePath", "unknown"),
        method=request.method,
        status=response.status_code,
        duration_ms=round((time.perf_counter() - started) * 1000),
    )
    return response


def cors(origin: str | None) -> dict[str, str]:
    """CORS headers for an allowed origin; a stranger's page gets none."""
    if origin is None or origin not in settings().origins:
        return {"Vary": "Origin, Accept-Language"}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Expose-Headers": _EXPOSED,
        "Vary": "Origin, Accept-Language",
    }


def _preflight(path: str) -> dict[str, str]:
    methods = sorted({operation.method for operation in REGISTRY if operation.path == path})
    return {
        "Access-Control-Allow-Methods": ", ".join([*methods, "OPTIONS"]),
        "Access-Control-Allow-Headers": _ALLOWED_HEADERS,
        "Access-Control-Max-Age": _PREFLIGHT_SECONDS,
    }


def _without_chalice_body(request: Request, response: Response) -> Response:
    """Chalice makes a few answers itself, with a dict for a body that our own answers never have."""
    if not isinstance(response.body, dict):
        return response
    kind = _OWN.get(response.status_code, errors.Malformed if response.status_code < 500 else errors.InternalError)  # noqa: PLR2004
    language = words.negotiate(request.headers.get("accept-language"))
    mended = problems.render(kind(), observability.request_id(), language)
    if "Allow" in response.headers:
        mended.headers["Allow"] = response.headers["Allow"]
    return mended
