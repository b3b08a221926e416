"""HTTP as a Lambda function behind API Gateway sees it: what goes into its event, and what becomes of its answer.

Written after "Input format of a Lambda function for proxy integration" and "Output format …" in the API Gateway
developer guide.
"""

import base64
import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

Headers = list[tuple[str, str]]

ANSWER_LIMIT = 6 * 1024 * 1024
"""Bytes of an answer that a synchronously invoked Lambda function may return."""
TIME_LIMIT_SECONDS = 29.0
"""API Gateway's integration timeout."""
ACCOUNT = "000000000000"
REGION = "us-east-1"

_HOP_BY_HOP = frozenset(
    {"connection", "expect", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
)


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request as it arrives: `path` and `query_string` as sent (percent-encoded), `body` after any chunking."""

    method: str
    path: str
    query_string: str = ""
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""
    source_ip: str = "127.0.0.1"

    def header(self, name: str) -> str | None:
        return _last(self.headers, name)


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """One answer as it leaves: `headers` in order, a name may repeat."""

    status: int
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        return _last(self.headers, name)

    def json(self) -> Any:
        return json.loads(self.body)


class LambdaContext:
    """What Lambda hands to a function beside the event, as far as an application reads it."""

    memory_limit_in_mb = 1024
    function_version = "$LATEST"
    identity = None
    client_context = None

    def __init__(self, function_name: str, seconds: float = TIME_LIMIT_SECONDS) -> None:
        self.function_name = function_name
        self.invoked_function_arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function_name}"
        self.aws_request_id = str(uuid.uuid4())
        self.log_group_name = f"/aws/lambda/{function_name}"
        self.log_stream_name = "local"
        self._deadline = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return max(0, round((self._deadline - time.monotonic()) * 1000))


def _last(headers: Sequence[tuple[str, str]], name: str) -> str | None:
    return next((value for key, value in reversed(headers) if key.lower() == name.lower()), None)


def event_headers(request: HttpRequest) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Headers as the event has them: one value (the last) per name, and all values; the gateway adds who called."""
    names: dict[str, str] = {}
    multi: dict[str, list[str]] = {}
    for name, value in request.headers:
        if name.lower() not in _HOP_BY_HOP:
            multi.setdefault(names.setdefault(name.lower(), name), []).append(value)
    forwarded = names.get("x-forwarded-for", "X-Forwarded-For")
    multi[forwarded] = [", ".join([*multi.get(forwarded, []), request.source_ip])]
    return {name: values[-1] for name, values in multi.items()}, multi


def event_query(query_string: str) -> dict[str, list[str]]:
    """The query's names and their values in order, decoded."""
    query: dict[str, list[str]] = {}
    for name, value in parse_qsl(query_string, keep_blank_values=True, errors="replace"):
        query.setdefault(name, []).append(value)
    return query


def _media_type(value: str | None) -> str:
    """The first media type of a Content-Type or Accept header, without its parameters, in lower case."""
    return (value or "").split(",")[0].split(";")[0].strip().lower()


def event_body(request: HttpRequest, binary_types: Sequence[str]) -> tuple[str | None, bool]:
    """The event's body and whether it is base64; None where nothing was sent."""
    if not request.body:
        return None, False
    if "*/*" in binary_types or _media_type(request.header("Content-Type")) in binary_types:
        return base64.b64encode(request.body).decode(), True
    return request.body.decode(errors="replace"), False


def read_answer(result: Any, request: HttpRequest, binary_types: Sequence[str]) -> HttpResponse:
    """Turn what the function returned into HTTP.

    Raises:
        Exception: Of any kind, where it is not a proxy answer: API Gateway calls that a malformed proxy response.
    """
    # A round trip through JSON refuses here what Lambda's runtime cannot send, and loses nothing else.
    encoded = json.dumps(result)
    if len(encoded) > ANSWER_LIMIT:
        raise ValueError("The answer is over Lambda's limit")
    body = str(result.get("body") or "").encode()
    accepted = _media_type(request.header("Accept"))
    if result.get("isBase64Encoded") and ("*/*" in binary_types or accepted in binary_types):
        body = base64.b64decode(body, validate=True)
    return HttpResponse(int(result["statusCode"]), _headers_from(result), body)


def _headers_from(result: dict[str, Any]) -> Headers:
    """Single and multi-value headers as one list; a name in both keeps each value once. JSON where no type is named."""
    multi: dict[str, list[str]] = {
        name: list(values) for name, values in (result.get("multiValueHeaders") or {}).items()
    }
    for name, value in (result.get("headers") or {}).items():
        if value not in multi.setdefault(name, []):
            multi[name].append(value)
    if "content-type" not in {name.lower() for name in multi}:
        multi["Content-Type"] = ["application/json"]
    return [(name, str(value)) for name, values in multi.items() for value in values]
