"""Dates of searches as spans of time, in the clinic's zone where they have none of their own."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.fhir_api.spans import Span, read_date_test, span_of, spans_in
from chalicelib.domain.records.dates import NoSuchDate

CHICAGO = "America/Chicago"


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("2024", "2024-01-01T06:00", "2025-01-01T06:00"),
        ("2024-12", "2024-12-01T06:00", "2025-01-01T06:00"),
        ("2024-03-10", "2024-03-10T06:00", "2024-03-11T05:00"),
        ("2024-11-03", "2024-11-03T05:00", "2024-11-04T06:00"),
        ("2024-05-06T07:08Z", "2024-05-06T07:08", "2024-05-06T07:09"),
        ("2024-05-06T07:08:09Z", "2024-05-06T07:08:09", "2024-05-06T07:08:10"),
        ("2024-05-06T07:08:09.5Z", "2024-05-06T07:08:09.500", "2024-05-06T07:08:09.501"),
        ("2024-05-06T07:08:09-05:00", "2024-05-06T12:08:09", "2024-05-06T12:08:10"),
        ("2024-05-06T07:08:09", "2024-05-06T12:08:09", "2024-05-06T12:08:10"),
    ],
)
def test_a_date_is_as_long_as_it_is_precise(text: str, low: str, high: str) -> None:
    assert span_of(text, CHICAGO) == Span(*(datetime.fromisoformat(one).replace(tzinfo=UTC) for one in (low, high)))


def test_the_last_day_of_the_calendar_has_no_end() -> None:
    for text in ("9999-12-31", "9999-12", "9999", "9999-12-31T23:59:59Z"):
        assert span_of(text, CHICAGO).high >= datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "24", "2024-13", "2024-02-30", "2024-1-1", "2024-05-06T25:00Z", "٢٠٢٤", "2024-05-06T"]
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(NoSuchDate):
        span_of(text, CHICAGO)


@pytest.mark.parametrize("value", ["zz2024", "ap2024", "ge", "GE2024"])
def test_a_prefix_is_one_of_fhirs(value: str) -> None:
    with pytest.raises(NoSuchDate):
        read_date_test(value, CHICAGO)


@pytest.mark.parametrize(
    ("prefix", "fitting"),
    [
        ("eq", "inside same"),
        ("ne", "before touching reaching after around"),
        ("gt", "reaching after around"),
        ("lt", "before touching around"),
        ("ge", "inside same touching reaching after around"),
        ("le", "before touching inside same reaching around"),
        ("sa", "after"),
        ("eb", "before"),
    ],
)
def test_every_prefix_compares_spans(prefix: str, fitting: str) -> None:
    found = {
        "before": ("2024-04-01", "2024-04-30"),
        "touching": ("2024-04-01", "2024-05-10"),
        "inside": ("2024-05-02", "2024-05-03"),
        "same": ("2024-05-01", "2024-05-31"),
        "reaching": ("2024-05-20", "2024-06-10"),
        "after": ("2024-06-01", "2024-06-02"),
        "around": ("2024-01-01", "2024-12-31"),
    }
    test = read_date_test(f"{prefix}2024-05", CHICAGO)
    periods = {name: spans_in({"start": start, "end": end}, CHICAGO)[0] for name, (start, end) in found.items()}
    assert {name for name, span in periods.items() if test.fits(span)} == set(fitting.split())


def test_what_begins_when_is_what_an_order_of_beginnings_finds() -> None:
    """Of whatever is no longer than a day."""
    days = [f"2024-{month:02d}-{day:02d}" for month in range(1, 13) for day in (1, 2, 15, 28)]
    for prefix in ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"):
        for wanted in ("2024", "2024-05", "2024-05-02", "2024-05-02T12:00:00Z"):
            test = read_date_test(f"{prefix}{wanted}", CHICAGO)
            for day in days:
                span = span_of(day, CHICAGO)
                begins = test.beginnings(longest=timedelta(days=1))
                assert not test.fits(span) or begins.low <= span.low < begins.high


def test_what_is_no_date_in_an_element_has_no_span() -> None:
    elements: tuple[Any, ...] = ("soon", {"start": 5}, {"event": []}, {"text": "daily"}, 7, None, {"start": "2024-13"})
    for element in elements:
        assert [one for one in spans_in(element, CHICAGO) if one != Span()] == []
