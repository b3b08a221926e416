"""Whom the entries of a bundle are about, and what they refer to.

Inside the bundle first, then in what was sent before.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from chalicelib import ids
from chalicelib.domain import care_ties
from chalicelib.domain.fhir.bundle import Entry, Refusal
from chalicelib.domain.fhir.identity import find_in_bundle, index_by_url, is_foreign
from chalicelib.domain.fhir.references import Reference, normal_url
from chalicelib.domain.fhir.uses import Use, subject_of, view_references
from chalicelib.domain.records import people
from chalicelib.domain.records.categories import DIRECTORY, RECORD_TYPES
from chalicelib.domain.records.elements import Known, ReferenceNames
from chalicelib.domain.records.view import title_of
from chalicelib.models import aliases, records
from chalicelib.models.aliases import Alias
from chalicelib.models.records import Record
from chalicelib.services.imports import subjects
from chalicelib.services.resource_keys import (
    awaited_keys,
    identifier_keys,
    identity_of,
    is_by_identifier,
    record_ids,
    reference_keys,
    resource_id,
    row_digest,
)

_ANY_TYPE = (*sorted(DIRECTORY), *sorted(RECORD_TYPES))


class Found(NamedTuple):
    """What a reference leads to, and whose record it is: None for what is about no patient."""

    owner: str | None
    known: Known


class Missing(NamedTuple):
    """What a record refers to and what has not arrived.

    Its arrival is noticed under `keys`; it is one of `record_ids` where it is a record of the same patient's.
    """

    keys: tuple[str, ...]
    record_ids: tuple[str, ...]


@dataclass(slots=True)
class Resolver:
    """What is known while one bundle of one client is imported."""

    client_id: str
    entries: list[Entry]
    index: dict[str, Entry]
    by_identifier: dict[str, Entry]
    aliases: dict[str, Alias]
    patient_ids: dict[int, str] = field(default_factory=dict)
    subjects: dict[int, str] = field(default_factory=dict)
    before: dict[str, Record] = field(default_factory=dict)
    noted: set[tuple[str, str, str]] = field(default_factory=set)
    """Of which values inside of results it was noted that there are such: whose, and the codes of both."""
    _titles: dict[int, str | None] = field(default_factory=dict)
    _found: dict[tuple[Reference, bool], Found | None] = field(default_factory=dict)

    def names_for(self, entry: Entry) -> ReferenceNames:
        """What the references in a view name, if it has arrived. Another patient's record is never named."""
        owner = self.subjects.get(entry.index)

        def known(reference: Reference) -> Known | None:
            found = self.find(reference, entry)
            return found.known if found is not None and found.owner in {None, owner} else None

        return known

    def find(self, reference: Reference, entry: Entry) -> Found | None:
        """What a reference of an entry leads to, whosever it is."""
        place = (reference, is_foreign(reference, entry))
        if place not in self._found:
            self._found[place] = self._look_up(*place)
        return self._found[place]

    def inside(self, reference: Reference, *, foreign: bool) -> Entry | None:
        """The entry of the same bundle that a reference names; on a foreign server only the whole URL counts."""
        if is_by_identifier(reference):
            keys = reference_keys(self.client_id, reference, _ANY_TYPE, foreign=foreign)
            return next((self.by_identifier[key] for key in keys if key in self.by_identifier), None)
        found = find_in_bundle(reference, self.index)
        if found is not None and foreign:
            return found if found.full_url and normal_url(found.full_url) == reference.url else None
        return found

    def missing(self, entry: Entry) -> list[Missing]:
        """What a record refers to and what has not arrived, by anybody."""
        waiting = [use for use in view_references(entry.resource) if self.find(use.reference, entry) is None]
        found = (
            Missing(
                awaited_keys(self.client_id, use.reference, use.targets, foreign=foreign),
                record_ids(self.client_id, use.reference, use.targets, foreign=foreign),
            )
            for use in waiting
            for foreign in (is_foreign(use.reference, entry),)
        )
        return list(dict.fromkeys(one for one in found if one.keys))

    def _look_up(self, reference: Reference, foreign: bool) -> Found | None:  # noqa: FBT001  One of a pair of keys.
        inside = self.inside(reference, foreign=foreign)
        if inside is not None:
            owner = self.subjects.get(inside.index) or self.patient_ids.get(inside.index)
            return Found(owner, self.known_inside(inside))
        targets = _ANY_TYPE if reference.type is None else ()
        for key in reference_keys(self.client_id, reference, targets, foreign=foreign):
            if alias := self.aliases.get(row_digest(key)):
                return Found(alias.owner, known_by(alias))
            if record := self.before.get(resource_id(key)):
                return Found(record.pk, Known(orjson.loads(record.view)["title"], record.record_id))
        return None

    def known_inside(self, entry: Entry) -> Known:
        """What is known of an entry of this bundle."""
        if entry.index not in self._titles:
            self._titles[entry.index] = (
                title_of(entry.resource, self.names_for(entry))
                if entry.type in RECORD_TYPES
                else people.display_name(entry.resource)
            )
        record_id = resource_id(identity_of(self.client_id, entry)) if entry.type in RECORD_TYPES else None
        code = entry.resource.get("code") if entry.type == "Medication" else None
        return Known(self._titles[entry.index], record_id, code)


