"""JSON of FHIR resources, read and written without losing a digit.

FHIR gives decimals a meaning beyond their number: 6.50 was measured more finely than 6.5
(https://hl7.org/fhir/R4/datatypes.html#decimal). So a number keeps the text that it came with, and is written with it.
"""

import hashlib
import json
import math
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Self

import orjson

Resource = dict[str, Any]

MAX_DEPTH: Final = 64
_MAX_NUMBER_LENGTH: Final = 64
_EXACT_INTEGER_LENGTH: Final = 15
_SHOWN_NAME_LENGTH: Final = 40
_VOLATILE_META: Final = frozenset({"versionId", "lastUpdated"})
_BOM: Final = b"\xef\xbb\xbf"
_SURROGATE_ESCAPE: Final = re.compile(r"\\u[dD][89abAB]|\\u[dD][c-fC-F]")


class MalformedJson(ValueError):
    """The text is no JSON that can be kept as sent. `reason` is for the sender; `position` counts characters from 0."""

    def __init__(self, reason: str, position: int | None = None) -> None:
        super().__init__(reason if position is None else f"{reason} (character {position})")
        self.reason = reason
        self.position = position


class FhirDecimal(Decimal):
    """A number with a fraction, an exponent or very many digits, which remembers how it was written."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Self:
        number = super().__new__(cls, text)
        number.text = text
        return number

    def __str__(self) -> str:
        return self.text

    def __format__(self, spec: str, /, *context: Any) -> str:
        return super().__format__(spec, *context) if spec else self.text

    def __reduce__(self) -> tuple[type[Self], tuple[str]]:
        return type(self), (self.text,)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any, /) -> Self:
        return self


def parse(body: bytes | str) -> Any:
    """Read JSON as RFC 8259 has it, strictly, with numbers as sent.

    A byte order mark is skipped. Raises MalformedJson for anything else: not UTF-8, a name twice in one object, NaN and
    Infinity, numbers out of a double's range or over 64 characters, lone surrogates, more than 64 levels.
    """
    text = _decode(body)
    try:
        value = _decoder.decode(text)
    except json.JSONDecodeError as error:
        raise MalformedJson(f"this is no valid JSON: {error.msg}", error.pos) from error
    except RecursionError:
        raise MalformedJson(_TOO_DEEP) from None
    _refuse_deep(value)
    if _SURROGATE_ESCAPE.search(text):
        _refuse_lone_surrogates(value)
    return value


def dump(value: Any) -> bytes:
    """Write JSON in the order of the keys, each number as it was sent."""
    return orjson.dumps(value, default=_write_number)


def canonical(resource: Resource) -> bytes:
    """The resource's content in one fixed form: keys sorted, without meta.versionId and meta.lastUpdated."""
    return orjson.dumps(_without_volatile(resource), default=_write_number, option=orjson.OPT_SORT_KEYS)


def content_hash(resource: Resource) -> str:
    """SHA-256 in hex of the canonical content: equal for what is the same version."""
    return hashlib.sha256(canonical(resource)).hexdigest()


_TOO_DEEP: Final = f"objects and lists are nested over {MAX_DEPTH} levels deep"


def _decode(body: bytes | str) -> str:
    if isinstance(body, str):
        return body.removeprefix("\ufeff")
    try:
        return body.removeprefix(_BOM).decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedJson("the text is not UTF-8", error.start) from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedJson(f"the name {_first_repeated(pairs)} stands twice in one object")
    return members


def _first_repeated(pairs: list[tuple[str, Any]]) -> str:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            return json.dumps(name[:_SHOWN_NAME_LENGTH])
        seen.add(name)
    raise AssertionError("called only where a name is repeated")


def _decimal(text: str) -> FhirDecimal:
    if len(text) > _MAX_NUMBER_LENGTH:
        raise MalformedJson(f"a number is written with over {_MAX_NUMBER_LENGTH} characters")
    try:
        number = FhirDecimal(text)
    except InvalidOperation:
        raise MalformedJson(f"the number {text} is out of range") from None
    as_double = float(text)
    if math.isinf(as_double) or (as_double == 0) != (number == 0):
        raise MalformedJson(f"the number {text} is out of range")
    return number


def _integer(text: str) -> int | FhirDecimal:
    if len(text) > _EXACT_INTEGER_LENGTH or text == "-0":
        return _decimal(text)
    return int(text)


def _constant(text: str) -> Any:
    raise MalformedJson(f"{text} is no JSON value")


_decoder: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_decimal, parse_int=_integer, parse_constant=_constant
)


def _write_number(value: object) -> orjson.Fragment:
    if isinstance(value, FhirDecimal):
        return orjson.Fragment(value.text)
    raise TypeError(f"{type(value).__name__} is no part of a FHIR resource")


def _without_volatile(resource: Resource) -> Resource:
    meta = resource.get("meta")
    if not isinstance(meta, dict) or not _VOLATILE_META & meta.keys():
        return resource
    lasting = {name: value for name, value in meta.items() if name not in _VOLATILE_META}
    rest = {name: value for name, value in resource.items() if name != "meta"}
    return rest | {"meta": lasting} if lasting else rest


def _refuse_deep(value: Any) -> None:
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_DEPTH):
        level = [child for container in level for child in _children(container) if type(child) in _CONTAINERS]
        if not level:
            return
    raise MalformedJson(_TOO_DEEP)


_CONTAINERS: Final = frozenset({dict, list})


def _children(container: Any) -> Any:
    return container.values() if type(container) is dict else container


def _refuse_lone_surrogates(value: Any) -> None:
    for text in _strings(value):
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise MalformedJson("a string holds half of a surrogate pair (\\uD800 to \\uDFFF)") from None


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, member in value.items():
            yield name
            yield from _strings(member)
    elif isinstance(value, list):
        for member in value:
            yield from _strings(member)
