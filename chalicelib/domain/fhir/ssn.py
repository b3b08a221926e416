"""Social Security numbers leave a payload before anything else sees it (promise AC 7).

Every identifier that says it is one is masked, and then every occurrence of such a number in any other string, plus
what is written like one in prose. A masked number keeps its length and shows no digit.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

MASK: Final = "***-**-****"
_SYSTEMS: Final = frozenset(
    {"http://hl7.org/fhir/sid/us-ssn", "urn:oid:2.16.840.1.113883.4.1", "2.16.840.1.113883.4.1"}
)
_KEPT_OF_IDENTIFIER: Final = ("use", "type", "system", "period", "assigner")
_DIGITS: Final = 9
_LAST: Final = 4

# The separator may be percent-encoded in a URL; what follows is anything but the end of the search.
_IN_SEARCH: Final = re.compile(
    r"(?P<head>(?:sid(?:/|%2F)us-ssn|2\.16\.840\.1\.113883\.4\.1)(?:\||%7C))(?P<number>[^&,\s\"<|]+)", re.IGNORECASE
)
# A CDA document names the root and the extension in either order.
_IN_CDA: Final = re.compile(
    r"(?P<head>root\s*=\s*[\"']2\.16\.840\.1\.113883\.4\.1[\"']\s+extension\s*=\s*[\"'])(?P<number>[^\"']*)"
    r"|(?P<head2>extension\s*=\s*[\"'])(?P<number2>[^\"']*)(?=[\"']\s+root\s*=\s*[\"']2\.16\.840\.1\.113883\.4\.1[\"'])"
)
_IN_PROSE: Final = re.compile(
    r"(?<![\w.-])\d{3}-\d{2}-\d{4}(?![\w-])|(?:ssn|social security)[^\d<>]{0,16}\d{3}[ .-]?\d{2}[ .-]?\d{4}(?!\d)",
    re.IGNORECASE,
)
_LOOKS_LIKE: Final = re.compile(r"us-ssn|2\.16\.840\.1\.113883\.4\.1|ssn|social sec|\d{3}-\d{2}-\d{4}", re.IGNORECASE)
# What stands here is a name, not prose: a medical record number may well be written 3-2-4.
_NAMES: Final = frozenset(
    {"id", "value", "system", "code", "url", "uid", "reference", "fullUrl", "versionId", "linkId", "data"}
)
_TEXTUAL: Final = re.compile(r"text/|[\w/.+-]*(?:xml|json|rtf)", re.IGNORECASE)


_SPELLED: Final = re.compile(r"\d{3}[-. ]?\d{2}[-. ]?\d{4}")

IsKnown: TypeAlias = Callable[[str], bool]
"""Whether nine digits are somebody's number."""


class Masked(NamedTuple):
    """`payload` without Social Security numbers, and `last_four` per index of a Patient's entry (0 for a bare one)."""

    payload: Any
    last_four: dict[int, str]


@dataclass(slots=True)
class _Numbers:
    """The numbers found so far, digits only."""

    digits: set[str] = field(default_factory=set)

    def finder(self, is_known: IsKnown | None) -> "_Finder | None":
        return _Finder(self.digits, is_known) if self.digits or is_known else None


class _Finder:
    """Finds numbers in text, in any spelling: those of a payload, and those that are known beside it."""

    def __init__(self, digits: set[str], is_known: IsKnown | None) -> None:
        spellings = (rf"{n[:3]}[-. ]?{n[3:5]}[-. ]?{n[5:]}" for n in sorted(digits))
        self._pattern = re.compile("|".join(spellings)) if digits else None
        self._is_known = is_known

    def masked(self, text: str) -> str:
        if self._pattern is not None:
            text = self._pattern.sub(_stars, text)
        return self._without_known(text, self._is_known) if self._is_known is not None else text

    def is_number(self, text: str) -> bool:
        return len(text) == _DIGITS and self.masked(text) != text

    @staticmethod
    def _without_known(text: str, is_known: IsKnown) -> str:
        at = 0
        # A longer run of digits may hold one at any place.
        while found := _SPELLED.search(text, at):
            at = found.start() + 1
            if is_known(_digits(found[0])):
                text = text[: found.start()] + _stars(found) + text[found.end() :]
                at = found.end()
        return text


def mask(payload: Any, is_known: IsKnown | None = None) -> Masked:
    """Mask a parsed payload. The parts without any such number are shared with the original, which stays as it was.

    `is_known` says of nine digits whether they are such a number, where what was sent came in several payloads.
    """
    numbers = _Numbers()
    masked = _mask_named(payload, numbers)
    return Masked(_mask_occurrences(masked, numbers.finder(is_known), ""), _last_four(payload))


def numbers_of(patient: Any) -> set[str]:
    """The numbers that the identifiers of a Patient say they are, digits only."""
    named = (one for one in _patient_identifiers(patient) if is_ssn(one))
    return {digits for one in named if len(digits := _digits(one.get("value"))) == _DIGITS}


def is_ssn_system(system: object) -> bool:
    """Whether an identifier's system says that it is a Social Security number."""
    return isinstance(system, str) and system.strip().rstrip("/").lower() in _SYSTEMS


