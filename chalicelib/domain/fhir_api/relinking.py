"""References of a resource as received, rewritten to the portal's ids, whichever elements they stand in."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from chalicelib.domain.fhir.references import Kind, Reference, read_reference
from chalicelib.domain.fhir.text import Resource

ABSENT_REASON: Final = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_LITERAL: Final = frozenset({"reference", "_reference"})
_MEMBERS: Final = _LITERAL | {"id", "extension", "type", "_type", "identifier", "display", "_display"}


@dataclass(frozen=True, slots=True)
class Link:
    """What a reference leads to: `reference` is the portal's, None where nothing is known; or it is hidden."""

    reference: str | None = None
    is_hidden: bool = False


UNKNOWN: Final = Link()
HIDDEN: Final = Link(is_hidden=True)

Find = Callable[[Reference, str], Link]
"""What a reference that stands in an element of this name leads to."""


class _Gone:
    """What is hidden leaves nothing behind."""


_GONE: Final = _Gone()


def references(resource: Resource) -> Iterator[tuple[Reference, str]]:
    """Every reference that leads out of a resource, with the name of the element that it stands in."""
    yield from _references(resource, "")


def _references(element: Any, name: str) -> Iterator[tuple[Reference, str]]:
    if isinstance(element, list):
        for member in element:
            yield from _references(member, name)
    elif isinstance(element, Mapping):
        if _is_reference(element):
            reference = read_reference(element)
            if reference.kind is not Kind.CONTAINED:
                yield reference, name
        for inner, value in element.items():
            yield from _references(value, inner)


def relinked(resource: Resource, find: Find) -> Resource:
    """The resource with its references as `find` says.

    Of one that is not known, its words and its identifier stay. One that is hidden goes, with the member of a list that
    it says something about, such as one diagnosis of a visit. What is inside the resource stays as it is.
    """
    return {name: value for name, value in _members(resource, find) if not isinstance(value, _Gone)}


def _members(element: Mapping[str, Any], find: Find) -> Iterator[tuple[str, Any]]:
    for name, value in element.items():
        yield name, _rewritten(value, name, find, is_member=False)


def _rewritten(element: Any, name: str, find: Find, *, is_member: bool) -> Any:
    if isinstance(element, list):
        members = [_rewritten(one, name, find, is_member=True) for one in element]
        kept = [one for one in members if not isinstance(one, _Gone)]
        return kept if kept or not element else _GONE
    if not isinstance(element, Mapping):
        return element
    if _is_reference(element):
        return _reference(element, name, find)
    return _object(element, find, is_member=is_member)


def _object(element: Mapping[str, Any], find: Find, *, is_member: bool) -> Any:
    found = list(_members(element, find))
    about_hidden = any(isinstance(value, _Gone) and isinstance(element[name], Mapping) for name, value in found)
    if about_hidden and is_member and "resourceType" not in element:
        return _GONE
    kept = {name: value for name, value in found if not isinstance(value, _Gone)}
    return kept if kept or not element else _GONE


def _reference(element: Mapping[str, Any], name: str, find: Find) -> Any:
    reference = read_reference(element)
    if reference.kind is Kind.CONTAINED:
        return element
    link = find(reference, name)
    if link.is_hidden:
        return _GONE
    # What stands inside an identifier or an extension may be a reference, too.
    rest = {
        inner: _rewritten(value, inner, find, is_member=False)
        for inner, value in element.items()
        if inner not in _LITERAL
    }
    kept = {inner: value for inner, value in rest.items() if not isinstance(value, _Gone)}
    if link.reference is not None:
        return {"reference": link.reference, **kept}
    return kept or {"extension": [{"url": ABSENT_REASON, "valueCode": "unknown"}]}


def _is_reference(element: Mapping[str, Any]) -> bool:
    """Whether an element is a Reference: nothing else has all of its members among these and one of these two."""
    named = isinstance(element.get("reference"), str) or isinstance(element.get("identifier"), Mapping)
    is_plain = all(isinstance(element.get(name, ""), str) for name in ("type", "display"))
    return named and is_plain and element.keys() <= _MEMBERS
