"""Numbers what the portal asks of AWS, and ends its process at one of the numbers.

A step is the moment just before a call is sent, or just after its answer came and before anybody has noted it: the
call has had no effect, or all of it, and the portal does not know. What lies between two steps touches nothing outside
the process, so that ending it there is ending it at the step before.
"""

import os
import threading
from dataclasses import dataclass, field
from typing import Any, Final

from botocore import handlers

from infra.local.remote_aws import CLIENT_NAME

ENDED: Final = 86
"""The exit status of a process that was ended at a step."""


@dataclass
class _Steps:
    """The steps that this process has taken, by name, and at which it ends; None for never."""

    last: int | None = None
    taken: list[str] = field(default_factory=list)
    is_counting: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


_steps = _Steps()


def install() -> None:
    """Listen to every client of every botocore session that is made from now on."""
    handlers.BUILTIN_HANDLERS.extend([("before-call", _step), ("after-call", _step)])


def begin(last: int | None) -> None:
    """Count from now on, and end this process at step `last`."""
    _steps.last, _steps.is_counting = last, True


def taken() -> list[str]:
    """The steps since the counting began, such as `before-call.dynamodb.TransactWriteItems`; the first is number 1."""
    return list(_steps.taken)


def _step(event_name: str, context: dict[str, Any], **_rest: Any) -> None:
    # The pump's own calls are what AWS does around a function: they are no part of the process that dies.
    if not _steps.is_counting or context["client_config"].user_agent_extra == CLIENT_NAME:
        return
    with _steps.lock:
        _steps.taken.append(event_name)
        if len(_steps.taken) == _steps.last:
            os._exit(ENDED)
