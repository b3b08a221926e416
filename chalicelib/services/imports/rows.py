"""The rows of a resource: what lists show, who a patient is, and its versions as sent."""

import json
import zlib
from collections.abc import Sequence
from random import SystemRandom
from typing import Any, Final

from chalicelib import clock
from chalicelib.auth import secrets
from chalicelib.clients import files
from chalicelib.domain import identity
from chalicelib.domain.fhir import text
from chalicelib.domain.fhir.text import Resource
from chalicelib.domain.fhir_api.search import row_tokens
from chalicelib.domain.fhir_api.served import SERVED
from chalicelib.domain.records import people
from chalicelib.domain.records.elements import ReferenceNames
from chalicelib.domain.records.fit import fitted
from chalicelib.domain.records.keys import code_part, folded
from chalicelib.domain.records.rows import Code
from chalicelib.domain.records.sensitivity import is_sensitive
from chalicelib.domain.records.view import row_order_key, view
from chalicelib.models import raw_versions, records
from chalicelib.models.patients import IDENTITY, Held, Patient
from chalicelib.models.raw_versions import Raw
from chalicelib.models.records import Record
from chalicelib.services import identity_keys
from chalicelib.services.imports.plan import Planned
from chalicelib.services.imports.subjects import clinic_number
from chalicelib.services.imports.waiting import own_url
from chalicelib.settings import settings

_IN_ROW: Final = 256 * 1024
_MOST_NAMES, _MOST_CONTACTS, _LONGEST_TEXT = 30, 30, 500


def record_row(owner: str, record_id: str, resource: Resource, names: ReferenceNames, held: dict[str, Any]) -> Record:
    """The row that lists show of a record."""
    shown = fitted(view(resource, names, record_id))
    at = row_order_key(shown, str(settings().clinic_zone))
    encounter_id = shown.get("encounter_id")
    return Record(
        owner,
        records.record_sk(record_id),
        record_id=record_id,
        category=str(shown["category"]),
        is_sensitive=is_sensitive(resource),
        view=text.dump(shown).decode(),
        title_key=folded(shown["title"]),
        date_key=f"{at}#{record_id}",
        category_key=f"{shown['category']}#{at}#{record_id}",
        code_key=_code_key(shown["code"], f"{at}#{record_id}"),
        changed_key=f"{held['changed_at']}#{record_id}",
        encounter_key=f"{encounter_id}#{at}#{record_id}" if encounter_id else None,
        tokens=row_tokens(SERVED[resource["resourceType"]], resource, str(settings().clinic_zone)),
        **held,
    )


def _code_key(code: Code | None, place: str) -> str | None:
    if code is None or not code["code"]:
        return None
    return f"{code_part(code['system'] or '', code['code'])}#{place}"


def patient_row(planned: Planned, before: Held | None, held: dict[str, Any]) -> Patient:
    """A patient as the clinic has them on file."""
    known = people.demographics(planned.entry.resource)
    was = before if isinstance(before, Patient) else Patient()
    number = clinic_number(planned.entry) or was.clinic_number or identity.new_clinic_number(SystemRandom())
    names = [(list(name.given), name.family or "") for name in known.names]
    return Patient(
        *planned.key,
        clinic_number=number,
        names=json.dumps(names[:_MOST_NAMES]),
        display_name=known.display_name[:_LONGEST_TEXT],
        birth_date=known.birth_date,
        deceased=known.is_deceased,
        gender=known.gender,
        emails=_contacts(known.emails),
        phones=_contacts(sorted(known.phones, key=lambda phone: phone.use != "mobile")),
        language=known.language,
        contacts_replaced_at=planned.contacts_replaced_at or was.contacts_replaced_at,
        ssn_last4_hash=planned.last_four,
        identifiers=json.dumps(_identifiers(planned.entry.resource, number) + _identity_keys(known)),
        demographics=text.dump(known.address).decode() if known.address else "null",
        merged_into=was.merged_into,
        merged_from=was.merged_from,
        merge_version=was.merge_version,
        **held,
    )


def _contacts(known: Sequence[people.Contact]) -> str:
    """The addresses that the clinic still uses, in their order: messages go to them."""
    now = clock.stamp(clock.now())
    # A FHIR date may be as short as a year, all of which it means.
    ended = {one for one in known if one.use == "old" or (one.ends_at and one.ends_at < now[: len(one.ends_at)])}
    return json.dumps([one.value for one in known if one not in ended][:_MOST_CONTACTS])


def _identifiers(resource: Resource, number: str) -> list[tuple[str, str]]:
    """(Hash of the value, system) of everything that a patient is found by, the assigned clinic number too."""
    found = [(one.value, one.system or "") for one in people.demographics(resource).identifiers]
    found.append((number, settings().clinic_number_system))
    return list(dict.fromkeys((secrets.keyed_hash("identifier", value), system) for value, system in found))


def _identity_keys(known: people.Demographics) -> list[tuple[str, str]]:
    """(Hash, what it is) of the birth date with each last name, by which a patient is found who has no number."""
    families = [name.family or "" for name in known.names]
    return [(value_hash, IDENTITY) for value_hash in identity_keys.hashes(known.birth_date or "", families)]


def raw_row(planned: Planned, held: dict[str, Any]) -> Raw:
    """A version as sent: in its row, or in S3 under a keyed hash of its content where it is too large for one."""
    body = text.dump(planned.entry.resource)
    packed = zlib.compress(body)
    place = None
    if len(packed) > _IN_ROW:
        place = f"raw/{secrets.keyed_hash('raw-file', body.decode())}"
        files.put_record(place, packed)
    row = raw_versions.raw(
        planned.resource_id, held["version"], planned.owner, body=None if place else packed, stored_at=place
    )
    row.source, row.changed_at, row.full_url = held["source"], held["changed_at"], own_url(planned.entry)
    return row
