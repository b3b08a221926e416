"""Days and times: in both languages, in both halves of the day, on both sides of a change of the clocks."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from chalicelib import words
from chalicelib.words import times

CHICAGO = ZoneInfo("America/Chicago")


def _utc(year: int, month: int, day: int, hour: int, minute: int) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "March 3, 2027, 3:05 PM CST"), ("es", "3 de marzo de 2027, 3:05 p. m. CST")],
)
def test_a_moment_is_said_as_the_language_does(language: str, said: str) -> None:
    assert times.moment(_utc(2027, 3, 3, 21, 5), CHICAGO, language) == said


@pytest.mark.parametrize(
    ("hour", "english", "spanish"),
    [
        (0, "12:00 AM UTC", "12:00 a. m. UTC"),
        (1, "1:00 AM UTC", "1:00 a. m. UTC"),
        (11, "11:00 AM UTC", "11:00 a. m. UTC"),
        (12, "12:00 PM UTC", "12:00 p. m. UTC"),
        (13, "1:00 PM UTC", "1:00 p. m. UTC"),
        (23, "11:00 PM UTC", "11:00 p. m. UTC"),
    ],
)
def test_midnight_and_noon_are_twelve_and_no_hour_is_zero(hour: int, english: str, spanish: str) -> None:
    at = _utc(2027, 3, 3, hour, 0)
    assert times.clock(at, UTC, "en") == english
    assert times.clock(at, UTC, "es") == spanish


@pytest.mark.parametrize(
    ("at", "english", "spanish"),
    [
        (_utc(2026, 3, 8, 7, 59), "1:59 AM CST", "1:59 a. m. CST"),
        (_utc(2026, 3, 8, 8, 0), "3:00 AM CDT", "3:00 a. m. CDT"),
        (_utc(2026, 11, 1, 6, 30), "1:30 AM CDT", "1:30 a. m. CDT"),
        (_utc(2026, 11, 1, 7, 30), "1:30 AM CST", "1:30 a. m. CST"),
    ],
    ids=["before spring", "after spring", "the first 1:30 of autumn", "the second 1:30 of autumn"],
)
def test_the_zone_tells_the_hours_apart_that_a_change_of_the_clocks_repeats(
    at: datetime, english: str, spanish: str
) -> None:
    assert times.clock(at, CHICAGO, "en") == english
    assert times.clock(at, CHICAGO, "es") == spanish


def test_the_date_is_the_one_where_the_reader_lives() -> None:
    at = _utc(2027, 1, 1, 5, 30)
    assert times.moment(at, CHICAGO, "en") == "December 31, 2026, 11:30 PM CST"
    assert times.moment(at, CHICAGO, "es") == "31 de diciembre de 2026, 11:30 p. m. CST"
    assert times.moment(at, ZoneInfo("Pacific/Honolulu"), "es") == "31 de diciembre de 2026, 7:30 p. m. HST"


@pytest.mark.parametrize(("language", "said"), [("en", "July 1, 1950"), ("es", "1 de julio de 1950")])
def test_a_day_has_no_time(language: str, said: str) -> None:
    assert times.day(date(1950, 7, 1), language) == said


@pytest.mark.parametrize(("language", "first", "last"), [("en", "January", "December"), ("es", "enero", "diciembre")])
def test_every_month_has_a_name_of_its_own(language: str, first: str, last: str) -> None:
    names = [words.say(f"time.month.{month:02}", language) for month in range(1, 13)]
    assert [names[0], names[-1]] == [first, last]
    assert len(set(names)) == 12
    assert all(name in times.day(date(2027, month, 9), language) for month, name in enumerate(names, 1))


@pytest.mark.parametrize("language", words.languages())
@pytest.mark.parametrize("month", range(1, 13))
def test_a_month_is_known_by_its_name_and_by_its_first_three_letters(month: int, language: str) -> None:
    name = words.say(f"time.month.{month:02}", language)
    assert {times.month_number(form) for form in (name, name.upper(), name.capitalize(), name[:3])} == {month}


@pytest.mark.parametrize("word", ["", "ju", "noon", "hoy", "1"])
def test_a_word_that_begins_as_no_month_does_is_none(word: str) -> None:
    assert times.month_number(word) is None
