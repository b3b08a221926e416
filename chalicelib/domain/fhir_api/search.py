"""A search as FHIR writes it: read from a query, and held against a resource."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from chalicelib.domain.fhir.text import Resource, dump
from chalicelib.domain.fhir_api.served import RESULT_PARAMS, Param, ParamKind, Served
from chalicelib.domain.fhir_api.spans import DateTest, Span, read_date_test, spans_in
from chalicelib.domain.records.dates import NoSuchDate
from chalicelib.domain.records.keys import folded

DEFAULT_COUNT: Final = 20
MOST: Final = 100
"""How many entries a page has at most."""
_MOST_VALUES: Final = 50
_LONGEST_TOKENS: Final = 1_500
ANY_TOKEN: Final = "*"  # noqa: S105  What stands for tokens that did not fit.
LONG: Final = "is:long"
"""The token of what may be longer than a day, or begin at no known time."""


class WrongSearch(ValueError):
    """The search cannot be understood; the message says why, for whoever wrote it."""


@dataclass(frozen=True, slots=True)
class Test:
    """One parameter of a search: a resource fits where one of the values does."""

    param: Param
    values: tuple[str, ...]
    dates: tuple[DateTest, ...] = ()


@dataclass(frozen=True, slots=True)
class Search:
    """A search of one type. `used` are the parameters that count, in order; `ignored` the names of the others."""

    served: Served
    tests: tuple[Test, ...] = ()
    count: int = DEFAULT_COUNT
    includes: tuple[str, ...] = ()
    page: str | None = None
    used: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = ()

    def of(self, *names: str) -> list[Test]:
        """The tests of some parameters."""
        return [test for test in self.tests if test.param.name in names]


@dataclass(slots=True)
class _Reading:
    served: Served
    zone: str
    tests: list[Test] = field(default_factory=list)
    used: list[tuple[str, str]] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    result: dict[str, str] = field(default_factory=dict)
    includes: list[str] = field(default_factory=list)


def read_search(served: Served, query: Mapping[str, Sequence[str]], zone: str) -> Search:
    """A search as sent. Raises WrongSearch for what must not be passed over: a modifier, or a value that is none."""
    reading = _Reading(served, zone)
    for name, values in query.items():
        for value in values:
            _read(reading, name, value)
    return Search(
        served,
        tuple(reading.tests),
        _count(reading.result.get("_count")),
        tuple(reading.includes),
        reading.result.get("_page"),
        tuple(reading.used),
        tuple(dict.fromkeys(reading.ignored)),
    )


def _read(reading: _Reading, name: str, value: str) -> None:
    bare, _, modifier = name.partition(":")
    param = reading.served.params.get(bare)
    if param is not None:
        if modifier and not (param.kind is ParamKind.REFERENCE and modifier == "Patient" and _is_subject(param)):
            raise WrongSearch(f"{bare}: the modifier :{_shown(modifier)} is not supported")
        if value:
            reading.tests.append(_test(param, value, reading.zone))
            reading.used.append((name, value))
    elif name == "_include" and value in reading.served.includes:
        reading.includes.append(value)
        reading.used.append((name, value))
    elif name == "_include":
        reading.ignored.append(f"_include={_shown(value)}")
    elif name in RESULT_PARAMS:
        if name in reading.result:
            raise WrongSearch(f"{name}: it is given twice")
        reading.result[name] = value
    else:
        reading.ignored.append(_shown(name))


def _is_subject(param: Param) -> bool:
    return param.name in {"patient", "subject"}


def _shown(text: str) -> str:
    """What may be repeated of what was sent."""
    return "".join(one for one in text[:60] if one.isprintable())


def _test(param: Param, value: str, zone: str) -> Test:
    values = tuple(one for one in _split(value) if one)
    if not values or len(values) > _MOST_VALUES:
        raise WrongSearch(f"{param.name}: from 1 to {_MOST_VALUES} values are taken")
    if param.kind is not ParamKind.DATE:
        return Test(param, values)
    try:
        return Test(param, values, tuple(read_date_test(one, zone) for one in values))
    except NoSuchDate as wrong:
        raise WrongSearch(f"{param.name}: {wrong}") from None


def _split(value: str) -> Iterator[str]:
    r"""The values that commas part; `\,`, `\|`, `\$` and `\\` stand for themselves."""
    part, escaped = "", False
    for character in value:
        if escaped or character not in ",\\":
            part, escaped = part + character, False
        elif character == "\\":
            escaped = True
        else:
            yield part
            part = ""
    yield part


def _count(written: str | None) -> int:
    if written is None:
        return DEFAULT_COUNT
    if not written.isascii() or not written.isdigit() or not int(written[:9]):
        raise WrongSearch("_count: a whole number from 1 on was expected")
    return min(int(written[:9]), MOST)


# --- a resource, as it is answered, held against a search -----------------------------------------------------------


def fits(search: Search, resource: Resource, zone: str) -> bool:
    """Whether a resource, its references those of the portal, is what a search wants."""
    return all(_fits(test, resource, zone) for test in search.tests)


def _fits(test: Test, resource: Resource, zone: str) -> bool:
    elements = [found for path in test.param.paths for found in elements_at(resource, path)]
    match test.param.kind:
        case ParamKind.DATE:
            found = [span for element in elements for span in spans_in(element, zone)]
            return any(wanted.fits(span) for wanted in test.dates for span in found)
        case ParamKind.TOKEN:
            codes = [code for element in elements for code in tokens_of(element)]
            return any(_is_token(wanted, code) for wanted in test.values for code in codes)
        case ParamKind.REFERENCE:
            leads_to = {str(element.get("reference")) for element in elements if isinstance(element, Mapping)}
            return any(_leads(wanted, leads_to) for wanted in test.values)
        case ParamKind.STRING:
            words = [folded(word) for element in elements for word in _words(element)]
            return any(word.startswith(folded(wanted)) for wanted in test.values for word in words)


def elements_at(element: Any, path: tuple[str, ...]) -> Iterator[Any]:
    """What stands at a path, of lists every member."""
    if isinstance(element, list):
        for member in element:
            yield from elements_at(member, path)
    elif not path:
        if element is not None:
            yield element
    elif isinstance(element, Mapping):
        yield from elements_at(element.get(path[0]), path[1:])


def tokens_of(element: Any) -> Iterator[tuple[str | None, str]]:
    """(System, code) of a concept's codings, a coding, an identifier, or a code, whose system is not said."""
    if isinstance(element, str):
        yield None, element
    elif isinstance(element, Mapping):
        if isinstance(element.get("coding"), list):
            for coding in element["coding"]:
                yield from tokens_of(coding)
        code = element.get("code", element.get("value"))
        if isinstance(code, str):
            yield str(element.get("system") or ""), code


