"""What of a calendar stands in the record: what has happened at a time, and what its entries plan."""

import functools
from collections.abc import Iterator
from typing import Any, Final

from chalicelib.domain import calendar
from chalicelib.domain.calendar import CalendarKind, Entry
from chalicelib.domain.fhir import text
from chalicelib.domain.records import dates, plans
from chalicelib.domain.records.categories import Category
from chalicelib.domain.records.paging import PageKey
from chalicelib.domain.records.plans import Plan
from chalicelib.domain.records.sight import Sight, without_hidden
from chalicelib.domain.records.view import WITHDRAWN
from chalicelib.models import plans as storage
from chalicelib.models import records
from chalicelib.models.base import together
from chalicelib.models.plans import Place
from chalicelib.models.records import Order, Record
from chalicelib.services import record_pages
from chalicelib.services.calendar.asking import Asked, Found, joined
from chalicelib.services.merged_pages import read_on
from chalicelib.services.record_pages import Rows, Whose
from chalicelib.settings import settings

_READS = 10
"""How often storage is asked for one page in which much is hidden."""

_PLANNED: Final = {Category.PROCEDURE: frozenset({"preparation"}), Category.IMAGING: frozenset({"registered"})}
"""Of these, only what is still to come: a visit stands for what was done during it."""


def happenings(category: Category, kind: CalendarKind, asked: Asked) -> Found:
    """The records of one category that begin in a time: one round trip, but where much is hidden."""
    if category not in asked.sight.categories:
        return Found()
    pages: list[Found] = together(*(functools.partial(_of_one_file, one, category, kind, asked) for one in asked.whose))
    return joined(pages, asked)


def _of_one_file(patient_id: str, category: Category, kind: CalendarKind, asked: Asked) -> Found:
    low, high = f"{category}#{asked.begin}", f"{category}#{asked.high}"
    if low > high:
        return Found()
    hidden = record_pages.hiding(Order.CATEGORY, asked.sight)

    def read(after: PageKey | None) -> Rows:
        return records.find_page(
            patient_id,
            Order.CATEGORY,
            (low, high),
            limit=asked.limit + 1,
            after=after,
            matching=hidden,
            oldest_first=True,
        )

    rows, last = read_on(read, None, asked.limit, _READS if hidden is not None else 1)
    entries = [entry for row in rows if (entry := _happening(row, kind)) is not None]
    return Found(entries, calendar.end_of(last.order_key.partition("#")[2]) if last else None)


def _happening(row: Record, kind: CalendarKind) -> Entry | None:
    view = text.parse(row.view)
    wanted = _PLANNED.get(Category(row.category))
    if view["status"] == WITHDRAWN or not plans.is_day(view["occurred_at"]):
        return None
    if wanted is not None and view["status"] not in wanted:
        return None
    end = view.get("period", {}).get("end")
    return Entry(
        calendar.entry_key(row.date_key.partition("#")[0], row.record_id),
        kind,
        view["title"],
        view["occurred_at"],
        end if plans.is_day(end) and end != view["occurred_at"] else None,
        view["status"],
        row.category,
        row.record_id,
    )


def planned(asked: Asked) -> Found:
    """What records plan in a time: two round trips. What began before it and ends in it stands where it ends."""
    return joined([_planned(asked.whose, asked)], asked)


def _planned(whose: Whose, asked: Asked) -> Found:
    if asked.begin > asked.high:
        return Found()
    places, end = find_places(whose, (asked.begin, asked.high), asked.limit + 1)
    entries = [one for one in entries_of(places, asked.sight, since=asked.low) if one.starts is not None]
    return Found(entries, calendar.end_of(end) if end else None)


def find_places(whose: Whose, between: tuple[str, str], limit: int) -> tuple[list[Place], str | None]:
    """The earliest places of records in a time, and the last place that was read where there are more."""
    reads = [functools.partial(storage.find_page, one, between, limit) for one in whose]
    pages: list[tuple[list[Place], str | None]] = together(*reads)
    end = min((end for _, end in pages if end is not None), default=None)
    places = sorted((place for found, _ in pages for place in found), key=lambda place: place.key)
    return [place for place in places if end is None or place.key <= end], end


def entries_of(places: list[Place], sight: Sight, since: str) -> Iterator[Entry]:
    """What stands at some places; `since` is when the time begins that is asked for."""
    found = storage.find_records(places)
    zone = str(settings().clinic_zone)
    for place in places:
        row = found.get(place.record_id)
        if row is None or row.pk != place.patient_id or not _shows(sight, row):
            continue
        for number, plan in enumerate(plans.plans_of(_view(row, sight))):
            if _stands_at(plan, place.at, since, zone):
                yield _plan_entry(place, number, plan, row)


def _shows(sight: Sight, row: Record) -> bool:
    return sight.shows(row.category, is_sensitive=row.is_sensitive is not False)


def _view(row: Record, sight: Sight) -> dict[str, Any]:
    view: dict[str, Any] = text.parse(row.view)
    return view if sight.is_full else without_hidden(view, ())


def _stands_at(plan: Plan, at: str, since: str, zone: str) -> bool:
    if plan.starts is None:
        return at == plans.NOT_SCHEDULED
    starts = dates.order_key(plan.starts, zone)
    ends = dates.order_key(plan.ends, zone) if plan.ends else starts
    return at == starts or (at == ends and starts < since)


def _plan_entry(place: Place, number: int, plan: Plan, row: Record) -> Entry:
    key = calendar.entry_key(place.at, place.record_id, number)
    return Entry(key, plan.kind, plan.title, plan.starts, plan.ends, plan.status, row.category, row.record_id)
