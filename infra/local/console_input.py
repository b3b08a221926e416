"""What is posted to the console, by its own forms or as JSON, read and checked."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from infra.local.lambda_proxy import HttpRequest

LONGEST_ADVANCE_SECONDS = 10 * 365 * 24 * 3600
LONGEST_REPLY = 1600
"""Characters: what fits into one text message of many parts."""

_FORM = "application/x-www-form-urlencoded"
_BODY_LIMIT = 10_000


class RefusedError(Exception):
    """What was sent to the console makes no sense."""

    def __init__(self, status: HTTPStatus, detail: str, *headers: tuple[str, str]) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers


@dataclass(frozen=True)
class Reaction:
    """What somebody does with a message that they got; `text` is what they reply."""

    message_id: str
    event: str
    text: str


def is_form(request: HttpRequest) -> bool:
    """Whether the console's own page sent this, and wants to be led back to it."""
    return (request.header("Content-Type") or "").split(";")[0].strip() == _FORM


def read_seconds(request: HttpRequest) -> float:
    """By how much to move the clock on; raises RefusedError."""
    seconds = _number(_read(request, '{"advance_seconds": 60}').get("advance_seconds"), text=is_form(request))
    if not 0 <= seconds <= LONGEST_ADVANCE_SECONDS:
        detail = f"advance_seconds is a number from 0 to {LONGEST_ADVANCE_SECONDS} (ten years)."
        raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
    return seconds


def read_reaction(request: HttpRequest) -> Reaction:
    """Which message was met with what; raises RefusedError."""
    sent = _read(request, '{"id": "…", "event": "bounce"}')
    found = [sent.get(name, "") for name in ("id", "event", "text")]
    if not all(isinstance(value, str) for value in found) or len(found[2]) > LONGEST_REPLY:
        detail = f"id, event and text are texts, text of at most {LONGEST_REPLY} characters."
        raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
    return Reaction(*found)


def _read(request: HttpRequest, example: str) -> Mapping[str, Any]:
    try:
        if is_form(request):
            return {name: values[-1] for name, values in parse_qs(request.body[:_BODY_LIMIT].decode()).items()}
        sent = json.loads(request.body[:_BODY_LIMIT])
    except (ValueError, RecursionError) as error:
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"The body is JSON: {example}.") from error
    return sent if isinstance(sent, dict) else {}


def _number(value: Any, *, text: bool) -> float:
    try:
        if text:
            return float(value)
    except (TypeError, ValueError):
        value = None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, "advance_seconds is missing, or no number.")
    return value
