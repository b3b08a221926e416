"""API Gateway (REST, Lambda proxy) in front of a Chalice app, in the process: for the tests and for the local server.

Written after "Set up Lambda proxy integrations" and "Gateway responses" in the API Gateway developer guide: what the
app receives here is what it receives there, traps included (encoded path parameters, null where nothing was sent,
binary answers only to a matching Accept header).
"""

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from chalice.app import Chalice, Request

from infra.local.lambda_proxy import (
    ACCOUNT,
    Headers,
    HttpRequest,
    HttpResponse,
    LambdaContext,
    event_body,
    event_headers,
    event_query,
    read_answer,
)

__all__ = ["Gateway", "HttpRequest", "HttpResponse", "LambdaContext", "allow_origins", "portal_gateway"]

GatewayHeaders = Callable[[str | None, str], Headers]
"""From the request's Origin header (or None) and the request id to more headers for a gateway-made answer."""
ProblemType = Callable[[str], str]
"""From a problem's code to the URL that is its `type`."""

BODY_LIMIT = 10 * 1024 * 1024
"""Bytes of a request's body that API Gateway accepts."""


def allow_origins(origins: Iterable[str]) -> GatewayHeaders:
    """CORS headers for gateway-made answers to the given origins, and none to others."""
    allowed = frozenset(origins)

    def headers(origin: str | None, _request_id: str) -> Headers:
        if origin is None or origin not in allowed:
            return [("Vary", "Origin")]
        return [("Access-Control-Allow-Origin", origin), ("Vary", "Origin")]

    return headers


def no_headers(_origin: str | None, _request_id: str) -> Headers:
    """Add nothing to gateway-made answers."""
    return []


class Gateway:
    """The gateway's whole way of one request: match, event, function, answer. Safe to call from many threads at once.

    Args:
        app: The Chalice app. Its class is swapped for one that keeps the current request per thread, as Chalice's own
            local server does: a Lambda function serves one request at a time and the app keeps it in an attribute.
        gateway_headers: More headers for the answers that the gateway makes by itself (CORS, security headers).
        problem_type: The `type` of those answers' problems.
        stage: The name of the API's stage.
    """

    def __init__(
        self,
        app: Chalice,
        gateway_headers: GatewayHeaders = no_headers,
        problem_type: ProblemType = lambda code: f"/v1/errors#{code}",
        stage: str = "local",
    ) -> None:
        keep_requests_apart(app)
        self._app = app
        self.entry: Callable[[dict[str, Any], LambdaContext], Any] = app
        """What is invoked: this app, or another process that holds it."""
        self._gateway_headers = gateway_headers
        self._problem_type = problem_type
        self._stage = stage
        self._resources = _Resources(app.routes)

    def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer as API Gateway with this app behind it would."""
        if len(request.body) > BODY_LIMIT:
            return self.payload_too_large(request)
        match = self._resources.match(request.path)
        if match is None:
            return self.problem(request, 404, "not_found", "There is nothing at this address.")
        resource, parameters = match
        methods = self._app.routes[resource]
        if request.method not in methods:
            allow = [("Allow", ", ".join(sorted(methods)))]
            return self.problem(request, 405, "method_not_allowed", "This address does not take that method.", allow)
        return self._invoke(request, resource, parameters)

    def refuse(self, request: HttpRequest, status: int) -> HttpResponse:
        """Answer a request that could not be read: 413 for its size, 414 and 431 for its head, else 400."""
        if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return self.payload_too_large(request)
        status = status if status in _UNREADABLE else HTTPStatus.BAD_REQUEST
        return self.problem(request, status, "malformed_request", "This request cannot be read.")

    def payload_too_large(self, request: HttpRequest) -> HttpResponse:
        """Refuse a body over the gateway's limit, whether or not it has been read."""
        detail = (
            f"A request may have at most {BODY_LIMIT // 1024 // 1024} MB; large bundles go through /v1/clinic/imports."
        )
        return self.problem(request, 413, "payload_too_large", detail)

    def problem(
        self, request: HttpRequest, status: int, code: str, detail: str, headers: Iterable[tuple[str, str]] = ()
    ) -> HttpResponse:
        """An answer that the gateway makes by itself (RFC 9457)."""
        request_id = str(uuid.uuid4())
        body = {
            "type": self._problem_type(code),
            "title": _TITLES[status],
            "status": status,
            "detail": detail,
            "code": code,
            "request_id": request_id,
        }
        made = [("Content-Type", "application/problem+json"), ("Cache-Control", "no-store"), *headers]
        made += self._gateway_headers(request.header("Origin"), request_id)
        return HttpResponse(status, made, json.dumps(body).encode())

    def _invoke(self, request: HttpRequest, resource: str, parameters: dict[str, str]) -> HttpResponse:
        event = self._event(request, resource, parameters)
        context = LambdaContext(f"{self._app.app_name}-{self._stage}")
        # A function that fails, or whose answer is not a proxy answer, is a 502 in API Gateway too, whatever it raised.
        try:
            return read_answer(self.entry(event, context), request, self._app.api.binary_types)
        except Exception as error:  # noqa: BLE001
            # Its type alone: the words of an exception may repeat what was sent.
            self._app.log.error("function_failed %s", type(error).__name__)  # noqa: TRY400
            return self.problem(request, 502, "internal_error", "Something went wrong on our side. Please try again.")

    def _event(self, request: HttpRequest, resource: str, parameters: dict[str, str]) -> dict[str, Any]:
        single, multi = event_headers(request)
        query = event_query(request.query_string)
        body, encoded = event_body(request, self._app.api.binary_types)
        return {
            "resource": resource,
            "path": request.path,
            "httpMethod": request.method,
            "headers": single,
            "multiValueHeaders": multi,
            "queryStringParameters": {name: values[-1] for name, values in query.items()} if query else None,
            "multiValueQueryStringParameters": query or None,
            "pathParameters": parameters or None,
            "stageVariables": None,
            "requestContext": self._request_context(request, resource),
            "body": body,
            "isBase64Encoded": encoded,
        }

    def _request_context(self, request: HttpRequest, resource: str) -> dict[str, Any]:
        return {
            "accountId": ACCOUNT,
            "apiId": self._app.app_name,
            "domainName": request.header("Host"),
            "httpMethod": request.method,
            "identity": {"sourceIp": request.source_ip, "userAgent": request.header("User-Agent")},
            "path": request.path,
            "protocol": "HTTP/1.1",
            "requestId": str(uuid.uuid4()),
            "requestTimeEpoch": int(time.time() * 1000),
            "resourcePath": resource,
            "stage": self._stage,
        }


