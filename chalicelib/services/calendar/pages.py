"""A calendar page by page, what comes next, and what is to be done."""

import functools
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from chalicelib import clock
from chalicelib.domain.calendar import Entry
from chalicelib.domain.records import dates, plans
from chalicelib.domain.records.plans import PlanKind
from chalicelib.domain.records.sight import Sight
from chalicelib.models.base import together
from chalicelib.services import record_pages
from chalicelib.services.calendar import of_records
from chalicelib.services.calendar.asking import Asked, Found, joined
from chalicelib.services.calendar.sources import SOURCES, visits
from chalicelib.services.record_pages import Filter, Whose
from chalicelib.settings import settings

MOST: Final = 100
"""How much of what comes next, and of what is to be done, is looked at: that many or more are said to be that many."""
_AHEAD, _BACK = timedelta(days=30), timedelta(days=365)
"""How soon something has to be due to be something to do, and how long ago it may have been."""
_EXPECTED: Final = frozenset({"planned", "arrived", "triaged"})
_TO_DO: Final = frozenset({PlanKind.ORDER, PlanKind.ACTIVITY, PlanKind.GOAL})


@dataclass(frozen=True, slots=True)
class Window:
    """The first and the last day that are asked for, in the clinic's zone."""

    first: date
    last: date


def today() -> date:
    """The day that it is at the clinic."""
    return clock.now().astimezone(settings().clinic_zone).date()


def find_page(whose: Whose, window: Window, *, limit: int, after: str | None, sight: Sight) -> Found:
    """A page of a patient's calendar, the earliest first.

    It may be short, even empty, while more is to come. The number of round trips is that of its sources.
    """
    low, high = _bounds(window.first, window.last)
    asked = Asked(whose, sight, low, high, limit, after)
    return joined(together(*(functools.partial(source, asked) for source in SOURCES)), asked)


def find_upcoming(whose: Whose, sight: Sight) -> list[Entry]:
    """The next visits that are planned, at most `MOST`."""
    low, high = _bounds(today(), date.max)
    now = clock.stamp(clock.now())
    found = visits(Asked(whose, sight, low, high, MOST))
    return [one for one in found.entries if one.status in _EXPECTED and not _is_over(one, now)]


def _is_over(one: Entry, now: str) -> bool:
    """Whether the time of a visit has come; the day of one that has no time is not over until it ends."""
    starts = one.starts or ""
    return dates.is_instant(starts) and one.key.partition("#")[0] < now


def find_due(whose: Whose, sight: Sight) -> list[Entry]:
    """What is to be done, at most `MOST`: orders that wait to be scheduled, then what is due, the earliest first.

    Due are orders, activities of care plans and goals of the last year and the next 30 days. Two round trips.
    """
    low, high = _bounds(today() - _BACK, today() + _AHEAD)
    waiting = (plans.NOT_SCHEDULED, f"{plans.NOT_SCHEDULED}#~")
    reads = [functools.partial(of_records.find_places, whose, between, MOST) for between in (waiting, (low, high))]
    places = [place for found, _ in together(*reads) for place in found][:MOST]
    due = {one.calendar_id: one for one in of_records.entries_of(places, sight, since=low) if one.kind in _TO_DO}
    return list(due.values())


def _bounds(first: date, last: date) -> tuple[str, str]:
    return record_pages.bounds(Filter(since=first, until=last))
