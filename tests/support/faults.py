"""Faults of DynamoDB, injected where botocore lets them in: before a call leaves the process."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.awsrequest import AWSResponse

from chalicelib.models import base


@contextmanager
def before(operation: str, act: Callable[[dict[str, Any]], Any]) -> Iterator[None]:
    """Calls `act` with each request of an operation before it is sent; what it returns is DynamoDB's answer."""

    def handler(params: dict[str, Any], **_rest: Any) -> Any:
        return act(json.loads(params["body"]))

    event, events = f"before-call.dynamodb.{operation}", base.connection().client.meta.events
    events.register_first(event, handler)
    try:
        yield
    finally:
        events.unregister(event, handler)


@contextmanager
def overtaken_by(act: Callable[[], object], operation: str = "TransactWriteItems") -> Iterator[None]:
    """Has `act` run between the reading and the writing of whatever writes first in the block."""
    begun: list[None] = []

    def overtake(_request: dict[str, Any]) -> None:
        if not begun:
            begun.append(None)
            act()

    with before(operation, overtake):
        yield


@contextmanager
def conflicts(times: int, meanwhile: Callable[[], object] = lambda: None) -> Iterator[list[int]]:
    """The first `times` transactions meet another one under way; `meanwhile` is what that other one did.

    Yields the sizes of all transactions that were sent, those that got through too.
    """
    sent: list[int] = []

    def answer(request: dict[str, Any]) -> Any:
        items = len(request["TransactItems"])
        sent.append(items)
        if len(sent) > times:
            return None
        if len(sent) == 1:
            # What runs meanwhile sends transactions of its own, which get through.
            sent.extend([0] * times)
            meanwhile()
            del sent[1:]
        return conflict(items)

    with before("TransactWriteItems", answer):
        yield sent


def conflict(items: int) -> tuple[AWSResponse, dict[str, Any]]:
    """Real DynamoDB's answer to a transaction whose items another one is changing."""
    reasons = [{"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}] * items
    error = {"Code": "TransactionCanceledException", "Message": "Transaction cancelled"}
    parsed = {"Error": error, "CancellationReasons": reasons, "ResponseMetadata": {"HTTPStatusCode": 400}}
    return AWSResponse("https://dynamodb.test", 400, {}, None), parsed
