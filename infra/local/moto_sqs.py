"""What moto's SQS leaves out: moving a dead-letter queue's messages back to where they came from.

And a clock for it: it asks the time twice for each message of a queue, in a way that costs more than all the rest.
"""

import json
import time
from typing import Any
from weakref import WeakKeyDictionary

import moto.sqs.models
from moto.core.responses import ActionResult
from moto.sqs.exceptions import SQSException
from moto.sqs.models import Queue, SQSBackend
from moto.sqs.responses import SQSResponse

_tasks: "WeakKeyDictionary[SQSBackend, dict[str, dict[str, Any]]]" = WeakKeyDictionary()
"""The last task of each dead-letter queue, by its ARN."""


def install() -> None:
    """Mends moto's SQS; calling it again changes nothing."""
    patches: list[tuple[Any, str, Any]] = [
        (SQSResponse, "start_message_move_task", _start_message_move_task),
        (SQSResponse, "list_message_move_tasks", _list_message_move_tasks),
        (moto.sqs.models, "unix_time_millis", _milliseconds),
    ]
    for owner, name, function in patches:
        setattr(owner, name, function)


def _milliseconds() -> float:
    return time.time() * 1000


def _start_message_move_task(response: SQSResponse) -> ActionResult:
    backend = response.sqs_backend
    dead = backend.get_queue(_argument(response, "SourceArn").rpartition(":")[2])
    sources = backend.list_dead_letter_source_queues(dead.name)
    if not sources:
        raise _NoSuchTaskError("Source queue must be configured as a Dead Letter Queue.")
    moved = _move(backend, dead, sources[0])
    task = {
        "TaskHandle": f"task-{len(_tasks)}",
        "Status": "COMPLETED",
        "SourceArn": dead.queue_arn,
        "ApproximateNumberOfMessagesMoved": moved,
        "ApproximateNumberOfMessagesToMove": moved,
    }
    _tasks.setdefault(backend, {})[dead.queue_arn] = task
    return ActionResult({"TaskHandle": task["TaskHandle"]})


def _list_message_move_tasks(response: SQSResponse) -> ActionResult:
    known = _tasks.get(response.sqs_backend, {}).get(_argument(response, "SourceArn"))
    return ActionResult({"Results": [known] if known else []})


def _move(backend: SQSBackend, dead: Queue, source: Queue) -> int:
    """Only what can be received now; a message that somebody looks at stays."""
    messages = [message for message in dead._messages if message.visible]
    for message in messages:
        backend.send_message(source.name, message.body, message.message_attributes)
        dead._messages.remove(message)
    return len(messages)


def _argument(response: SQSResponse, name: str) -> str:
    value: str = json.loads(response.body)[name]
    return value


class _NoSuchTaskError(SQSException):
    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.code = "ResourceNotFoundException"
