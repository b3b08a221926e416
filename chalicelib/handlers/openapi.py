"""The OpenAPI 3.1 document, made of the registered operations and the shapes that they declare."""

from dataclasses import replace
from functools import lru_cache
from typing import Any

import orjson
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from chalicelib import errors, words
from chalicelib.domain.access import PolicyKind
from chalicelib.domain.caregivers import Scope
from chalicelib.domain.fhir_api.names import MEDIA_TYPE
from chalicelib.handlers import problems
from chalicelib.handlers.operations import REGISTRY, Operation
from chalicelib.schemas.account_files import AccountFile
from chalicelib.schemas.base import PageQuery, Query
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
        "tags": [{"name": name, "description": told} for name, told in _TAGS.items()],
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
        "description": "The web app's session, which no script can read.",
    },
    "csrf": {
        "type": "apiKey",
        "in": "header",
        "name": "X-CSRF-Token",
        "description": "A cookie session's `csrf_token`, on every unsafe method.",
    },
}
_HEADERS = {
    "X-Request-Id": {
        "required": True,
        "schema": {"type": "string"},
        "description": "The id of the request, also in every log line of it.",
    },
    "ETag": {"required": True, "schema": {"type": "string"}, "description": "The version, for If-Match."},
    "Retry-After": {
        "required": True,
        "schema": {"type": "integer", "minimum": 0},
        "description": "Seconds after which trying again may help.",
    },
    "WWW-Authenticate": {"required": True, "schema": {"type": "string"}, "description": "How to sign in (RFC 6750)."},
}
_OUTCOME = {
    "type": "object",
    "required": ["resourceType", "issue"],
    "properties": {"resourceType": {"const": "OperationOutcome"}, "issue": {"type": "array", "minItems": 1}},
}
"""The shape of a refusal under /fhir (https://hl7.org/fhir/R4/operationoutcome.html)."""
_REFUSAL_HEADERS = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}
_TAGS = {
    "public": "What anybody may read, signed in or not.",
    "library": "Tests, conditions and treatments in plain words, from A to Z.",
    "registrations": "Registering: proving who one is, and opening an account.",
    "accounts": "One's own account.",
    "activity": "What happened to one's own account.",
    "contact_changes": "Changing one's own email, phone and username.",
    "exports": "Copies of what the portal keeps, to download.",
    "closures": "Closing one's own account.",
    "sessions": "Signing in and out.",
    "second_factors": "Second factors of one's own account.",
    "passkeys": "Passkeys: binding them, and signing in with them.",
    "trusted_devices": "Devices on which signing in asks for no second step.",
    "recovery": "A new password, or the forgotten username.",
    "notices": "What the portal has told you.",
    "preferences": "What you are told, how, and when it is quiet.",
    "push_devices": "Devices that get push messages.",
    "addresses": "The addresses that our messages go to, and whether they work.",
    "security_phrase": "The phrase that our messages to you repeat.",
    "home": "What waits for everybody in one's care.",
    "caregivers": "For whom you may act, and who may act for you.",
    "proxy_requests": "Asking to act for somebody, which the clinic decides.",
    "records": "The health record.",
    "explanations": "What stands in the health record, in plain words.",
    "changes": "What has changed in the health record.",
    "trends": "Numbers over time.",
    "calendar": "Everything that has a date, in one list.",
    "releases": "When one wants to see new results.",
    "language_model": "Whether a language model may say explanations in other words.",
    "amendments": "Asking for corrections of the health record, which the clinic decides.",
    "questions": "Asking about the health record, in one's own words.",
    "shares": "Parts of the health record that others may read by a link.",
    "fhir_api": "The health record as FHIR R4, to read.",
    "documents": "Documents of a patient's own, kept apart from the health record.",
    "picture_readings": "Pictures of cards, labels and letters, read into fields that a person confirms.",
    "access_log": "Who looked at one's data, and what was changed.",
    "break_glass": "A record that is opened in an emergency.",
    "clinic_settings": "What the clinic decides for itself.",
    "patient_changes": "What the clinic has on file, and changes to it.",
    "clinic_patients": "The clinic's patients, as staff write them down and look for them.",
    "merges": "Two patients who turn out to be one, as staff merge and part them.",
    "clinic_accounts": "The help desk: who has an account, and recovery.",
    "clinic_audit": "Who did what, as admins of the clinic read it.",
    "clinic_staff": "The clinic's staff, as admins manage them.",
    "clients": "The clinic's own systems, as admins manage them.",
    "clinic": "What the clinic's own systems call.",
    "import_files": "Large files of resources that the clinic's own systems import.",
    "events": "What happened, for the clinic's own systems to read.",
    "webhooks": "What happened, sent to the clinic's own systems.",
    "pages": "What links in email and SMS open: plain pages for a browser.",
    "well_known": "What other programs look for at an address of their own (RFC 8615).",
}
_PATH_PARAMETERS = {
    "pid": "A patient's id, or `me` for the caller's own.",
    "caregiver_id": "The id of a caregiver, or of somebody who was invited to be one.",
    "invitation_token": "The token of an invitation's link.",
    "proxy_request_id": "The id of a request to act for a patient.",
    "record_id": "A record's id.",
    "amendment_id": "The id of a request to correct the record.",
    "question_id": "The id of a question that one asked.",
    "document_id": "The id of a document of a patient's own.",
    "reading_id": "The id of a reading of a picture.",
    "code": "`system|code`, or a code of LOINC alone; URL-encoded.",
    "export_id": "The id of a copy of the record that one asked for.",
    "share_id": "The id of a share.",
    "manifest_token": "What the address in a SMART Health Link ends with.",
    "resource_type": "A type of FHIR resource that `/fhir/R4/metadata` names.",
    "resource_id": "A resource's id: the portal's, with `-` in the place of `_`; either is understood.",
    "version_id": "The number of a version: `meta.versionId`.",
    "operation": "`$everything`, of a Patient.",
    "registration_id": "The id of a registration that was started.",
    "reset_id": "The id of a password reset that was asked for.",
    "device_id": "The id of a device that gets push messages.",
    "passkey_id": "A passkey's id.",
    "trusted_device_id": "The id of a device on which signing in asks for no second step.",
    "address_id": "The id of an email address or phone number that messages go to.",
    "notice_id": "A notice's id.",
    "session_id": "A session's id.",
    "account_id": "The id of somebody's account.",
    "change_id": "The id of a change that a patient asked for.",
    "merge_id": "The id of a merge of two patients.",
    "staff_id": "The id of a member of staff.",
    "client_id": "The id of one of the clinic's own systems.",
    "import_id": "The id of the import of a file.",
    "webhook_id": "The id of one's own webhook.",
    "delivery_id": "The id of a delivery: one event on its way to one webhook.",
    "slug": "The name of a term of the library, as its address has it.",
    "kind": "`terms` or `privacy`.",
    "token": "The token of a link in an email or SMS.",
}
_CALLERS = {
    PolicyKind.PUBLIC: "Anybody may call it.",
    PolicyKind.OPTIONAL: "Anybody may call it; a caller who is signed in is recognised.",
    PolicyKind.ACCOUNT: "Needs a signed-in account, and concerns that account alone.",
    PolicyKind.PATIENT: "Needs the patient's own account{others}; for anybody else the patient does not exist.",
    PolicyKind.STAFF: "Needs a signed-in member of staff with the permission `{permission}`.",
    PolicyKind.CLINIC: "Needs the token of a service client with the scope `{scope}`, or a signed-in member of staff "
    "with the permission `{permission}`.",
    PolicyKind.RESOURCE: "Needs a signed-in account, or the token of a service client with the scope `{scope}`. Shows "
    "what the patient, their caregivers, or staff who care for them, with the permission `{permission}`, may see.",
    PolicyKind.CLIENT: "Needs the token of a service client with the scope `{scope}`.",
}


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "description": _who_may_call(operation),
        "tags": [operation.tag],
        "security": _security(operation),
        "parameters": _parameters(operation),
        "responses": _responses(operation),
    }
    if body := _body(operation):
        described["requestBody"] = body
    return described


