"""The one logger and the one metrics sink. Only what `FIELDS` lists can be logged, whatever a caller hands in."""

from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger, Metrics

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


@lru_cache(maxsize=1)
def metrics() -> "Metrics":
    """The CloudWatch embedded-metrics sink of this process."""
    from aws_lambda_powertools import Metrics  # noqa: PLC0415  See logger().

    return Metrics(namespace="portal", service="portal")


def event(name: str, **fields: object) -> None:
    """Log a static event name with allowed fields.

    Raises KeyError for a field outside the allow-list: that is a bug.
    """
    _check(fields)
    logger().info(name, extra={"request_id": request_id(), **fields})


def fault(name: str, error: BaseException, **fields: object) -> None:
    """Log a bug: its kind and the place in the code that raised it.

    Never its message, which may quote a patient's data.
    """
    _check(fields)
    logger().error(
        name, extra={"request_id": request_id(), **fields, "error_kind": type(error).__name__, "place": _place(error)}
    )


def count(name: str, number: int = 1) -> None:
    """Add to a CloudWatch metric; its name is static."""
    from aws_lambda_powertools.metrics import MetricUnit  # noqa: PLC0415  See logger().

    metrics().add_metric(name=name, unit=MetricUnit.Count, value=number)


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
