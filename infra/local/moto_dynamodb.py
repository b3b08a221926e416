"""Makes moto's DynamoDB keep DynamoDB's promises: atomic under threads, idempotent tokens, cheap transactions.

A green race test on plain moto proves nothing: it interleaves transactions and ignores ClientRequestToken.
"""

import base64
import hashlib
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from types import FunctionType
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.responses import ActionResult
from moto.dynamodb import responses
from moto.dynamodb.exceptions import DynamodbException
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.table import StreamShard
from moto.dynamodb.responses import DynamoHandler
from moto.dynamodbstreams.models import DynamoDBStreamsBackend
from moto.dynamodbstreams.responses import DynamoDBStreamsHandler

from infra.local import moto_items, moto_queries, moto_transactions

LOCK = threading.RLock()

TOKEN_SECONDS = 600.0
ITERATORS_KEPT = 1_000

_TokenKey = tuple[str, str, str]
_tokens: OrderedDict[_TokenKey, tuple[bytes, float]] = OrderedDict()
_installed = False


class IdempotentParameterMismatch(DynamodbException):
    """A token came again with another request."""

    def __init__(self) -> None:
        super().__init__(
            "com.amazonaws.dynamodb.v20120810#IdempotentParameterMismatchException",
            "The request token was used with other parameters within its idempotency window",
        )


def install() -> None:
    """Mends moto in this process; calling it again changes nothing."""
    global _installed  # noqa: PLW0603 - moto's classes are as global as this.
    with LOCK:
        if _installed:
            return
        patches = [*moto_items.patches(), *moto_queries.patches(), *moto_transactions.patches(), *_patches()]
        for owner, name, function in patches:
            setattr(owner, name, function)
        responses.TRANSACTION_MAX_ITEMS = moto_transactions.TRANSACTION_ITEMS
        for backend in (DynamoDBBackend, DynamoDBStreamsBackend):
            _lock_public_methods(backend)
        for handler in (DynamoHandler, DynamoDBStreamsHandler):
            _lock(handler, "call_action")
        _installed = True


def forget_tokens() -> None:
    """Empties the token cache, for a database that starts anew."""
    with LOCK:
        _tokens.clear()


def empty(region: str, names: list[str]) -> None:
    """Drops the rows and stream records of these tables. Sequence numbers go on, so that open iterators stay good."""
    with LOCK:
        for name in names:
            table = dynamodb_backends[DEFAULT_ACCOUNT_ID][region].get_table(name)
            table.items.clear()
            if table.stream_shard is not None:
                table.stream_shard.starting_sequence_number += len(table.stream_shard.items)
                table.stream_shard.items.clear()
        _tokens.clear()


def _patches() -> list[tuple[type, str, Any]]:
    return [
        (DynamoHandler, "transact_write_items", _once_per_token(DynamoHandler.transact_write_items)),
        (StreamShard, "get", _records_from),
        (DynamoDBStreamsBackend, "get_records", _forgetting(DynamoDBStreamsBackend.get_records)),
        (DynamoDBStreamsHandler, "get_records", _plain_records),
    ]


def _lock_public_methods(owner: type) -> None:
    for name, member in list(vars(owner).items()):
        if isinstance(member, FunctionType) and not name.startswith("_"):
            _lock(owner, name)


def _lock(owner: type, name: str) -> None:
    """One lock for all, and over a whole request: what a handler reads and writes in steps is one step."""
    function: Callable[..., Any] = getattr(owner, name)

    @wraps(function)
    def locked(*args: Any, **kwargs: Any) -> Any:
        with LOCK:
            return function(*args, **kwargs)

    setattr(owner, name, locked)


def _once_per_token(moto_handler: Callable[[DynamoHandler], ActionResult]) -> Callable[[DynamoHandler], ActionResult]:
    """A token that succeeded answers success again for ten minutes, without effect; a refusal is not remembered."""

    def transact_write_items(handler: DynamoHandler) -> ActionResult:
        token = handler.body.get("ClientRequestToken")
        if token is None:
            return moto_handler(handler)
        _forget_old_tokens()
        key = (handler.current_account, handler.region, token)
        digest = _digest(handler.body["TransactItems"])
        if key in _tokens:
            if _tokens[key][0] != digest:
                raise IdempotentParameterMismatch
            return ActionResult({"ConsumedCapacity": [], "ItemCollectionMetrics": {}})
        result = moto_handler(handler)
        _tokens[key] = (digest, time.monotonic())
        return result

    return transact_write_items


def _digest(transact_items: Any) -> bytes:
    return hashlib.sha256(json.dumps(transact_items, sort_keys=True, default=repr).encode()).digest()


def _forget_old_tokens() -> None:
    oldest_kept = time.monotonic() - TOKEN_SECONDS
    while _tokens and next(iter(_tokens.values()))[1] < oldest_kept:
        _tokens.popitem(last=False)


def _records_from(shard: StreamShard, start: int, quantity: int) -> list[dict[str, Any]]:
    """Records from a sequence number on. One before the first kept (the stream was wiped) starts at the first."""
    first = max(start - shard.starting_sequence_number, 0)
    return [record.to_json() for record in shard.items[first : first + quantity]]


def _plain_records(handler: DynamoDBStreamsHandler) -> str:
    """Records as the JSON that they are: moto compares each of their attributes with the service's model first."""
    result = handler.backend.get_records(handler._get_param("ShardIterator"), handler._get_param("Limit", 1000))
    return json.dumps(result, default=_as_json)


def _as_json(value: datetime | bytes) -> float | str:
    return value.timestamp() if isinstance(value, datetime) else base64.b64encode(value).decode()


def _forgetting(moto_get_records: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Drops old iterators, of which moto keeps one per poll for ever."""

    def get_records(backend: DynamoDBStreamsBackend, *args: Any, **kwargs: Any) -> dict[str, Any]:
        result = moto_get_records(backend, *args, **kwargs)
        for arn in list(backend.shard_iterators)[:-ITERATORS_KEPT]:
            del backend.shard_iterators[arn]
        return result

    return get_records
