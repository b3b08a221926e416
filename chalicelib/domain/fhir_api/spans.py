"""Dates in searches: what a date stands for as a span of time, and how spans compare.

As https://hl7.org/fhir/R4/search.html#date has it: `2024-05` is all of May, and a time is as long as it is precise.
What has no zone of its own is in the clinic's.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from chalicelib.domain.records import dates

_TIME: Final = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)[Tt](?P<clock>\d\d:\d\d)(?P<second>:\d\d)?(?P<fraction>\.\d+)?(?P<zone>Z|z|[+-]\d\d:\d\d)?",
    re.ASCII,
)
_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_LAST: Final = datetime.max.replace(tzinfo=UTC)
_YEAR, _MONTH, _DAY = 4, 7, 10


@dataclass(frozen=True, slots=True)
class Span:
    """From `low`, included, to `high`, excluded; both aware. An end that is open is the first or last of all times."""

    low: datetime = _FIRST
    high: datetime = _LAST


def span_of(text: str, zone: str) -> Span:
    """What a FHIR date or time stands for; of a date in the IANA zone. Raises dates.NoSuchDate."""
    time = _TIME.fullmatch(text)
    if time is None:
        low = _instant(dates.order_key(text, zone))
        return Span(low, _end_of_date(text, zone))
    written = f"{time['day']}T{time['clock']}{time['second'] or ':00'}{time['fraction'] or ''}"
    low = _instant(dates.order_key(f"{written}{time['zone']}", "UTC")) if time["zone"] else _local(written, zone)
    return Span(low, _later(low, _precision(time)))


def _precision(time: re.Match[str]) -> timedelta:
    if time["fraction"]:
        return timedelta(milliseconds=1)
    return timedelta(seconds=1) if time["second"] else timedelta(minutes=1)


def _local(written: str, zone: str) -> datetime:
    try:
        return datetime.fromisoformat(written).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise dates.NoSuchDate("there is no such date or time") from None


def _end_of_date(text: str, zone: str) -> datetime:
    year, month = int(text[:_YEAR]), int(text[_YEAR + 1 : _MONTH] or 12)
    try:
        if len(text) == _DAY:
            following = f"{datetime.fromisoformat(text) + timedelta(days=1):%Y-%m-%d}".rjust(_DAY, "0")
        else:
            following = f"{year + month // 12:04d}-{month % 12 + 1:02d}"
        return _instant(dates.order_key(following, zone))
    except (ValueError, OverflowError):
        # The day after the last of the calendar.
        return _LAST


def _instant(key: str) -> datetime:
    return datetime.fromisoformat(key).astimezone(UTC)


def _later(at: datetime, by: timedelta) -> datetime:
    try:
        return at + by
    except OverflowError:
        return _LAST


def spans_in(element: Any, zone: str) -> list[Span]:
    """The spans of an element: a date or time, a Period, or the events of a Timing as one. None of what is no date."""
    try:
        return list(_spans(element, zone))
    except dates.NoSuchDate:
        return []


def _spans(element: Any, zone: str) -> Iterator[Span]:
    if isinstance(element, str):
        yield span_of(element, zone)
    elif isinstance(element, Mapping) and isinstance(element.get("event"), list):
        events = [span_of(one, zone) for one in element["event"] if isinstance(one, str)]
        if events:
            yield Span(min(one.low for one in events), max(one.high for one in events))
    elif isinstance(element, Mapping) and ({"start", "end"} & element.keys()):
        start, end = element.get("start"), element.get("end")
        yield Span(
            span_of(start, zone).low if isinstance(start, str) else _FIRST,
            span_of(end, zone).high if isinstance(end, str) else _LAST,
        )


COMPARE: Final[Mapping[str, Callable[[Span, Span], bool]]] = {
    "eq": lambda wanted, found: wanted.low <= found.low and found.high <= wanted.high,
    "ne": lambda wanted, found: not (wanted.low <= found.low and found.high <= wanted.high),
    "gt": lambda wanted, found: found.high > wanted.high,
    "lt": lambda wanted, found: found.low < wanted.low,
    "ge": lambda wanted, found: found.high > wanted.low,
    "le": lambda wanted, found: found.low < wanted.high,
    "sa": lambda wanted, found: found.low >= wanted.high,
    "eb": lambda wanted, found: found.high <= wanted.low,
}
"""Whether a wanted span and one that was found stand as a prefix says; ge and le take what reaches into the span."""


@dataclass(frozen=True, slots=True)
class DateTest:
    """One value of a date parameter: its prefix and its span."""

    prefix: str
    span: Span

    def fits(self, found: Span) -> bool:
        """Whether a span that was found is what is wanted."""
        return COMPARE[self.prefix](self.span, found)

    def beginnings(self, longest: timedelta) -> Span:
        """Between which times what fits begins, where it is no longer than `longest`."""
        low = _FIRST if self.span.low - _FIRST < longest else self.span.low - longest
        return {
            "eq": Span(low, self.span.high),
            "gt": Span(low, _LAST),
            "ge": Span(low, _LAST),
            "sa": Span(low, _LAST),
            "lt": Span(_FIRST, self.span.high),
            "le": Span(_FIRST, self.span.high),
            "eb": Span(_FIRST, self.span.high),
        }.get(self.prefix, Span())


def read_date_test(value: str, zone: str) -> DateTest:
    """A value of a date parameter. Raises dates.NoSuchDate."""
    prefix, date = (value[:2], value[2:]) if value[:2].isalpha() else ("eq", value)
    if prefix not in COMPARE:
        raise dates.NoSuchDate(f"the prefix {prefix!r} is not one of {', '.join(COMPARE)}")
    return DateTest(prefix, span_of(date, zone))
