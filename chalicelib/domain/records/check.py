"""Structural checks of a resource: what the portal relies on is there and of the right kind.

No full validator: elements that the portal never reads are not looked at, and bindings only where a wrong code would
mislead (status, gender, comparator). A required element may be absent for a reason that the sender states
(`_status` with an extension, https://hl7.org/fhir/R4/extension-data-absent-reason.html).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from itertools import islice
from typing import Any, Final, NamedTuple

from chalicelib.domain.fhir.text import Resource
from chalicelib.domain.records import dates
from chalicelib.domain.records.definitions import BACKBONES, DATATYPES, OTHERS, RECORDS, VALUE_SETS

MOST_PROBLEMS: Final = 10
_TOKEN: Final = re.compile(r"(?P<name>\w+)(?P<choice>\[x\])?(?P<marks>[!*]*):(?P<types>\S+)")
_SHOWN_CODE: Final = re.compile(r"[A-Za-z][A-Za-z-]{0,30}")
_HL7_SYSTEMS: Final = "http://terminology.hl7.org/CodeSystem/"
_ABSENT_SYSTEM: Final = f"{_HL7_SYSTEMS}data-absent-reason"
_SAME_AS_QUANTITY: Final = frozenset({"Age", "Duration"})


class _Element(NamedTuple):
    """One element of a type: a `value_set` of "" is none; a choice's names are tried by `prefix`."""

    name: str
    type: str
    is_list: bool = False
    is_required: bool = False
    value_set: str = ""


class _Choice(NamedTuple):
    prefix: str
    names: frozenset[str]
    is_required: bool
    pattern: re.Pattern[str]


class _Definition(NamedTuple):
    elements: tuple[_Element, ...]
    choices: tuple[_Choice, ...]


def problems(resource: Resource) -> list[str]:
    """What is wrong with a resource of a known type, at most 10 texts such as "Observation.status: … is missing"."""
    resource_type = str(resource.get("resourceType"))
    definition = _DEFINITIONS.get(resource_type) if resource_type in _RESOURCES else None
    return list(islice(_check_resource(resource, resource_type, definition), MOST_PROBLEMS)) if definition else []


def is_known(resource_type: str) -> bool:
    """Whether resources of this type are checked."""
    return resource_type in _RESOURCES


def _check_resource(resource: Resource, resource_type: str, definition: _Definition) -> Iterator[str]:
    if resource.get("modifierExtension"):
        yield (
            f"{resource_type}.modifierExtension: it changes the meaning of the resource in a way that the portal does"
            " not know, so showing the rest could mislead"
        )
    yield from _check(resource.get("meta"), "Meta", f"{resource_type}.meta")
    yield from _check_members(resource, definition, resource_type)
    if not isinstance(resource.get("contained"), list | None):
        yield f"{resource_type}.contained: a list was expected, got {_kind(resource['contained'])}"
    for position, contained in enumerate(_as_list(resource.get("contained"))):
        path = f"{resource_type}.contained[{position}]"
        kind = contained.get("resourceType") if isinstance(contained, Mapping) else None
        if not isinstance(kind, str):
            yield f"{path}: a resource was expected"
        elif kind in OTHERS:
            yield from _check_members(contained, _DEFINITIONS[kind], path)


def _check_members(value: Mapping[str, Any], definition: _Definition, path: str) -> Iterator[str]:
    for element in definition.elements:
        member = value.get(element.name)
        if member is not None:
            yield from _check_element(member, element, f"{path}.{element.name}")
        elif element.is_required and not _is_absent_for_a_reason(value, element.name):
            yield f"{path}.{element.name}: a required element is missing"
    for choice in definition.choices:
        yield from _check_choice(value, choice, path)


def _check_choice(value: Mapping[str, Any], choice: _Choice, path: str) -> Iterator[str]:
    given = [name for name in value if choice.pattern.fullmatch(name) and value[name] is not None]
    for name in given:
        if name not in choice.names:
            yield f"{path}.{name}: not a type that {choice.prefix}[x] may have; {_one_of(choice.names)} was expected"
    if len(given) > 1:
        yield f"{path}.{choice.prefix}[x]: one value was expected, got {' and '.join(sorted(given))}"
    if not given and choice.is_required and not any(_is_absent_for_a_reason(value, name) for name in choice.names):
        yield f"{path}.{choice.prefix}[x]: a required element is missing; {_one_of(choice.names)} was expected"


def _check_element(value: Any, element: _Element, path: str) -> Iterator[str]:
    if not element.is_list:
        yield from _check(value, element.type, path, element.value_set)
        return
    if not isinstance(value, list):
        yield f"{path}: a list was expected, got {_kind(value)}"
        return
    if element.is_required and not value:
        yield f"{path}: a required element is missing"
    for position, member in enumerate(value):
        # In a list of primitives null holds the place of a member that has extensions only.
        if member is not None or element.type not in _PRIMITIVES:
            yield from _check(member, element.type, f"{path}[{position}]", element.value_set)


