"""Ids and addresses of resources as the FHIR API writes them.

A FHIR id holds no underscore (https://hl7.org/fhir/R4/datatypes.html#id), so that `pat_01J…` is written `pat-01J…`;
both are understood.
"""

import re
from typing import Final

BASE_PATH: Final = "/fhir/R4"
MEDIA_TYPE: Final = "application/fhir+json"
_ID: Final = re.compile(r"(?P<prefix>[a-z]{3})[-_](?P<ulid>[0-9A-HJKMNP-TV-Z]{26})")


def fhir_id(portal_id: str) -> str:
    """A portal's id as FHIR allows it."""
    return portal_id.replace("_", "-", 1)


def portal_id(written: str) -> str | None:
    """The portal's id that a FHIR id stands for, or None for what can be no id."""
    match = _ID.fullmatch(written)
    return f"{match['prefix']}_{match['ulid']}" if match else None


def local(type: str, portal_id: str) -> str:
    """A reference to a resource of this API."""
    return f"{type}/{fhir_id(portal_id)}"


def read_reference(written: str, types: frozenset[str], base_url: str) -> tuple[str | None, str] | None:
    """(Type or None, portal's id) of a search's reference, `id`, `Type/id` or the whole URL here; else None."""
    relative = written.removeprefix(f"{base_url}/")
    type, slash, id = relative.rpartition("/")
    found = portal_id(id)
    if found is None or (slash and type not in types):
        return None
    return type or None, found
