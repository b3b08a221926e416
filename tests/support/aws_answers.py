"""What an AWS service answers, said on the wire: for services that the embedded AWS does not have, and for refusals.

The portal's own client makes the request, and botocore checks its parameters and reads the answer.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.parsers import create_parser

from chalicelib.clients.aws import client


class _Body(BytesIO):
    def stream(self, **_how: Any) -> Iterator[bytes]:
        yield self.read()


@contextmanager
def answering(service: str, answer: Mapping[str, Any] | str, status: int = 200) -> Iterator[list[dict[str, Any]]]:
    """Has a service answer so: a mapping as JSON, a text as XML. Collects the JSON bodies of the requests."""
    requests: list[dict[str, Any]] = []
    raw = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
    kind = "text/xml" if isinstance(answer, str) else "application/x-amz-json-1.0"

    def answer_it(request: AWSPreparedRequest, **_more: Any) -> AWSResponse:
        body = request.body or b""
        text = body.decode() if isinstance(body, bytes) else str(body)
        requests.append(json.loads(text) if text.startswith("{") else {"body": text, "url": request.url})
        return AWSResponse(request.url, status, {"content-type": kind}, _Body(raw))

    events = client(service).meta.events
    name = f"before-send.{service}"
    events.register_first(name, answer_it)
    try:
        yield requests
    finally:
        events.unregister(name, answer_it)


@contextmanager
def answering_for(service: str, answer: Mapping[str, Any], status: int = 200) -> Iterator[list[dict[str, Any]]]:
    """As `answering`, for a service that the embedded AWS knows by half: it is not even asked."""
    requests: list[dict[str, Any]] = []
    body, headers = json.dumps(answer).encode(), {"content-type": "application/json"}
    raw = {"headers": headers, "status_code": status, "body": body}

    def answer_it(model: Any, params: Any, **_more: Any) -> tuple[AWSResponse, Any]:
        requests.append(json.loads(params["body"]))
        parsed = create_parser(model.service_model.protocol).parse(raw, model.output_shape)
        return AWSResponse(params["url"], status, headers, _Body(body)), parsed

    events = client(service).meta.events
    name = f"before-call.{service}"
    events.register_first(name, answer_it)
    try:
        yield requests
    finally:
        events.unregister(name, answer_it)


def refusal(code: str, message: str = "", **more: Any) -> dict[str, Any]:
    """A refusal of a service that speaks JSON."""
    return {"__type": code, "message": message, "Message": message, **more}


def query_refusal(code: str, message: str = "") -> str:
    """A refusal of a service that speaks the older Query protocol, as SNS does."""
    return (
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        "<RequestId>r-1</RequestId></ErrorResponse>"
    )