def portal_gateway(app: Chalice) -> Gateway:
    """The gateway of the portal itself: its CORS, request id and problem types on gateway-made answers, too."""
    from chalicelib.handlers import edge, problems

    def headers(origin: str | None, request_id: str) -> Headers:
        return [*edge.cors(origin).items(), ("X-Request-Id", request_id), ("X-Content-Type-Options", "nosniff")]

    return Gateway(app, headers, problems.type_url)


_UNREADABLE = frozenset({HTTPStatus.REQUEST_URI_TOO_LONG, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE})
_TITLES = {
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Content Too Large",
    414: "URI Too Long",
    431: "Request Header Fields Too Large",
    502: "Bad Gateway",
}


def keep_requests_apart(app: Chalice) -> None:
    """Give the app a class that keeps `current_request` and `lambda_context` per thread; once is enough."""
    if not isinstance(app, _PerThread):
        app.__class__ = type("PerThreadChalice", (_PerThread, type(app)), {})


class _PerThread:
    """Before a Chalice class in the bases: its properties win over what the instance already holds.

    One store serves every app, so that a second gateway on the same app and its blueprints see the same request.
    """

    _own = threading.local()

    @property
    def current_request(self) -> Request | None:
        return getattr(self._own, "current_request", None)

    @current_request.setter
    def current_request(self, request: Request | None) -> None:
        self._own.current_request = request

    @property
    def lambda_context(self) -> Any:
        return getattr(self._own, "lambda_context", None)

    @lambda_context.setter
    def lambda_context(self, context: Any) -> None:
        self._own.lambda_context = context


class _Resources:
    """The API's resources, matched part by part: a literal part wins over `{name}` from the left."""

    def __init__(self, routes: Iterable[str]) -> None:
        self._literal = {route for route in routes if "{" not in route}
        self._by_length: dict[int, list[tuple[str, list[str]]]] = {}
        for route in sorted((route for route in routes if "{" in route), key=_literal_first):
            parts = route.split("/")
            self._by_length.setdefault(len(parts), []).append((route, parts))

    def match(self, path: str) -> tuple[str, dict[str, str]] | None:
        """The resource of a path and its parameters, still percent-encoded; one trailing slash is ignored."""
        path = path[:-1] if path.endswith("/") and path != "/" else path
        if path in self._literal:
            return path, {}
        parts = path.split("/")
        for route, pattern in self._by_length.get(len(parts), ()):
            if all(_fits(part, wanted) for part, wanted in zip(parts, pattern, strict=True)):
                pairs = zip(pattern, parts, strict=True)
                return route, {wanted[1:-1]: part for wanted, part in pairs if wanted.startswith("{")}
        return None


def _literal_first(route: str) -> list[tuple[bool, str]]:
    return [(part.startswith("{"), part) for part in route.split("/")]


def _fits(part: str, wanted: str) -> bool:
    return bool(part) if wanted.startswith("{") else part == wanted
