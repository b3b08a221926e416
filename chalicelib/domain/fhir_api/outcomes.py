"""OperationOutcomes (https://hl7.org/fhir/R4/operationoutcome.html): why something was refused, or passed over."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from chalicelib.domain.fhir.text import Resource

_SERVER_FAULT: Final = 500
_CODES: Final[Mapping[int, str]] = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    406: "not-supported",
    409: "conflict",
    410: "deleted",
    412: "conflict",
    413: "too-long",
    415: "not-supported",
    422: "processing",
    428: "required",
    429: "throttled",
    500: "exception",
    503: "transient",
}


def refusal(status: int, told: Mapping[str, Any], codes_url: str) -> Resource:
    """A refusal, made of the members of a problem (RFC 9457): its code, its words, and the request's id."""
    issue = {
        "severity": "fatal" if status == _SERVER_FAULT else "error",
        "code": _CODES.get(status, "processing"),
        "details": {"coding": [{"system": codes_url, "code": told["code"]}], "text": told["detail"]},
        "diagnostics": f"{told['title']} (request {told['request_id']})",
    }
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def ignored(names: Sequence[str]) -> Resource:
    """What of a search was passed over."""
    issues = [
        {
            "severity": "warning",
            "code": "not-supported",
            "details": {"text": f"This parameter is not supported here and was passed over: {name}"},
        }
        for name in names
    ]
    return {"resourceType": "OperationOutcome", "issue": issues}
