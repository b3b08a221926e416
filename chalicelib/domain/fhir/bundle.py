"""The entries of a FHIR Bundle, or a bare resource as a bundle of one (https://hl7.org/fhir/R4/bundle.html)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from chalicelib.domain.fhir.text import Resource

BUNDLE_TYPES: Final = frozenset({"transaction", "batch", "collection", "searchset", "document", "message", "history"})
_RESOURCE_TYPE: Final = re.compile(r"[A-Z][A-Za-z]{1,63}")
_ID: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_URL_WITH_ID: Final = re.compile(r"/?(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9\-.]{1,64})")
_ABSOLUTE_URL: Final = re.compile(r"https?://\S+/(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9\-.]{1,64})")
_MASK: Final = "*"
_SHOWN: Final = re.compile(r"[A-Za-z][A-Za-z0-9\-.]{0,39}")


class NotFhir(ValueError):
    """The payload as a whole is no FHIR resource that an import could take apart; `reason` says why, for the sender."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Entry:
    """One resource of a bundle. `id` is the resource's own, else that of a PUT's URL or of an absolute fullUrl."""

    index: int
    resource: Resource
    type: str
    id: str | None = None
    full_url: str | None = None
    method: str | None = None
    condition: str | None = None
    """The search of a conditional create or update (ifNoneExist, or what follows `?` in a PUT's URL)."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the entry at `index` is not taken, in words for the clinic's engineer."""

    index: int
    reason: str


class Reading(NamedTuple):
    """What a payload held: `entries` to import and `refused` ones, each in the order of the payload."""

    entries: list[Entry]
    refused: list[Refusal]


class _Refused(Exception):
    """Leaves the reading of one entry with its reason."""


def read_entries(payload: Any) -> Reading:
    """Take a payload apart. Raises NotFhir where it is no resource, or a bundle of a type that holds no resources."""
    if not isinstance(payload, dict):
        raise NotFhir("a FHIR resource was expected: a JSON object with a resourceType")
    if payload.get("resourceType") != "Bundle":
        return _read_bare(payload)
    entries = payload.get("entry", [])
    if payload.get("type") not in BUNDLE_TYPES:
        raise NotFhir(f"Bundle.type: one of {', '.join(sorted(BUNDLE_TYPES))} was expected")
    if not isinstance(entries, list):
        raise NotFhir("Bundle.entry: a list was expected")
    return read_located((index, f"Bundle.entry[{index}]", raw) for index, raw in enumerate(entries))


def is_id(text: object) -> bool:
    """Whether a text is a FHIR id: 1 to 64 letters, digits, dashes and dots."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


def _read_bare(resource: Resource) -> Reading:
    resource_type = resource.get("resourceType")
    if not isinstance(resource_type, str) or not _RESOURCE_TYPE.fullmatch(resource_type):
        raise NotFhir("resourceType: the name of a FHIR resource type was expected, such as Patient or Bundle")
    return read_located([(0, resource_type, {"resource": resource})])


def read_located(located: Iterable[tuple[int, str, Any]]) -> Reading:
    """Take entries as they stand in a Bundle apart: each has an index, and words for its place in what was sent."""
    reading = Reading([], [])
    for index, where, raw in located:
        try:
            reading.entries.append(_read_entry(index, where, raw))
        except _Refused as refused:
            reading.refused.append(Refusal(index, str(refused)))
    return reading


def _read_entry(index: int, where: str, raw: Any) -> Entry:
    if not isinstance(raw, dict):
        raise _Refused(f"{where}: an object with a resource was expected")
    method, url, if_none_exist = _read_request(where, raw.get("request"))
    resource, resource_type = _read_resource(where, raw.get("resource"))
    url_id, url_condition = _read_url(where, method, url, resource_type)
    full_url = _read_full_url(where, raw.get("fullUrl"))
    return Entry(
        index=index,
        resource=resource,
        type=resource_type,
        id=_agreed_id(where, resource, resource_type, url_id) or _id_in(full_url, resource_type),
        full_url=full_url,
        method=method,
        condition=if_none_exist or url_condition,
    )


def _read_request(where: str, request: Any) -> tuple[str | None, str, str | None]:
    if request is None:
        return None, "", None
    if not isinstance(request, dict):
        raise _Refused(f"{where}.request: an object was expected")
    method = request.get("method")
    if method not in {"POST", "PUT"}:
        raise _Refused(f"{where}.request.method: {_shown(method)}the import takes POST and PUT only")
    url, if_none_exist = request.get("url", ""), request.get("ifNoneExist")
    if not isinstance(url, str) or not isinstance(if_none_exist, str | None):
        raise _Refused(f"{where}.request: url and ifNoneExist are strings")
    return method, url, if_none_exist


def _read_resource(where: str, resource: Any) -> tuple[Resource, str]:
    if not isinstance(resource, dict):
        raise _Refused(f"{where}.resource: a FHIR resource was expected")
    resource_type = resource.get("resourceType")
    if not isinstance(resource_type, str) or not _RESOURCE_TYPE.fullmatch(resource_type):
        raise _Refused(f"{where}.resource.resourceType: the name of a FHIR resource type was expected")
    if resource_type == "Bundle":
        raise _Refused(f"{where}.resource: a Bundle inside a Bundle is not taken apart; send it by itself")
    if resource.get("id") is not None and not is_id(resource["id"]):
        raise _Refused(f"{resource_type}.id: 1 to 64 letters, digits, dashes and dots were expected{_masked(resource)}")
    return resource, resource_type


def _read_url(where: str, method: str | None, url: str, resource_type: str) -> tuple[str | None, str | None]:
    """The id and the search in the URL of a PUT, which must name the resource's own type."""
    if method != "PUT":
        return None, None
    path, _, search = url.partition("?")
    match = _URL_WITH_ID.search(path) if "/" in path else None
    named_type = match["type"] if match else path
    if named_type != resource_type or not (match or search):
        raise _Refused(f"{where}.request.url: {resource_type}/[id] was expected for a PUT of this resource")
    return (match["id"] if match else None), (search or None)


def _agreed_id(where: str, resource: Mapping[str, Any], resource_type: str, url_id: str | None) -> str | None:
    own: str | None = resource.get("id")
    if url_id is not None and own is not None and own != url_id:
        raise _Refused(f"{where}.request.url: its id differs from {resource_type}.id")
    return own if own is not None else url_id


def _read_full_url(where: str, full_url: Any) -> str | None:
    if full_url is None:
        return None
    if not isinstance(full_url, str) or not full_url.strip():
        raise _Refused(f"{where}.fullUrl: a URL or urn:uuid was expected")
    if _MASK in full_url:
        raise _Refused(f"{where}.fullUrl: a Social Security number cannot stand in a URL")
    return full_url


def _id_in(full_url: str | None, resource_type: str) -> str | None:
    match = _ABSOLUTE_URL.fullmatch(full_url) if full_url else None
    return match["id"] if match and match["type"] == resource_type else None


def _masked(resource: Mapping[str, Any]) -> str:
    return ", not a Social Security number" if _MASK in str(resource["id"]) else ""


def _shown(value: Any) -> str:
    """The value and a comma where it is a plain word, so that a reason repeats nothing that could be anybody's data."""
    return f"{value} is not done here; " if isinstance(value, str) and _SHOWN.fullmatch(value) else ""
