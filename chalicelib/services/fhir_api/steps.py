"""The steps in which a record is walked for a search: what is found at once by an order of the record, then the rest.

Each step is a list with a place for every row, so that a page can begin where the one before has ended.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from chalicelib.domain.fhir_api.names import read_reference
from chalicelib.domain.fhir_api.search import LONG, Search, Test, token_of
from chalicelib.domain.fhir_api.served import SERVED, Holding, ParamKind
from chalicelib.domain.fhir_api.spans import Span
from chalicelib.domain.records.categories import Category, category_of
from chalicelib.domain.records.paging import PageKey
from chalicelib.domain.records.sight import Sight
from chalicelib.models import records
from chalicelib.models.patients import Held
from chalicelib.models.records import Record
from chalicelib.services import record_pages
from chalicelib.services.fhir_api.sights import View
from chalicelib.services.fhir_api.versions import id_of
from chalicelib.services.record_pages import Filter

Place = tuple[str, ...]
"""Where a step's next row is looked for: behind this one."""
_SHARED: Final = frozenset({"DiagnosticReport", "ImagingStudy", "Media"})
"""Types whose category has others, of which there may be many more."""
_EVER: Final = Span()
_MOMENT: Final = timedelta(milliseconds=1)
_DAY: Final = timedelta(days=1)


class Step(Protocol):
    """A part of a walk."""

    def read(self, view: View, limit: int, after: Place) -> tuple[list[tuple[Held, Place]], Place | None]:
        """At most `limit` rows behind a place, each with its own, and where to go on; None at the step's end."""
        ...


@dataclass(frozen=True, slots=True)
class RecordStep:
    """Rows of the record: of some categories, filtered."""

    wanted: Filter
    categories: frozenset[Category]

    def read(self, view: View, limit: int, after: Place) -> tuple[list[tuple[Held, Place]], Place | None]:
        """See Step."""
        sight = Sight(self.categories & view.sight.categories, view.sight.sees_sensitive)
        place = PageKey(*after) if after else None
        rows, end = record_pages.find_rows(view.whose, self.wanted, limit=limit, after=place, sight=sight)
        placed: list[tuple[Held, Place]] = [(row, _place(record_pages.place_of(row, self.wanted))) for row in rows]
        return placed, _place(end) if end is not None else None


@dataclass(frozen=True, slots=True)
class KeptStep:
    """What is kept of one file, of one type or of any."""

    file: int
    type: str | None

    def read(self, view: View, limit: int, after: Place) -> tuple[list[tuple[Held, Place]], Place | None]:
        """See Step."""
        if not view.sight.is_full or self.file >= len(view.whose):
            return [], None
        last = after[0] if after else None
        rows, end = records.find_kept_page(view.whose[self.file], self.type, limit=limit, after=last)
        return [(row, (row.sk,)) for row in rows], (end,) if end is not None else None


@dataclass(frozen=True, slots=True)
class IdStep:
    """The resources of some ids, in their order; of a record those that show."""

    ids: tuple[str, ...]
    holding: Holding

    def read(self, view: View, limit: int, after: Place) -> tuple[list[tuple[Held, Place]], Place | None]:
        """See Step."""
        start = int(after[0]) if after else 0
        wanted = self.ids[start : start + limit]
        found = self._rows(view, wanted)
        rows: list[tuple[Held, Place]] = [
            (found[id], (str(start + number + 1),)) for number, id in enumerate(wanted) if id in found
        ]
        return rows, (str(start + limit),) if start + limit < len(self.ids) else None

    def _rows(self, view: View, wanted: Sequence[str]) -> dict[str, Held]:
        match self.holding:
            case Holding.DIRECTORY:
                keys = [(f"directory#{id}", "directory") for id in wanted]
            case Holding.KEPT:
                keys = [(one, f"kept#{id}") for id in wanted for one in view.whose if view.sight.is_full]
            case _:
                rows = records.find_many(view.whose, wanted)
                return {id: row for id, row in rows.items() if _shows(view, row)}
        return {id_of(row): row for row in records.find_held(keys).values()}


def _shows(view: View, row: Record) -> bool:
    return view.sight.shows(row.category, is_sensitive=row.is_sensitive is not False)


def _place(key: PageKey) -> Place:
    return key.sk, key.order_key


def kept_steps(view: View, type: str | None) -> list[Step]:
    """A step for each of a patient's files."""
    return [KeptStep(file, type) for file in range(len(view.whose))]


