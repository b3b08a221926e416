"""The birthdays at which parents' rights change: when they are, and when they are told of."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from chalicelib.domain import identity
from chalicelib.domain.caregivers import AGE_BANDS

AHEAD: Final = timedelta(days=30)
"""How long before a boundary it is told of."""


@dataclass(frozen=True, slots=True)
class Boundary:
    """An age, in full years, and the instant at which it is reached: midnight in the clinic's zone, in UTC."""

    age: int
    at: datetime

    @property
    def told_at(self) -> datetime:
        """When it is told of."""
        return self.at - AHEAD


def ahead(birth_date: str | None, now: datetime, zone: ZoneInfo) -> list[Boundary]:
    """The boundaries that a child has not reached, the nearest first; none where the birth date is not known."""
    if birth_date is None:
        return []
    born = identity.earliest_birth_date(birth_date)
    found = [Boundary(band.since, _midnight(_birthday(born, band.since), zone)) for band in AGE_BANDS if band.since]
    return [boundary for boundary in found if boundary.at > now]


def _birthday(born: date, age: int) -> date:
    """Who was born on 29 February is a year older on 1 March of other years."""
    try:
        return born.replace(year=born.year + age)
    except ValueError:
        return date(born.year + age, 3, 1)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
