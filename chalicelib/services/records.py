"""Reading a record: pages of it in any order, one entry, and the resource as it was sent."""

import zlib
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from chalicelib import clock
from chalicelib.clients import files
from chalicelib.domain.records.categories import Category
from chalicelib.domain.records.paging import PageKey
from chalicelib.errors import NotFound
from chalicelib.models import records
from chalicelib.models.records import Order, Raw, Record
from chalicelib.services.imports.plan import folded
from chalicelib.settings import settings

# Keys are compared as text; an empty one is none for DynamoDB.
_FIRST, _LAST = " ", "\uffff"
_READ_AT_ONCE = 100
"""Rows that one page of a search reads at most: it may be short while more is to come."""


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
    """A page of the record, newest first: one round trip."""
    order, prefix = _order_of(wanted)
    low, high = (f"{prefix}{bound}" for bound in _bounds(wanted))
    condition = _condition(wanted, order)
    read = limit if condition is None else _READ_AT_ONCE
    rows, last = records.find_page(patient_id, order, (low, high), limit=read, after=after, matching=condition)
    if len(rows) > limit:
        rows = rows[:limit]
        last = _place(rows[-1], order)
    return Page([row.view for row in rows], last)


def _order_of(wanted: Filter) -> tuple[Order, str]:
    if wanted.encounter_id is not None:
        return Order.ENCOUNTER, f"{wanted.encounter_id}#"
    if wanted.code is not None:
        return Order.CODE, f"{wanted.code}#"
    if wanted.category is not None:
        return Order.CATEGORY, f"{wanted.category}#"
    return Order.DATE, ""


def _bounds(wanted: Filter) -> tuple[str, str]:
    zone = settings().clinic_zone
    low = clock.stamp(_start(wanted.since, zone)) if wanted.since else _FIRST
    if wanted.until is None:
        return low, _LAST
    if isinstance(wanted.until, datetime):
        return low, f"{clock.stamp(wanted.until)}{_LAST}"
    # A key ends in the record's id, so that the plain start of the next day lies before everything of that day.
    return low, clock.stamp(_start(wanted.until + timedelta(days=1), zone))


def _start(at: date | datetime, zone: ZoneInfo) -> datetime:
    return at if isinstance(at, datetime) else datetime.combine(at, time.min, zone)


def _condition(wanted: Filter, order: Order) -> records.Restriction | None:
    condition: records.Restriction | None = None
    if wanted.search is not None:
        condition = records.has_in_title(folded(wanted.search))
    if wanted.category is not None and order is not Order.CATEGORY:
        of_category = records.is_of_category(wanted.category)
        condition = of_category if condition is None else condition & of_category
    return condition


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
    raw = records.find_latest_raw(record_id)
    if raw is None or raw.owner != patient_id:
        raise NotFound
    return body_of(raw).decode()


def find_of_encounter(patient_id: str, encounter_id: str) -> list[str]:
    """The views of everything that came about during a visit, newest first, up to 100."""
    return find_page(patient_id, Filter(encounter_id=encounter_id), limit=_READ_AT_ONCE, after=None).views


def body_of(raw: Raw) -> bytes:
    """A version as sent, wherever it lies."""
    return zlib.decompress(files.get_record(raw.stored_at) if raw.stored_at else raw.body)
