"""TransactWriteItems and UpdateItem on moto with an undo of the touched items, instead of a copy of every table.

What a transaction refuses, and how it says so:
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from moto.dynamodb.comparisons import get_filter_expression
from moto.dynamodb.exceptions import (
    InvalidUpdateExpression,
    ItemSizeTooLarge,
    ItemSizeToUpdateTooLarge,
    MockValidationException,
    MultipleTransactionsException,
    ProvidedKeyDoesNotExist,
    TooManyTransactionsException,
    TransactionCanceledException,
    TransactWriteSingleOpException,
)
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import StreamRecord, Table

from infra.local.moto_items import refuse_large

TRANSACTION_ITEMS = 100
TRANSACTION_BYTES = 4 * 1024 * 1024

Reason = tuple[str | None, str | None, dict[str, Any] | None]

_FINE: Reason = (None, None, None)


@dataclass
class Undo:
    """Puts touched items and the stream records of a failed change back as they were."""

    before: list[tuple[Table, DynamoType, DynamoType | None, Item | None]] = field(default_factory=list)
    records: dict[str, tuple[Table, int]] = field(default_factory=dict)

    def remember(self, table: Table, hash_key: DynamoType, range_key: DynamoType | None, *, by_copy: bool) -> None:
        """Only an update changes the item itself, and needs a copy; what a put or a delete takes away stays whole."""
        item = find(table, hash_key, range_key)
        self.before.append((table, hash_key, range_key, copy.deepcopy(item) if by_copy else item))
        if table.stream_shard is not None:
            self.records.setdefault(table.name, (table, len(table.stream_shard.items)))

    def roll_back(self) -> None:
        for table, hash_key, range_key, item in reversed(self.before):
            _restore(table, hash_key, range_key, item)
        for table, length in self.records.values():
            if table.stream_shard is not None:
                del table.stream_shard.items[length:]


def find(table: Table, hash_key: DynamoType, range_key: DynamoType | None) -> Item | None:
    """The item, without moto's side effect of leaving an empty partition behind."""
    items: dict[Any, Any] = table.items
    found = items.get(hash_key)
    if found is not None and range_key is not None:
        found = found.get(range_key)
    return cast("Item | None", found)


def _restore(table: Table, hash_key: DynamoType, range_key: DynamoType | None, item: Item | None) -> None:
    items: dict[Any, Any] = table.items
    if item is not None and range_key is not None:
        items[hash_key][range_key] = item
    elif item is not None:
        items[hash_key] = item
    elif range_key is not None:
        items[hash_key].pop(range_key, None)
    else:
        items.pop(hash_key, None)


@dataclass(frozen=True)
class _Operation:
    kind: str
    request: dict[str, Any]
    table: Table
    hash_key: DynamoType
    range_key: DynamoType | None

    @classmethod
    def parse(cls, backend: DynamoDBBackend, transact_item: dict[str, Any]) -> "_Operation":
        if len(transact_item) != 1:
            raise TransactWriteSingleOpException
        ((kind, request),) = transact_item.items()
        table = backend.get_table(request["TableName"])
        key = _key_of_item(table, request["Item"]) if kind == "Put" else request["Key"]
        if set(key) != set(table.table_key_attrs):
            raise ProvidedKeyDoesNotExist
        hash_key, range_key = backend.get_keys_value(table, key)
        if kind != "Put" and not _fits(table, hash_key, range_key):
            raise ProvidedKeyDoesNotExist
        return cls(kind, request, table, hash_key, range_key)

    @property
    def current(self) -> Item | None:
        return find(self.table, self.hash_key, self.range_key)

    def check(self) -> Reason:
        condition = get_filter_expression(
            self.request.get("ConditionExpression"),
            self.request.get("ExpressionAttributeNames"),
            self.request.get("ExpressionAttributeValues"),
        )
        current = self.current
        if condition.expr(current):
            return _FINE
        wanted = self.request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        old = current.to_json()["Attributes"] if wanted and current is not None else None
        return ("ConditionalCheckFailed", "The conditional request failed", old)

    def apply(self, backend: DynamoDBBackend) -> Reason:
        """Does the change, its condition being met; what the stored item makes impossible is the reason answered."""
        if self.kind == "Put":
            self.table.put_item(self.request["Item"], overwrite=True)
        elif self.kind == "Delete":
            self.table.delete_item(self.hash_key, self.range_key)
        elif self.kind == "Update":
            try:
                backend.update_item(
                    self.table.name,
                    self.request["Key"],
                    update_expression=self.request["UpdateExpression"],
                    expression_attribute_names=self.request.get("ExpressionAttributeNames", {}),
                    expression_attribute_values=self.request.get("ExpressionAttributeValues", {}),
                )
            except InvalidUpdateExpression:
                raise
            except MockValidationException as refused:
                return ("ValidationError", refused.message, None)
        return _FINE


def _key_of_item(table: Table, item: dict[str, Any]) -> dict[str, Any]:
    for name in table.table_key_attrs:
        if name not in item:
            raise MockValidationException(
                f"One or more parameter values were invalid: Missing the key {name} in the item"
            )
    return {name: item[name] for name in table.table_key_attrs}


