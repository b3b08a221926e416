"""A copy of a record as a FHIR Bundle: each resource as the clinic sent it, Social Security numbers masked.

With them come the patient and whoever, whatever and wherever they refer to. Every entry has a `urn:uuid:` of its own,
and references to it say that: a resource whose id is a UUID keeps the one that others of its sender know it by.
"""

import itertools
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, Final, TypeAlias

from chalicelib import clock, ids
from chalicelib.domain.fhir import text
from chalicelib.domain.fhir.references import UUID, Kind, Reference, read_reference
from chalicelib.domain.fhir.text import Resource
from chalicelib.domain.records.categories import DIRECTORY, RECORD_TYPES
from chalicelib.models import aliases, raw_versions
from chalicelib.models import records as storage
from chalicelib.models.patients import Patient
from chalicelib.services import records, resource_keys
from chalicelib.services.record_exports.gathering import Spool, Tell
from chalicelib.services.record_exports.heading import Heading

_AT_ONCE: Final = 200
_SHOWN_OF_A_PATIENT: Final = (
    "resourceType",
    "id",
    "name",
    "gender",
    "birthDate",
    "deceasedBoolean",
    "deceasedDateTime",
)
"""What a caregiver learns of the patient, whom a summary tells no more."""

_Sent: TypeAlias = tuple[str, str, Resource]
"""A record's id, who sent it, and its resource."""

_NO_RECORDS: Final = (*sorted(DIRECTORY), "Patient")


def write(out: IO[bytes], heading: Heading, tell: Tell) -> None:
    """Write all of it."""
    known = _Known.of(heading)
    head = {
        "resourceType": "Bundle",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": _urn(heading.export_id)},
        "type": "collection",
        "timestamp": clock.stamp(heading.made_at),
    }
    out.write(text.dump(head)[:-1] + b',"entry":[')
    for place, (urn, resource) in enumerate(_entries(heading.spool, known, tell)):
        out.write(b",\n" if place else b"\n")
        out.write(text.dump({"fullUrl": urn, "resource": resource}))
    out.write(b"\n]}\n")


