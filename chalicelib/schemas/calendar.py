"""Shapes of a patient's calendar."""

import re
from datetime import date
from typing import Annotated

from pydantic import BeforeValidator, Field

from chalicelib.domain.calendar import CalendarKind
from chalicelib.domain.records.plans import PlanKind
from chalicelib.schemas.base import FieldProblem, Instant, PageQuery, Shape
from chalicelib.schemas.records import Preview

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def _day(text: object) -> object:
    if not isinstance(text, str):
        return text
    try:
        return date.fromisoformat(text if _DAY.fullmatch(text) else "")
    except ValueError:
        raise FieldProblem("date_expected") from None


Day = Annotated[date, BeforeValidator(_day)]
"""A day as `YYYY-MM-DD`."""


class CalendarQuery(PageQuery):
    """From when to when: 366 days at most."""

    as_: Preview = None

    from_: Day | None = Field(
        default=None, alias="from", description="The first day in the clinic's zone; today where it is left out."
    )
    to: Day | None = Field(
        default=None,
        description="The last day, included: the 90th where it is left out, and at most the 366th.",
    )


class CalendarTarget(Shape):
    """Where more is said of it: a record of this category."""

    kind: str
    id: str


class CalendarItem(Shape):
    """One thing that has a day, or a time of day.

    A day is `date` (to `end_date`), and is no moment: it is that day wherever the reader is. A moment is `starts_at`
    (to `ends_at`).
    """

    calendar_id: str = Field(description="The same for the same thing, also when it moves to another day.")
    kind: CalendarKind | PlanKind = Field(description="What it is. More kinds will join; show what you do not know.")
    title: str
    all_day: bool
    date: str | None = Field(description="The day, in no zone; null where there is a time.")
    end_date: str | None = Field(description="The last day of several.")
    starts_at: Instant | None = Field(description="The moment; null where no more than a day is known.")
    ends_at: Instant | None
    time_zone: str = Field(description="The clinic's zone, in which its people say times.")
    status: str | None = Field(description="As the clinic's system says it (FHIR R4).")
    target: CalendarTarget


class CalendarPage(Shape):
    """A page of a calendar, the earliest first. It may be short, even empty, while `next_cursor` is set."""

    items: list[CalendarItem]
    next_cursor: str | None
