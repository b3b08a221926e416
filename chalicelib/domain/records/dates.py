"""FHIR dates and times (https://hl7.org/fhir/R4/datatypes.html#dateTime) as the portal shows and orders them.

Times become RFC 3339 in UTC with `Z`, to the millisecond at most. Dates, and dates of which only the year or the month
is known, stay as sent: turning them into an instant would claim more than the clinic knows.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from chalicelib.domain.fhir.text import Resource

_DATE_TIME: Final = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?P<time>[Tt](?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d+))?)?(?P<zone>Z|z|[+-](?:[01]\d|2[0-3]):[0-5]\d)?)?)?)?",
    re.ASCII,
)
_TIME: Final = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?", re.ASCII)
_LEAP_SECOND: Final = 60


class NoSuchDate(ValueError):
    """The text is no date or time that FHIR allows; the message says what was expected, for the sender."""


def normal(text: str) -> str:
    """A FHIR date, dateTime or instant as the API gives it. Raises NoSuchDate."""
    match = _match(text)
    if not match["time"]:
        _instant(match, UTC)
        return text
    at = _instant(match, UTC)
    fraction = (match["fraction"] or "")[:3]
    return at.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0") + (f".{fraction}Z" if fraction else "Z")


def order_key(text: str, zone: str) -> str:
    """A text that sorts as time does: the instant in UTC, to the millisecond.

    A date is the start of that day in the IANA zone; a year or a month is its first day. Raises NoSuchDate.
    """
    at = _instant(_match(text), ZoneInfo(zone))
    return at.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0") + f".{at.microsecond // 1000:03d}Z"


def is_time(text: str) -> bool:
    """Whether a text is a FHIR time of day."""
    return _TIME.fullmatch(text) is not None


def is_instant(text: str) -> bool:
    """Whether a valid date or time is as precise as an instant: it has a time of day."""
    return "T" in text.upper()


def _match(text: str) -> re.Match[str]:
    match = _DATE_TIME.fullmatch(text)
    if not match:
        raise NoSuchDate("YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with a zone was expected")
    if match["time"] and not match["zone"]:
        raise NoSuchDate("a time needs its zone: Z or +hh:mm")
    return match


def _instant(match: re.Match[str], zone: Any) -> datetime:
    """The instant in UTC, where a date without a time is the start of its day in `zone`."""
    second = int(match["second"] or 0)
    leap = timedelta(seconds=1) if second == _LEAP_SECOND else timedelta()
    try:
        local = datetime(
            int(match["year"]),
            int(match["month"] or 1),
            int(match["day"] or 1),
            int(match["hour"] or 0),
            int(match["minute"] or 0),
            second - leap.seconds,
            int((match["fraction"] or "")[:6].ljust(6, "0")),
            tzinfo=UTC if match["time"] else zone,
        )
        return local.astimezone(UTC) - _offset(match["zone"]) + leap
    except (ValueError, OverflowError):
        raise NoSuchDate("there is no such date or time") from None


def _offset(zone: str | None) -> timedelta:
    if zone is None or zone in "Zz":
        return timedelta()
    minutes = int(zone[1:3]) * 60 + int(zone[4:6])
    return timedelta(minutes=-minutes if zone[0] == "-" else minutes)


# Which element says when a record happened, the best first. A planned date is no substitute for an order's own.
OCCURRED: Final[Mapping[str, tuple[str, ...]]] = {
    "AllergyIntolerance": ("onsetDateTime", "onsetPeriod", "recordedDate"),
    "CarePlan": ("period", "created"),
    "CareTeam": ("period",),
    "Condition": ("onsetDateTime", "onsetPeriod", "recordedDate"),
    "Device": (),
    "DiagnosticReport": ("effectiveDateTime", "effectivePeriod", "issued"),
    "DocumentReference": ("date", "context.period", "content.attachment.creation"),
    "Encounter": ("period",),
    "FamilyMemberHistory": ("date",),
    "Goal": ("startDate", "statusDate"),
    "ImagingStudy": ("started", "series.started"),
    "Immunization": ("occurrenceDateTime", "recorded"),
    "Media": ("createdDateTime", "createdPeriod", "issued"),
    "MedicationRequest": ("authoredOn",),
    "Observation": ("effectiveDateTime", "effectivePeriod", "effectiveInstant", "effectiveTiming.event", "issued"),
    "Procedure": ("performedDateTime", "performedPeriod"),
    "QuestionnaireResponse": ("authored",),
    "ServiceRequest": ("authoredOn", "occurrenceDateTime", "occurrencePeriod"),
}
# Which element says when it was written down; meta.lastUpdated where the type has none or it was left out.
RECORDED: Final[Mapping[str, str]] = {
    "AllergyIntolerance": "recordedDate",
    "CarePlan": "created",
    "Condition": "recordedDate",
    "DiagnosticReport": "issued",
    "DocumentReference": "date",
    "FamilyMemberHistory": "date",
    "Goal": "statusDate",
    "Immunization": "recorded",
    "Media": "issued",
    "MedicationRequest": "authoredOn",
    "Observation": "issued",
    "QuestionnaireResponse": "authored",
    "ServiceRequest": "authoredOn",
}
_OCCURRED_PATHS: Final = {name: [path.split(".") for path in paths] for name, paths in OCCURRED.items()}


def occurred_at(resource: Resource) -> str | None:
    """When a record happened, by the table OCCURRED; the start of a period; None where the clinic did not say."""
    for path in _OCCURRED_PATHS.get(resource["resourceType"], ()):
        found = _at(resource, path)
        if found is not None:
            return normal(found)
    return None


def recorded_at(resource: Resource) -> str | None:
    """When a record was written down, by the table RECORDED, else when the sender last changed it."""
    element = resource.get(RECORDED.get(resource["resourceType"], ""))
    if not isinstance(element, str):
        element = (resource.get("meta") or {}).get("lastUpdated")
    return normal(element) if isinstance(element, str) else None


def _at(element: Any, path: list[str]) -> str | None:
    """The first text at a path: of lists the first member that has one, of a Period its start, else its end."""
    if isinstance(element, list):
        return next((found for member in element if (found := _at(member, path)) is not None), None)
    if not isinstance(element, Mapping):
        return element if isinstance(element, str) and not path else None
    if path:
        return _at(element.get(path[0]), path[1:])
    return _at(element.get("start"), []) or _at(element.get("end"), [])
