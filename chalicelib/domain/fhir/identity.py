"""Under which keys a resource is known.

A record's identity is (sending client, resource type, id, else fullUrl). A `urn:uuid:` fullUrl and the same UUID as an
id are one identity. Other names by which a bundle may refer to a resource are its aliases.
"""

from collections.abc import Iterator, Mapping

from chalicelib.domain.fhir.bundle import Entry
from chalicelib.domain.fhir.references import (
    ABSOLUTE,
    UUID,
    Kind,
    Reference,
    normal_id,
    normal_url,
    read_identifier_search,
    uuid_of,
)
from chalicelib.domain.fhir.text import content_hash


def identity_key(client_id: str, type: str, id_or_url: str) -> str:
    """The identity of a resource as text. A `urn:uuid:` URL gives the same key as its UUID as an id."""
    return f"{client_id}|{type}|{uuid_of(id_or_url) or normal_id(normal_url(id_or_url))}"


def alias_key(client_id: str, url: str) -> str:
    """The name of a resource where its type is not known: the urn or URL by which other bundles refer to it."""
    return f"{client_id}||{normal_url(url)}"


def entry_identity(client_id: str, entry: Entry) -> str:
    """The identity of an entry's resource: its id, else what its conditional create searches for, else its fullUrl.

    A fullUrl comes after the search, because senders of conditional creates make a new urn:uuid for every bundle. With
    nothing of these its content is its identity, so that sending it again still changes nothing.
    """
    token = read_identifier_search(entry.condition) if entry.condition else None
    if entry.id:
        return identity_key(client_id, entry.type, entry.id)
    if token:
        return f"{client_id}|{entry.type}|?{token[0] or ''}|{token[1]}"
    return identity_key(client_id, entry.type, entry.full_url or f"sha256:{content_hash(entry.resource)}")


def alias_keys(client_id: str, entry: Entry) -> tuple[str, ...]:
    """The type-less names of an entry's resource: `urn:uuid:` of an id that is a UUID, and its fullUrl."""
    urls = [f"urn:uuid:{entry.id}"] if entry.id and UUID.fullmatch(entry.id) else []
    if entry.full_url:
        urls.append(entry.full_url)
    return tuple(dict.fromkeys(alias_key(client_id, url) for url in urls))


def candidate_keys(client_id: str, reference: Reference, targets: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The keys under which what is referred to may be known, the best first; empty where a key cannot tell.

    `targets` are the types that a urn may lead to (Use.targets), each of which gives an identity.
    """
    alias = (alias_key(client_id, reference.url),) if reference.url else ()
    if reference.id is None or reference.kind is Kind.CONTAINED:
        return alias
    types = (reference.type,) if reference.type else targets
    return alias + tuple(identity_key(client_id, type, reference.id) for type in types)


def index_by_url(entries: list[Entry]) -> dict[str, Entry]:
    """The bundle's entries by every text that a reference inside it may use: fullUrl, urn:uuid of the id, Type/id."""
    found: dict[str, Entry] = {}
    for entry in entries:
        for url in _own_urls(entry):
            found.setdefault(url, entry)
    return found


def find_in_bundle(reference: Reference, index: Mapping[str, Entry]) -> Entry | None:
    """The entry of the same bundle that a reference names (see `index_by_url`), or None."""
    if reference.kind is Kind.CONTAINED:
        return None
    by_url = index.get(reference.url) if reference.url else None
    if by_url or reference.type is None or reference.id is None:
        return by_url
    return index.get(f"{reference.type}/{reference.id}")


def is_foreign(reference: Reference, entry: Entry) -> bool:
    """Whether an absolute reference leads to another server than the entry's own fullUrl: its id then says nothing."""
    own = ABSOLUTE.fullmatch(entry.full_url) if entry.full_url else None
    return reference.base is not None and own is not None and own["base"] != reference.base


def _own_urls(entry: Entry) -> Iterator[str]:
    if entry.full_url:
        yield normal_url(entry.full_url)
    if entry.id:
        yield f"{entry.type}/{normal_id(entry.id)}"
        if UUID.fullmatch(entry.id):
            yield f"urn:uuid:{entry.id.lower()}"
