"""Patients as staff and the clinic's systems write them down, correct and look for them.

What they write becomes a FHIR resource that is imported like any other, with the clinic's own desk as its sender: so
that names, numbers and versions are kept in one way.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chalicelib import clock
from chalicelib.domain import identity, patient_search
from chalicelib.domain.access import Actor
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.deliveries import Address
from chalicelib.domain.fhir import ssn, text
from chalicelib.domain.fhir.bundle import read_entries
from chalicelib.domain.fhir.patients import written
from chalicelib.domain.records import check
from chalicelib.errors import ClinicNumberTaken, Conflict, FieldError, Invalid, NotFound, PatientMerged, StaleVersion
from chalicelib.models import audit, patients, raw_versions
from chalicelib.models import patient_search as storage
from chalicelib.models.patients import Patient
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.services import birth_dates, contacts, former_contacts, recovery
from chalicelib.services.once import Once
from chalicelib.services.patients import FoundPatient, found, remaining
from chalicelib.services.records import body_of
from chalicelib.settings import settings

if TYPE_CHECKING:
    from chalicelib.services.imports.plan import Planned
    from chalicelib.services.imports.resolve import Resolver

DESK = "desk"
"""Who the sender is of what staff wrote, whoever of them did."""


@dataclass(frozen=True, slots=True)
class DeskPatient:
    """A patient with the contacts on file, as who corrects them sees them."""

    known: FoundPatient
    gender: str | None
    emails: tuple[str, ...]
    phones: tuple[str, ...]
    version: int


def create(actor: Actor, given: dict[str, Any], once: Once) -> DeskPatient:
    """A new patient. Raises ClinicNumberTaken, and Invalid for what no FHIR server takes."""
    if served := once.find():
        return view(find(served["patient_id"]))
    birth_dates.check("/birth_date", given.get("birth_date"))
    # The same request made again, also after a crash between its two steps, is the same patient.
    own_id = hashlib.sha256(once.row_id.encode()).hexdigest()[:32]
    resource = written({}, own_id, given, settings().clinic_number_system)
    patient_id = _create(actor, resource)
    about: dict[str, object] = {"fields": sorted(given)}

    def change(tx: Transaction) -> dict[str, str]:
        audit.record(tx, Entry(actor, Action.PATIENT_CREATE, patient_id=patient_id, about=about))
        return {"patient_id": patient_id}

    return view(find(once.commit(change)["patient_id"]))


def read(actor: Actor, patient_id: str) -> DeskPatient:
    """A patient and the contacts on file; the look is audited before it is answered. Raises NotFound, PatientMerged."""
    patient = find(patient_id)
    audit.record_alone(Entry(actor, Action.PATIENT_LOOKUP, patient_id=patient.pk))
    return view(patient)


@dataclass(frozen=True, slots=True)
class Amendment:
    """What staff change of a patient: in person where the patient stood before them; `also` belongs to the change."""

    changes: dict[str, Any]
    is_in_person: bool
    action: Action = Action.PATIENT_EDIT
    about: dict[str, object] = field(default_factory=dict)
    also: Callable[[Transaction], None] = lambda _tx: None


def edit(actor: Actor, patient_id: str, expected_version: int, amendment: Amendment) -> DeskPatient:
    """Correct a patient; what was sent before stays as an older version.

    Addresses that are no longer on file are told. What is on file instead serves recovery after 24 hours, or at once
    where the patient came in person (RC 7). Raises NotFound, PatientMerged, StaleVersion, Invalid.
    """
    patient = find(patient_id)
    if int(patient.version) != expected_version:
        raise StaleVersion
    birth_dates.check("/birth_date", amendment.changes.get("birth_date"))
    raw = raw_versions.find_latest_raw(patient_id)
    sent = text.parse(body_of(raw)) if raw is not None else {}
    number = {"clinic_number": patient.clinic_number}
    written_as = patient_id.replace("_", "-")
    resource = written(sent, written_as, {**number, **amendment.changes}, settings().clinic_number_system)
    _correct(actor, resource, patient, amendment)
    return view(find(patient_id))


def _planned(resource: dict[str, Any]) -> tuple["Planned", "Resolver"]:
    """A Patient resource of the desk's on its way into the tables. Raises Invalid, ClinicNumberTaken."""
    from chalicelib.services.imports import plan, resolve  # noqa: PLC0415  A fifth of a cold start.

    masked = ssn.mask(resource)
    (entry,) = read_entries(masked.payload).entries
    if check.problems(entry.resource):
        raise Invalid([FieldError("", "wrong_form")])
    resolver, refused = resolve.resolve(DESK, [entry])
    if refused:
        raise ClinicNumberTaken
    return plan.plan(resolver, entry, masked.last_four.get(entry.index)), resolver


