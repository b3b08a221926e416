"""What one resource becomes in the tables: where it belongs, what it would change, and how much room that takes."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from chalicelib.auth import secrets
from chalicelib.domain import care_ties
from chalicelib.domain.fhir import text
from chalicelib.domain.fhir.bundle import Entry
from chalicelib.domain.imports import Outcome
from chalicelib.domain.records import dates
from chalicelib.domain.records.categories import DIRECTORY, RECORD_TYPES
from chalicelib.models import records
from chalicelib.models.aliases import Alias
from chalicelib.models.base import Key
from chalicelib.models.patients import PATIENT, Held, Patient
from chalicelib.models.records import Directory, Kept, Record
from chalicelib.services.imports import plans
from chalicelib.services.imports.resolve import Missing, Resolver
from chalicelib.services.resource_keys import (
    identifier_keys,
    identity_of,
    is_known_by_identity,
    resource_id,
    row_digest,
    url_keys,
)

CLINIC = "clinic"
"""The owner of what is about no patient."""

_AWAITED_ITEMS = 51
"""Items of a transaction that the waiting of one record may take; for the rest it waits when its row is made again."""
_PATIENT_ITEMS = 82
"""The row, the version, two clinic numbers, the names; twenty identifiers, eight keys, seven words and dates that come
and as many that go."""
_MOST_IDENTIFIER_KEYS = 20
_LARGEST_RAW = 256 * 1024
_LARGEST_VIEW = 64 * 1024


@dataclass(slots=True)
class Planned:
    """One resource on its way into the tables."""

    entry: Entry
    kind: type[Held]
    owner: str
    resource_id: str
    key: Key
    digest: str
    size: int
    last_four: str | None = None
    names: list[str] = field(default_factory=list)
    """The digests of the names by which others may refer to it, its identity first."""
    aliases: list[str] = field(default_factory=list)
    """Those of them that need a row to be found by."""
    missing: list[Missing] = field(default_factory=list)
    contacts_replaced_at: str | None = None
    """When staff replaced a patient's contacts, whom they did not have before them."""

    @property
    def is_kept_raw(self) -> bool:
        """Whether it is kept as sent and shown nowhere."""
        return self.kind is Kept

    @property
    def last_updated(self) -> str | None:
        """When its sender last changed it, where that is a time."""
        meta = self.entry.resource.get("meta")
        stated = meta.get("lastUpdated") if isinstance(meta, dict) else None
        return stated if isinstance(stated, str) and _is_time(stated) else None

    @property
    def items(self) -> int:
        """How many items of a transaction storing it takes at most."""
        ties = len(care_ties.uses(self.entry.resource))
        if self.kind is Patient:
            return _PATIENT_ITEMS + ties
        # The row and the version as sent, and of a record what its row was before.
        rows = 3 + plans.items_of(self.entry.resource) if self.kind is Record else 2
        return rows + ties + len(self.aliases) + sum(items_of(one) for one in self.missing)

    @property
    def bytes(self) -> int:
        """How many bytes of a transaction storing it takes at most, roughly."""
        views = min(2 * self.size, _LARGEST_VIEW) + (_LARGEST_VIEW if self.kind is Record else 0)
        return min(self.size, _LARGEST_RAW) + views + 4_000


def _is_time(text_: str) -> bool:
    try:
        dates.normal(text_)
    except dates.NoSuchDate:
        return False
    return True


def place_of(kind: type[Held], owner: str, id: str) -> Key:
    """Where the present version of a resource stands."""
    if kind is Patient:
        return id, PATIENT
    if kind is Directory:
        return f"directory#{id}", "directory"
    if kind is Record:
        return owner, records.record_sk(id)
    return (owner, f"kept#{id}") if owner != CLINIC else (f"{CLINIC}#{id}", "kept")


def kind_of(resource_type: str, owner: str) -> type[Held]:
    """As what a resource is held. A record type that is about nobody is kept only."""
    if resource_type == "Patient":
        return Patient
    if resource_type in DIRECTORY:
        return Directory
    return Record if resource_type in RECORD_TYPES and owner != CLINIC else Kept