def _entries(spool: Spool, known: "_Known", tell: Tell) -> Iterator[tuple[str, Resource]]:
    yield from ((known.urns[patient_id], resource) for patient_id, resource in known.patients.items())
    written = 0
    for some in _runs(_resources(spool)):
        known.learn((source, resource) for _, source, resource in some)
        for record_id, source, resource in some:
            known.rewrite(source, resource)
            yield known.urns[record_id], resource
        written += len(some)
        tell(100 * written // spool.counts.total())
    for directory_id, (source, resource) in known.directory.items():
        known.rewrite(source, resource)
        yield known.urns[directory_id], resource


def _runs(resources: Iterator[_Sent]) -> Iterator[list[_Sent]]:
    while some := list(itertools.islice(resources, _AT_ONCE)):
        yield some


def _resources(spool: Spool) -> Iterator[_Sent]:
    for _, line in spool.read():
        yield line["known"]["record_id"], line["known"]["source"], line["resource"]


@dataclass(slots=True)
class _Known:
    """What is in the bundle, by the portal's ids, and what references mean."""

    urns: dict[str, str] = field(default_factory=dict)
    patients: dict[str, Resource] = field(default_factory=dict)
    directory: dict[str, tuple[str, Resource]] = field(default_factory=dict)
    targets: dict[tuple[str, Reference], str | None] = field(default_factory=dict)
    hides_some: bool = False
    """Whether the reader does not see all of the record: then no words are left of what is not in the bundle."""

    @classmethod
    def of(cls, heading: Heading) -> "_Known":
        """The records and the patient: who they refer to is learnt as they are read."""
        known = cls(hides_some=not heading.source.sight.is_full)
        own = {record_id: resource.get("id") for record_id, _, resource in _resources(heading.spool)}
        raws = raw_versions.find_present_raws(heading.patients)
        for patient in heading.patients:
            raw = raws.get(patient.pk)
            resource = text.parse(records.body_of(raw)) if raw else _made_up(patient)
            shown = resource if heading.shows_contacts else _little_of(resource)
            known.patients[patient.pk] = shown
            own[patient.pk] = resource.get("id")
        known.urns = _urns(own)
        return known

    def learn(self, resources: Iterable[tuple[str, Resource]]) -> None:
        """Find out what the references of some resources mean, and those of whatever comes into the bundle by them."""
        asked = {(source, read_reference(one)) for source, resource in resources for one in _references(resource)}
        new = asked - self.targets.keys()
        self.targets |= {place: self._inside(*place) for place in new}
        arrived = self._look_up([place for place in new if self.targets[place] is None])
        if arrived:
            self.learn(arrived)

    def rewrite(self, source: str, resource: Resource) -> None:
        """Let a resource refer to what is in the bundle by what it is called there."""
        for element in _references(resource):
            target = self.targets[source, read_reference(element)]
            if target in self.urns:
                element["reference"] = self.urns[target]
            elif self.hides_some and not str(element["reference"]).startswith("#"):
                element.pop("display", None)

    def _inside(self, source: str, reference: Reference) -> str | None:
        """The record of the bundle that a reference names by its id."""
        named = resource_keys.record_ids(source, reference, tuple(sorted(RECORD_TYPES)), foreign=False)
        return next((one for one in named if one in self.urns), None)

    def _look_up(self, places: list[tuple[str, Reference]]) -> list[tuple[str, Resource]]:
        """By the names that their senders gave them; returns what came into the bundle."""
        digests = {place: _digests(*place) for place in places}
        known = aliases.find_aliases(list({one for some in digests.values() for one in some}))
        for place, some in digests.items():
            self.targets[place] = next((known[one].target_id for one in some if one in known), None)
        found = {self.targets[place] for place in places}
        return self._take_in(sorted(one for one in found if one and ids.has_prefix(one, "dir")))

    def _take_in(self, directory_ids: list[str]) -> list[tuple[str, Resource]]:
        rows = storage.find_directory(one for one in directory_ids if one not in self.directory)
        raws = raw_versions.find_present_raws(rows)
        arrived: dict[str, tuple[str, Resource]] = {}
        for row in rows:
            directory_id = row.pk.removeprefix("directory#")
            if raw := raws.get(directory_id):
                arrived[directory_id] = (row.source, text.parse(records.body_of(raw)))
        self.directory |= arrived
        taken = set(self.urns.values())
        for directory_id, (_, resource) in arrived.items():
            urn = _own_urn(resource.get("id"))
            self.urns[directory_id] = urn if urn and urn not in taken else _urn(directory_id)
        return list(arrived.values())


def _digests(source: str, reference: Reference) -> list[str]:
    if reference.kind in {Kind.CONTAINED, Kind.DISPLAY, Kind.UNSUPPORTED}:
        return []
    targets = _NO_RECORDS if reference.type is None else ()
    return [
        resource_keys.row_digest(key) for key in resource_keys.reference_keys(source, reference, targets, foreign=False)
    ]


def _references(element: Any) -> Iterator[dict[str, Any]]:
    """Every Reference of a resource that says more than words, wherever it stands."""
    if isinstance(element, list):
        for member in element:
            yield from _references(member)
    elif isinstance(element, dict):
        if isinstance(element.get("reference"), str):
            yield element
        for member in element.values():
            if isinstance(member, dict | list):
                yield from _references(member)


def _urns(own: Mapping[str, Any]) -> dict[str, str]:
    """The `urn:uuid:` of each resource by the portal's id: made of its own id where that is a UUID, and no other's."""
    given = {portal_id: _own_urn(resource_id) for portal_id, resource_id in own.items()}
    seen, twice = set[str](), set[str]()
    for urn in given.values():
        if urn is not None:
            (twice if urn in seen else seen).add(urn)
    return {one: urn if urn is not None and urn not in twice else _urn(one) for one, urn in given.items()}


def _own_urn(resource_id: Any) -> str | None:
    is_uuid = isinstance(resource_id, str) and UUID.fullmatch(resource_id)
    return f"urn:uuid:{resource_id.lower()}" if is_uuid else None


def _urn(portal_id: str) -> str:
    """The portal's own id, which is as long as a UUID, as one."""
    return f"urn:uuid:{uuid.UUID(int=ids.number_of(portal_id) % 2**128)}"


def _little_of(patient: Resource) -> Resource:
    return {name: patient[name] for name in _SHOWN_OF_A_PATIENT if name in patient}


def _made_up(patient: Patient) -> Resource:
    """Of a patient of whom no resource is kept: what is on file."""
    names = [{"given": given, "family": family} for given, family in patient.all_names]
    known = {"gender": patient.gender, "birthDate": patient.birth_date}
    return {"resourceType": "Patient", "name": names} | {name: value for name, value in known.items() if value}
