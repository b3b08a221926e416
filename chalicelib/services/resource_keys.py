"""Under which rows an import finds and stores what it is sent."""

import hashlib
import hmac
from collections.abc import Iterator

from chalicelib import ids
from chalicelib.clients import keys as key_store
from chalicelib.domain.fhir.bundle import Entry
from chalicelib.domain.fhir.identity import alias_key, alias_keys, candidate_keys, entry_identity, identity_key
from chalicelib.domain.fhir.references import ABSOLUTE, Kind, Reference, uuid_of
from chalicelib.domain.records.categories import DIRECTORY, RECORD_TYPES

_BY_IDENTIFIER = frozenset({Kind.CONDITIONAL, Kind.LOGICAL})
_FOUND_BY_IDENTIFIER = (DIRECTORY | RECORD_TYPES) - {"Observation"}
"""What others refer to by a business identifier. Results come by the hundred, and nobody refers to one so."""


def row_digest(key: str) -> str:
    """The keyed hash under which an identity or alias key stands in the table.

    A sender's ids may be somebody's numbers.
    """
    return hmac.new(key_store.key("identity"), key.encode(), hashlib.sha256).hexdigest()


def resource_id(identity: str, prefix: str = "rec") -> str:
    """The portal's id of a resource.

    Derived from its identity, so that it needs no look-up and is the same at every import.
    """
    return ids.derived_id(prefix, hmac.digest(key_store.key("resource-id"), identity.encode(), hashlib.sha256))


def identifier_key(resource_type: str, system: str | None, value: str) -> str:
    """The key of a business identifier. No system, and any system, are keys of their own."""
    return f"identifier|{resource_type}|{'*' if system is None else system}|{value}"


def is_by_identifier(reference: Reference) -> bool:
    """Whether a reference names what it refers to by a business identifier."""
    return reference.kind in _BY_IDENTIFIER and bool(reference.value)


def reference_keys(client_id: str, reference: Reference, targets: tuple[str, ...], *, foreign: bool) -> tuple[str, ...]:
    """Every key under which what a reference names may be known. An id on a foreign server says nothing here."""
    if is_by_identifier(reference):
        types = (reference.type,) if reference.type else targets
        return tuple(identifier_key(kind, reference.system, reference.value or "") for kind in types)
    if foreign:
        return (alias_key(client_id, reference.url),) if reference.url else ()
    return candidate_keys(client_id, reference, targets)


def awaited_keys(client_id: str, reference: Reference, targets: tuple[str, ...], *, foreign: bool) -> tuple[str, ...]:
    """The keys under which the arrival of what a reference names is noticed.

    Of a urn its alias is enough: whatever arrives under that urn brings it.
    """
    keys = reference_keys(client_id, reference, targets, foreign=foreign)
    return keys[:1] if reference.kind is Kind.URN and reference.type is None else keys


def record_ids(client_id: str, reference: Reference, targets: tuple[str, ...], *, foreign: bool) -> tuple[str, ...]:
    """The ids of the records that a reference may name by their id."""
    if foreign or reference.id is None or reference.kind is Kind.CONTAINED:
        return ()
    types = (reference.type,) if reference.type else targets
    return tuple(resource_id(identity_key(client_id, kind, reference.id)) for kind in types if kind in RECORD_TYPES)


def identifiers_of(entry: Entry) -> Iterator[tuple[str, str]]:
    """(System or empty, value) of every identifier of an entry. A masked number names nobody."""
    listed = entry.resource.get("identifier")
    for raw in listed if isinstance(listed, list) else ():
        if isinstance(raw, dict) and isinstance(raw.get("value"), str) and "*" not in raw["value"]:
            yield str(raw.get("system") or ""), raw["value"]


def identifier_keys(entry: Entry) -> list[str]:
    """The keys by which others may refer to an entry's resource through a business identifier."""
    if entry.type not in _FOUND_BY_IDENTIFIER:
        return []
    keys = (
        (identifier_key(entry.type, None, value), identifier_key(entry.type, system, value))
        for system, value in identifiers_of(entry)
    )
    return list(dict.fromkeys(key for pair in keys for key in pair))


def url_keys(client_id: str, entry: Entry) -> list[str]:
    """The URLs that name an entry's resource."""
    return list(alias_keys(client_id, entry))


def is_known_by_identity(client_id: str, entry: Entry) -> bool:
    """Whether what refers to an entry's fullUrl finds it by its identity, so that the URL needs no row of its own."""
    if entry.full_url is None:
        return True
    absolute = ABSOLUTE.fullmatch(entry.full_url)
    named = uuid_of(entry.full_url) or (absolute and absolute["id"])
    return bool(named) and identity_key(client_id, entry.type, str(named)) == identity_of(client_id, entry)


def identity_of(client_id: str, entry: Entry) -> str:
    """The identity of an entry's resource."""
    return entry_identity(client_id, entry)
