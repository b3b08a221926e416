"""Rows of a record in any order, page by page, for those who see all of it and for those who see a part."""

import functools
import heapq
import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TypeAlias

from chalicelib.domain.records import dates
from chalicelib.domain.records.categories import Category
from chalicelib.domain.records.keys import code_part, folded
from chalicelib.domain.records.paging import PageKey
from chalicelib.domain.records.sight import FULL, Sight
from chalicelib.models import records
from chalicelib.models.base import together
from chalicelib.models.records import Order, Record
from chalicelib.settings import settings

READ_AT_ONCE = 100
"""Rows that one page of a search reads at most: it may be short while more is to come."""

# Keys are compared as text; an empty one is none for DynamoDB.
_FIRST, _FIRST_DATED, _LAST = " ", "0001", "\uffff"
_READS = 10
"""How often storage is asked for one page out of which rows are hidden: a thousand of them are passed over."""

Whose: TypeAlias = tuple[str, ...]
"""Whose records: a patient's, and those of whoever is merged into them."""

Rows: TypeAlias = tuple[list[Record], PageKey | None]
"""The rows of a page, newest first, and where the next page begins."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which records: any of these may be missing. Dates are days in the clinic's zone, both included.

    `tokens` are tokens (domain/fhir_api/search) of which a record has one of each group; `other_code` is a code that
    is not its first one; `scheduling` is an order's, `names` a record that it links to; `changed_since` and
    `changed_until`, both included, are about when the portal stored it.
    """

    category: Category | None = None
    since: date | datetime | None = None
    until: date | datetime | None = None
    encounter_id: str | None = None
    code: str | None = None
    search: str | None = None
    resource_type: str | None = None
    tokens: tuple[tuple[str, ...], ...] = ()
    other_code: str | None = None
    scheduling: str | None = None
    names: str | None = None
    changed_since: datetime | None = None
    changed_until: datetime | None = None


def find_rows(whose: Whose, wanted: Filter, *, limit: int, after: PageKey | None, sight: Sight = FULL) -> Rows:
    """A page of rows; what the sight hides is not among them. One round trip, but where much is hidden.

    Of a patient into whom others are merged it is a page of all their rows in one order.

    It may be short, even empty, while more is to come: where words are searched, where two filters meet, and where
    rows are large.
    """
    if not sight.categories:
        return [], None
    if len(whose) == 1:
        return _of_one_file(whose[0], wanted, limit, after, sight)
    order, _ = _order_of(wanted)
    # A key of an order ends with the record's id, so that one place is a place in each file.
    pages = together(*(functools.partial(_of_one_file, one, wanted, limit, after, sight) for one in whose))
    return _together(pages, limit, order)


def _of_one_file(patient_id: str, wanted: Filter, limit: int, after: PageKey | None, sight: Sight) -> Rows:
    order, _ = _order_of(wanted)
    if order is Order.DATE and not sight.sees_every_category:
        return _merged(patient_id, wanted, limit, after, sight)
    return _of_one_order(patient_id, wanted, limit, after, sight)


def _together(pages: list[Rows], limit: int, order: Order) -> Rows:
    """A page out of pages of the same order, each of which begins at the same place."""
    # Behind the newest of these ends there may be rows that were not read.
    end = max((end for _, end in pages if end is not None), key=lambda one: one.order_key, default=None)
    place: Callable[[Record], str] = functools.partial(records.order_key_of, order=order)
    read = heapq.merge(*(rows for rows, _ in pages), key=place, reverse=True)
    rows = [row for row in read if end is None or place(row) >= end.order_key]
    return _cut(rows, end, limit, order)


def _of_one_order(patient_id: str, wanted: Filter, limit: int, after: PageKey | None, sight: Sight) -> Rows:
    order, prefix = _order_of(wanted)
    low, high = (f"{prefix}{bound}" for bound in bounds(wanted))
    if low > high:
        return [], None
    chosen, hidden = _condition(wanted, order), hiding(order, sight)
    conditions = [one for one in (chosen, hidden) if one is not None]
    read: Callable[[PageKey | None], Rows] = functools.partial(
        _read,
        patient_id,
        order,
        (low, high),
        READ_AT_ONCE if conditions else limit + 1,
        functools.reduce(operator.and_, conditions) if conditions else None,
    )
    rows, last = read(after)
    for _ in range(_READS if hidden is not None else 0):
        if last is None or len(rows) > limit:
            break
        more, last = read(last)
        rows = rows + more
    return _cut(rows, last, limit, order)


def _read(
    patient_id: str,
    order: Order,
    between: tuple[str, str],
    limit: int,
    condition: records.Restriction | None,
    after: PageKey | None,
) -> Rows:
    return records.find_page(patient_id, order, between, limit=limit, after=after, matching=condition)