def _is_token(wanted: str, found: tuple[str | None, str]) -> bool:
    wanted_system, bar, wanted_code = wanted.rpartition("|")
    system, code = found
    return (not wanted_code or wanted_code == code) and (not bar or system is None or wanted_system == system)


def _leads(wanted: str, leads_to: Iterable[str]) -> bool:
    return any(wanted == one or wanted == one.partition("/")[2] for one in leads_to)


def _words(element: Any) -> Iterator[str]:
    if isinstance(element, str):
        yield element
    elif isinstance(element, Mapping):
        for name in ("family", "given", "text", "prefix", "suffix"):
            yield from (word for word in elements_at(element, (name,)) if isinstance(word, str))


# --- what a row of the record keeps, so that a search need not read every resource ----------------------------------


def row_tokens(served: Served, resource: Resource, zone: str) -> str:
    """The codes by which a resource may be searched, as JSON text: `["category:laboratory",…]`.

    `"*"` alone where they are too many: such a resource has to be looked at.
    """
    found = {
        token_of(param.name, code)
        for param in served.params.values()
        if param.kind is ParamKind.TOKEN and param.name != "_id"
        for path in param.paths
        for element in elements_at(resource, path)
        for _, code in tokens_of(element)
    }
    if any(_is_long(served, param, resource, zone) for param in served.params.values()):
        found.add(LONG)
    text = dump(sorted(found)).decode()
    return text if len(text.encode()) <= _LONGEST_TOKENS else dump([ANY_TOKEN]).decode()


def token_of(param: str, code: str) -> str:
    """A code of one parameter as rows keep it."""
    return f"{param}:{code}"


def _is_long(served: Served, param: Param, resource: Resource, zone: str) -> bool:
    if not served.orders(param):
        return False
    elements = (element for path in param.paths for element in elements_at(resource, path))
    return any(is_long(span) for element in elements for span in spans_in(element, zone))


def is_long(span: Span) -> bool:
    """Whether a span is longer than any day, so that its beginning alone does not tell whether it fits."""
    return span.high - span.low > _LONGEST_DAY


_LONGEST_DAY: Final = timedelta(hours=25)
