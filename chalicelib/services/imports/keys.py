"""Under which rows an import finds and stores what it is sent."""

import hashlib
import hmac

from chalicelib import ids
from chalicelib.clients import keys as key_store
from chalicelib.domain.fhir.bundle import Entry
from chalicelib.domain.fhir.identity import candidate_keys, entry_identity
from chalicelib.domain.fhir.references import Kind, Reference, uuid_of


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


def reference_keys(client_id: str, reference: Reference, targets: tuple[str, ...]) -> tuple[str, ...]:
    """Every key under which what a reference names may be known."""
    if reference.kind in {Kind.CONDITIONAL, Kind.LOGICAL} and reference.value:
        types = (reference.type,) if reference.type else targets
        return tuple(identifier_key(kind, reference.system, reference.value) for kind in types)
    return candidate_keys(client_id, reference, targets)


def needs_alias(entry: Entry) -> bool:
    """Whether an entry's fullUrl is a name that its identity does not give away."""
    uuid = uuid_of(entry.full_url) if entry.full_url else None
    return uuid is not None and entry.id is not None and uuid != entry.id.lower()


def identity_of(client_id: str, entry: Entry) -> str:
    """The identity of an entry's resource."""
    return entry_identity(client_id, entry)
