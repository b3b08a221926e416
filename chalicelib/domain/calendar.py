"""What stands in a patient's calendar, whatever it comes from."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from chalicelib.domain.records.plans import PlanKind

SHOWN_DAYS: Final = 90
"""How long a calendar is that somebody asks for without an end, in days."""
MOST_DAYS: Final = 366


class CalendarKind(StrEnum):
    """Kinds of what happens, beside what records plan (`PlanKind`)."""

    VISIT = "visit"
    PROCEDURE = "procedure"
    IMAGING = "imaging"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in a calendar. `starts` and `ends` are days or times as the API writes them.

    `key` sorts as the calendar does and is nobody else's: `<order key of the time>#<id>#<number>`. `starts` is None of
    what waits for a day, which no calendar shows.
    """

    key: str
    kind: CalendarKind | PlanKind
    title: str
    starts: str | None
    ends: str | None
    status: str | None
    target_kind: str
    target_id: str

    @property
    def calendar_id(self) -> str:
        """The same for the same thing, also when it moves to another day."""
        _, target, number = self.key.split("#")
        return f"cal_{target.partition('_')[2]}_{int(number)}"


def window(since: date | None, until: date | None, today: date) -> tuple[date, date]:
    """The first and the last day of the calendar that is asked for; what is left out is today, and 90 days in all."""
    first = since or today
    return first, until or first + min(timedelta(days=SHOWN_DAYS - 1), date.max - first)


def entry_key(at: str, target_id: str, number: int = 0) -> str:
    """Where an entry stands: `at` is the order key of its time."""
    return f"{at}#{target_id}#{number:03d}"


def end_of(place: str) -> str:
    """Behind all entries of a place, `<order key of the time>#<id>`."""
    return f"{place}#~"


def place_of(key: str) -> str:
    """The place where what comes after an entry begins: its own, where it may have more, else right behind it."""
    place, _, number = key.rpartition("#")
    return f"{place}#" if number == "~" else place
