"""The numbers of one code over time: a page of a chart, the oldest first, wherever in results they stand."""

import functools
from collections.abc import Collection, Container
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from chalicelib.domain.fhir import text
from chalicelib.domain.records import trends
from chalicelib.domain.records.keys import code_part
from chalicelib.domain.records.paging import PageKey
from chalicelib.domain.records.sight import Sight
from chalicelib.domain.records.trends import Reading
from chalicelib.domain.records.value_words import Reader
from chalicelib.models import panels, records
from chalicelib.models.base import together
from chalicelib.models.records import Order, Record
from chalicelib.services import record_pages, releases
from chalicelib.services.merged_pages import merged, read_on
from chalicelib.services.record_pages import READ_AT_ONCE, Filter, Rows, Whose
from chalicelib.settings import settings

_NEWEST: Final = 10
"""Results that say which unit the chart has, and which range is normal."""

_READS: Final = 10
_MOST_PANELS: Final = 25
"""Kinds of results that are looked through for a value inside of them."""

_Stream = tuple[str, str]
"""Whose results, and of which code, as keys have it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which numbers: days are in the clinic's zone, both included."""

    code: str
    since: date | datetime | None = None
    until: date | datetime | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins, and the unit of the chart that it belongs to, as UCUM writes it and as people do."""

    after: PageKey
    unit: str | None
    unit_name: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """What a page shows, and where the next one begins."""

    shown: dict[str, Any]
    next: Place | None


def find_page(whose: Whose, wanted: Wanted, *, limit: int, place: Place | None, sight: Sight, language: str) -> Page:
    """A page of a chart. Two round trips, but where much is hidden."""
    system, code = trends.wanted_code(wanted.code)
    part = code_part(system, code)
    ((rows, end), newest), now = releases.beside(whose, sight, lambda: _read(whose, part, wanted, limit, place, sight))
    held = {row.record_id for row in (*rows, *newest) if releases.is_held(row, sight, now)}
    latest = _readings([row for row in newest if row.record_id not in held], part, held)
    unit, unit_name = (place.unit, place.unit_name) if place else trends.measure(latest)
    reader = Reader(language, settings().clinic_zone)
    series = trends.series(_readings(rows, part, held), unit, unit_name, reader)
    shown = {
        "title": _title(latest),
        "code": {"system": system or None, "code": code},
        "unit": unit_name,
        "reference_range": trends.band(latest, unit, unit_name),
        "points": series.points,
        "gaps": series.gaps,
        "other_units": [
            {"unit": other, "text": _apart(other, unit_name, reader), "points": points}
            for other, points in series.others.items()
        ],
    }
    return Page(shown, Place(end, unit, unit_name) if end else None)


def find_around(
    whose: Whose, parts: Collection[str], at: date | datetime | None, sight: Sight
) -> dict[str, list[Reading]]:
    """What results say of some codes, which are written as in keys: the newest, and the newest up to a time.

    By code, the newest first; of results that are held back only that they are there. Two round trips, but where much
    is hidden.
    """
    if not parts or not sight.categories:
        return {}
    rows, now = releases.beside(whose, sight, lambda: _read_around(whose, parts, at, sight))
    held = {row.record_id for row in rows if releases.is_held(row, sight, now)}
    return {part: _readings(rows, part, held) for part in parts}


def _read_around(whose: Whose, parts: Collection[str], at: date | datetime | None, sight: Sight) -> list[Record]:
    found: list[list[_Stream]] = together(*(functools.partial(_streams, whose, part) for part in parts))
    streams = dict.fromkeys(stream for one in found for stream in one)
    ends = [record_pages.bounds(Filter(until=until)) for until in dict.fromkeys((at, None))]
    reads = [functools.partial(_newest, one, end, sight) for one in streams for end in ends]
    pages: list[Rows] = together(*reads)
    rows = {row.record_id: row for page, _ in pages for row in page}
    return sorted(rows.values(), key=_place_of, reverse=True)


def _title(latest: list[Reading]) -> str | None:
    return str(latest[0].value["title"]) if latest else None


def _apart(unit: str | None, chart: str | None, reader: Reader) -> str:
    if unit is None or chart is None:
        return reader.say("trends.no_unit")
    return reader.say("trends.other_unit", unit=unit, chart=chart)


def _readings(rows: list[Record], part: str, held: Container[str]) -> list[Reading]:
    """What results say of a code; of those that are held back, that they are there."""
    found = [(row, one) for row in rows for one in trends.readings(text.parse(row.view), part)]
    return [trends.without_number(one) if row.record_id in held else one for row, one in found]


def _read(
    whose: Whose, part: str, wanted: Wanted, limit: int, place: Place | None, sight: Sight
) -> tuple[Rows, list[Record]]:
    """The rows of a page, and the newest rows of the whole chart."""
    if not sight.categories:
        return ([], None), []
    streams = _streams(whose, part)
    reads = [functools.partial(_page, one, wanted, limit, place.after if place else None, sight) for one in streams]
    last = [functools.partial(_newest, one, record_pages.bounds(Filter()), sight) for one in streams]
    found: list[Rows] = together(*reads, *last)
    page = merged(found[: len(reads)], limit, _place_of, newest_first=False)
    newest, _ = merged(found[len(reads) :], _NEWEST, _place_of, newest_first=True)
    return page, newest


def _streams(whose: Whose, part: str) -> list[_Stream]:
    """Where a code is found: in results of their own, and inside of others."""
    held: list[list[str]] = together(*(functools.partial(panels.find, one, part) for one in whose))
    inside = [(one, panel) for one, found in zip(whose, held, strict=True) for panel in found[:_MOST_PANELS]]
    return [*((one, part) for one in whose), *inside]


def _page(stream: _Stream, wanted: Wanted, limit: int, after: PageKey | None, sight: Sight) -> Rows:
    low, high = record_pages.bounds(Filter(since=wanted.since, until=wanted.until))
    if low > high:
        return [], None
    return _query(stream, (low, high), limit, after, sight, oldest_first=True)


def _newest(stream: _Stream, between: tuple[str, str], sight: Sight) -> Rows:
    return _query(stream, between, _NEWEST, None, sight, oldest_first=False)


def _query(
    stream: _Stream, between: tuple[str, str], limit: int, after: PageKey | None, sight: Sight, *, oldest_first: bool
) -> Rows:
    patient_id, part = stream
    low, high = (f"{part}#{bound}" for bound in between)
    hidden = record_pages.hiding(Order.CODE, sight)

    def read(place: PageKey | None) -> Rows:
        return records.find_page(
            patient_id,
            Order.CODE,
            (low, high),
            limit=limit + 1 if hidden is None else READ_AT_ONCE,
            after=place,
            matching=hidden,
            oldest_first=oldest_first,
        )

    begin = PageKey(after.sk, f"{part}#{after.order_key}") if after else None
    rows, end = read_on(read, begin, limit, _READS if hidden is not None else 1)
    return rows, PageKey(end.sk, _without_code(end.order_key)) if end else None


def _place_of(row: Record) -> str:
    return _without_code(row.code_key or "")


def _without_code(code_key: str) -> str:
    """Where a row stands among those of its code."""
    return code_key.partition("#")[2]
