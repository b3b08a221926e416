"""What every part of an account's document needs: times as it writes them, and lists that are read to their end."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from chalicelib import clock

AT_ONCE = 100
"""Rows of a page."""


def stamp(at: datetime | None) -> str | None:
    """A time as text; nothing of none."""
    return clock.stamp(at) if at else None


def walk(page: Callable[[str | None], tuple[list[Any], str | None]]) -> Iterator[Any]:
    """Everything on every page of a list."""
    items, after = page(None)
    yield from items
    while after is not None:
        items, after = page(after)
        yield from items