def record_steps(search: Search, base_url: str) -> list[Step]:
    """The steps of a search for records, the shortest way to most of them first; together they leave out none."""
    served = search.served
    common = Filter(tokens=_groups(search), resource_type=served.type)
    encounter = _encounter(search, base_url)
    if encounter is not None:
        return [RecordStep(replace(common, encounter_id=encounter), served.categories)]
    code, began, changed = _code(search), _began(search), _changed(search)
    if code is not None:
        first = replace(common, code=code)
        rest = _by_category(search, replace(common, other_code=code))
        return [step for one in ([RecordStep(first, served.categories)], rest) for step in _split(one, began)]
    if changed != _EVER and began == _EVER:
        since, until = _bounds(changed)
        return [RecordStep(replace(common, changed_since=since, changed_until=until), served.categories)]
    return list(_split(_by_category(search, common), began))


def _by_category(search: Search, wanted: Filter) -> list[RecordStep]:
    """By the categories that have most of what is wanted, then by the others, each with what else it has."""
    served = search.served
    preferred = _preferred(search) & served.categories
    parts = [part for part in (preferred, served.categories - preferred) if part]
    return [_of_categories(served.type, part, wanted) for part in parts]


def _of_categories(type: str, part: frozenset[Category], wanted: Filter) -> RecordStep:
    only = next(iter(part)) if len(part) == 1 else None
    # A type has its categories nearly to itself: reading on where another type stands costs less than a filter.
    return RecordStep(replace(wanted, category=only, resource_type=type if type in _SHARED else None), part)


def _preferred(search: Search) -> frozenset[Category]:
    if search.served.type != "Observation":
        return frozenset()
    codes = {value.rpartition("|")[2] for test in search.of("category") for value in test.values}
    sent = ({"resourceType": "Observation", "category": [{"coding": [{"code": code}]}]} for code in codes if code)
    found = {category_of(one) for one in sent}
    return frozenset(category for category in found if category is not None)


def _split(steps: Sequence[RecordStep], began: Span) -> list[Step]:
    """By time: what began within a span, then what began before or after it and may reach into it, being long."""
    if began == _EVER:
        return list(steps)
    since, until = _bounds(began)
    inside: list[Step] = [RecordStep(replace(one.wanted, since=since, until=until), one.categories) for one in steps]
    for one in steps:
        long = replace(one.wanted, tokens=(*one.wanted.tokens, (LONG,)))
        if since is not None:
            inside.append(RecordStep(replace(long, until=since - _MOMENT), one.categories))
        if until is not None:
            inside.append(RecordStep(replace(long, since=until + _MOMENT), one.categories))
    return inside


def _bounds(span: Span) -> tuple[datetime | None, datetime | None]:
    """The first and the last moment of a span, None where it is open."""
    return (
        span.low if span.low != _EVER.low else None,
        span.high - _MOMENT if span.high != _EVER.high else None,
    )


def _groups(search: Search) -> tuple[tuple[str, ...], ...]:
    """The tokens of which a row has one of each group."""
    groups = []
    for test in search.tests:
        codes = [value.rpartition("|")[2] for value in test.values]
        if test.param.kind is ParamKind.TOKEN and test.param.name != "_id" and all(codes):
            groups.append(tuple(token_of(test.param.name, code) for code in codes))
    return tuple(groups)


def _encounter(search: Search, base_url: str) -> str | None:
    """The visit by which records are found at once. A document may be of several, of which its row has one."""
    tests = search.of("encounter")
    if len(tests) != 1 or len(tests[0].values) != 1 or search.served.type == "DocumentReference":
        return None
    found = read_reference(tests[0].values[0], frozenset(SERVED), base_url)
    return found[1] if found else None


def _code(search: Search) -> str | None:
    """The code by whose order records are found at once: one code with its system."""
    tests = search.of("code")
    if len(tests) != 1 or len(tests[0].values) != 1:
        return None
    system, bar, code = tests[0].values[0].rpartition("|")
    return tests[0].values[0] if bar and system and code else None


def _began(search: Search) -> Span:
    return _met([test for test in search.tests if search.served.orders(test.param)], longest=_DAY)


def _changed(search: Search) -> Span:
    return _met(search.of("_lastUpdated"), longest=_MOMENT)


def _met(tests: Sequence[Test], *, longest: timedelta) -> Span:
    """Between which times whatever fits all of these tests begins."""
    spans = [test.dates[0].beginnings(longest) for test in tests if len(test.dates) == 1]
    return Span(
        max((one.low for one in spans), default=_EVER.low), min((one.high for one in spans), default=_EVER.high)
    )