def _check(value: Any, kind: str, path: str, value_set: str = "") -> Iterator[str]:
    primitive = _PRIMITIVES.get(kind)
    if primitive:
        problem = primitive(value) or (_not_in(value, value_set) if value_set else None)
        if problem:
            yield f"{path}: {problem}"
    elif isinstance(value, Mapping):
        yield from _check_members(value, _DEFINITIONS[kind], path)
        if value_set:
            yield from _check_concept_codes(value, value_set, path)
    elif value is not None or path.endswith("]"):
        yield f"{path}: an object ({kind.rpartition('.')[2]}) was expected, got {_kind(value)}"


def _check_concept_codes(concept: Mapping[str, Any], value_set: str, path: str) -> Iterator[str]:
    """HL7's own system of a bound concept must give a code that it has; a clinic's own systems may say anything."""
    for coding in _as_list(concept.get("coding")):
        system = coding.get("system") if isinstance(coding, Mapping) else None
        if isinstance(system, str) and system.startswith(_HL7_SYSTEMS) and system != _ABSENT_SYSTEM:
            problem = _not_in(coding.get("code"), value_set)
            if problem:
                yield f"{path}.coding.code: {problem}"


def _not_in(code: Any, value_set: str) -> str | None:
    allowed = VALUE_SETS[value_set]
    if isinstance(code, str) and code in allowed:
        return None
    got = f", got {code}" if isinstance(code, str) and _SHOWN_CODE.fullmatch(code) else ""
    return f"{_one_of(allowed)} was expected{got}"


def _one_of(names: frozenset[str]) -> str:
    ordered = sorted(names)
    return ordered[0] if len(ordered) == 1 else f"one of {', '.join(ordered)}"


def _is_absent_for_a_reason(value: Mapping[str, Any], name: str) -> bool:
    sibling = value.get(f"_{name}")
    return isinstance(sibling, Mapping) and bool(sibling.get("extension"))


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    return next(words for types, words in _KINDS if isinstance(value, types))


_KINDS: Final[tuple[tuple[Any, str], ...]] = (
    (bool, "true or false"),
    (str, "a string"),
    (int | Decimal, "a number"),
    (list, "a list"),
    (dict, "an object"),
)


def _string(value: Any) -> str | None:
    return None if isinstance(value, str) else f"a string was expected, got {_kind(value)}"


def _boolean(value: Any) -> str | None:
    return None if isinstance(value, bool) else f"true or false was expected, got {_kind(value)}"


def _decimal(value: Any) -> str | None:
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    return None if is_number else f"a number was expected, got {_kind(value)}"


def _integer(value: Any) -> str | None:
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    return None if is_integer else "a whole number was expected"


def _date_time(value: Any) -> str | None:
    if not isinstance(value, str):
        return f"a date was expected, got {_kind(value)}"
    try:
        dates.normal(value)
    except dates.NoSuchDate as problem:
        return str(problem)
    return None


def _date(value: Any) -> str | None:
    return _date_time(value) or ("a date without a time was expected" if dates.is_instant(value) else None)


def _time(value: Any) -> str | None:
    is_time = isinstance(value, str) and dates.is_time(value)
    return None if is_time else "a time of day (hh:mm:ss) was expected"


_PRIMITIVES: Final[Mapping[str, Callable[[Any], str | None]]] = {
    "boolean": _boolean,
    "code": _string,
    "date": _date,
    "dateTime": _date_time,
    "decimal": _decimal,
    "instant": _date_time,
    "integer": _integer,
    "positiveInt": _integer,
    "string": _string,
    "time": _time,
    "uri": _string,
}


def _compile(text: str) -> _Definition:
    elements: list[_Element] = []
    choices: list[_Choice] = []
    for token in text.split():
        match = _TOKEN.fullmatch(token)
        assert match, token
        name, is_required = match["name"], "!" in match["marks"]
        if not match["choice"]:
            kind, _, bound = match["types"].rstrip(">").partition("<")
            elements.append(_Element(name, _base(kind), "*" in match["marks"], is_required, bound))
            continue
        kinds = {f"{name}{kind[0].upper()}{kind[1:]}": kind for kind in match["types"].split("|")}
        elements.extend(_Element(full, _base(kind)) for full, kind in kinds.items())
        choices.append(_Choice(name, frozenset(kinds), is_required, re.compile(rf"{name}[A-Z]\w*")))
    return _Definition(tuple(elements), tuple(choices))


def _base(kind: str) -> str:
    return "Quantity" if kind in _SAME_AS_QUANTITY else kind


_RESOURCES: Final = frozenset(RECORDS) | frozenset(OTHERS)
_DEFINITIONS: Final[Mapping[str, _Definition]] = {
    name: _compile(text) for name, text in {**DATATYPES, **BACKBONES, **RECORDS, **OTHERS}.items()
}
