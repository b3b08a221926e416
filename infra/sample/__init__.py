"""The sample clinic: synthetic patients of the project's own making, as FHIR R4 bundles to be imported.

Nobody in it exists. The files in bundles/ are made by build.py from the descriptions in clinic.py and people/.
"""

import json
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

BUNDLES = Path(__file__).parent / "bundles"
BUILT_FOR = date(2026, 11, 1)
_MRN = "https://sample-clinic.example/mrn"
_ADULT_AT = 18


@dataclass(frozen=True, slots=True)
class SampleBundle:
    """One bundle; `body` is what goes to the import, byte for byte."""

    name: str
    path: Path
    body: bytes


@dataclass(frozen=True, slots=True)
class SamplePatient:
    """What a person would type to register, read from the bundles; names are NFC, the first given name only.

    `phone_last4` and `email` are None where the clinic has none of the patient's own on file; `activation` says whether
    an activation code is to be issued, which is so for every living adult.
    """

    identifier_system: str
    identifier_value: str
    first_name: str
    last_name: str
    date_of_birth: str
    phone_last4: str | None
    email: str | None
    activation: bool


def bundles() -> list[SampleBundle]:
    """Every bundle in load order: the clinic first, since the patients' bundles refer to it."""
    return [SampleBundle(path.stem, path, path.read_bytes()) for path in sorted(BUNDLES.glob("*.json"))]


def patients() -> list[SamplePatient]:
    """Every patient in load order."""
    return list(_patients())


@cache
def _patients() -> tuple[SamplePatient, ...]:
    return tuple(_patient(resource) for bundle in bundles() for resource in _patient_resources(bundle))


def _patient_resources(bundle: SampleBundle) -> Iterator[dict[str, Any]]:
    resources = (entry["resource"] for entry in json.loads(bundle.body)["entry"])
    return (resource for resource in resources if resource["resourceType"] == "Patient")


def _patient(resource: dict[str, Any]) -> SamplePatient:
    name = next(each for each in resource["name"] if each["use"] == "official")
    number = _contact(resource, "phone")
    return SamplePatient(
        identifier_system=_MRN,
        identifier_value=next(each["value"] for each in resource["identifier"] if each["system"] == _MRN),
        first_name=unicodedata.normalize("NFC", name["given"][0]),
        last_name=unicodedata.normalize("NFC", name["family"]),
        date_of_birth=resource["birthDate"],
        phone_last4=number[-4:] if number else None,
        email=_contact(resource, "email"),
        activation=_is_adult(resource["birthDate"]) and not _has_died(resource),
    )


def _contact(resource: dict[str, Any], system: str) -> str | None:
    current = (each for each in resource.get("telecom", []) if each["system"] == system and each["use"] != "old")
    return next((str(each["value"]) for each in current), None)


def _is_adult(birth_date: str) -> bool:
    born = date.fromisoformat(birth_date)
    years = BUILT_FOR.year - born.year - ((BUILT_FOR.month, BUILT_FOR.day) < (born.month, born.day))
    return years >= _ADULT_AT


def _has_died(resource: dict[str, Any]) -> bool:
    return "deceasedDateTime" in resource or resource.get("deceasedBoolean") is True
