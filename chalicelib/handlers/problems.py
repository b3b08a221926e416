"""The second border of errors.

A refusal becomes application/problem+json (RFC 9457) with words in the caller's language.
"""

from collections.abc import Mapping

import orjson
from chalice.app import Response

from chalicelib import errors, words
from chalicelib.settings import settings

STATUS: Mapping[type[errors.PortalError], int] = {
    errors.Malformed: 400,
    errors.NotSignedIn: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.MethodNotAllowed: 405,
    errors.NotAcceptable: 406,
    errors.Conflict: 409,
    errors.Gone: 410,
    errors.StaleVersion: 412,
    errors.TooLarge: 413,
    errors.UnsupportedMediaType: 415,
    errors.Refused: 422,
    errors.PreconditionMissing: 428,
    errors.TooManyRequests: 429,
    errors.InternalError: 500,
    errors.Unavailable: 503,
}
MEDIA_TYPE = "application/problem+json"


def status_of(kind: type[errors.PortalError]) -> int:
    """The HTTP status of a kind of refusal: its own, or that of the kind it refines."""
    return next(STATUS[base] for base in kind.__mro__ if base in STATUS)


def render(error: errors.PortalError, request_id: str, language: str) -> Response:
    """The whole answer to a refusal."""
    headers: dict[str, str | list[str]] = {
        "Content-Type": MEDIA_TYPE,
        "Content-Language": language,
        "Cache-Control": "no-store",
    }
    if isinstance(error, errors.NotSignedIn):
        headers["WWW-Authenticate"] = 'Bearer realm="portal"'
    if isinstance(error, errors.TooManyRequests | errors.Unavailable):
        headers["Retry-After"] = str(error.retry_after)
    return Response(
        body=orjson.dumps(body(error, request_id, language)).decode(),
        status_code=status_of(type(error)),
        headers=headers,
    )


def body(error: errors.PortalError, request_id: str, language: str) -> dict[str, object]:
    """The problem's members."""
    members: dict[str, object] = {
        "type": type_url(error.code),
        "title": words.say(f"error.{error.code}.title", language),
        "status": status_of(type(error)),
        "detail": words.say(f"error.{error.code}.detail", language, **error.values),
        "code": error.code,
        "request_id": request_id,
    }
    if isinstance(error, errors.SecurityAnswerRequired):
        text = words.say(f"question.{error.question_id}", language)
        members["question"] = {"question_id": error.question_id, "text": text}
    if isinstance(error, errors.WrongPasscode):
        members["remainingAttempts"] = error.remaining
    if isinstance(error, errors.PatientMerged):
        members["merged_into"] = error.merged_into
    if isinstance(error, errors.Refused):
        found = error.errors if isinstance(error, errors.Invalid) else []
        members["errors"] = [_field(wrong, language) for wrong in found]
    return members


def type_url(code: str) -> str:
    """Where a code is explained."""
    return f"{settings().api_url}/v1/errors#{code}"


def _field(wrong: errors.FieldError, language: str) -> dict[str, str]:
    return {
        "pointer": wrong.pointer,
        "code": wrong.code,
        "detail": words.say(f"field.{wrong.code}", language, **wrong.values),
    }
