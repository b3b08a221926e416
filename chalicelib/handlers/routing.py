"""The edge: one declaration per operation, from which it is signed in, checked, parsed, answered and documented."""

import inspect
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, TypeVar

from chalice.app import Blueprint, Request, Response
from pydantic import BaseModel

from chalicelib import observability, words
from chalicelib.auth import limits, sessions
from chalicelib.auth.limits import Limit
from chalicelib.auth.sessions import Transport
from chalicelib.domain.access import NOBODY, Actor, Policy, PolicyKind, Reach
from chalicelib.errors import (
    Forbidden,
    IdempotencyKeyMissing,
    InternalError,
    NotSignedIn,
    PortalError,
    PreconditionMissing,
    StaleVersion,
)
from chalicelib.handlers import cookies, problems, requests
from chalicelib.handlers.operations import REGISTRY, Operation
from chalicelib.schemas.base import NoBody, NoQuery
from chalicelib.services import access, clinic_settings
from chalicelib.services.once import Once

_View = TypeVar("_View", bound=Callable[..., Any])
_KEY_LIMIT = 255
_REFUSALS = Limit(tries=100, seconds=300)
"""Of one operation to one network: wide enough for a waiting room, whose people share an address."""

_TAG = re.compile(r'"([0-9]{1,15})"')


@dataclass(frozen=True, slots=True)
class Call:
    """One request after the edge: who calls, for which patient, and what the headers said."""

    request: Request
    actor: Actor
    language: str
    path: dict[str, str]
    route: str
    reach: Reach = field(default_factory=Reach)
    expected_version: int = 0
    _once: Once | None = None

    @property
    def patient_id(self) -> str:
        """The patient whom the call concerns; "" where none."""
        return self.reach.patient_id

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
    """A blueprint whose routes cannot be declared without a policy; `registry` collects its operations."""

    answers_head: ClassVar[bool] = False
    """Whether HEAD is answered where GET is."""

    other_query: ClassVar[type[BaseModel]] = NoQuery
    """What the query may be where a view takes none."""

    def __init__(self, import_name: str, registry: list[Operation] = REGISTRY) -> None:
        super().__init__(import_name)
        self._registry = registry

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
                query=takes["query"].annotation if "query" in takes else self.other_query,
                takes_query="query" in takes,
                **declared,
            )
            self._add(operation)
            if self.answers_head and method == "GET":
                self._add(replace(operation, method="HEAD"))
            return view

        return register

    def _add(self, operation: Operation) -> None:
        first_on_path = all(known.path != operation.path for known in self._registry)
        self._registry.append(operation)

        def serve(**_path: str) -> Response:
            return self._serve(operation)

        serve.__name__ = operation.id
        self.route(operation.path, methods=[operation.method], name=operation.id, cors=False, content_types=[])(serve)
        if first_on_path:
            self._add_preflight(operation)

    def _add_preflight(self, operation: Operation) -> None:
        # API Gateway's own preflight knows one origin, fixed when it is deployed; the portal's origins are a setting.
        def preflight(**_path: str) -> Response:
            methods = {known.method for known in self._registry if known.path == operation.path}
            return Response(body="", status_code=204, headers={"Allow": ", ".join(sorted({*methods, "OPTIONS"}))})

        preflight.__name__ = f"{operation.id}_preflight"
        self.route(operation.path, methods=["OPTIONS"], name=preflight.__name__, cors=False, content_types=[])(
            preflight
        )

    def _serve(self, operation: Operation) -> Response:
        request: Request = self.current_request
        language = words.negotiate(request.headers.get("accept-language"))
        request_id = observability.request_id()
        try:
            answer = self._answer(operation, request, language)
        except PortalError as refusal:
            answer = self.render_error(refusal, request_id, language)
        except Exception as bug:  # noqa: BLE001  Whatever a bug raises, the caller gets a problem and the log its place.
            observability.fault("http.bug", bug, route=operation.path, method=operation.method)
            answer = self.render_error(InternalError(), request_id, language)
        if operation.method == "HEAD":
            answer.body = ""
        return answer

    def _answer(self, operation: Operation, request: Request, language: str) -> Response:
        actor = _signed_in(operation, request)
        if actor.language in words.languages() and request.headers.get("accept-language") is None:
            language = actor.language or language
        if operation.feature is not None:
            clinic_settings.require(operation.feature, actor)
        path = requests.path_of(request)
        reach = access.permit(actor, operation.policy, path.get("pid"), operation.id)
        if operation.step_up:
            access.require_step_up(actor)
        raw = _raw_body(operation, request)
        arguments = self._arguments(operation, request, raw)
        call = Call(
            request=request,
            actor=actor,
            language=language,
            path=path,
            route=f"{operation.method} {operation.path}",
            reach=reach,
            expected_version=_expected_version(request) if operation.edits else 0,
            _once=_once(operation, request, actor, path, raw) if operation.creates else None,
        )
        with _limited(operation, call):
            answer = operation.view(call, **arguments)
        return _render(operation, answer, language)

    def _arguments(self, operation: Operation, request: Request, raw: bytes) -> dict[str, Any]:
        """What the view takes. Raises Invalid naming whatever is wrong in body and query together."""
        readers: dict[str, Callable[[], Any]] = {
            "query": lambda: requests.query_model(requests.query_of(request), operation.query)
        }
        if (model := operation.body) is not None:
            readers["body"] = lambda: self.read_body(raw, model)
        read = requests.read_all(readers)
        if operation.raw:
            read["body"] = raw
        return read if operation.takes_query else {name: value for name, value in read.items() if name != "query"}


def _limited(operation: Operation, call: Call) -> AbstractContextManager[None]:
    if not operation.limits_refusals:
        return nullcontext()
    return limits.refusals_counted(f"refusals:{operation.id}:{limits.network(call.source_ip)}", _REFUSALS)


def _raw_body(operation: Operation, request: Request) -> bytes:
    """The body as sent. Where none is taken, an empty object is none: some programs send one with every POST."""
    if operation.takes_body:
        return requests.raw_body(request, operation.body_limit, operation.media_types, operation.too_large)
    if operation.reads_body:
        requests.json_body(requests.raw_body(request, operation.body_limit, operation.media_types), NoBody)
    return b""


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
        return sessions.authenticate(bearer, Transport.BEARER)
    token = cookies.read(request, cookies.ACCESS)
    if token is None:
        return NOBODY
    actor = sessions.authenticate(token, Transport.COOKIE)
    if not operation.is_safe:
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
    """The version that the caller read.

    Only the strong tag of one version says which that was (RFC 9110, section 13.1.1): `*` and weak tags do not.
    """
    header = request.headers.get("if-match")
    if header is None:
        raise PreconditionMissing
    tag = _TAG.fullmatch(header.strip())
    if tag is None:
        raise StaleVersion
    return int(tag[1])


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
    """A path parameter that a handler reads; the edge has refused what no id holds."""
    return call.path[name]
