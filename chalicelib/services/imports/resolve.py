"""Whom the entries of a bundle are about, and what they refer to.

Inside the bundle first, then in what was sent before.
"""

from dataclasses import dataclass, field

import orjson

from chalicelib import ids
from chalicelib.domain import identity
from chalicelib.domain.fhir.bundle import Entry, Refusal
from chalicelib.domain.fhir.identity import alias_keys, find_in_bundle, index_by_url, is_foreign
from chalicelib.domain.fhir.references import Kind, Reference
from chalicelib.domain.fhir.uses import Use, subject_of, subject_problem, view_references
from chalicelib.domain.records import people
from chalicelib.domain.records.categories import DIRECTORY, RECORD_TYPES
from chalicelib.domain.records.elements import Known
from chalicelib.domain.records.view import view
from chalicelib.models import patients, records
from chalicelib.models.records import Alias, Record
from chalicelib.services.imports.keys import identity_of, reference_keys, resource_id, row_digest
from chalicelib.settings import settings


@dataclass(slots=True)
class Resolver:
    """What is known while one bundle of one client is imported."""

    client_id: str
    entries: list[Entry]
    index: dict[str, Entry]
    aliases: dict[str, Alias]
    patient_ids: dict[int, str] = field(default_factory=dict)
    subjects: dict[int, str] = field(default_factory=dict)
    before: dict[str, Record] = field(default_factory=dict)
    titles: dict[int, str | None] = field(default_factory=dict)

    def known(self, reference: Reference) -> Known | None:
        """What a reference of a view names, if it has arrived."""
        inside = find_in_bundle(reference, self.index)
        if inside is not None:
            return self._known_inside(inside)
        targets = (*sorted(DIRECTORY), *sorted(RECORD_TYPES)) if reference.type is None else ()
        for key in reference_keys(self.client_id, reference, targets):
            if alias := self.aliases.get(row_digest(key)):
                return known_by(alias)
            if record := self.before.get(resource_id(key)):
                return Known(orjson.loads(record.view)["title"], record.record_id)
        return None

    def _known_inside(self, entry: Entry) -> Known:
        if entry.index not in self.titles:
            is_record = entry.type in RECORD_TYPES
            self.titles[entry.index] = (
                view(entry.resource)["title"] if is_record else people.display_name(entry.resource)
            )
        record_id = resource_id(identity_of(self.client_id, entry)) if entry.type in RECORD_TYPES else None
        code = entry.resource.get("code") if entry.type == "Medication" else None
        return Known(self.titles[entry.index], record_id, code)

    def awaited(self, entry: Entry) -> list[str]:
        """The keys of what a record refers to and what has not arrived, one for each reference."""
        waiting = (use for use in view_references(entry.resource) if self.known(use.reference) is None)
        keys = (reference_keys(self.client_id, use.reference, use.targets) for use in waiting)
        return list(dict.fromkeys(found[0] for found in keys if found))


def resolve(client_id: str, entries: list[Entry]) -> tuple[Resolver, list[Refusal]]:
    """What the entries are about and refer to; the entries whose subject is nobody known are refused.

    At most three round trips.
    """
    index = index_by_url(entries)
    outside = _outside_keys(client_id, entries, index)
    resolver = Resolver(client_id, entries, index, records.find_aliases([row_digest(key) for key in outside]))
    for entry in entries:
        if entry.type == "Patient":
            resolver.patient_ids[entry.index] = _patient_id(resolver, entry)
    refused = _find_subjects(resolver)
    resolver.before = _records_before(resolver)
    return resolver, refused


def _outside_keys(client_id: str, entries: list[Entry], index: dict[str, Entry]) -> set[str]:
    """Every key that this bundle alone does not answer."""
    keys: set[str] = set()
    for entry in entries:
        if entry.type == "Patient":
            keys.update((identity_of(client_id, entry), *alias_keys(client_id, entry)))
        for use in _uses(entry):
            if find_in_bundle(use.reference, index) is None:
                keys.update(reference_keys(client_id, use.reference, use.targets))
    return keys


