"""Values of a record's view in words, in a language: numbers as sent, dates where the clinic is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any, Final

from chalicelib import words
from chalicelib.words import times

LONGEST_VALUE: Final = 300
"""Characters of one value in a sentence; the whole of it stands in the record."""

_NUMBER: Final = re.compile(r"(?P<sign>[-+]?)(?P<whole>\d+)(?:\.(?P<rest>\d+))?")
_DATE: Final = re.compile(r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)(?P<time>T\d\d:\d\d\S*Z)?)?)?")
_GROUP: Final = 3
CODED: Final = frozenset(
    {
        *{"status", "clinical_status", "verification_status", "achievement", "criticality", "allergy_type", "intent"},
        *{"priority", "severity"},
    }
)
"""Fields whose values are words of FHIR's own lists, most of the time."""

DATED: Final = frozenset(
    {
        *{
            "occurred_at",
            "recorded_at",
            "onset",
            "abatement",
            "last_reaction_at",
            "expires_on",
            "performed",
            "deceased",
        },
        *{"manufactured_on", "occurrence", "due_on", "created_at", "scheduled", "start", "end", "value", "answers"},
    }
)
"""Fields that may hold a date or a time."""


@dataclass(frozen=True, slots=True)
class Reader:
    """In which language a value is said, and where its days are days. `exact` tells the time of day too."""

    language: str
    zone: tzinfo
    exact: bool = False

    def say(self, key: str, **values: object) -> str:
        """The words of a key."""
        return words.say(key, self.language, **values)

    def number(self, number: Decimal | int | str) -> str:
        """A number with the digits that it was sent with, thousands apart."""
        match = _NUMBER.fullmatch(str(number))
        if match is None:
            return str(number)
        whole = f"{int(match['whole']):,}".replace(",", self.say("number.thousands"))
        rest = f"{self.say('number.point')}{match['rest']}" if match["rest"] else ""
        return f"{match['sign']}{whole}{rest}"

    def time(self, text: str) -> str | None:
        """A date or a time as the API writes it; None for what is neither. A span has a slash in it."""
        if "/" in text:
            ends = [self.time(end) for end in text.split("/") if end != ".."]
            return self._span(text.startswith(".."), [end for end in ends if end]) if all(ends) else None
        match = _DATE.fullmatch(text)
        try:
            return self._date(text, match) if match else None
        except (ValueError, OverflowError):
            # A text that looks like a date need be none, and the zone may carry one over the edge of the calendar.
            return None

    def _date(self, text: str, match: re.Match[str]) -> str:
        year, month, day = (int(match[part] or 0) for part in ("year", "month", "day"))
        if match["time"]:
            at = datetime.fromisoformat(text)
            return times.moment(at, self.zone, self.language) if self.exact else self.day(at)
        if day:
            return times.day(date(year, month, day), self.language)
        return times.month_of_year(year, month, self.language) if month else match["year"]

    def day(self, at: datetime) -> str:
        """The day of a time where the clinic is."""
        return times.day(at.astimezone(self.zone).date(), self.language)

    def _span(self, is_open: bool, ends: list[str]) -> str:  # noqa: FBT001  One of a pair with the ends.
        if is_open:
            return self.say("changes.until", end=ends[0])
        return self.say("changes.from_to", start=ends[0], end=ends[1]) if len(ends) > 1 else ends[0]

    def value(self, field: str, value: Any) -> str:
        """The value of a field."""
        if isinstance(value, bool):
            return self.say("changes.value.yes" if value else "changes.value.no")
        if isinstance(value, int | Decimal):
            return self.number(value)
        if isinstance(value, str):
            return self._text(field, value)
        if isinstance(value, list):
            return ", ".join(self.value(field, member) for member in value)
        if isinstance(value, Mapping):
            return self._object(value)
        return self.say("changes.value.nothing")

    def _text(self, field: str, text: str) -> str:
        if field in CODED or field == "categories":
            key = f"changes.value.{text.replace('-', '_')}"
            return words.catalogue(self.language).get(key, text)
        shown = self.time(text) if field in DATED else None
        return shown or (text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…")

    def reading(self, view: Mapping[str, Any]) -> str | None:
        """What was measured, with its unit; else why there is no value; None where the clinic said neither."""
        value = view.get("value")
        if value is None:
            reason = view.get("data_absent_reason")
            return self.say("changes.no_value", reason=reason) if reason else None
        parts = (view.get("comparator"), self.value("value", value), view.get("unit"))
        return " ".join(str(part) for part in parts if part)

    def _object(self, value: Mapping[str, Any]) -> str:
        """One of the small shapes of a row (domain/records/rows.py) in a few words."""
        if "value" in value and "title" not in value:
            return self.reading(value) or str(value.get("unit") or "")
        if "start" in value or "end" in value:
            return self._period(value)
        if "numerator" in value or "denominator" in value:
            return " / ".join(self.value("", value[part]) for part in ("numerator", "denominator") if part in value)
        if "low" in value or "high" in value:
            return self._range(value)
        return self._named(value)

    def _period(self, value: Mapping[str, Any]) -> str:
        start, end = (self.time(str(value[name])) if name in value else None for name in ("start", "end"))
        if start and end:
            return self.say("changes.from_to", start=start, end=end)
        return self.say("changes.until", end=end) if end else self.say("changes.since", start=start)

    def _range(self, value: Mapping[str, Any]) -> str:
        low, high = (self.value("", value[name]) if name in value else None for name in ("low", "high"))
        unit = f" {value['unit']}" if value.get("unit") else ""
        if low and high:
            return self.say("changes.low_to_high", low=low, high=high) + unit
        return self.say("changes.up_to" if high else "changes.at_least", limit=high or low) + unit

    def _named(self, value: Mapping[str, Any]) -> str:
        """Whatever has a name, with what else there is to be said of it."""
        name = self.name_of(value)
        rest = value.get("role") or value.get("status") or value.get("detail") or value.get("answers")
        reading = self.reading(value) if "value" in value else None
        about = reading or (self.value("status" if "status" in value else "answers", rest) if rest else None)
        return f"{name} ({about})" if about else name

    def name_of(self, value: Mapping[str, Any]) -> str:
        """What a member of a list is called."""
        for name in ("title", "name", "measure", "question", "text", "display", "substance", "code", "description"):
            if value.get(name):
                return self.value(name, value[name])
        for name in ("manifestations", "content_type", "detail", "due_on", "size"):
            if value.get(name):
                return self.value(name, value[name])
        return self.say("changes.value.nameless")
