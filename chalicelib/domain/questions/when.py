"""The time that a question asks about: between which days, and whether the newest or the first."""

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from chalicelib.words import times

_MONTHS: Final = 12
_YEAR: Final = r"(?P<year>(?:19|20)\d\d)"


@dataclass(frozen=True, slots=True)
class When:
    """Days in the clinic's zone, both included; `back` is how many are passed over from the newest on."""

    since: date | None = None
    until: date | None = None
    is_first: bool = False
    back: int = 0

    @property
    def is_bounded(self) -> bool:
        """Whether it is about a time at all."""
        return self.since is not None or self.until is not None


ANY: Final = When()

_AGO: Final = re.compile(
    r"\b(?:(?P<en>\w+) (?P<unit>years?|months?|weeks?|days?) ago|"
    r"hace (?P<es>\w+) (?P<unidad>anos?|mes(?:es)?|semanas?|dias?))\b"
)
_NUMBERS: Final = {
    "a": 1,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "ten": 10,
    "un": 1,
    "una": 1,
    "dos": 2,
    "tres": 3,
    "cuatro": 4,
    "cinco": 5,
    "seis": 6,
    "diez": 10,
}
_SINCE: Final = re.compile(
    rf"\b(?:since|after|desde|despues de)(?: el| la)? (?:(?P<month>[a-z]+)(?: de| of)? ?)?(?:{_YEAR})?"
)
_BEFORE: Final = re.compile(rf"\b(?:before|antes de|until|hasta) {_YEAR}\b")
_IN_YEAR: Final = re.compile(rf"\b(?:(?:in|of|during|from|for|en|de|del|durante) )?{_YEAR}\b")
_IN_MONTH: Final = re.compile(r"\b(?:in|en|of|during) (?P<month>[a-z]+)\b")
_FIRST: Final = re.compile(r"\b(?:first|earliest|oldest|primer[oa]?|mas antigu[oa])\b")
_PREVIOUS: Final = re.compile(
    r"\b(?:previous|before that|the one before|before this|time before|anterior|antes de es[eao]|la de antes|antes)\b"
)
_YEARS: Final = {"year", "years", "ano", "anos"}
_DAYS: Final = {"month": 30, "months": 30, "mes": 30, "meses": 30, "week": 7, "weeks": 7, "semana": 7, "semanas": 7}


def find(text: str, today: date) -> When:
    """The time in a question, whose words stand side by side in `text`; a day is one of the clinic's."""
    found = _span(text, today)
    if _FIRST.search(text):
        return replace(found, is_first=True)
    if _PREVIOUS.search(text) and not found.is_bounded:
        return replace(found, back=1)
    return found


def _span(text: str, today: date) -> When:
    for pattern, span in _SPANS:
        if pattern.search(text):
            return span(today)
    if ago := _AGO.search(text):
        return _ago(ago, today)
    if before := _BEFORE.search(text):
        return When(until=date(int(before["year"]), 1, 1) - timedelta(days=1))
    if (since := _SINCE.search(text)) and (begin := _day(since["month"], since["year"], today)):
        return When(since=begin)
    return _in(text, today)


def _in(text: str, today: date) -> When:
    year, number = _IN_YEAR.search(text), _month_in(text)
    if number is None:
        return _year(int(year["year"])) if year else ANY
    of_year = int(year["year"]) if year else today.year - (number > today.month)
    return When(date(of_year, number, 1), date(of_year, number, calendar.monthrange(of_year, number)[1]))


def _month_in(text: str) -> int | None:
    found = (month(match["month"]) for match in _IN_MONTH.finditer(text))
    return next((number for number in found if number), None)


def month(word: str | None) -> int | None:
    """The month that a word is the name of, or begins the name of."""
    number = times.month_number(word) if word else None
    if number is None or word is None:
        return None
    full = {_plain(times.month(number, language)) for language in ("en", "es")}
    return number if any(name.startswith(word) for name in full) else None


def _plain(name: str) -> str:
    return name.lower()


def _day(name: str | None, year: str | None, today: date) -> date | None:
    number = month(name)
    if number is None:
        return date(int(year), 1, 1) if year else None
    return date(int(year) if year else today.year - (number > today.month), number, 1)


def _year(year: int) -> When:
    return When(date(year, 1, 1), date(year, 12, 31))


def _month_before(today: date) -> When:
    last = today.replace(day=1) - timedelta(days=1)
    return When(last.replace(day=1), last)


def _ago(found: re.Match[str], today: date) -> When:
    said, unit = found["en"] or found["es"], found["unit"] or found["unidad"]
    count = int(said) if said.isdigit() else _NUMBERS.get(said)
    if count is None or count > today.year - 1900:
        return ANY
    if unit in _YEARS:
        return _year(today.year - count)
    days = _DAYS.get(unit, 1)
    middle = today - timedelta(days=min(days * count, 40_000))
    return When(middle - timedelta(days=days // 2), middle + timedelta(days=days // 2))


_SPANS: Final[tuple[tuple[re.Pattern[str], Callable[[date], When]], ...]] = (
    (re.compile(r"\b(?:last year|ano pasado|year before)\b"), lambda today: _year(today.year - 1)),
    (re.compile(r"\b(?:this year|este ano)\b"), lambda today: When(since=date(today.year, 1, 1))),
    (re.compile(r"\b(?:last month|mes pasado)\b"), _month_before),
    (re.compile(r"\b(?:this month|este mes)\b"), lambda today: When(since=today.replace(day=1))),
    (
        re.compile(r"\b(?:last week|semana pasada|this week|esta semana)\b"),
        lambda today: When(since=today - timedelta(days=7 + today.weekday())),
    ),
)
