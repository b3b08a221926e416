"""Dates and times of a record in words, in the clinic's zone: as exact as the clinic knows them, and no more."""

import re
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from chalicelib import words
from chalicelib.words import times

_DAY: Final = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", re.ASCII)
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z", re.ASCII)
_YEAR: Final = re.compile(r"\d{4}", re.ASCII)
_PERIOD: Final = re.compile(r"(?P<start>\.\.|\d{4}\S*)/(?P<end>\d{4}\S*)", re.ASCII)


def in_words(value: str, zone: ZoneInfo, language: str) -> str:
    """A date, time or period as the API writes it, in words; any other text as it is.

    A year alone stays one.
    """
    if period := _PERIOD.fullmatch(value):
        start = None if period["start"] == ".." else in_words(period["start"], zone, language)
        return between(start, in_words(period["end"], zone, language), language)
    if _INSTANT.fullmatch(value):
        return _instant(value, zone, language)
    return _day(value, language) if _DAY.fullmatch(value) and not _YEAR.fullmatch(value) else value


def between(start: str | None, end: str | None, language: str) -> str:
    """From when to when, either of which may be open."""
    if start and end:
        return words.say("export.record.from_to", language, start=start, end=end)
    if start:
        return words.say("export.record.from", language, start=start)
    return words.say("export.record.until", language, end=end)


def _instant(value: str, zone: ZoneInfo, language: str) -> str:
    try:
        return times.moment(datetime.fromisoformat(value), zone, language)
    except (ValueError, OverflowError):
        # At the edge of the calendar no zone can be told.
        return value


def _day(value: str, language: str) -> str:
    year, month, day = [*value.split("-"), ""][:3]
    if day:
        return times.day(date.fromisoformat(value), language)
    return words.say("export.record.month", language, month=times.month(int(month), language), year=year)