def plan(resolver: Resolver, entry: Entry, last_four: str | None) -> Planned:
    """Where an entry belongs. Its resource was checked, and its subject found."""
    key = identity_of(resolver.client_id, entry)
    body = text.canonical(entry.resource)
    owner = resolver.patient_ids.get(entry.index) or resolver.subjects.get(entry.index, CLINIC)
    kind = kind_of(entry.type, owner)
    planned = Planned(
        entry=entry,
        kind=kind,
        owner=owner,
        resource_id=owner if kind is Patient else resource_id(key, _prefix(entry.type)),
        key=("", ""),
        digest=hashlib.sha256(body).hexdigest(),
        size=len(body),
    )
    planned.key = place_of(kind, owner, planned.resource_id)
    if kind is Patient and last_four:
        planned.last_four = secrets.keyed_hash("ssn-last4", f"{owner}|{last_four}")
        planned.digest += planned.last_four
    if kind is not Kept:
        _add_names(planned, resolver, key)
    if kind is Record:
        planned.missing = at_once(resolver.missing(entry))
    return planned


def _prefix(resource_type: str) -> str:
    """A Device keeps its id whether it is about a patient or not, so that it is found again when that changes."""
    if resource_type in DIRECTORY:
        return "dir"
    return "rec" if resource_type in RECORD_TYPES else "kpt"


def _add_names(planned: Planned, resolver: Resolver, identity_name: str) -> None:
    entry = planned.entry
    urls = [row_digest(key) for key in url_keys(resolver.client_id, entry)]
    identifiers = [row_digest(key) for key in identifier_keys(entry)[:_MOST_IDENTIFIER_KEYS]]
    own = row_digest(identity_name)
    planned.names = list(dict.fromkeys([own, *urls, *identifiers]))
    if planned.kind is Record:
        needed = [*([] if is_known_by_identity(resolver.client_id, entry) else urls), *identifiers]
        planned.aliases = list(dict.fromkeys(needed))
    else:
        planned.aliases = planned.names


def items_of(missing: Missing) -> int:
    """How many items waiting for one reference takes."""
    return 3 * len(missing.keys) + len(missing.record_ids)


def at_once(missing: list[Missing]) -> list[Missing]:
    """As much of the waiting as one transaction has room for."""
    room, taken = _AWAITED_ITEMS, []
    for one in missing:
        room -= items_of(one)
        if room < 0:
            break
        taken.append(one)
    return taken


def outcome(planned: Planned, before: Held | None, sent_before: Alias | None) -> Outcome:
    """What storing it would be, from what is stored now. An older `meta.lastUpdated` changes nothing.

    A patient whom several clients know is compared with what this one sent last.
    """
    if before is None:
        return Outcome.CREATED
    last: Held | Alias = sent_before if sent_before is not None and sent_before.content_hash else before
    if last.content_hash == planned.digest:
        return Outcome.UNCHANGED
    stated, stored = planned.last_updated, last.last_updated
    if stated and stored and dates.order_key(stated, "UTC") != dates.order_key(stored, "UTC"):
        return Outcome.UPDATED if is_later(stated, stored) else Outcome.UNCHANGED
    was_seen = isinstance(before, Directory) and planned.digest in json.loads(before.seen)
    return Outcome.UNCHANGED if was_seen else Outcome.UPDATED


def is_later(stated: str | None, stored: str | None) -> bool:
    """Whether a sender's `meta.lastUpdated` is later than the one that is stored."""
    return stated is not None and (stored is None or dates.order_key(stated, "UTC") > dates.order_key(stored, "UTC"))


def held_fields(planned: Planned, client_id: str, version: int, changed_at: str) -> dict[str, Any]:
    """What every row of a resource says of it."""
    return {
        "source": client_id,
        "resource_type": planned.entry.type,
        "content_hash": planned.digest,
        "version": version,
        "last_updated": planned.last_updated,
        "changed_at": changed_at,
    }