def is_ssn(identifier: Any) -> bool:
    """Whether an Identifier is a Social Security number, by its system or its type."""
    if not isinstance(identifier, dict):
        return False
    return is_ssn_system(identifier.get("system")) or _is_ssn_type(identifier.get("type"))


def _is_ssn_type(concept: Any) -> bool:
    if not isinstance(concept, dict):
        return False
    codings = concept.get("coding")
    for coding in codings if isinstance(codings, list) else ():
        if isinstance(coding, dict) and coding.get("code") in ("SS", "SSN"):
            return True
    text = concept.get("text")
    return isinstance(text, str) and text.strip().lower() in {"ssn", "social security number"}


def _last_four(payload: Any) -> dict[int, str]:
    found: dict[int, str] = {}
    for index, resource in _resources(payload):
        for identifier in _patient_identifiers(resource):
            digits = _digits(identifier.get("value"))
            if is_ssn(identifier) and len(digits) >= _LAST and identifier.get("use") != "old":
                found.setdefault(index, digits[-_LAST:])
    return found


def _resources(payload: Any) -> Iterator[tuple[int, Any]]:
    if not isinstance(payload, dict) or payload.get("resourceType") != "Bundle":
        yield 0, payload
        return
    entries = payload.get("entry")
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(entry, dict):
            yield index, entry.get("resource")


def _patient_identifiers(resource: Any) -> list[dict[str, Any]]:
    if not isinstance(resource, dict) or resource.get("resourceType") != "Patient":
        return []
    identifiers = resource.get("identifier")
    return [one for one in identifiers if isinstance(one, dict)] if isinstance(identifiers, list) else []


def _digits(value: Any) -> str:
    return re.sub(r"\D", "", str(value)) if isinstance(value, str | int) else ""


def _note(value: Any, numbers: _Numbers) -> None:
    digits = _digits(value)
    if len(digits) == _DIGITS:
        numbers.digits.add(digits)


def _mask_named(value: Any, numbers: _Numbers) -> Any:
    """Mask the identifiers and searches that name a number as such, and note each number."""
    kind = type(value)
    if kind is str:
        return _mask_search(value, numbers) if "ssn" in value or "113883" in value else value
    if kind is list:
        return _changed_list(value, [_mask_named(member, numbers) for member in value])
    if kind is not dict:
        return value
    if ("value" in value or "_value" in value) and is_ssn(value):
        return _mask_identifier(value, numbers)
    return _changed_dict(value, {name: _mask_named(member, numbers) for name, member in value.items()})


def _mask_identifier(identifier: dict[str, Any], numbers: _Numbers) -> dict[str, Any]:
    """Only the elements that cannot hold the number stay: an extension or `_value` may render it a second time."""
    _note(identifier.get("value"), numbers)
    kept = {name: identifier[name] for name in _KEPT_OF_IDENTIFIER if name in identifier}
    return kept | {"value": MASK}


def _mask_search(text: str, numbers: _Numbers) -> str:
    def replace(match: re.Match[str]) -> str:
        _note(match["number"], numbers)
        return match["head"] + MASK

    return _IN_SEARCH.sub(replace, text)


def _mask_occurrences(value: Any, finder: _Finder | None, name: str) -> Any:
    kind = type(value)
    if kind is str:
        return _mask_string(value, finder, name)
    if kind is dict:
        members = {key: _mask_occurrences(member, finder, key) for key, member in value.items()}
        return _changed_dict(value, _mask_attachment(members, finder) if "data" in members else members)
    if kind is list:
        return _changed_list(value, [_mask_occurrences(member, finder, name) for member in value])
    if kind is int and finder and finder.is_number(str(value)):
        return MASK
    return value


def _mask_string(text: str, finder: _Finder | None, name: str) -> str:
    if len(text) < _DIGITS:
        return text
    if finder:
        text = finder.masked(text)
    if name not in _NAMES and _LOOKS_LIKE.search(text):
        text = _IN_PROSE.sub(_stars, text)
    return text


def _mask_attachment(members: dict[str, Any], finder: _Finder | None) -> dict[str, Any]:
    """Mask inside the base64 text of a document. Its length stays; its hash would tell, and no longer fits."""
    content_type, data = members.get("contentType"), members.get("data")
    if not isinstance(data, str) or not isinstance(content_type, str) or not _TEXTUAL.match(content_type):
        return members
    try:
        text = base64.b64decode(data).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return members
    masked = _mask_string(_IN_CDA.sub(_mask_cda, text), finder, "text")
    if masked == text:
        return members
    rest = {name: member for name, member in members.items() if name != "hash"}
    return rest | {"data": base64.b64encode(masked.encode("utf-8")).decode("ascii")}


def _mask_cda(match: re.Match[str]) -> str:
    number = match["number"] if match["head"] else match["number2"]
    return (match["head"] or match["head2"]) + re.sub(r"\d", "*", number)


def _stars(match: re.Match[str]) -> str:
    return re.sub(r"\d", "*", match[0])


def _changed_dict(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    if len(before) == len(after) and all(after[name] is member for name, member in before.items()):
        return before
    return after


def _changed_list(before: list[Any], after: list[Any]) -> list[Any]:
    return after if any(new is not old for new, old in zip(after, before, strict=True)) else before
