"""What every event function of app.py has around it."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from chalicelib import ids, observability

_Given = ParamSpec("_Given")
_Answer = TypeVar("_Answer")


class FunctionFailed(Exception):
    """An event function failed. Its name is all that the exception says."""


def contained(work: Callable[_Given, _Answer]) -> Callable[_Given, _Answer]:
    """Lets nothing out of an event function but that it failed: Lambda's runtime logs what a function raises.

    The log keeps the kind of the failure and its place. Raises FunctionFailed.
    """

    @wraps(work)
    def run(*given: _Given.args, **named: _Given.kwargs) -> _Answer:
        observability.set_request_id(ids.new_id("req"))
        try:
            return work(*given, **named)
        except Exception as failed:  # noqa: BLE001  Whatever it is, its words may quote a patient's data.
            observability.fault("function.failed", failed, function=work.__name__)
        # Outside of the except clause, so that it has no context that a traceback would show.
        raise FunctionFailed(work.__name__)

    return run
