"""What one resource becomes in the tables.

Its present row, its version as sent, and the names under which it is found.
"""

import json
import unicodedata
import zlib
from dataclasses import dataclass, field
from random import SystemRandom
from typing import Any

import orjson

from chalicelib import clock
from chalicelib.auth import secrets
from chalicelib.clients import files
from chalicelib.domain import identity
from chalicelib.domain.fhir import text
from chalicelib.domain.fhir.bundle import Entry
from chalicelib.domain.fhir.identity import alias_keys
from chalicelib.domain.fhir.text import Resource
from chalicelib.domain.imports import Outcome
from chalicelib.domain.records import dates, people
from chalicelib.domain.records.categories import DIRECTORY, RECORD_TYPES
from chalicelib.domain.records.view import row_order_key, view
from chalicelib.models import outbox, patients, records
from chalicelib.models.base import Key
from chalicelib.models.patients import PATIENT, Held, Patient
from chalicelib.models.records import Directory, Kept, Raw, Record
from chalicelib.models.transaction import Transaction
from chalicelib.services.imports.keys import identifier_key, identity_of, needs_alias, resource_id, row_digest
from chalicelib.services.imports.resolve import Resolver, clinic_numbers
from chalicelib.settings import settings

CLINIC = "clinic"
"""The owner of what is about no patient."""

_IN_ROW = 256 * 1024


@dataclass(slots=True)
class Planned:
    """One resource on its way into the tables."""

    entry: Entry
    owner: str
    resource_id: str
    key: Key
    digest: str
    last_four: str | None = None
    own_keys: list[str] = field(default_factory=list)
    """The digests of the names by which others may be waiting for it."""

    @property
    def is_kept_raw(self) -> bool:
        """Whether the portal does not know the type."""
        return (
            self.entry.type not in RECORD_TYPES | DIRECTORY | {"Patient"}
            or self.key[1].startswith("kept#")
            or self.key[1] == "kept"
        )

    @property
    def last_updated(self) -> str | None:
        """When its sender last changed it, in the order of time."""
        stated = (self.entry.resource.get("meta") or {}).get("lastUpdated")
        return stated if isinstance(stated, str) else None


def plan(resolver: Resolver, entry: Entry, last_four: str | None) -> Planned:
    """Where an entry belongs. Its resource was checked, and its subject found."""
    key = identity_of(resolver.client_id, entry)
    digest = text.content_hash(entry.resource)
    owner = resolver.subjects.get(entry.index, CLINIC)
    own = [row_digest(name) for name in _names(resolver.client_id, entry, key)]
    if entry.type == "Patient":
        patient_id = resolver.patient_ids[entry.index]
        kept = secrets.keyed_hash("ssn-last4", f"{patient_id}|{last_four}") if last_four else None
        return Planned(entry, patient_id, patient_id, (patient_id, PATIENT), f"{digest}{kept or ''}", kept, own)
    if entry.type in RECORD_TYPES and owner != CLINIC:
        record_id = resource_id(key)
        return Planned(entry, owner, record_id, (owner, records.record_sk(record_id)), digest, own_keys=own)
    if entry.type in DIRECTORY:
        directory_id = resource_id(key, "dir")
        return Planned(entry, CLINIC, directory_id, (f"directory#{directory_id}", "directory"), digest, own_keys=own)
    kept_id = resource_id(key, "kpt")
    place = (owner, f"kept#{kept_id}") if owner != CLINIC else (f"{CLINIC}#{kept_id}", "kept")
    return Planned(entry, owner, kept_id, place, digest)


def _names(client_id: str, entry: Entry, identity_name: str) -> list[str]:
    """Every key by which something else may refer to an entry's resource."""
    names = [identity_name, *alias_keys(client_id, entry)]
    if entry.type in DIRECTORY | {"Patient"}:
        for raw in entry.resource.get("identifier") or ():
            if isinstance(raw, dict) and isinstance(raw.get("value"), str) and "*" not in raw["value"]:
                names.append(identifier_key(entry.type, None, raw["value"]))
                names.append(identifier_key(entry.type, str(raw.get("system") or ""), raw["value"]))
    return list(dict.fromkeys(names))