def _who_may_call(operation: Operation) -> str:
    policy = operation.policy
    scopes = " or ".join(f"`{scope}`" for scope in Scope if scope in policy.grants)
    others = f", that of a caregiver with {scopes}" if scopes else ""
    others += f", or staff who care for them, with the permission `{policy.permission}`" if policy.permission else ""
    text = _CALLERS[policy.kind].format(scope=policy.scope, permission=policy.permission, others=others)
    if operation.feature is not None:
        text += f" Patients and caregivers have it where the clinic offers `{operation.feature}`."
    return f"{text} A step-up under 5 minutes old is needed." if operation.step_up else text


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    if operation.policy.kind is PolicyKind.PUBLIC:
        return []
    schemes: list[dict[str, list[str]]] = [{"bearer": []}]
    if operation.policy.kind is not PolicyKind.CLIENT:
        schemes.append({"cookie": []} if operation.is_safe else {"cookie": [], "csrf": []})
    return [*schemes, {}] if operation.policy.kind is PolicyKind.OPTIONAL else schemes


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    found = [_path_parameter(part[1:-1]) for part in operation.path.split("/") if part.startswith("{")]
    found += _query_parameters(operation.query)
    if operation.creates:
        key = {"type": "string", "minLength": 1, "maxLength": 255}
        found.append(_header("Idempotency-Key", "The same key again gives the same answer; kept 24 hours.", key))
    if operation.edits:
        # Whatever is no ETag of this version is one of another: 412, however long it is.
        found.append(_header("If-Match", "The ETag of the version that is edited.", {"type": "string"}))
    return found


def _path_parameter(name: str) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1, "maxLength": 200}
    return {"name": name, "in": "path", "required": True, "description": _PATH_PARAMETERS[name], "schema": schema}