def _uses(entry: Entry) -> list[Use]:
    subject = subject_of(entry.resource)
    return [*([subject] if subject else []), *view_references(entry.resource)]


def _patient_id(resolver: Resolver, entry: Entry) -> str:
    """The patient that an entry is: known by this client, else by the clinic number, else new. Sent twice it is one."""
    keys = (identity_of(resolver.client_id, entry), *alias_keys(resolver.client_id, entry))
    for key in keys:
        if known := resolver.aliases.get(row_digest(key)):
            return known.target_id
    numbers = clinic_numbers(entry)
    found = (patients.find_id_by_clinic_number(number) for number in numbers)
    patient_id = next(filter(None, found), None) or ids.new_id("pat")
    for key in keys:
        resolver.aliases[row_digest(key)] = Alias(f"alias#{row_digest(key)}", "alias", target_id=patient_id)
    return patient_id


def _find_subjects(resolver: Resolver) -> list[Refusal]:
    refused = []
    for entry in resolver.entries:
        subject = _subject(resolver, entry)
        if isinstance(subject, Refusal):
            refused.append(subject)
        elif subject is not None:
            resolver.subjects[entry.index] = subject
    return refused


def _subject(resolver: Resolver, entry: Entry) -> str | Refusal | None:
    use = subject_of(entry.resource)
    if use is None and entry.type not in RECORD_TYPES:
        return None
    if problem := subject_problem(use, entry.type):
        return _unless_kept(entry, use, problem)
    if use is None:
        return None
    unknown = f"{use.path}: no patient is known by this reference; import the Patient first, or in the same Bundle"
    return _patient_of(resolver, use, entry) or Refusal(entry.index, unknown)


def _unless_kept(entry: Entry, use: Use | None, problem: str) -> Refusal | None:
    """What is about no patient is no record; what the portal only keeps may be about a group, a place or a device."""
    about_a_patient = (
        use is not None and use.reference.type in {None, "Patient"} and use.reference.kind is not Kind.DISPLAY
    )
    is_kept = entry.type not in RECORD_TYPES or (entry.type == "Device" and use is None)
    return None if is_kept and not about_a_patient else Refusal(entry.index, problem)


def _patient_of(resolver: Resolver, use: Use, entry: Entry) -> str | None:
    inside = find_in_bundle(use.reference, resolver.index)
    if inside is not None and not is_foreign(use.reference, entry):
        return resolver.patient_ids.get(inside.index)
    for key in reference_keys(resolver.client_id, use.reference, ("Patient",)):
        known = resolver.aliases.get(row_digest(key))
        if known is not None and ids.has_prefix(known.target_id, "pat"):
            return known.target_id
    return None


def _records_before(resolver: Resolver) -> dict[str, Record]:
    """The records that were imported before and that this bundle refers to, by their ids."""
    keys = {
        (patient_id, records.record_sk(resource_id(key)))
        for entry in resolver.entries
        if (patient_id := resolver.subjects.get(entry.index))
        for use in view_references(entry.resource)
        if find_in_bundle(use.reference, resolver.index) is None and set(use.targets) & RECORD_TYPES
        for key in reference_keys(resolver.client_id, use.reference, use.targets)
    }
    return {row.record_id: row for row in records.find_held(sorted(keys)).values() if isinstance(row, Record)}


def known_by(alias: Alias) -> Known:
    """What an alias row says of its target."""
    record_id = alias.target_id if ids.has_prefix(alias.target_id, "rec") else None
    return Known(alias.display_name, record_id, orjson.loads(alias.code) if alias.code else None)


def clinic_numbers(entry: Entry) -> list[str]:
    """The clinic numbers on a Patient resource, canonical: identifiers of the system that the settings name."""
    found = people.demographics(entry.resource).identifiers
    return [
        identity.canonical_clinic_number(one.value) for one in found if one.system == settings().clinic_number_system
    ]
