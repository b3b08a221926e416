"""Dates and times of day as the clinic writes them down: local time with the offset of US Central time."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

_SATURDAY = 5
_SUNDAY = 6
# Small ups and downs that make a measured series look measured; fixed, so that the same files come out every time.
_WAVE = (0, 2, -1, 1, -2, 0, 1, -1, 2, -2, 1)


def stamp(on: date, time: str) -> str:
    """An RFC 3339 time such as 2026-03-04T09:30:00-06:00, with the daylight saving rule in force since 2007."""
    begins, ends = _sunday(on.year, 3, 2), _sunday(on.year, 11, 1)
    offset = "-05:00" if begins <= on < ends else "-06:00"
    return f"{on.isoformat()}T{time}:00{offset}"


def weekday(year: int, month: int, day: int) -> date:
    """That day, or the Monday after it where it falls on a weekend."""
    on = date(year, month, day)
    return on + timedelta(days=7 - on.weekday()) if on.weekday() >= _SATURDAY else on


def course(on: date, points: dict[str, str], wobble: str) -> Decimal:
    """A measured value on a day, between `points` (year-month to value), give or take two of `wobble`.

    It has as many decimals as the points are written with.
    """
    marks = [(date.fromisoformat(f"{month}-01"), Decimal(value)) for month, value in points.items()]
    (before, low), (after, high) = next((pair for pair in pairwise(marks) if on < pair[1][0]), (marks[-2], marks[-1]))
    share = Decimal(min((on - before).days, (after - before).days)) / (after - before).days
    ripple = Decimal(wobble) * _WAVE[(on.toordinal() // 7) % len(_WAVE)]
    return (low + (high - low) * share + ripple).quantize(low)


def _sunday(year: int, month: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(_SUNDAY - first.weekday()) % 7 + 7 * (nth - 1))