def outcome(planned: Planned, before: Held | None) -> Outcome:
    """What storing it would be, from what is stored now. An older `meta.lastUpdated` changes nothing."""
    if before is None:
        return Outcome.CREATED
    if before.content_hash == planned.digest:
        return Outcome.UNCHANGED
    stated, stored = planned.last_updated, before.last_updated
    if stated and stored and dates.order_key(stated, "UTC") < dates.order_key(stored, "UTC"):
        return Outcome.UNCHANGED
    return Outcome.UPDATED


def weight(planned: Planned, resolver: Resolver) -> int:
    """How many items of a transaction storing it takes at most."""
    if planned.entry.type == "Patient":
        return 4 + 3 * len(planned.own_keys)
    if planned.entry.type in DIRECTORY:
        return 3 + 2 * len(planned.own_keys)
    if planned.entry.type in RECORD_TYPES:
        return 2 + int(needs_alias(planned.entry)) + len(planned.own_keys) + 3 * len(resolver.awaited(planned.entry))
    return 2


def add(
    tx: Transaction, planned: Planned, resolver: Resolver, before: Held | None, version: int, awaited: set[str]
) -> None:
    """Put a new version of a resource, and every name of it, into a transaction."""
    row = _row(planned, resolver, before, version)
    patients.put_held(tx, row, replaces=int(before.version) if before else None)
    records.put_raw(tx, compressed(planned.resource_id, version, planned.owner, planned.entry.resource))
    for digest in planned.own_keys:
        if digest in awaited:
            outbox.post_reference(tx, digest)
    if isinstance(row, Record):
        _add_record_names(tx, planned, resolver, row)
    elif isinstance(row, Directory):
        _add_directory_names(tx, planned)
    elif isinstance(row, Patient):
        _add_patient_names(tx, planned, row, before)


def compressed(resource_id_: str, version: int, owner: str, resource: Resource) -> Raw:
    """A version as sent: in its row, or in S3 under a keyed hash of its content where it is too large for one."""
    body = text.dump(resource)
    packed = zlib.compress(body)
    if len(packed) <= _IN_ROW:
        return records.raw(resource_id_, version, owner, body=packed, stored_at=None)
    place = f"raw/{secrets.keyed_hash('raw-file', body.decode())}"
    files.put_record(place, packed)
    return records.raw(resource_id_, version, owner, body=None, stored_at=place)


def _row(planned: Planned, resolver: Resolver, before: Held | None, version: int) -> Held:
    held: dict[str, Any] = {
        "source": resolver.client_id,
        "resource_type": planned.entry.type,
        "content_hash": planned.digest,
        "version": version,
        "last_updated": planned.last_updated,
        "changed_at": clock.stamp(clock.now()),
    }
    if planned.entry.type == "Patient":
        return _patient_row(planned, before, held)
    if planned.key[1].startswith("record#"):
        return record_row(planned.owner, planned.resource_id, planned.entry.resource, resolver, held)
    return Directory(*planned.key, **held) if planned.entry.type in DIRECTORY else Kept(*planned.key, **held)


def record_row(owner: str, record_id: str, resource: Resource, resolver: Resolver, held: dict[str, Any]) -> Record:
    """The row that lists show of a record."""
    shown = view(resource, resolver.known, record_id)
    at = row_order_key(shown, str(settings().clinic_zone), str(held["changed_at"]))
    code = shown["code"]
    encounter_id = shown.get("encounter_id")
    return Record(
        owner,
        records.record_sk(record_id),
        record_id=record_id,
        category=str(shown["category"]),
        view=text.dump(shown).decode(),
        title_key=folded(shown["title"]),
        date_key=f"{at}#{record_id}",
        category_key=f"{shown['category']}#{at}#{record_id}",
        code_key=f"{code['system'] or ''}|{code['code']}#{at}#{record_id}"[:1000] if code and code["code"] else None,
        changed_key=f"{held['changed_at']}#{record_id}",
        encounter_key=f"{encounter_id}#{at}#{record_id}" if encounter_id else None,
        **held,
    )


