"""What has changed in a record since a moment: net, each record once, in words, and enough for an app to catch up."""

import functools
import operator
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from chalicelib import clock
from chalicelib.domain.fhir import text
from chalicelib.domain.records import change_words, dates
from chalicelib.domain.records.categories import Category
from chalicelib.domain.records.changes import ChangeKind, View, differences, kind_of, seen
from chalicelib.domain.records.paging import PageKey
from chalicelib.domain.records.release import Moment
from chalicelib.domain.records.sight import Sight, linked_ids, without_hidden
from chalicelib.domain.records.value_words import Reader
from chalicelib.errors import NotFound
from chalicelib.models import patients, record_history, records
from chalicelib.models.base import together
from chalicelib.models.record_history import Gone, Was
from chalicelib.models.records import Order, Record
from chalicelib.services import record_pages, releases
from chalicelib.services.merged_pages import merged, read_on
from chalicelib.services.record_pages import READ_AT_ONCE, Filter, Rows, Whose
from chalicelib.settings import settings

LAST_VISIT: Final = "last_visit"

SETTLES: Final = timedelta(seconds=60)
"""How long a change may take from its stamp to its end, at most.

A change is stamped when it is made, and seen when its transaction is through: up to four tries of three requests, each
of which gives up after four seconds, and pauses. So what is stamped before `now - SETTLES` is there to be read, or will
never be, and that is the moment to ask with next. Whoever asks may be told of the changes of that minute twice, and
never misses one; the second time says the same.
"""

_FIRST, _LAST = " ", "\uffff"
_END_OF_TIME = "9999-12-31T23:59:59.999Z"
_READS = 10
"""How often storage is asked for one page in which much is hidden."""
_MOST_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Asked:
    """Since when, and of which category: either may be missing. A day begins in the clinic's zone."""

    since: date | datetime | Literal["last_visit"] | None = None
    category: Category | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins, since when its walk asks, and the moment to ask with after it: "" for no moment."""

    after: PageKey | None
    since: str
    as_of: str


Item: TypeAlias = dict[str, Any]
"""What an answer says of one record."""


@dataclass(frozen=True, slots=True)
class Page:
    """What became of some records, the latest change first, and where the next page begins."""

    items: list[Item]
    walk: Place
    next: Place | None


class _Span(NamedTuple):
    """Since when a file counts: "" for always; and when it became the patient's, where that was later."""

    since: str
    joined_at: str = ""


_Spanned: TypeAlias = list[tuple[Record, _Span]]
"""Rows, each with the span that is asked for."""


@dataclass(frozen=True, slots=True)
class _Change:
    """A record whose row is in the span, what shows of it at both ends, and when its sender had last changed it."""

    row: Record
    before: View | None
    after: View | None
    changed_at: str
    before_updated: str | None


def find_page(whose: Whose, asked: Asked, *, limit: int, place: Place | None, sight: Sight, language: str) -> Page:
    """A page of what changed; it may be short, even empty, while more is to come.

    It reads a hundred rows at most, but where much is hidden. Two round trips, one more for `last_visit`, for a sight
    that is not full and for a patient into whom others are merged. Raises NotFound for a category that is hidden from
    the reader.
    """
    if asked.category is not None and asked.category not in sight.categories:
        raise NotFound
    walk = place or Place(None, _stamp_of(whose, asked, sight), clock.stamp(clock.now() - SETTLES))
    spans = _spans(whose, walk.since)
    reads = [functools.partial(_read, one, span.since, asked, limit, walk.after, sight) for one, span in spans.items()]
    pages, now = releases.beside(whose, sight, lambda: together(*reads))
    rows, end = merged(pages, limit, lambda row: row.changed_key, newest_first=True)
    items = _told_of(whose, [(row, spans[row.pk]) for row in rows], sight, language, now)
    return Page(items, walk, Place(end, walk.since, walk.as_of) if end else None)


def find_medication_changes(whose: Whose, since: datetime, most: int, sight: Sight, language: str) -> list[Item]:
    """Up to `most` changes of medications, the latest first, that are news: a chart that moves in is none.

    They are read in the order of their category, of which there are few: a chart that moved in may be large.
    """
    if Category.MEDICATION not in sight.categories:
        return []
    stamp = clock.stamp(since)
    spans = _spans(whose, stamp)
    pages: list[Rows] = together(*(functools.partial(_read_medications, one, stamp, sight) for one in spans))
    rows = sorted((row for found, _ in pages for row in found), key=lambda row: row.shown_since, reverse=True)
    latest = [(row, _since_it_moved_in(row, spans[row.pk])) for row in rows[:READ_AT_ONCE]]
    return _told_of(whose, latest, sight, language, Moment())[:most]


