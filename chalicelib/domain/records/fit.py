"""Rows of a size that lists can carry. What is left out of a row is in the resource as received."""

from collections.abc import Mapping
from typing import Any, Final, cast

from chalicelib.domain.fhir.text import dump
from chalicelib.domain.records.rows import Row

# A row lies in its table and in five indexes, which may take 400 KB together, keys included.
LARGEST_ROW: Final = 60_000
"""Bytes of a row's JSON, at most."""

_WHOLE: Final = frozenset({"record_id", "resource_type", "category", "title", "occurred_at", "recorded_at"})


def fitted(row: Row) -> Row:
    """The row itself, or where it is too large one with its largest parts shortened and `truncated` true."""
    if len(dump(row)) <= LARGEST_ROW:
        return row
    parts: dict[str, Any] = {**row, "truncated": True}
    sizes = {name: len(dump(value)) for name, value in parts.items()}
    while sum(sizes.values()) + sum(len(name) + 4 for name in parts) > LARGEST_ROW:
        largest = max(sizes.keys() - _WHOLE, key=lambda name: sizes[name])
        parts[largest] = _shortened(parts[largest])
        sizes[largest] = len(dump(parts[largest]))
    return cast("Row", parts)


def _shortened(value: Any) -> Any:
    """About half of a value: of a list its first half, of an object the half of its largest member."""
    if isinstance(value, str):
        return value[: len(value) // 2]
    if isinstance(value, list):
        return value[: len(value) // 2] if len(value) > 1 else [_shortened(member) for member in value]
    if isinstance(value, Mapping) and value:
        largest = max(value, key=lambda name: len(dump(value[name])))
        return {**value, largest: _shortened(value[largest])}
    return value
