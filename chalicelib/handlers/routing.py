"""The edge: one declaration per operation, from which it is signed in, checked, parsed, answered and documented."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from chalice.app import Blueprint, Request, Response
from pydantic import BaseModel

from chalicelib import observability, words
from chalicelib.auth import sessions
from chalicelib.domain.access import NOBODY, Actor, Policy, PolicyKind
from chalicelib.errors import (
    Forbidden,
    IdempotencyKeyMissing,
    InternalError,
    Malformed,
    NotSignedIn,
    PortalError,
    PreconditionMissing,
    StaleVersion,
)
from chalicelib.handlers import cookies, problems, requests
from chalicelib.handlers.operations import REGISTRY, Operation
from chalicelib.services import access
from chalicelib.services.once import Once

_View = TypeVar("_View", bound=Callable[..., Any])
_SAFE = frozenset({"GET", "HEAD"})
_KEY_LIMIT = 255


@dataclass(frozen=True, slots=True)
class Call:
    """One request after the edge: who calls, for which patient, and what the headers said."""

    request: Request
    actor: Actor
    language: str
    path: dict[str, str]
    route: str
    patient_id: str = ""
    expected_version: int = 0
    _once: Once | None = None

    @property
    def once(self) -> Once:
        """The Idempotency-Key of a route that creates."""
        if self._once is None:
            raise AssertionError("the route is not declared as one that creates")
        return self._once

    @property
    def source_ip(self) -> str:
        """The address that API Gateway saw; what a header claims is not asked."""
        return self.request.context.get("identity", {}).get("sourceIp") or "unknown"

    def header(self, name: str) -> str | None:
        """A header's value."""
        value: str | None = self.request.headers.get(name)
        return value

    def cookie(self, name: str) -> str | None:
        """A cookie's value."""
        return cookies.read(self.request, name)

    def require_csrf(self, session_id: str | None) -> None:
        """Raises CsrfTokenMissing unless the request proves that the session's own page sent it."""
        cookies.check_csrf(self.request, session_id)

    def binding(self, **filters: object) -> str:
        """What a cursor of this call belongs to: the caller, the route, the patient and the filters."""
        return repr((self.actor.key, self.route, self.patient_id, sorted(filters.items())))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler answers: a shape, or JSON text that is ready (a list's page of stored views, a FHIR resource)."""

    body: BaseModel | str | None = None
    status: int | None = None
    headers: dict[str, Any] = field(default_factory=dict)


class Routes(Blueprint):
    """A blueprint whose routes cannot be declared without a policy."""

    def render_error(self, error: PortalError, request_id: str, language: str) -> Response:
        """A refusal as an answer."""
        return problems.render(error, request_id, language)

    def read_body(self, raw: bytes, model: type[BaseModel]) -> BaseModel:
        """A request's body as a model."""
        return requests.json_body(raw, model)

    def get(self, path: str, policy: Policy, **declared: Any) -> Callable[[_View], _View]:
        """Declare a GET; see `Operation` for what can be declared."""
        return self._operation("GET", path, policy, declared)

    def post(self, path: str, policy: Policy, **declared: Any) -> Callable[[_View], _View]:
        """Declare a POST."""
        return self._operation("POST", path, policy, declared)

    def put(self, path: str, policy: Policy, **declared: Any) -> Callable[[_View], _View]:
        """Declare a PUT."""
        return self._operation("PUT", path, policy, declared)

    def patch(self, path: str, policy: Policy, **declared: Any) -> Callable[[_View], _View]:
        """Declare a PATCH."""
        return self._operation("PATCH", path, policy, declared)

    def delete(self, path: str, policy: Policy, **declared: Any) -> Callable[[_View], _View]:
        """Declare a DELETE."""
        return self._operation("DELETE", path, policy, declared)

    def _operation(self, method: str, path: str, policy: Policy, declared: dict[str, Any]) -> Callable[[_View], _View]:
        def register(view: _View) -> _View:
            takes = inspect.signature(view).parameters
            operation = Operation(
                method=method,
                path=path,
                policy=policy,
                view=view,
                summary=(view.__doc__ or "").strip().splitlines()[0],
                body=takes["body"].annotation if "body" in takes and takes["body"].annotation is not bytes else None,
                raw="body" in takes and takes["body"].annotation is bytes,
                query=takes["query"].annotation if "query" in takes else None,
                **declared,
            )
            self._add(operation)
            return view

        return register

    def _add(self, operation: Operation) -> None:
        first_on_path = all(known.path != operation.path for known in REGISTRY)
        REGISTRY.append(operation)

        def serve(**_path: str) -> Response:
            return self._serve(operation)

        serve.__name__ = operation.id
        self.route(operation.path, methods=[operation.method], name=operation.id, cors=False, content_types=[])(serve)
        if first_on_path:
            self._add_preflight(operation)

    def _add_preflight(self, operation: Operation) -> None:
        # API Gateway's own preflight knows one origin, fixed when it is deployed; the portal's origins are a setting.
        def preflight(**_path: str) -> Response:
            return Response(body="", status_code=204, headers={})

        preflight.__name__ = f"{operation.id}_preflight"
        self.route(operation.path, methods=["OPTIONS"], name=preflight.__name__, cors=False, content_types=[])(
            preflight
        )

    def _serve(self, operation: Operation) -> Response:
        request: Request = self.current_request
        language = words.negotiate(request.headers.get("accept-language"))
        request_id = observability.request_id()
        try:
            return self._answer(operation, request, language)
        except PortalError as refusal:
            return self.render_error(refusal, request_id, language)
        except Exception as bug:  # noqa: BLE001  Whatever a bug raises, the caller gets a problem and the log its place.
            observability.fault("http.bug", bug, route=operation.path, method=operation.method)
            return self.render_error(InternalError(), request_id, language)

    def _answer(self, operation: Operation, request: Request, language: str) -> Response:
        actor = _signed_in(operation, request)
        path = requests.path_of(request)
        patient_id = access.permit(actor, operation.policy, path.get("pid"))
        arguments: dict[str, Any] = {}
        raw = requests.raw_body(request, operation.body_limit, operation.media_types, operation.too_large)
        if operation.raw:
            arguments["body"] = raw
        if operation.body is not None:
            arguments["body"] = self.read_body(raw, operation.body)
        if operation.query is not None:
            arguments["query"] = requests.query_model(requests.query_of(request), operation.query)
        call = Call(
            request=request,
            actor=actor,
            language=language,
            path=path,
            route=f"{operation.method} {operation.path}",
            patient_id=patient_id,
            expected_version=_expected_version(request) if operation.edits else 0,
            _once=_once(operation, request, actor, path, raw) if operation.creates else None,
        )
        return _render(operation, operation.view(call, **arguments), language)


def _signed_in(operation: Operation, request: Request) -> Actor:
    """Whoever the request's token says.

    A public route signs nobody in: it must answer the same with a stale token as with none.
    """
    if operation.policy.kind is PolicyKind.PUBLIC:
        return NOBODY
    try:
        return _actor_of(operation, request)
    except NotSignedIn:
        if operation.policy.kind is PolicyKind.OPTIONAL:
            return NOBODY
        raise


def _actor_of(operation: Operation, request: Request) -> Actor:
    bearer = _bearer(request)
    if bearer is not None:
        return sessions.authenticate(bearer)
    token = cookies.read(request, cookies.ACCESS)
    if token is None:
        return NOBODY
    actor = sessions.authenticate(token)
    if operation.method not in _SAFE:
        cookies.check_csrf(request, actor.session_id)
    return actor


def _bearer(request: Request) -> str | None:
    scheme, _, token = (request.headers.get("authorization") or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def _once(operation: Operation, request: Request, actor: Actor, path: dict[str, str], raw: bytes) -> Once:
    key = request.headers.get("idempotency-key")
    if not key or len(key) > _KEY_LIMIT:
        raise IdempotencyKeyMissing
    if actor.kind is NOBODY.kind:
        raise Forbidden
    return Once.of(caller=actor.key, route=f"{operation.method} {operation.path}", path=path, key=key, body=raw)


def _expected_version(request: Request) -> int:
    header = request.headers.get("if-match")
    if header is None:
        raise PreconditionMissing
    version = header.strip().removeprefix("W/").strip('"')
    if not version.isdecimal() or len(version) > 15:  # noqa: PLR2004  No version of ours has more digits.
        raise StaleVersion
    return int(version)


def etag(version: int) -> dict[str, str]:
    """The ETag header of a version."""
    return {"ETag": f'"{version}"'}


def _render(operation: Operation, answer: Answer, language: str) -> Response:
    headers = {"Content-Language": language, "Cache-Control": "no-store", **answer.headers}
    status = answer.status or operation.status
    if answer.body is None:
        return Response(body="", status_code=status, headers=headers)
    headers.setdefault("Content-Type", operation.answer_type)
    body = answer.body if isinstance(answer.body, str) else answer.body.model_dump_json()
    return Response(body=body, status_code=status, headers=headers)


def path_id(call: Call, name: str) -> str:
    """A path parameter that a handler reads. Raises Malformed where it holds what no id holds."""
    value = call.path[name]
    if not value or len(value) > 200 or not value.isprintable():  # noqa: PLR2004  Ids are far shorter; so are tokens.
        raise Malformed(reason=f"{name} is not an id")
    return value
