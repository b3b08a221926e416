"""Paging of what fits in memory; longer lists are paged by their storage."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from chalicelib.auth import cursors
from chalicelib.handlers.routing import Call
from chalicelib.schemas.base import PageQuery

_T = TypeVar("_T")


def page(
    call: Call, items: Sequence[_T], place: Callable[[_T], str], query: PageQuery, **filters: object
) -> tuple[list[_T], str | None]:
    """A page of items that stand in descending order of `place`, and the cursor of the next one."""
    binding = call.binding(**filters)
    if query.cursor is not None:
        (after,) = cursors.unseal(query.cursor, binding)
        items = [item for item in items if place(item) < after]
    shown = list(items[: query.limit])
    return shown, cursors.seal([place(shown[-1])], binding) if len(items) > query.limit else None