def _header(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": True, "description": description, "schema": schema}


def _query_parameters(query: type[BaseModel]) -> list[dict[str, Any]]:
    schema = query.model_json_schema(ref_template=_REF)
    required = set(schema.get("required", ()))
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "description": member.pop("description"),
            "schema": _without_null(member),
        }
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
        required = any(member.is_required() for member in operation.body.model_fields.values())
        return {
            "required": required,
            "content": {kind: {"schema": {"$ref": _ref(operation.body)}} for kind in operation.media_types},
        }
    if operation.raw:
        return {"required": True, "content": {kind: {"schema": operation.raw_schema} for kind in operation.media_types}}
    return None


def _responses(operation: Operation) -> dict[str, Any]:
    found: dict[str, Any] = {str(operation.status): _success(operation)}
    for status, answer in operation.other_statuses.items():
        found[str(status)] = _success(replace(operation, answer=answer, other_answers={}))
    kinds: dict[int, list[str]] = {}
    for kind in _errors(operation):
        kinds.setdefault(problems.status_of(kind), []).append(kind.code)
    for status, codes in sorted(kinds.items()):
        found[str(status)] = _refusal(operation, status, sorted(set(codes)))
    return found


def _success(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {"description": operation.summary, "headers": _header_refs("X-Request-Id")}
    if operation.tells_version:
        described["headers"] |= _header_refs("ETag")
    content = {kind: {"schema": schema} for kind, schema in operation.other_answers.items()}
    if operation.answer is not None:
        content[operation.answer_type] = {"schema": {"$ref": _ref(operation.answer)}}
    elif operation.answer_schema is not None:
        content[operation.answer_type] = {"schema": operation.answer_schema}
    if content and operation.method != "HEAD":
        described["content"] = content
    return described


def _refusal(operation: Operation, status: int, codes: list[str]) -> dict[str, Any]:
    told = "; ".join(f"`{code}`: {words.say(f'error.{code}.title', words.DEFAULT)}" for code in codes)
    names = ["X-Request-Id", *([_REFUSAL_HEADERS[status]] if status in _REFUSAL_HEADERS else [])]
    described: dict[str, Any] = {"description": told, "headers": _header_refs(*names)}
    if operation.method == "HEAD":
        return described
    if operation.answer_type == "text/html":
        return {**described, "content": {"text/html": {"schema": {"type": "string"}}}}
    if operation.answer_type == MEDIA_TYPE:
        return {**described, "content": {MEDIA_TYPE: {"schema": _OUTCOME}}}
    return {**described, "content": {problems.MEDIA_TYPE: {"schema": {"$ref": _ref(Problem)}}}}


def _header_refs(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _errors(operation: Operation) -> list[type[errors.PortalError]]:
    return [*operation.errors, *_COMMON, *_errors_of_policy(operation), *_errors_of_request(operation)]


def _errors_of_policy(operation: Operation) -> list[type[errors.PortalError]]:
    match operation.policy.kind:
        case PolicyKind.PUBLIC:
            return []
        case PolicyKind.OPTIONAL:
            return [] if operation.is_safe else [errors.CsrfTokenMissing]
        case PolicyKind.PATIENT if operation.policy.permission:
            return [errors.NotSignedIn, errors.Forbidden, errors.NotInCareTeam, errors.PatientMerged]
        case _:
            return [errors.NotSignedIn, errors.Forbidden]


def _errors_of_request(operation: Operation) -> list[type[errors.PortalError]]:
    found: list[type[errors.PortalError]] = []
    if "{" in operation.path:
        found.append(errors.NotFound)
    if operation.reads_body:
        found += [errors.Malformed, operation.too_large, errors.UnsupportedMediaType]
    if operation.body is not None or issubclass(operation.query, Query):
        found.append(errors.Invalid)
    if issubclass(operation.query, PageQuery):
        found.append(errors.InvalidCursor)
    declared = {
        errors.StepUpRequired: operation.step_up,
        errors.FeatureOff: operation.feature is not None,
        errors.TooManyRequests: operation.limits_refusals,
    }
    found += [error for error, is_so in declared.items() if is_so]
    if operation.creates:
        found += [errors.IdempotencyKeyMissing, errors.IdempotencyKeyReused]
    if operation.edits:
        found += [errors.StaleVersion, errors.PreconditionMissing]
    return found


def _ref(model: Any) -> str:
    return _REF.format(model=model.__name__)


class _AsSent(GenerateJsonSchema):
    """Decimals are the numbers of a bundle, which go out as they came; pydantic alone would write them as text."""

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:  # noqa: ARG002
        return {"type": "number"}


def _schemas() -> dict[str, Any]:
    inputs = {operation.body for operation in REGISTRY if operation.body is not None}
    outputs: set[Any] = {operation.answer for operation in REGISTRY if operation.answer is not None} | {
        Problem,
        AccountFile,
    }
    outputs |= {answer for operation in REGISTRY for answer in operation.other_statuses.values()}
    models: Any = [(model, "validation") for model in sorted(inputs, key=_name)] + [
        (model, "serialization") for model in sorted(outputs, key=_name)
    ]
    _, schema = models_json_schema(models, ref_template=_REF, schema_generator=_AsSent)
    return dict(schema["$defs"])


def _name(model: type[BaseModel]) -> str:
    return model.__name__
