"""The OpenAPI 3.1 document, made of the registered operations and the shapes that they declare."""

from functools import lru_cache
from typing import Any

import orjson
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from chalicelib import errors
from chalicelib.domain.access import PolicyKind
from chalicelib.handlers import problems
from chalicelib.handlers.operations import REGISTRY, Operation
from chalicelib.schemas.problems import Problem
from chalicelib.settings import settings

_REF = "#/components/schemas/{model}"
_COMMON: tuple[type[errors.PortalError], ...] = (errors.InternalError, errors.Unavailable)


@lru_cache(maxsize=1)
def document_json() -> str:
    """The document as JSON text."""
    return orjson.dumps(document()).decode()


def document() -> dict[str, Any]:
    """The document. Its operations are in the order in which the features declare them."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in REGISTRY:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": f"{settings().clinic_name} patient portal", "version": "1", "description": _DESCRIPTION},
        "servers": [{"url": settings().api_url}],
        "paths": paths,
        "components": {"schemas": _schemas(), "securitySchemes": _SECURITY, "headers": _HEADERS},
    }


_DESCRIPTION = (
    "Times are RFC 3339 in UTC, ids are opaque, lists are paged by `next_cursor`. Every refusal is a problem "
    "(RFC 9457) whose `code` is stable; `GET /v1/errors` lists the codes."
)
_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An opaque access token."},
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Host-access",
        "description": "With X-CSRF-Token on unsafe methods.",
    },
}
_HEADERS = {
    "X-Request-Id": {
        "schema": {"type": "string"},
        "description": "The id of the request, also in every log line of it.",
    }
}


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [operation.id.partition("_")[0] if not operation.tag else operation.tag],
        "security": _security(operation),
        "parameters": _parameters(operation),
        "responses": _responses(operation),
    }
    if body := _body(operation):
        described["requestBody"] = body
    return described


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    if operation.policy.kind is PolicyKind.PUBLIC:
        return []
    schemes: list[dict[str, list[str]]] = [{"bearer": []}]
    if operation.policy.kind is not PolicyKind.CLIENT:
        schemes.append({"cookie": []})
    return [*schemes, {}] if operation.policy.kind is PolicyKind.OPTIONAL else schemes


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    names = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1, "maxLength": 200}}
        for name in names
    ]
    if operation.query is not None:
        found += _query_parameters(operation.query)
    if operation.creates:
        found.append(_header("Idempotency-Key", "The same key again gives the same answer; kept 24 hours.", 255))
    if operation.edits:
        found.append(_header("If-Match", "The ETag of the version that is edited.", 100))
    return found


def _header(name: str, description: str, longest: int) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1, "maxLength": longest}
    return {"name": name, "in": "header", "required": True, "description": description, "schema": schema}


def _query_parameters(query: type[BaseModel]) -> list[dict[str, Any]]:
    schema = query.model_json_schema(ref_template=_REF)
    required = set(schema.get("required", ()))
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _without_null(member)}
        for name, member in schema.get("properties", {}).items()
    ]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query parameter is left out rather than null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    rest = {
        name: value
        for name, value in schema.items()
        if name not in {"anyOf", "default", "title"} or (name == "default" and value is not None)
    }
    return {**kinds[0], **rest} if len(kinds) == 1 else rest if not kinds else {**rest, "anyOf": kinds}


def _body(operation: Operation) -> dict[str, Any] | None:
    if operation.body is not None:
        return {"required": True, "content": {"application/json": {"schema": {"$ref": _ref(operation.body)}}}}
    if operation.raw:
        return {"required": True, "content": {kind: {"schema": operation.raw_schema} for kind in operation.media_types}}
    return None


def _responses(operation: Operation) -> dict[str, Any]:
    found: dict[str, Any] = {str(operation.status): _success(operation)}
    kinds: dict[int, list[str]] = {}
    for kind in _errors(operation):
        kinds.setdefault(problems.status_of(kind), []).append(kind.code)
    for status, codes in sorted(kinds.items()):
        found[str(status)] = _refusal(operation, sorted(set(codes)))
    return found


def _success(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "description": operation.summary,
        "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
    }
    content = {kind: {"schema": schema} for kind, schema in operation.other_answers.items()}
    if operation.answer is not None:
        content[operation.answer_type] = {"schema": {"$ref": _ref(operation.answer)}}
    elif operation.answer_schema is not None:
        content[operation.answer_type] = {"schema": operation.answer_schema}
    if content:
        described["content"] = content
    return described


def _refusal(operation: Operation, codes: list[str]) -> dict[str, Any]:
    if operation.answer_type == "text/html":
        return {"description": ", ".join(codes), "content": {"text/html": {"schema": {"type": "string"}}}}
    return {"description": ", ".join(codes), "content": {problems.MEDIA_TYPE: {"schema": {"$ref": _ref(Problem)}}}}


def _errors(operation: Operation) -> list[type[errors.PortalError]]:
    found = [*operation.errors, *_COMMON]
    if operation.policy.kind not in {PolicyKind.PUBLIC, PolicyKind.OPTIONAL}:
        found += [errors.NotSignedIn, errors.Forbidden]
    if operation.policy.kind is PolicyKind.PATIENT:
        found.append(errors.NotFound)
    if "{" in operation.path:
        found.append(errors.Malformed)
    if operation.body is not None or operation.raw:
        found += [errors.Malformed, operation.too_large, errors.UnsupportedMediaType, errors.Invalid]
    if operation.query is not None:
        found += [errors.Invalid, errors.Malformed]
    if operation.creates:
        found += [errors.IdempotencyKeyMissing, errors.IdempotencyKeyReused]
    if operation.edits:
        found += [errors.StaleVersion, errors.PreconditionMissing]
    return found


def _ref(model: Any) -> str:
    return _REF.format(model=model.__name__)


def _schemas() -> dict[str, Any]:
    inputs = {operation.body for operation in REGISTRY if operation.body is not None}
    outputs = {operation.answer for operation in REGISTRY if operation.answer is not None} | {Problem}
    models: Any = [(model, "validation") for model in sorted(inputs, key=_name)] + [
        (model, "serialization") for model in sorted(outputs, key=_name)
    ]
    _, schema = models_json_schema(models, ref_template=_REF)
    return dict(schema["$defs"])


def _name(model: type[BaseModel]) -> str:
    return model.__name__
