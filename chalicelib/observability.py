"""The one logger and the one metrics sink. Only what `FIELDS` lists can be logged, whatever a caller hands in."""

import logging
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

FIELDS = frozenset(
    {
        "request_id",
        "route",
        "method",
        "status",
        "code",
        "duration_ms",
        "actor_kind",
        "actor_id",
        "patient_id",
        "session_id",
        "registration_id",
        "export_id",
        "import_id",
        "upload_id",
        "reading_id",
        "closing_id",
        "notice_id",
        "notice_kind",
        "record_id",
        "client_id",
        "account_id",
        "error_kind",
        "attempt",
        "count",
        "created_count",
        "updated_count",
        "unchanged_count",
        "kept_raw_count",
        "refused_count",
        "queue",
        "function",
        "place",
    }
)
"""What a log entry may carry besides its static event name.

Ids and numbers, never a body, name, token, code or result.
"""


# At these levels and below, AWS's own client libraries write whole requests, answers and URLs. Setting a log level for
# the function (Lambda's logging controls set the root logger's) must not open that tap.
for _library in ("boto3", "botocore", "pynamodb", "urllib3"):
    logging.getLogger(_library).setLevel(logging.ERROR)

_request_id: ContextVar[str] = ContextVar("request_id", default="none")


def set_request_id(request_id: str) -> None:
    """Name the request that this thread works on."""
    _request_id.set(request_id)


def request_id() -> str:
    """The id of the request that this thread works on; it is in every log line and every answer."""
    return _request_id.get()


@lru_cache(maxsize=1)
def logger() -> "Logger":
    """The structured JSON logger of this process."""
    from aws_lambda_powertools import Logger  # noqa: PLC0415  Half of its import is not needed to serve a cold health check.

    return Logger(service="patient-portal", use_rfc3339=True, utc=True, log_uncaught_exceptions=False)


def event(name: str, **fields: object) -> None:
    """Log a static event name with allowed fields.

    Raises KeyError for a field outside the allow-list: that is a bug.
    """
    _check(fields)
    logger().info(name, extra={"request_id": request_id(), **fields})


def fault(name: str, error: BaseException, **fields: object) -> None:
    """Log a bug: its kind and the place in the code that raised it.

    Never its message, which may quote a patient's data. Each is counted, so that an alarm can watch them.
    """
    _check(fields)
    count("Faults")
    logger().error(
        name, extra={"request_id": request_id(), **fields, "error_kind": type(error).__name__, "place": _place(error)}
    )


def count(name: str, number: int = 1) -> None:
    """Add to a CloudWatch metric; its name is static.

    It is one line in CloudWatch's embedded metric format, written at once: nothing waits for the end of an invocation.
    """
    from aws_lambda_powertools import single_metric  # noqa: PLC0415  See logger().
    from aws_lambda_powertools.metrics import MetricUnit  # noqa: PLC0415  See logger().

    dimensions = {"service": "portal"}
    with single_metric(name, MetricUnit.Count, number, namespace="portal", default_dimensions=dimensions):
        pass


def _check(fields: dict[str, object]) -> None:
    if unknown := set(fields) - FIELDS:
        raise KeyError(f"not on the allow-list of log fields: {sorted(unknown)}")


def _place(error: BaseException) -> str:
    """The innermost line of the portal's own code: libraries' frames say less."""
    place, trace = "unknown", error.__traceback__
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        if module.startswith("chalicelib"):
            place = f"{module}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