def folded(title: str) -> str:
    """A title, or what is searched in titles, without case and accents."""
    bare = unicodedata.normalize("NFKD", title).casefold()
    return "".join(character for character in bare if not unicodedata.combining(character))[:300]


def _patient_row(planned: Planned, before: Held | None, held: dict[str, Any]) -> Patient:
    known = people.demographics(planned.entry.resource)
    sent_numbers = clinic_numbers(planned.entry)
    own = before.clinic_number if isinstance(before, Patient) else None
    sent = next((one.value for one in known.identifiers if one.system == settings().clinic_number_system), None)
    number = (sent if sent_numbers else own) or identity.new_clinic_number(SystemRandom())
    names = [(list(name.given), name.family or "") for name in known.names]
    return Patient(
        *planned.key,
        clinic_number=number,
        names=json.dumps(names),
        display_name=known.display_name,
        birth_date=known.birth_date,
        deceased=known.is_deceased,
        gender=known.gender,
        emails=json.dumps([contact.value for contact in known.emails]),
        phones=json.dumps([contact.value for contact in known.phones]),
        language=known.language,
        ssn_last4_hash=planned.last_four,
        identifiers=json.dumps(_identifiers(planned, number)),
        demographics=orjson.dumps(known.address).decode() if known.address else "null",
        **held,
    )


def _identifiers(planned: Planned, clinic_number: str) -> list[tuple[str, str]]:
    """(Hash of the value, system) of everything that a patient is found by, the assigned clinic number too."""
    found = [(one.value, one.system or "") for one in people.demographics(planned.entry.resource).identifiers]
    found.append((clinic_number, settings().clinic_number_system))
    return list(dict.fromkeys((secrets.keyed_hash("identifier", value), system) for value, system in found))


def _add_patient_names(tx: Transaction, planned: Planned, row: Patient, before: Held | None) -> None:
    patients.claim_clinic_number(tx, identity.canonical_clinic_number(row.clinic_number), row.pk)
    now = {(digest, system) for digest, system in json.loads(row.identifiers)}
    was = (
        {(digest, system) for digest, system in json.loads(before.identifiers)}
        if isinstance(before, Patient)
        else set()
    )
    for digest, system in sorted(now):
        patients.put_identifier(tx, digest, system, row.pk)
    for digest, system in sorted(was - now):
        patients.remove_identifier(tx, digest, system, row.pk)
    for place, digest in enumerate(planned.own_keys):
        # The identity is this patient's alone; an identifier may come to mean somebody else, the latest who brings it.
        add_alias = records.put_alias if place == 0 else records.point_alias
        add_alias(tx, digest, row.pk, None)


def _add_directory_names(tx: Transaction, planned: Planned) -> None:
    resource = planned.entry.resource
    code = (
        orjson.dumps(resource["code"], default=str).decode()
        if planned.entry.type == "Medication" and resource.get("code")
        else None
    )
    for digest in planned.own_keys:
        records.point_alias(tx, digest, planned.resource_id, people.display_name(resource), code)


def _add_record_names(tx: Transaction, planned: Planned, resolver: Resolver, row: Record) -> None:
    for key in resolver.awaited(planned.entry):
        digest = row_digest(key)
        records.put_awaited(tx, digest)
        records.put_waiting(tx, digest, row.pk, row.record_id)
    if needs_alias(planned.entry):
        title = orjson.loads(row.view)["title"]
        for digest in planned.own_keys[1:]:
            records.point_alias(tx, digest, row.record_id, title)
