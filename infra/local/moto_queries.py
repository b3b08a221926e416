"""Query on one partition. moto sorts the whole table for every query, and never says that a full page may go on."""

import inspect
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

from moto.dynamodb.exceptions import MockValidationException
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import GlobalSecondaryIndex, SecondaryIndex, Table

PAGE_LIMIT = 1024 * 1024

Page = tuple[list[Item], int, dict[str, Any] | None]


def faster_query(moto_query: Callable[..., Page]) -> Callable[..., Page]:
    """Table.query for one hash value and at most one range condition; anything older stays with moto."""
    signature = inspect.signature(moto_query)

    def query(table: Table, *args: Any, **kwargs: Any) -> Page:
        asked = signature.bind(table, *args, **kwargs).arguments
        if asked["hash_key"] is None or asked.get("filter_kwargs") or _is_compound(asked):
            return moto_query(table, *args, **kwargs)
        order = _Order(table, asked.get("index_name"), consistent=asked.get("consistent_read", False))
        forward = asked["scan_index_forward"] is not False
        found = order.matching(asked["hash_key"], asked["range_comparison"], asked["range_objs"])
        found.sort(key=order.position, reverse=not forward)
        if asked["exclusive_start_key"] is not None:
            found = order.after(found, asked["exclusive_start_key"], forward=forward)
        page, last = order.page(found, asked["limit"])
        return _filtered(page, asked), len(page), last

    return query


def _is_compound(asked: dict[str, Any]) -> bool:
    return any(len(asked.get(name) or []) > 1 for name in ("hash_key_conditions", "range_key_conditions"))


def _filtered(page: list[Item], asked: dict[str, Any]) -> list[Item]:
    condition, projection = asked.get("filter_expression"), asked["projection_expressions"]
    if condition is not None:
        page = [item for item in page if condition.expr(item)]
    return [item.project(projection) for item in page] if projection else page


class _Order:
    """The order of one index, or of the table itself."""

    def __init__(self, table: Table, index_name: str | None, *, consistent: bool) -> None:
        self.table = table
        self.index = _index(table, index_name, consistent=consistent) if index_name else None
        own = [name for name in (table.hash_key_attr, table.range_key_attr) if name]
        if self.index is None:
            self.hash_name, self.range_name = table.hash_key_attr, table.range_key_attr
            keys = own
        else:
            schema = {key["KeyType"]: key["AttributeName"] for key in self.index.schema}
            self.hash_name, self.range_name = schema["HASH"], schema.get("RANGE")
            keys = list(dict.fromkeys([*schema.values(), *own]))
        self.keys = keys
        self.sort_keys = list(dict.fromkeys([name for name in (self.range_name, *own) if name]))

    def matching(self, hash_key: DynamoType, comparison: str | None, values: list[DynamoType]) -> list[Item]:
        found = [item for item in self._candidates(hash_key) if all(name in item.attrs for name in self.keys)]
        if comparison is None:
            return found
        if self.range_name is None:
            raise MockValidationException("Query key condition not supported")
        return [item for item in found if item.attrs[self.range_name].compare(comparison, values)]

    def _candidates(self, hash_key: DynamoType) -> Iterable[Item]:
        items: dict[Any, Any] = self.table.items
        if not isinstance(self.index, GlobalSecondaryIndex):
            part = items.get(hash_key, {})
            return list(part.values()) if self.table.range_key_attr else [part] if part else []
        everything = chain.from_iterable(part.values() for part in items.values())
        rows = everything if self.table.range_key_attr else items.values()
        return [row for row in rows if self.hash_name in row.attrs and row.attrs[self.hash_name] == hash_key]

    def position(self, item: Item) -> tuple[Any, ...]:
        return tuple(item.attrs[name].cast_value for name in self.sort_keys)

    def after(self, found: list[Item], start_key: dict[str, Any], *, forward: bool) -> list[Item]:
        if set(start_key) != set(self.keys):
            raise MockValidationException("The provided starting key is invalid")
        start = tuple(DynamoType(start_key[name]).cast_value for name in self.sort_keys)
        if forward:
            return [item for item in found if self.position(item) > start]
        return [item for item in found if self.position(item) < start]

    def page(self, found: list[Item], limit: int | None) -> tuple[list[Item], dict[str, Any] | None]:
        """The items up to the limit or 1 MB. As in AWS, a page that the limit ended has a last key, more or not."""
        page: list[Item] = []
        size = 0
        for item in found:
            size += item.size()
            if page and size > PAGE_LIMIT:
                return self._projected(page), self._key(page[-1])
            page.append(item)
            if len(page) == limit:
                return self._projected(page), self._key(item)
        return self._projected(page), None

    def _projected(self, page: list[Item]) -> list[Item]:
        return page if self.index is None else [self.index.project(item) for item in page]

    def _key(self, item: Item) -> dict[str, Any]:
        return {name: item.attrs[name] for name in self.keys}


def _index(table: Table, name: str, *, consistent: bool) -> SecondaryIndex:
    index = next((index for index in table.all_indexes() if index.name == name), None)
    if index is None:
        raise MockValidationException(f"The table does not have the specified index: {name}")
    if consistent and isinstance(index, GlobalSecondaryIndex):
        raise MockValidationException("Consistent reads are not supported on global secondary indexes")
    return index


def all_items(table: Table) -> list[Item]:
    """Every item, by key: as moto's, comparing plain values."""
    items: dict[Any, Any] = table.items
    if not table.range_key_attr:
        return sorted(items.values(), key=lambda item: item.hash_key.cast_value)
    rows = chain.from_iterable(part.values() for part in items.values())
    return sorted(rows, key=lambda item: (item.hash_key.cast_value, item.range_key.cast_value))


def patches() -> list[tuple[type, str, Any]]:
    """What replaces moto's own: owner, name and the new function."""
    return [(Table, "query", faster_query(Table.query)), (Table, "all_items", all_items)]