def resolve(client_id: str, entries: list[Entry]) -> tuple[Resolver, list[Refusal]]:
    """What the entries are about and refer to; the entries whose subject is nobody known are refused.

    At most three round trips, and one or two for each Patient and each patient named by an identifier.
    """
    index = index_by_url(entries)
    by_identifier: dict[str, Entry] = {}
    for entry in entries:
        for key in identifier_keys(entry):
            by_identifier.setdefault(key, entry)
    resolver = Resolver(client_id, entries, index, by_identifier, {})
    resolver.aliases = aliases.find_aliases([row_digest(key) for key in _outside_keys(resolver)])
    found = subjects.find_subjects(client_id, entries, resolver.aliases, resolver.inside)
    resolver.patient_ids, resolver.subjects = found.patient_ids, found.of_entry
    resolver.before = _records_before(resolver)
    return resolver, found.refused


def _outside_keys(resolver: Resolver) -> set[str]:
    """Every key that this bundle alone does not answer."""
    keys: set[str] = set()
    for entry in resolver.entries:
        if entry.type == "Patient":
            keys.add(identity_of(resolver.client_id, entry))
        for use in _uses(entry):
            foreign = is_foreign(use.reference, entry)
            if resolver.inside(use.reference, foreign=foreign) is None:
                keys.update(reference_keys(resolver.client_id, use.reference, use.targets, foreign=foreign))
    return keys


def _uses(entry: Entry) -> Iterable[Use]:
    subject = subject_of(entry.resource)
    cared_for_by = care_ties.uses(entry.resource)
    return [*([subject] if subject else []), *view_references(entry.resource), *cared_for_by]


def _records_before(resolver: Resolver) -> dict[str, Record]:
    """The records that were imported before and that this bundle refers to, by their ids."""
    keys = {
        (patient_id, records.record_sk(record_id))
        for entry in resolver.entries
        if (patient_id := resolver.subjects.get(entry.index))
        for use in view_references(entry.resource)
        for foreign in (is_foreign(use.reference, entry),)
        if set(use.targets) & RECORD_TYPES and resolver.inside(use.reference, foreign=foreign) is None
        for record_id in record_ids(resolver.client_id, use.reference, use.targets, foreign=foreign)
    }
    return {row.record_id: row for row in records.find_held(sorted(keys)).values() if isinstance(row, Record)}


def known_by(alias: Alias) -> Known:
    """What an alias row says of its target."""
    record_id = alias.target_id if ids.has_prefix(alias.target_id, "rec") else None
    return Known(alias.display_name, record_id, orjson.loads(alias.code) if alias.code else None)
