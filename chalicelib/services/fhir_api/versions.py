"""Versions of resources as the FHIR API answers them: with the ids, the version and the references of the portal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from chalicelib.domain.fhir import text
from chalicelib.domain.fhir.text import Resource
from chalicelib.domain.fhir_api.names import fhir_id
from chalicelib.domain.records.categories import category_of
from chalicelib.domain.records.sensitivity import is_sensitive
from chalicelib.models import patients, raw_versions
from chalicelib.models.base import together
from chalicelib.models.patients import Held, Patient
from chalicelib.models.raw_versions import Raw
from chalicelib.services.fhir_api.links import Origin, linked
from chalicelib.services.fhir_api.sights import View
from chalicelib.services.records import body_of
from chalicelib.settings import settings

_SHOWN_TO_CAREGIVERS: Final = ("resourceType", "id", "meta", "active", "name", "gender", "birthDate", "language")
"""What those who look after a patient see of whom they look after: a contact is the patient's own business."""
_DECEASED: Final = ("deceasedBoolean", "deceasedDateTime")
_SUBSETTED: Final = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a resource as it is answered; `changed_at` is when the portal stored it (RFC 3339)."""

    id: str
    type: str
    number: int
    changed_at: str | None
    resource: Resource


def versions(stored: Sequence[tuple[Raw, Held | None]], view: View) -> list[Version]:
    """Stored versions as the view's reader sees them. The row is asked for what versions of old do not say."""
    origins = [_origin(raw, row) for raw, row in stored]
    rewritten = linked(origins, view)
    found = []
    for (raw, row), resource in zip(stored, rewritten, strict=True):
        id, number = raw.pk.partition("#")[2], raw_versions.version_of(raw)
        changed_at = raw.changed_at or _changed_at(row, number)
        shown = _rendered(resource, id, number, changed_at)
        found.append(Version(id, str(resource["resourceType"]), number, changed_at, shown))
    return found


def shows(view: View, raw: Raw) -> bool:
    """Whether a version shows by what it says itself: what a version of old was may have been hidden."""
    if view.sight.is_full:
        return True
    resource = text.parse(body_of(raw))
    category = category_of(resource)
    return category is not None and view.sight.shows(category, is_sensitive=is_sensitive(resource))


def of_rows(rows: Sequence[Held], view: View) -> list[Version]:
    """The present versions of rows, in their order."""
    bodies = raw_versions.find_raw_versions([(id_of(row), int(row.version)) for row in rows])
    stored = [(bodies[id_of(row)], row) for row in rows if id_of(row) in bodies]
    return versions(stored, view)


def of_patient(view: View, raw: Raw | None = None) -> Version | None:
    """The patient of a view, in their present version or in another one; of them, no more than the reader may see."""
    patient_id = view.reach.patient_id
    latest, row = together(lambda: raw or raw_versions.find_latest_raw(patient_id), lambda: patients.find(patient_id))
    if latest is None or row is None:
        return None
    (version,) = versions([(latest, row)], view)
    if view.reach.scopes is None:
        return version
    return Version(version.id, version.type, version.number, version.changed_at, _subset(version.resource, row))


def id_of(row: Held) -> str:
    """The id of the resource that a row holds."""
    if isinstance(row, Patient):
        return str(row.pk)
    return str((row.pk if row.pk.startswith("directory#") else row.sk).partition("#")[2])


def _origin(raw: Raw, row: Held | None) -> Origin:
    source = raw.source or (row.source if row is not None else "")
    return Origin(text.parse(body_of(raw)), source, raw.full_url)


def _changed_at(row: Held | None, number: int) -> str | None:
    return row.changed_at if row is not None and int(row.version) == number else None


def _rendered(resource: Resource, id: str, number: int, changed_at: str | None) -> Resource:
    sent = resource.get("meta")
    kept = {name: value for name, value in sent.items() if name != "lastUpdated"} if isinstance(sent, Mapping) else {}
    meta = {**kept, "versionId": str(number), **({"lastUpdated": changed_at} if changed_at else {})}
    head = {"resourceType": resource["resourceType"], "id": fhir_id(id), "meta": meta}
    return head | {name: value for name, value in resource.items() if name not in head}


def _subset(resource: Resource, row: Patient) -> Resource:
    shown: dict[str, Any] = {
        name: value for name, value in resource.items() if name in (*_SHOWN_TO_CAREGIVERS, *_DECEASED)
    }
    meta = shown["meta"]
    number = {"system": settings().clinic_number_system, "value": row.clinic_number}
    return {**shown, "meta": {**meta, "tag": [*meta.get("tag", ()), _SUBSETTED]}, "identifier": [number]}