def _create(actor: Actor, resource: dict[str, Any]) -> str:
    """Import the resource of a new patient; returns their id. Made again, it is the same patient."""
    from chalicelib.services.imports import chunks, news  # noqa: PLC0415  See _planned().

    planned, resolver = _planned(resource)
    if not resolver.aliases and patients.find(planned.owner) is not None:
        raise ClinicNumberTaken
    chunks.store(actor, [planned], resolver, news.Memory(), careful=False)
    return planned.owner


def _correct(actor: Actor, resource: dict[str, Any], before: Patient, amendment: Amendment) -> None:
    """Import the corrected resource of a patient, in the place of the version `before` alone."""
    from chalicelib.services.imports import chunks, news  # noqa: PLC0415  See _planned().

    planned, resolver = _planned(resource)
    if planned.owner != before.pk:
        raise Conflict
    planned.last_four = planned.last_four or before.ssn_last4_hash
    left, is_new = _replaced(before, resource)
    if is_new and not amendment.is_in_person:
        planned.contacts_replaced_at = clock.stamp(clock.now())

    def also(tx: Transaction) -> None:
        if left or is_new:
            former_contacts.tell(tx, before, left)
        amendment.also(tx)

    about: dict[str, object] = {"fields": sorted(amendment.changes), "in_person": amendment.is_in_person}
    correction = chunks.Correction(before.pk, int(before.version), amendment.action, {**about, **amendment.about}, also)
    try:
        chunks.store(actor, [planned], resolver, news.Memory(), careful=False, correction=correction)
    except Conflict as raced:
        raise StaleVersion from raced


def _replaced(before: Patient, resource: dict[str, Any]) -> tuple[list[Address], bool]:
    """The addresses on file that a corrected resource no longer has, and whether it has one that was not on file."""
    known = contacts.on_file(before)
    was = {_canonical(one.value): one for one in (*known.on_file_emails, *known.phones)}
    listed = [one for one in resource.get("telecom", ()) if isinstance(one, dict)]
    now = {_canonical(str(one.get("value"))) for one in listed if one.get("system") in {"email", "phone", "sms"}}
    return [address for key, address in was.items() if key not in now], bool(now - was.keys())


def _canonical(value: str) -> str:
    if key := recovery.email_key(value):
        return key
    try:
        return identity.parse_phone(value)
    except identity.NotAPhone:
        return value


def search(q: str) -> list[FoundPatient]:
    """The patients whom staff mean: by the clinic number, or by the beginnings of names, a birth date, or both.

    Newest id first; whoever shows some of them notes it with `note_looks`. Raises Invalid for what finds everybody.
    """
    number = identity.canonical_clinic_number(q)
    by_number = patients.find_id_by_clinic_number(number) if number else None
    if by_number is not None:
        return [found(patient) for patient in remaining(patients.find_many([by_number]))]
    wanted = patient_search.read(q)
    if wanted.is_empty:
        raise Invalid([FieldError("/q", "search_too_short")])
    meant = [patient for patient in patients.find_many(_candidates(wanted)) if _fits(wanted, patient)]
    return sorted((found(patient) for patient in remaining(meant)), key=lambda one: one.patient_id, reverse=True)


def _candidates(wanted: patient_search.Search) -> list[str]:
    if wanted.birth_date:
        return storage.find_by_birth_date(wanted.birth_date)
    return storage.find_by_prefix(max(wanted.prefixes, key=len))


def _fits(wanted: patient_search.Search, patient: Patient) -> bool:
    return wanted.fits(patient.name_words, patient.birth_date)


def note_looks(actor: Actor, shown: list[FoundPatient]) -> None:
    """Write down, before they are shown, that somebody found these patients; a search that finds nobody, too."""
    with transaction() as tx:
        for one in shown:
            audit.record(tx, Entry(actor, Action.PATIENT_LOOKUP, patient_id=one.patient_id))
        if not shown:
            audit.record(tx, Entry(actor, Action.PATIENT_LOOKUP, about={"found": 0}))


def find(patient_id: str) -> Patient:
    """A patient. Raises NotFound, and PatientMerged for one who turned out to be another."""
    patient = patients.find(patient_id)
    if patient is None:
        raise NotFound
    if patient.merged_into:
        raise PatientMerged(patient.merged_into)
    return patient


def view(patient: Patient) -> DeskPatient:
    """A patient with the contacts on file."""
    on_file = contacts.on_file(patient)
    return DeskPatient(
        known=found(patient),
        gender=patient.gender,
        emails=tuple(one.value for one in on_file.on_file_emails),
        phones=tuple(one.value for one in on_file.phones),
        version=int(patient.version),
    )
