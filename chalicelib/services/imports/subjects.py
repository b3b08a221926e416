"""Which patient each entry of a bundle is, or is about."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Protocol

from chalicelib import ids
from chalicelib.auth import secrets
from chalicelib.domain import identity
from chalicelib.domain.fhir.bundle import Entry, Refusal
from chalicelib.domain.fhir.identity import is_foreign
from chalicelib.domain.fhir.references import Kind, Reference, read_identifier_search
from chalicelib.domain.fhir.uses import Use, subject_of, subject_problem
from chalicelib.domain.records import people, titles
from chalicelib.domain.records.categories import RECORD_TYPES
from chalicelib.models import patients
from chalicelib.models.aliases import Alias
from chalicelib.services.resource_keys import identity_of, is_by_identifier, reference_keys, row_digest
from chalicelib.settings import settings

_MOST_IDENTIFIERS, _LONGEST_IDENTIFIER = 20, 500


class Inside(Protocol):
    """Finds the entry of the same bundle that a reference names."""

    def __call__(self, reference: Reference, *, foreign: bool) -> Entry | None: ...


class _Refused(Exception):
    """Leaves the search with its reason."""


@dataclass(slots=True)
class Subjects:
    """The patients of a bundle by index: what each Patient entry is, and whom each other entry is about."""

    patient_ids: dict[int, str] = field(default_factory=dict)
    of_entry: dict[int, str] = field(default_factory=dict)
    refused: list[Refusal] = field(default_factory=list)


@dataclass(slots=True)
class _Search:
    client_id: str
    aliases: dict[str, Alias]
    inside: Inside
    found: Subjects = field(default_factory=Subjects)
    new: dict[str, str] = field(default_factory=dict)
    stored: dict[tuple[str | None, str], set[str]] = field(default_factory=dict)
    brought: defaultdict[tuple[str | None, str], set[str]] = field(default_factory=lambda: defaultdict(set))

    def patients_with(self, system: str | None, value: str) -> set[str]:
        """The ids of the patients with an identifier, of any system where it is None; those of this bundle too."""
        place = system, titles.clean(value) or ""
        if place not in self.stored:
            value_hash = secrets.keyed_hash("identifier", place[1])
            self.stored[place] = set(patients.find_ids_by_identifier(value_hash, system))
        return self.stored[place] | self.brought[place]


def find_subjects(client_id: str, entries: list[Entry], aliases: dict[str, Alias], inside: Inside) -> Subjects:
    """Whom the entries are about. What is about nobody known is refused."""
    search = _Search(client_id, aliases, inside)
    for entry in entries:
        if entry.type == "Patient":
            _note(search, entry, search.found.patient_ids, _patient_id)
    for entry in entries:
        if entry.type != "Patient":
            _note(search, entry, search.found.of_entry, _subject)
    return search.found


class _Finder(Protocol):
    def __call__(self, search: _Search, entry: Entry) -> str | None: ...


def _note(search: _Search, entry: Entry, found: dict[int, str], find: _Finder) -> None:
    try:
        patient_id = find(search, entry)
    except _Refused as refused:
        search.found.refused.append(Refusal(entry.index, str(refused)))
    else:
        if patient_id is not None:
            found[entry.index] = patient_id


def _patient_id(search: _Search, entry: Entry) -> str:
    """The patient that an entry is: known by this client, else by an identifier, else new. Sent twice it is one."""
    key = row_digest(identity_of(search.client_id, entry))
    known = search.aliases.get(key)
    patient_id = known.target_id if known else search.new.get(key) or _searched_for(search, entry)
    patient_id = _with_clinic_number(entry, patient_id) or patient_id or ids.new_id("pat")
    search.new[key] = patient_id
    for one in _checked_identifiers(entry):
        for system in (None, one.system or ""):
            search.brought[system, one.value].add(patient_id)
    return patient_id


def _searched_for(search: _Search, entry: Entry) -> str | None:
    """The patient whom a conditional create or update finds (https://hl7.org/fhir/R4/http.html#ccreate)."""
    token = read_identifier_search(entry.condition) if entry.condition else None
    if token is None or "*" in token[1]:
        return None
    matches = _remaining(search.patients_with(*token))
    if len(matches) > 1:
        raise _Refused("Patient: its conditional create or update finds more than one patient")
    return next(iter(matches), None)


def _remaining(matches: set[str]) -> set[str]:
    """Without those who turned out to be another of them, to whom what both could mean belongs."""
    if len(matches) < 2:  # noqa: PLR2004  One is not ambiguous.
        return matches
    return matches - {row.pk for row in patients.find_many(sorted(matches)) if row.merged_into in matches}


def _checked_identifiers(entry: Entry) -> tuple[people.Identifier, ...]:
    found = people.demographics(entry.resource).identifiers
    if len(found) > _MOST_IDENTIFIERS:
        raise _Refused(f"Patient.identifier: up to {_MOST_IDENTIFIERS} are taken, got {len(found)}")
    if any(len(one.value) > _LONGEST_IDENTIFIER or len(one.system or "") > _LONGEST_IDENTIFIER for one in found):
        raise _Refused(f"Patient.identifier: up to {_LONGEST_IDENTIFIER} characters are taken")
    return found


def clinic_number(entry: Entry) -> str | None:
    """The clinic number on a Patient resource: its first identifier of the system that the settings name."""
    sent = [
        one
        for one in people.demographics(entry.resource).identifiers
        if one.system == settings().clinic_number_system and identity.canonical_clinic_number(one.value)
    ]
    sent.sort(key=lambda one: one.use == "old")
    return sent[0].value if sent else None


def _with_clinic_number(entry: Entry, patient_id: str | None) -> str | None:
    """The patient whose the clinic number on a Patient is.

    Numbers are typed by people, so that punctuation alone tells none apart: such a number is refused, not guessed.
    """
    number = clinic_number(entry)
    owner_id = patients.find_id_by_clinic_number(identity.canonical_clinic_number(number)) if number else None
    if number is None or owner_id is None or owner_id == patient_id:
        return patient_id
    if patient_id is not None:
        raise _Refused("Patient.identifier: its clinic number is another patient's")
    owner = patients.find(owner_id)
    if owner is not None and owner.clinic_number.casefold() != number.casefold():
        raise _Refused("Patient.identifier: its clinic number is another patient's but for punctuation or spaces")
    return owner_id


def _subject(search: _Search, entry: Entry) -> str | None:
    use = subject_of(entry.resource)
    if use is None and entry.type not in RECORD_TYPES:
        return None
    if problem := subject_problem(use, entry.type):
        if _may_be_about_nobody(entry, use):
            return None
        raise _Refused(problem)
    return _patient_of(search, use, entry) if use else None


def _may_be_about_nobody(entry: Entry, use: Use | None) -> bool:
    """What is about no patient is no record; what the portal only keeps may be about a group, a place or a device."""
    about_a_patient = (
        use is not None and use.reference.type in {None, "Patient"} and use.reference.kind is not Kind.DISPLAY
    )
    is_kept = entry.type not in RECORD_TYPES or (entry.type == "Device" and use is None)
    return is_kept and not about_a_patient


def _patient_of(search: _Search, use: Use, entry: Entry) -> str:
    if is_by_identifier(use.reference):
        return _patient_with(search, use)
    foreign = is_foreign(use.reference, entry)
    inside = search.inside(use.reference, foreign=foreign)
    if inside is not None and inside.type == "Patient":
        if inside.index not in search.found.patient_ids:
            raise _Refused(f"{use.path}: the Patient that it refers to was refused")
        return search.found.patient_ids[inside.index]
    for key in reference_keys(search.client_id, use.reference, ("Patient",), foreign=foreign):
        known = search.aliases.get(row_digest(key))
        if known is not None and ids.has_prefix(known.target_id, "pat"):
            return known.target_id
    raise _Refused(
        f"{use.path}: no patient is known by this reference; import the Patient first, or in the same Bundle"
    )


def _patient_with(search: _Search, use: Use) -> str:
    matches = _remaining(search.patients_with(use.reference.system, use.reference.value or ""))
    if not matches:
        raise _Refused(f"{use.path}: no patient has this identifier; import the Patient first, or in the same Bundle")
    if len(matches) > 1:
        raise _Refused(f"{use.path}: more than one patient has this identifier; name its system too")
    return next(iter(matches))
