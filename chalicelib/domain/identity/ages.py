"""Age, which the clinic's own calendar decides (PROMISES ID 6)."""

import calendar
import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

_PARTIAL_DATE = re.compile(r"(?P<year>\d{4})(?:-(?P<month>\d{2})(?:-(?P<day>\d{2}))?)?", re.ASCII)


def age_on(birth_date: date, today: date) -> int:
    """Full years lived on `today`; negative before birth. Who was born on 29 February comes of age on 1 March."""
    had_birthday = (today.month, today.day) >= (birth_date.month, birth_date.day)
    return today.year - birth_date.year - (0 if had_birthday else 1)


OLDEST = 123
"""In years: nobody is known to have become older than 122."""


def could_be_born_on(birth_date: date, today: date) -> bool:
    """Whether somebody who may be alive `today` was born on a day."""
    return birth_date <= today and today.year - birth_date.year <= OLDEST


def is_of_age(birth_date: date | str, now: datetime, zone: ZoneInfo, minimum_age: int) -> bool:
    """Whether the person is certainly `minimum_age` years old, by the date that it is in `zone` at the instant `now`.

    Args:
        birth_date: a date, or FHIR's `YYYY-MM-DD`, `YYYY-MM`, `YYYY`; of a partial one the latest day counts.
        now: any aware time.
        zone: the clinic's.
        minimum_age: in years.

    Raises:
        ValueError: `birth_date` is no date, or `now` is naive.
    """
    if now.tzinfo is None:
        raise ValueError("The time has no zone.")
    born = latest_birth_date(birth_date) if isinstance(birth_date, str) else birth_date
    return age_on(born, now.astimezone(zone).date()) >= minimum_age


def latest_birth_date(text: str) -> date:
    """The last day that FHIR's date (`YYYY-MM-DD`, `YYYY-MM` or `YYYY`) can mean.

    Raises:
        ValueError: it is no date.
    """
    parts = _PARTIAL_DATE.fullmatch(text)
    if parts is None:
        raise ValueError("Not a date.")
    year, month = int(parts["year"]), int(parts["month"] or 12)
    return date(year, month, int(parts["day"]) if parts["day"] else _last_day(year, month))


def earliest_birth_date(text: str) -> date:
    """The first day that FHIR's date (`YYYY-MM-DD`, `YYYY-MM` or `YYYY`) can mean.

    Raises:
        ValueError: it is no date.
    """
    parts = _PARTIAL_DATE.fullmatch(text)
    if parts is None:
        raise ValueError("Not a date.")
    return date(int(parts["year"]), int(parts["month"] or 1), int(parts["day"] or 1))


def _last_day(year: int, month: int) -> int:
    # Year 0 and month 13 are refused by date() itself.
    return calendar.monthrange(year, month)[1] if year and 1 <= month <= 12 else 1  # noqa: PLR2004
