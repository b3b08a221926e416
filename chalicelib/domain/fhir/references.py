"""References between FHIR resources, read (https://hl7.org/fhir/R4/references.html)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from urllib.parse import unquote

from chalicelib.domain.fhir.text import Resource

UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TYPE_AND_ID: Final = r"(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?"
_RELATIVE: Final = re.compile(_TYPE_AND_ID)
ABSOLUTE: Final = re.compile(rf"(?P<base>https?://\S+?)/{_TYPE_AND_ID}")
_CONDITIONAL: Final = re.compile(r"(?P<type>[A-Z][A-Za-z]+)\?(?P<search>.+)")


class Kind(StrEnum):
    """How a reference names what it refers to."""

    URN = "urn"
    RELATIVE = "relative"
    ABSOLUTE = "absolute"
    CONTAINED = "contained"
    CONDITIONAL = "conditional"
    LOGICAL = "logical"
    DISPLAY = "display"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference as sent, read. `url` is a urn or an absolute URL without its version; `id` a contained one's too."""

    kind: Kind
    text: str = ""
    type: str | None = None
    id: str | None = None
    url: str | None = None
    base: str | None = None
    system: str | None = None
    value: str | None = None
    display: str | None = None


def read_reference(element: Mapping[str, Any]) -> Reference:
    """Read a Reference element: its `reference`, else its `identifier`, else no more than its `display`."""
    display = _text(element.get("display"))
    type_hint = _text(element.get("type"))
    text = _text(element.get("reference"))
    if text is not None:
        return _read_text(text.strip(), type_hint, display)
    identifier = element.get("identifier")
    if isinstance(identifier, Mapping) and _text(identifier.get("value")):
        return Reference(
            Kind.LOGICAL,
            type=type_hint,
            system=_text(identifier.get("system")),
            value=_text(identifier["value"]),
            display=display,
        )
    return Reference(Kind.DISPLAY if display else Kind.UNSUPPORTED, type=type_hint, display=display)


def _read_text(text: str, type_hint: str | None, display: str | None) -> Reference:
    if text.startswith("#"):
        return Reference(Kind.CONTAINED, text, type_hint, text[1:], display=display)
    if text.startswith(("urn:uuid:", "urn:oid:")):
        return Reference(Kind.URN, text, type_hint, uuid_of(text), normal_url(text), display=display)
    if match := _RELATIVE.fullmatch(text):
        return Reference(Kind.RELATIVE, text, match["type"], normal_id(match["id"]), display=display)
    if match := ABSOLUTE.fullmatch(text):
        url = f"{match['base']}/{match['type']}/{match['id']}"
        return Reference(
            Kind.ABSOLUTE, text, match["type"], normal_id(match["id"]), url, match["base"], display=display
        )
    if text.startswith(("http://", "https://")):
        return Reference(Kind.ABSOLUTE, text, type_hint, url=text, display=display)
    return _read_conditional(text, display)


def _read_conditional(text: str, display: str | None) -> Reference:
    match = _CONDITIONAL.fullmatch(text)
    token = read_identifier_search(match["search"]) if match else None
    if not match or not token:
        return Reference(Kind.UNSUPPORTED, text, match["type"] if match else None, display=display)
    system, value = token
    return Reference(Kind.CONDITIONAL, text, match["type"], system=system, value=value, display=display)


def read_identifier_search(search: str) -> tuple[str | None, str] | None:
    """`identifier=system|value` of a conditional create, update or reference; None for any other search.

    The system is None where only a value was given, and "" where the search says that there is none (`|value`).
    """
    name, _, token = search.partition("=")
    if name != "identifier" or not token or "&" in token or "," in token:
        return None
    system, bar, value = unquote(token).rpartition("|")
    return (system if bar else None, value) if value else None


def normal_id(id: str) -> str:
    """An id as identities use it: a UUID in lower case, anything else as it is."""
    return id.lower() if UUID.fullmatch(id) else id


def normal_url(url: str) -> str:
    """A fullUrl as identities use it: urn:uuid: in lower case, an absolute URL without its version."""
    if url.lower().startswith("urn:"):
        return url.lower()
    match = ABSOLUTE.fullmatch(url)
    return f"{match['base']}/{match['type']}/{match['id']}" if match else url


def find_contained(resource: Resource, reference: Reference) -> Resource | None:
    """The contained resource that a `#id` reference names, or None."""
    if reference.kind is not Kind.CONTAINED:
        return None
    contained = resource.get("contained")
    for inner in contained if isinstance(contained, list) else ():
        if isinstance(inner, dict) and inner.get("id") == reference.id:
            return inner
    return None


def uuid_of(url: str) -> str | None:
    """The UUID of a `urn:uuid:` URL in lower case; None of anything else."""
    uuid = url[len("urn:uuid:") :] if url.lower().startswith("urn:uuid:") else ""
    return uuid.lower() if UUID.fullmatch(uuid) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None
