"""How large an item is, as DynamoDB counts it, and how moto builds and cuts items: exactly, and once per item.

moto counts binary values by their base64 and weighs the whole item again for every attribute that is set.
Sizes: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

import base64
from collections.abc import Callable
from decimal import Context, InvalidOperation
from typing import Any, cast

from moto.core.common_models import BaseModel
from moto.core.responses import ActionContext
from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table
from moto.dynamodb.models.utilities import dynamo_json_dump
from moto.dynamodb.responses import DynamoResult

ITEM_LIMIT = 400 * 1024

_COLLECTION_OVERHEAD = 3
_ELEMENT_OVERHEAD = 1
_NUMBERS = Context(prec=38)


def attribute_size(attribute: DynamoType) -> int:
    """The bytes that DynamoDB counts for a value, without its name."""
    kind, value = attribute.type, attribute.value
    if kind in {"BOOL", "NULL"}:
        return 1
    if kind == "M":
        inner = sum(len(key.encode()) + attribute_size(part) + _ELEMENT_OVERHEAD for key, part in value.items())
        return _COLLECTION_OVERHEAD + inner
    if kind == "L":
        return _COLLECTION_OVERHEAD + sum(attribute_size(part) + _ELEMENT_OVERHEAD for part in value)
    if kind in {"SS", "NS", "BS"}:
        return sum(_scalar_size(kind[0], part) for part in value)
    return _scalar_size(kind, value)


def _scalar_size(kind: str, value: Any) -> int:
    if kind == "N":
        digits = str(value).lstrip("-").replace(".", "").strip("0")
        return (len(digits) + 1) // 2 + 1
    if kind == "B":
        return len(value if isinstance(value, bytes) else base64.b64decode(value))
    return len(value.encode()) if isinstance(value, str) else len(value)


def refuse_large(table: Table, item: Item) -> None:
    """Raises ItemSizeTooLarge where the item and its entries in local indexes are over 400 KB together."""
    weight = size = item.size()
    for index in table.indexes:
        if all(name in item.attrs for name in index.schema_key_attrs):
            whole = index.projection["ProjectionType"] == "ALL"
            weight += size if whole else index.project(item).size()
    if weight > ITEM_LIMIT:
        raise ItemSizeTooLarge


def _normal(number: Any) -> Any:
    """A number as DynamoDB gives it back: no zeros in front or behind, no exponent. What is no number stays."""
    try:
        value = _NUMBERS.create_decimal(number)
    except (InvalidOperation, TypeError, ValueError):
        return number
    return format(value.normalize(_NUMBERS), "f") if value.is_finite() else number


def _typed(moto_init: Callable[[DynamoType, Any], None]) -> Callable[[DynamoType, Any], None]:
    """Numbers as DynamoDB answers them: `1.5` where moto keeps `1.50`, and hides a decimal stored as a number."""

    def init(attribute: DynamoType, type_as_dict: Any) -> None:
        moto_init(attribute, type_as_dict)
        if attribute.type == "N":
            attribute.value = _normal(attribute.value)
        elif attribute.type == "NS":
            attribute.value = [_normal(number) for number in attribute.value]

    return init


def _build(item: Item, hash_key: DynamoType, range_key: DynamoType | None, attrs: dict[str, Any]) -> None:
    item.hash_key = hash_key
    item.range_key = range_key
    item.attrs = LimitedSizeDict((name, DynamoType(value)) for name, value in attrs.items())


def _project(moto_project: Callable[[Item, list[list[str]]], Item]) -> Callable[[Item, list[list[str]]], Item]:
    """Cuts out whole attributes without turning the item into JSON and back, once per attribute."""

    def project(item: Item, expressions: list[list[str]]) -> Item:
        if any(len(path) > 1 or path[0].endswith("]") for path in expressions):
            return moto_project(item, expressions)
        cut = cast("Item", Item.__new__(Item))
        cut.hash_key, cut.range_key = item.hash_key, item.range_key
        names = [path[0] for path in expressions]
        cut.attrs = LimitedSizeDict((name, item.attrs[name]) for name in names if name in item.attrs)
        return cut

    return project


def _untracked(model: type, *_args: Any, **_kwargs: Any) -> Any:
    """An instance that goes when nobody needs it: for its dashboard, moto keeps every item there ever was."""
    return object.__new__(model)


def _cast_value(moto_cast: Callable[[DynamoType], Any]) -> property:
    """Strings, which keys are, without asking for every other type first."""

    def cast_value(attribute: DynamoType) -> Any:
        return attribute.value if attribute.type == "S" else moto_cast(attribute)

    return property(cast_value)


def _execute_result(result: DynamoResult, _context: ActionContext) -> tuple[int, dict[str, str], str]:
    """The answer is in DynamoDB's own JSON already; moto's serializer would try every spelling of every name."""
    body = dynamo_json_dump(result.result)
    return 200, {"Content-Type": "application/x-amz-json-1.0"}, body


def patches() -> list[tuple[type, str, Any]]:
    """What replaces moto's own: owner, name and the new function."""
    return [
        (BaseModel, "__new__", staticmethod(_untracked)),
        (DynamoType, "__init__", _typed(DynamoType.__init__)),
        (DynamoType, "size", attribute_size),
        (DynamoType, "cast_value", _cast_value(vars(DynamoType)["cast_value"].fget)),
        (DynamoResult, "execute_result", _execute_result),
        (LimitedSizeDict, "__setitem__", dict.__setitem__),
        (Item, "__init__", _build),
        (Item, "project", _project(Item.project)),
    ]