def _fits(table: Table, hash_key: DynamoType, range_key: DynamoType | None) -> bool:
    return hash_key.type == table.hash_key_type and (range_key is None or range_key.type == table.range_key_type)


def transact_write_items(backend: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
    """All or nothing: conditions first, against the state before; the reasons come in the order of the items.

    Raises TransactionCanceledException with one reason per item, or MockValidationException for what no state could
    make right (more than 100 items or 4 MB, an item twice).
    """
    if len(transact_items) > TRANSACTION_ITEMS:
        raise TooManyTransactionsException
    operations = [_Operation.parse(backend, item) for item in transact_items]
    _refuse_twice(operations)
    _cancel_if_any([operation.check() for operation in operations])
    undo = Undo()
    try:
        _apply(backend, operations, undo)
    except Exception:
        undo.roll_back()
        raise


def _apply(backend: DynamoDBBackend, operations: list[_Operation], undo: Undo) -> None:
    reasons, size = [], 0
    for operation in operations:
        left = operation.current
        if operation.kind != "ConditionCheck":
            undo.remember(operation.table, operation.hash_key, operation.range_key, by_copy=operation.kind == "Update")
        reasons.append(operation.apply(backend))
        weighed = operation.current or left
        size += weighed.size() if weighed is not None else 0
        if size > TRANSACTION_BYTES:
            raise MockValidationException("Transaction payload size cannot exceed 4MB")
    _cancel_if_any(reasons)


def _refuse_twice(operations: list[_Operation]) -> None:
    keys = {(operation.table.name, operation.hash_key, operation.range_key) for operation in operations}
    if len(keys) < len(operations):
        raise MultipleTransactionsException


def _cancel_if_any(reasons: list[Reason]) -> None:
    if any(code is not None for code, _, _ in reasons):
        raise TransactionCanceledException(reasons)


def whole_updates(moto_update: Callable[..., Item]) -> Callable[..., Item]:
    """UpdateItem that leaves nothing behind when it fails, and one stream record when it succeeds.

    moto stores the bare key of a new item before it evaluates the update, and gives that a record of its own.
    """

    def update_item(backend: DynamoDBBackend, table_name: str, key: dict[str, Any], *args: Any, **kwargs: Any) -> Item:
        table = backend.get_table(table_name)
        undo = Undo()
        undo.remember(table, *backend.get_keys_value(table, key), by_copy=True)
        try:
            item = moto_update(backend, table_name, key, *args, **kwargs)
            _refuse_large_update(table, item)
            _refuse_other_types(table, item.attrs)
        except Exception:
            undo.roll_back()
            raise
        if table.name in undo.records:
            _keep_last_record(table, since=undo.records[table.name][1])
        return item

    return update_item


def _refuse_large_update(table: Table, item: Item) -> None:
    try:
        refuse_large(table, item)
    except ItemSizeTooLarge as refused:
        raise ItemSizeToUpdateTooLarge from refused


def _checked_put(moto_put: Callable[..., Item]) -> Callable[..., Item]:
    """Refuses what DynamoDB refuses and moto does not: index keys of another type, too much for the local indexes."""

    def put_item(table: Table, item_attrs: dict[str, Any], *args: Any, **kwargs: Any) -> Item:
        typed = {name: DynamoType(item_attrs[name]) for name in table.attribute_keys if name in item_attrs}
        _refuse_other_types(table, typed)
        undo = Undo()
        if set(table.table_key_attrs) <= set(typed):
            range_key = typed[table.range_key_attr] if table.range_key_attr else None
            undo.remember(table, typed[table.hash_key_attr], range_key, by_copy=False)
        item = moto_put(table, item_attrs, *args, **kwargs)
        try:
            refuse_large(table, item)
        except ItemSizeTooLarge:
            undo.roll_back()
            raise
        return item

    return put_item


def _refuse_other_types(table: Table, attributes: Mapping[str, DynamoType]) -> None:
    declared = {attribute["AttributeName"]: attribute["AttributeType"] for attribute in table.attr}
    for index in table.all_indexes():
        for name in index.schema_key_attrs:
            found = attributes.get(name)
            if found is not None and found.type != declared[name]:
                raise MockValidationException(
                    f"One or more parameter values were invalid: Type mismatch for Index Key {name} "
                    f"Expected: {declared[name]} Actual: {found.type} IndexName: {index.name}"
                )


def _keep_last_record(table: Table, since: int) -> None:
    shard = table.stream_shard
    if shard is not None and len(shard.items) - since > 1:
        last: StreamRecord = shard.items[-1]
        last.record["dynamodb"]["SequenceNumber"] = str(shard.starting_sequence_number + since)
        shard.items[since:] = [last]


def patches() -> list[tuple[type, str, Any]]:
    """What replaces moto's own: owner, name and the new function."""
    return [
        (Table, "put_item", _checked_put(Table.put_item)),
        (DynamoDBBackend, "transact_write_items", transact_write_items),
        (DynamoDBBackend, "update_item", whole_updates(DynamoDBBackend.update_item)),
    ]
