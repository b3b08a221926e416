"""Pages of a search: rows are read step by step, their resources looked at, and those that fit are answered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from chalicelib.domain.fhir import text
from chalicelib.domain.fhir.text import Resource
from chalicelib.errors import InvalidCursor
from chalicelib.models.patients import Held
from chalicelib.services.fhir_api import versions
from chalicelib.services.fhir_api.sights import View
from chalicelib.services.fhir_api.steps import Place, Step
from chalicelib.services.fhir_api.versions import Version

READS = 16
"""How often rows are read for one page, so that what seldom fits costs no more than what often does."""
MOST_BYTES = 2_500_000
"""Of a page's resources: Lambda answers with 6 MB at most, in which every quote counts twice."""

Fits = Callable[[Resource], bool]


@dataclass(frozen=True, slots=True)
class Found:
    """A resource on a page, as JSON text."""

    version: Version
    body: str


@dataclass(frozen=True, slots=True)
class Page:
    """What a page shows, and where the next one begins: the number of a step, and a place in it; None at the end."""

    found: list[Found]
    after: Place | None


@dataclass(slots=True)
class _Walk:
    view: View
    fits: Fits
    types: frozenset[str]
    count: int
    found: list[Found] = field(default_factory=list)
    size: int = 0
    reads: int = 0

    @property
    def wanted(self) -> int:
        return self.count - len(self.found)


def walk(
    steps: Sequence[Step], view: View, *, fits: Fits, types: frozenset[str], count: int, after: Place | None
) -> Page:
    """A page of what fits: resources of some types, as the view's reader sees them.

    It may be short, even empty, while more is to come. Raises InvalidCursor for a place that is in no step.
    """
    going = _Walk(view, fits, types, count)
    first, place = _begin(after, len(steps))
    for number in range(first, len(steps)):
        end = _through(going, steps[number], place)
        place = ()
        if end is not None:
            return Page(going.found, (str(number), *end))
        if not going.wanted and number + 1 < len(steps):
            return Page(going.found, (str(number + 1),))
    return Page(going.found, None)


def _begin(after: Place | None, steps: int) -> tuple[int, Place]:
    if after is None:
        return 0, ()
    if not after or not after[0].isdigit() or int(after[0]) >= steps:
        raise InvalidCursor
    return int(after[0]), after[1:]


def _through(going: _Walk, step: Step, place: Place) -> Place | None:
    """Walk one step as far as a page goes; where to go on, or None where it is done."""
    while True:
        if going.reads >= READS:
            return place
        going.reads += 1
        rows, end = step.read(going.view, going.wanted, place)
        stopped = _take(going, rows, place)
        if stopped is not None:
            return stopped
        if end is None or not going.wanted:
            return end
        place = end


def _take(going: _Walk, rows: Sequence[tuple[Held, Place]], before: Place) -> Place | None:
    """Take what fits out of rows; where to go on if the page is full before they are at their end."""
    places = {id(row): place for row, place in rows}
    wanted = [row for row, _ in rows if row.resource_type in going.types]
    last = before
    for row, version in _versions(wanted, going.view):
        if going.fits(version.resource):
            body = text.dump(version.resource).decode()
            if going.found and going.size + len(body) > MOST_BYTES:
                return last
            going.found.append(Found(version, body))
            going.size += len(body)
        last = places[id(row)]
    return None


def _versions(rows: Sequence[Held], view: View) -> list[tuple[Held, Version]]:
    """Rows with their present versions; one that is gone by now has none."""
    by_id = {versions.id_of(row): row for row in rows}
    return [(by_id[version.id], version) for version in versions.of_rows(rows, view)] if rows else []
