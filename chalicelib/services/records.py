"""Reading a record: pages of it in any order, one entry, and the resource as it was sent."""

import functools
import itertools
import operator
import zlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from chalicelib import ids
from chalicelib.clients import files
from chalicelib.domain.records import dates
from chalicelib.domain.records.categories import Category
from chalicelib.domain.records.keys import code_part, folded
from chalicelib.domain.records.paging import PageKey
from chalicelib.errors import NotFound
from chalicelib.models import records
from chalicelib.models.records import Order, Raw, Record
from chalicelib.settings import settings

# Keys are compared as text; an empty one is none for DynamoDB.
_FIRST, _FIRST_DATED, _LAST = " ", "0001", "\uffff"
# Lambda answers with 6 MB at most, and a summary holds several such lists.
_MOST_BYTES = 1_000_000
_READ_AT_ONCE = 100
"""Rows that one page of a search reads at most: it may be short while more is to come."""
_MOST_OF_A_VISIT = 500
# DynamoDB ends a page at 1 MB.
_PAGES = 10


@dataclass(frozen=True, slots=True)
class Filter:
    """Which records: any of these may be missing. Dates are days in the clinic's zone, both included."""

    category: Category | None = None
    since: date | datetime | None = None
    until: date | datetime | None = None
    encounter_id: str | None = None
    code: str | None = None
    search: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """The list views of a page, as JSON text each, and where the next page begins."""

    views: list[str]
    after: PageKey | None


def find_page(patient_id: str, wanted: Filter, *, limit: int, after: PageKey | None) -> Page:
    """A page of the record, newest first: one round trip.

    It may be short, even empty, while more is to come: where words are searched, where two filters meet, and where
    rows are large.
    """
    order, prefix = _order_of(wanted)
    low, high = (f"{prefix}{bound}" for bound in _bounds(wanted))
    if low > high:
        return Page([], None)
    condition = _condition(wanted, order)
    read = limit + 1 if condition is None else _READ_AT_ONCE
    rows, last = records.find_page(patient_id, order, (low, high), limit=read, after=after, matching=condition)
    if len(rows) > limit:
        rows = rows[:limit]
        last = _place(rows[-1], order)
    return Page([row.view for row in rows], last)


def _order_of(wanted: Filter) -> tuple[Order, str]:
    if wanted.encounter_id is not None:
        return Order.ENCOUNTER, f"{wanted.encounter_id}#"
    if wanted.code is not None:
        return Order.CODE, _code_key_start(wanted.code)
    if wanted.category is not None:
        return Order.CATEGORY, f"{wanted.category}#"
    return Order.DATE, ""


def _code_key_start(code: str) -> str:
    system, _, bare = code.rpartition("|")
    return f"{code_part(system, bare)}#"


def _bounds(wanted: Filter) -> tuple[str, str]:
    """The order keys between which records of the wanted time lie; a key goes on with the record's id."""
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
    return functools.reduce(operator.and_, conditions) if conditions else None


def _place(row: Record, order: Order) -> PageKey:
    return PageKey(row.sk, records.order_key_of(row, order))


def find(patient_id: str, record_id: str) -> str:
    """The view of one record, as JSON text. Raises NotFound."""
    return _find(patient_id, record_id).view


def _find(patient_id: str, record_id: str) -> Record:
    record = records.find(patient_id, record_id)
    if record is None:
        raise NotFound
    return record


def find_fhir(patient_id: str, record_id: str) -> str:
    """The resource of a record as it was sent, Social Security numbers masked. Raises NotFound for another's record."""
    raw = records.find_latest_raw(record_id) if ids.has_prefix(record_id, "rec") else None
    if raw is None or raw.owner != patient_id:
        raise NotFound
    return body_of(raw).decode()


def find_of_encounter(patient_id: str, encounter_id: str) -> list[str]:
    """The views of everything that came about during a visit, newest first, up to 500."""
    return find_all(patient_id, Filter(encounter_id=encounter_id), _MOST_OF_A_VISIT)


def find_all(patient_id: str, wanted: Filter, most: int) -> list[str]:
    """The views of all records that are wanted, newest first, up to `most` and to what fits an answer."""
    views: list[str] = []
    after: PageKey | None = None
    for _ in range(_PAGES):
        page = find_page(patient_id, wanted, limit=_READ_AT_ONCE, after=after)
        views += page.views
        after = page.after
        if after is None or len(views) >= most or sum(map(len, views)) > _MOST_BYTES:
            break
    return _that_fit(views[:most])


def _that_fit(views: list[str]) -> list[str]:
    sizes = itertools.accumulate(len(view.encode()) for view in views)
    return [view for view, size in zip(views, sizes, strict=True) if size <= _MOST_BYTES]


def body_of(raw: Raw) -> bytes:
    """A version as sent, wherever it lies."""
    return zlib.decompress(files.get_record(raw.stored_at) if raw.stored_at else raw.body)