def _cut(rows: list[Record], last: PageKey | None, limit: int, order: Order) -> Rows:
    if len(rows) <= limit:
        return rows, last
    return rows[:limit], PageKey(rows[limit - 1].sk, records.order_key_of(rows[limit - 1], order))


def _merged(patient_id: str, wanted: Filter, limit: int, after: PageKey | None, sight: Sight) -> Rows:
    """A page by date out of the few categories that show, each of which is read in its own order, at the same time."""
    categories = sorted(sight.categories)
    pages: list[Rows] = together(
        *(
            functools.partial(
                _of_one_order,
                patient_id,
                replace(wanted, category=category),
                limit,
                after and PageKey(after.sk, f"{category}#{after.order_key}"),
                sight,
            )
            for category in categories
        )
    )
    by_date = [(rows, end and PageKey(end.sk, end.order_key.partition("#")[2])) for rows, end in pages]
    return _together(by_date, limit, Order.DATE)


def hiding(order: Order, sight: Sight) -> records.Restriction | None:
    """What keeps rows that are hidden off a page; a page of one category has been let through as a whole."""
    conditions: list[records.Restriction] = []
    if not sight.sees_every_category and order is not Order.CATEGORY:
        conditions.append(records.is_of_any(sight.categories))
    if not sight.sees_sensitive:
        conditions.append(records.is_not_sensitive())
    return functools.reduce(operator.and_, conditions) if conditions else None


def place_of(row: Record, wanted: Filter) -> PageKey:
    """Where a row stands on the pages of what is wanted."""
    return PageKey(row.sk, records.order_key_of(row, _order_of(wanted)[0]))


def _order_of(wanted: Filter) -> tuple[Order, str]:
    if wanted.encounter_id is not None:
        return Order.ENCOUNTER, f"{wanted.encounter_id}#"
    if wanted.code is not None:
        return Order.CODE, _code_key_start(wanted.code)
    if wanted.changed_since is not None or wanted.changed_until is not None:
        return Order.CHANGED, ""
    if wanted.category is not None:
        return Order.CATEGORY, f"{wanted.category}#"
    return Order.DATE, ""


def _code_key_start(code: str) -> str:
    system, _, bare = code.rpartition("|")
    return f"{code_part(system, bare)}#"


def bounds(wanted: Filter) -> tuple[str, str]:
    """The order keys between which records of the wanted time lie; a key goes on with the record's id."""
    if _order_of(wanted)[0] is Order.CHANGED:
        since, until = wanted.changed_since, wanted.changed_until
        return _stamp(since) if since else _FIRST, f"{_stamp(until)}{_LAST}" if until else _LAST
    low = _stamp(wanted.since) if wanted.since else _FIRST_DATED if wanted.until else _FIRST
    if wanted.until is None or wanted.until == date.max:
        return low, _LAST
    if isinstance(wanted.until, datetime):
        return low, f"{_stamp(wanted.until)}{_LAST}"
    return low, _stamp(wanted.until + timedelta(days=1))


def _stamp(at: date | datetime) -> str:
    """A time, or the beginning of a day in the clinic's zone, as order keys are written."""
    text = at.isoformat() if isinstance(at, datetime) else f"{at:%Y}".rjust(4, "0") + f"{at:-%m-%d}"
    try:
        return dates.order_key(text, str(settings().clinic_zone))
    except dates.NoSuchDate:
        # An offset or the zone carries it over the edge of the calendar.
        return _LAST if at.year > 1 else _FIRST


def _condition(wanted: Filter, order: Order) -> records.Restriction | None:
    """What the order alone does not see to."""
    conditions: list[records.Restriction] = []
    if wanted.search is not None:
        conditions.append(records.has_in_title(folded(wanted.search)))
    if wanted.code is not None and order is not Order.CODE:
        conditions.append(records.has_code(_code_key_start(wanted.code)))
    if wanted.category is not None and order is not Order.CATEGORY:
        conditions.append(records.is_of_category(wanted.category))
    if wanted.resource_type is not None:
        conditions.append(records.is_of_type(wanted.resource_type))
    if wanted.other_code is not None:
        conditions.append(records.has_other_code(_code_key_start(wanted.other_code)))
    if wanted.scheduling is not None:
        conditions.append(records.is_scheduled_as(wanted.scheduling))
    if wanted.names is not None:
        conditions.append(records.names_record(wanted.names))
    conditions += [records.has_token_of(group) for group in wanted.tokens]
    return functools.reduce(operator.and_, conditions) if conditions else None