def _since_it_moved_in(row: Record, span: _Span) -> _Span:
    """Of an old medication that came with a chart, what has changed after it came."""
    moved_in = row.came_at > span.since and row.date_key < span.since
    return _Span(row.came_at, span.joined_at) if moved_in else span


def _read_medications(patient_id: str, since: str, sight: Sight) -> Rows:
    is_news = records.is_seen_since(since) & (records.was_another() | records.is_dated_from(since))
    hidden = records.is_not_sensitive() | records.was_another()
    read = functools.partial(
        records.find_page,
        patient_id,
        Order.CATEGORY,
        (f"{Category.MEDICATION}#{_FIRST}", f"{Category.MEDICATION}#{_LAST}"),
        limit=_MOST_AT_ONCE,
        matching=is_news if sight.sees_sensitive else is_news & hidden,
    )
    return read_on(lambda place: read(after=place), None, _MOST_AT_ONCE, _READS)


# --- since when ------------------------------------------------------------------------------------------------------


def _stamp_of(whose: Whose, asked: Asked, sight: Sight) -> str:
    """Since when, as changes are stamped; "" for the whole record."""
    if asked.since is None:
        return ""
    if asked.since == LAST_VISIT:
        return _last_visit(whose, sight)
    at = asked.since.isoformat()
    try:
        return dates.order_key(at, str(settings().clinic_zone))
    except dates.NoSuchDate:
        # An offset or the zone carries it over the edge of the calendar.
        return _END_OF_TIME if at >= "9" else ""


def _last_visit(whose: Whose, sight: Sight) -> str:
    """The end, else the start, of the latest visit that is over; "" where there is none that shows."""
    if Category.ENCOUNTER not in sight.categories:
        return ""
    now = clock.now()
    visits = Filter(category=Category.ENCOUNTER, until=now)
    rows, _ = record_pages.find_rows(whose, visits, limit=READ_AT_ONCE, after=None, sight=sight)
    ends = (_end_of(text.parse(row.view)) for row in rows)
    return max((end for end in ends if end <= clock.stamp(now)), default="")


def _end_of(visit: View) -> str:
    at = visit.get("period", {}).get("end") or visit["occurred_at"]
    return dates.order_key(at, str(settings().clinic_zone)) if at and visit["status"] == "finished" else ""


def _spans(whose: Whose, since: str) -> dict[str, _Span]:
    """Since when each file counts: one that was merged into the patient's later is new as a whole."""
    if len(whose) == 1 or not since:
        return dict.fromkeys(whose, _Span(since))
    patient = patients.find(whose[0])
    joined_at = patient.joined_at if patient else {}
    return {one: _Span("", at) if (at := joined_at.get(one, "")) > since else _Span(since) for one in whose}


# --- reading ---------------------------------------------------------------------------------------------------------


def _read(patient_id: str, since: str, asked: Asked, limit: int, after: PageKey | None, sight: Sight) -> Rows:
    low = f"{since}$" if since else _FIRST
    if not sight.categories or (after is not None and after.order_key < low):
        return [], None
    conditions = list(_conditions(since, asked, sight))

    def read(place: PageKey | None) -> Rows:
        return records.find_page(
            patient_id,
            Order.CHANGED,
            (low, _LAST),
            limit=READ_AT_ONCE if conditions else limit + 1,
            after=place,
            matching=functools.reduce(operator.and_, conditions) if conditions else None,
            with_gone=bool(since),
        )

    return read_on(read, after, limit, 1 if sight.is_full else _READS)


def _conditions(since: str, asked: Asked, sight: Sight) -> Iterable[records.Restriction]:
    if since:
        yield records.is_seen_since(since)
    if asked.category is not None:
        yield records.is_of_category(asked.category)
    # What is hidden now may have shown before: it has gone then, for this reader.
    if not sight.sees_every_category:
        yield records.is_of_any(sight.categories) | records.was_another()
    if not sight.sees_sensitive:
        yield records.is_not_sensitive() | records.was_another()


