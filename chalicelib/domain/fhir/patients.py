"""Patients as staff write them down: the FHIR resource of a new one, and corrections of one that was sent."""

from collections.abc import Mapping
from typing import Any

from chalicelib.domain.fhir.text import Resource

ELEMENTS = ("first_name", "last_name", "birth_date", "gender", "email", "mobile_phone", "clinic_number")
"""What staff may write."""


def written(resource: Resource, resource_id: str, changes: Mapping[str, Any], number_system: str) -> Resource:
    """A Patient resource with what staff wrote; all else stays as it was sent. None takes something away."""
    kept = {name: value for name, value in resource.items() if name != "meta"}
    found: Resource = {**kept, "resourceType": "Patient", "id": resource_id}
    if {"first_name", "last_name"} & changes.keys():
        found["name"] = _names(found.get("name"), changes)
    for element, name in (("birthDate", "birth_date"), ("gender", "gender")):
        if name in changes:
            _set(found, element, changes[name])
    for system, use, name in (("email", None, "email"), ("phone", "mobile", "mobile_phone")):
        if name in changes:
            found["telecom"] = _telecom(found.get("telecom"), system, use, changes[name])
    if number := changes.get("clinic_number"):
        others = [one for one in _listed(found.get("identifier")) if one.get("system") != number_system]
        found["identifier"] = [{"system": number_system, "value": number}, *others]
    return found


def _names(before: object, changes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The official name, else the first, corrected; its other given names stay."""
    names = _listed(before) or [{"use": "official"}]
    place = next((place for place, name in enumerate(names) if name.get("use") == "official"), 0)
    corrected = {name: value for name, value in names[place].items() if name != "text"}
    if "first_name" in changes:
        given = corrected.get("given")
        corrected["given"] = [changes["first_name"], *(given[1:] if isinstance(given, list) else [])]
    if "last_name" in changes:
        corrected["family"] = changes["last_name"]
    return [*names[:place], corrected, *names[place + 1 :]]


def _telecom(before: object, system: str, use: str | None, value: str | None) -> list[dict[str, Any]]:
    """The contact first, in the place of all that were of its kind."""
    others = [one for one in _listed(before) if one.get("system") != system or (use and one.get("use", use) != use)]
    made = {"system": system, "value": value, **({"use": use} if use else {})}
    return [made, *others] if value is not None else others


def _set(resource: Resource, element: str, value: str | None) -> None:
    if value is None:
        resource.pop(element, None)
    else:
        resource[element] = value


def _listed(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
