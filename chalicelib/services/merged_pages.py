"""One page out of several that begin at the same place of the same order, such as those of merged patients."""

import heapq
from collections.abc import Callable

from chalicelib.domain.records.paging import PageKey
from chalicelib.models.records import Record
from chalicelib.services.record_pages import Rows

Place = Callable[[Record], str]
"""Where a row stands in the order. Its last part is the record's id, so that one place is a place in each page."""


def merged(pages: list[Rows], limit: int, place: Place, *, newest_first: bool) -> Rows:
    """A page of at most `limit` rows, and where the next one begins."""
    nearest = max if newest_first else min
    ends = [end for _, end in pages if end is not None]
    # Behind the nearest of these ends there may be rows that were not read.
    end = nearest(ends, key=lambda one: one.order_key) if ends else None
    read = heapq.merge(*(rows for rows, _ in pages), key=place, reverse=newest_first)
    rows = [row for row in read if end is None or _is_before(place(row), end.order_key, newest_first=newest_first)]
    if len(rows) <= limit:
        return rows, end
    last = rows[limit - 1]
    return rows[:limit], PageKey(last.sk, place(last))


def _is_before(key: str, end: str, *, newest_first: bool) -> bool:
    return key >= end if newest_first else key <= end


def read_on(read: Callable[[PageKey | None], Rows], after: PageKey | None, wanted: int, most_reads: int) -> Rows:
    """Rows until more than `wanted` are there, for as many reads as are allowed: filters leave pages short."""
    rows, last = read(after)
    for _ in range(most_reads - 1):
        if last is None or len(rows) > wanted:
            break
        more, last = read(last)
        rows = rows + more
    return rows, last
