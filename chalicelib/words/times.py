"""Days and times as people write them, in a language of the catalogue.

The catalogue has the month names, the two halves of the day and the order of the parts.
"""

from datetime import date, datetime, tzinfo
from functools import lru_cache

from chalicelib import words

_HALF_DAY = 12
_MONTHS = range(1, 13)
_SHORT = 3


def day(on: date, language: str) -> str:
    """A date: "March 3, 2027", "3 de marzo de 2027"."""
    return words.say("time.date", language, day=on.day, month=_month(on.month, language), year=on.year)


def month_of_year(year: int, month: int, language: str) -> str:
    """A month, where nothing is known of the day: "March 2027", "marzo de 2027"."""
    return words.say("time.month_of_year", language, month=_month(month, language), year=year)


def clock(at: datetime, zone: tzinfo, language: str) -> str:
    """The time of day of an aware time where the reader lives: "3:05 PM CST", "3:05 p. m. CST".

    The zone is shortened as tzdata does. Midnight is 12 AM and noon is 12 PM, as clocks in the United States show them.
    """
    local = at.astimezone(zone)
    half = words.say("time.am" if local.hour < _HALF_DAY else "time.pm", language)
    hour = local.hour % _HALF_DAY or _HALF_DAY
    return words.say("time.clock", language, hour=hour, minute=f"{local.minute:02}", half=half, zone=local.tzname())


def moment(at: datetime, zone: tzinfo, language: str) -> str:
    """An aware time with its date where the reader lives: "March 3, 2027, 3:05 PM CST"."""
    date_there = at.astimezone(zone).date()
    return words.say("time.moment", language, date=day(date_there, language), clock=clock(at, zone, language))


def month(number: int, language: str) -> str:
    """The name of a month, 1 to 12."""
    return _month(number, language)


def month_number(name: str) -> int | None:
    """Which month a name in any language of the portal means, by its first three letters: "april", "abr", "abril"."""
    return _numbers().get(name.lower()[:_SHORT])


@lru_cache(maxsize=1)
def _numbers() -> dict[str, int]:
    spoken = ((number, language) for number in _MONTHS for language in words.languages())
    return {_month(number, language).lower()[:_SHORT]: number for number, language in spoken}


def _month(number: int, language: str) -> str:
    return words.say(f"time.month.{number:02}", language)
