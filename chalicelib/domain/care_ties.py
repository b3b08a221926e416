"""Which practitioners a record names as those who care for a patient, and for how long they do."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from chalicelib.domain.fhir.references import Reference, read_reference
from chalicelib.domain.fhir.text import Resource
from chalicelib.domain.fhir.uses import Use
from chalicelib.domain.records import dates

VISIT_TIES: Final = timedelta(days=365)
"""How long after a visit whoever saw the patient may still look at their record."""

GLASS_LASTS: Final = timedelta(minutes=60)
"""How long a record stays open once the glass is broken (AC 6)."""

MOST: Final = 8
"""Practitioners of one record, at most."""

TYPES: Final = frozenset({"Patient", "CareTeam", "Encounter"})
"""The types of resource that name who cares for a patient."""

_PLACES: Final = {
    "Patient": ("generalPractitioner", None),
    "CareTeam": ("participant", "member"),
    "Encounter": ("participant", "individual"),
}
_OVER: Final = frozenset({"entered-in-error", "cancelled", "inactive", "suspended"})


def uses(resource: Resource) -> list[Use]:
    """The references to those who care for the patient; none where the record says that it is not so, or no more."""
    place = _PLACES.get(str(resource.get("resourceType")))
    if place is None or resource.get("status") in _OVER:
        return []
    found = [Use(".".join(filter(None, place)), one, ("Practitioner",)) for one in _references(resource, *place)]
    return found[:MOST]


def _references(resource: Resource, name: str, member: str | None) -> Iterator[Reference]:
    for element in _listed(resource.get(name)):
        named = element.get(member) if member else element
        if isinstance(named, Mapping):
            reference = read_reference(named)
            if reference.type in {None, "Practitioner"}:
                yield reference


def _listed(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def ends_at(resource: Resource, zone: str, now: datetime) -> datetime | None:
    """Until when the ties of a record hold; None for as long as the record says so. Aware, in UTC."""
    period = resource.get("period")
    told = period if isinstance(period, Mapping) else {}
    match resource.get("resourceType"):
        case "Encounter":
            return (_time(told.get("end"), zone) or _time(told.get("start"), zone) or now) + VISIT_TIES
        case "CareTeam":
            return _time(told.get("end"), zone)
        case _:
            return None


def _time(text: object, zone: str) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        return datetime.fromisoformat(dates.order_key(text, zone)).astimezone(UTC)
    except (dates.NoSuchDate, ValueError):
        return None