def _ends(rows: _Spanned, sight: Sight) -> Iterable[_Change]:
    """What shows of each record at both ends of its span: two round trips at most, whatever has changed."""
    untils = {row.record_id: until for row, span in rows if (until := _until(row, span.since))}
    kept = record_history.find_was(untils.items()) if untils else {}
    for row, span in rows:
        was: Record | Was | None = row if row.came_at <= span.since else None
        if row.record_id in untils:
            was = kept.get((row.record_id, untils[row.record_id])) or was
        after = None if isinstance(row, Gone) else _shown(row, sight)
        changed_at = max(row.shown_since, span.joined_at)
        yield _Change(row, _shown(was, sight), after, changed_at, was.last_updated if was else None)


def _until(row: Record, since: str) -> str | None:
    """Until when a record was what it was at a time, where it is something else now."""
    if row.came_at > since:
        return None
    stamps = row.shown_until
    if len(stamps) == record_history.MOST_STAMPS and stamps[0] > since:
        was = record_history.find_was_at(row.record_id, since)
        return was.sk if was else None
    return next((stamp for stamp in stamps if stamp > since), None)


def _shown(state: Record | Was | None, sight: Sight) -> View | None:
    if state is None or not sight.shows(state.category, is_sensitive=state.is_sensitive is not False):
        return None
    if isinstance(state, Gone):
        return {"status": None, "category": state.category}
    view: View = text.parse(state.view)
    return view


def _without_hidden(whose: Whose, found: list[_Change], sight: Sight) -> list[_Change]:
    """The same without a word of records that are hidden from the reader."""
    if sight.is_full:
        return found
    views = [view for one in found for view in (one.before, one.after) if view is not None]
    linked = {record_id for view in views for record_id in linked_ids(view)}
    rows = records.find_many(whose, linked) if linked else {}
    shown = {
        record_id
        for record_id, row in rows.items()
        if sight.shows(row.category, is_sensitive=row.is_sensitive is not False)
    }

    def bare(view: View | None) -> View | None:
        return without_hidden(view, shown) if view is not None else None

    return [replace(one, before=bare(one.before), after=bare(one.after)) for one in found]


def _as_released(one: _Change, sight: Sight, now: Moment) -> _Change:
    """The same without the result, as it was and as it is, of a record that the reader holds back."""
    row = one.row
    if isinstance(row, Gone) or not releases.is_held(row, sight, now):
        return one

    def bare(view: View | None) -> View | None:
        return releases.shown(row, view, sight, now) if view is not None else None

    return replace(one, before=bare(one.before), after=bare(one.after))


# --- telling ---------------------------------------------------------------------------------------------------------


def _told_of(whose: Whose, rows: _Spanned, sight: Sight, language: str, now: Moment) -> list[Item]:
    found = [_as_released(one, sight, now) for one in _without_hidden(whose, list(_ends(rows, sight)), sight)]
    reader = Reader(language, settings().clinic_zone)
    return [item for one in found if (item := _told(one, reader)) is not None]


def _told(one: _Change, reader: Reader) -> Item | None:
    """What an answer says of a record; None where nothing that people see became of it."""
    before = seen(one.before, one.before_updated) if one.before is not None else None
    after = seen(one.after, one.row.last_updated) if one.after is not None else None
    kind = kind_of(before, after)
    if kind is None:
        return None
    at = clock.read_stamp(one.changed_at)
    item: Item = {"kind": kind, "record_id": one.row.record_id, "changed_at": one.changed_at, "differences": []}
    if kind is ChangeKind.REMOVED:
        return item | _taken_out(one, at, reader)
    view = one.after or {}
    about = {"category": view["category"], "title": view["title"], "record": view}
    if kind is ChangeKind.ADDED:
        return item | about | {"text": change_words.added(view, at, reader)}
    found = differences(before or {}, after or {})
    said = {"differences": [{"field": d.field, "before": d.before, "after": d.after} for d in found]}
    return item | about | said | {"text": change_words.changed(before or {}, after or {}, found, at, reader)}


def _taken_out(one: _Change, at: datetime, reader: Reader) -> Item:
    """Of what was entered in error its name; of what is another's now, or hidden, no more than its category."""
    if one.after is not None:
        said = change_words.removed(one.after, at, reader)
        return {"category": one.after["category"], "title": one.after["title"], "text": said, "record": None}
    category = Category((one.before or {})["category"])
    said = change_words.taken_out(category, at, reader)
    return {
        "category": category,
        "title": change_words.category_words(category, reader),
        "text": said,
        "record": None,
    }
