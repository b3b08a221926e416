"""Where a page of a record ends."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PageKey:
    """The last row of a page: its sort key, and its key in the order that was read."""

    sk: str
    order_key: str
