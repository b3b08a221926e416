"""What moto's SQS leaves out: moving a dead-letter queue's messages back to where they came from.

And queues of thousands: moto asks each message for the time, several times over, whenever one is sent, received or
deleted.
"""

import json
import time
from collections.abc import Callable
from itertools import islice
from typing import Any
from weakref import WeakKeyDictionary

import moto.sqs.models
from moto.core.responses import ActionResult
from moto.sqs.exceptions import ReceiptHandleIsInvalid, SQSException
from moto.sqs.models import Message, Queue, SQSBackend
from moto.sqs.responses import SQSResponse

_LOOKED_AT = 100

_tasks: "WeakKeyDictionary[SQSBackend, dict[str, dict[str, Any]]]" = WeakKeyDictionary()
"""The last task of each dead-letter queue, by its ARN."""


def install() -> None:
    """Mends moto's SQS; calling it again changes nothing."""
    patches: list[tuple[Any, str, Any]] = [
        (SQSResponse, "start_message_move_task", _start_message_move_task),
        (SQSResponse, "list_message_move_tasks", _list_message_move_tasks),
        (moto.sqs.models, "unix_time_millis", _milliseconds),
        (Queue, "messages", property(_first_messages)),
        (Queue, "approximate_number_of_messages", property(lambda queue: _count(queue, _is_ready))),
        (Queue, "approximate_number_of_messages_not_visible", property(lambda queue: _count(queue, _is_in_flight))),
        (Queue, "approximate_number_of_messages_delayed", property(lambda queue: _count(queue, _is_delayed))),
        (Queue, "delete_message", _delete_message),
    ]
    for owner, name, function in patches:
        setattr(owner, name, function)


def _milliseconds() -> float:
    return time.time() * 1000


def _is_in_flight(message: Message, now: float) -> bool:
    return now < message.visible_at


def _is_delayed(message: Message, now: float) -> bool:
    return now < message.delayed_until


def _is_ready(message: Message, now: float) -> bool:
    return now >= message.visible_at and now >= message.delayed_until


def _count(queue: Queue, is_so: Callable[[Message, float], bool]) -> int:
    now = _milliseconds()
    return sum(is_so(message, now) for message in queue._messages)


def _first_messages(queue: Queue) -> list[Message]:
    """What a call that receives looks at: more than it may take, and not the whole queue."""
    now = _milliseconds()
    return list(islice((message for message in queue._messages if _is_ready(message, now)), _LOOKED_AT))


def _delete_message(queue: Queue, receipt_handle: str) -> None:
    """As moto's own, but for the order: who deletes has received, and what is received first lies in front."""
    if receipt_handle in queue.deleted_messages:
        return
    for message in queue._messages:
        if message.had_receipt_handle(receipt_handle):
            queue.pending_messages.discard(message)
            queue.deleted_messages.update(handle for handle in message.all_receipt_handles if handle)
            # Not by its place, which moves where another thread takes one out.
            queue._messages.remove(message)
            return
    raise ReceiptHandleIsInvalid


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
