"""All that there is of a patient: themselves first, then their record, the newest first, then what is only kept."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib import clock, ids
from chalicelib.domain.fhir.text import Resource, dump
from chalicelib.domain.fhir_api import names
from chalicelib.domain.fhir_api.search import Search
from chalicelib.domain.fhir_api.served import SERVED
from chalicelib.domain.records.categories import Category
from chalicelib.errors import NotFound
from chalicelib.services.fhir_api import sights, versions
from chalicelib.services.fhir_api.results import Results
from chalicelib.services.fhir_api.sights import Asker, View
from chalicelib.services.fhir_api.steps import Place, RecordStep, Step, kept_steps
from chalicelib.services.fhir_api.walking import Found, walk
from chalicelib.services.record_pages import Filter

_MOMENT = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which types, stored since when, and of which time."""

    types: frozenset[str]
    since: datetime | None
    began: datetime | None
    ended: datetime | None

    def is_recent(self, resource: Resource) -> bool:
        """Whether the portal has stored a resource since the time that is asked for."""
        stored: str | None = resource["meta"].get("lastUpdated")
        return self.since is None or (stored is not None and clock.read_stamp(stored) >= self.since)


def find(asker: Asker, written_id: str, search: Search, after: Place | None) -> Results:
    """A page of all that the asker may see of a patient. Raises what reading a patient raises, and InvalidCursor."""
    id = names.portal_id(written_id)
    if id is None or not ids.has_prefix(id, "pat"):
        raise NotFound
    view, wanted = sights.of_patient(asker, id), _wanted(search)
    first = _patient(view, wanted) if after is None else []
    if len(first) == search.count:
        return Results(first, after=("0",))
    page = walk(
        _steps(view, wanted),
        view,
        fits=wanted.is_recent,
        types=wanted.types,
        count=search.count - len(first),
        after=after,
    )
    return Results([*first, *page.found], after=page.after)


def _wanted(search: Search) -> _Wanted:
    named = {name: test for test in search.tests for name in (test.param.name,)}
    types = frozenset(named["_type"].values) if "_type" in named else frozenset(SERVED)
    since, start, end = (named[name].dates[0].span if name in named else None for name in ("_since", "start", "end"))
    return _Wanted(
        types, since.low if since else None, start.low if start else None, end.high - _MOMENT if end else None
    )


def _patient(view: View, wanted: _Wanted) -> list[Found]:
    version = versions.of_patient(view) if "Patient" in wanted.types else None
    if version is None or not wanted.is_recent(version.resource):
        return []
    return [Found(version, dump(version.resource).decode())]


def _steps(view: View, wanted: _Wanted) -> list[Step]:
    dated = wanted.began is not None or wanted.ended is not None
    # Either order is walked by itself: a span of time by when things happened, the rest by when they were stored.
    stored_since = None if dated else wanted.since
    filter_ = Filter(since=wanted.began, until=wanted.ended, changed_since=stored_since)
    steps: list[Step] = [RecordStep(filter_, frozenset(Category))]
    # What is only kept has no date, so that no span of time holds it.
    return steps if dated else [*steps, *kept_steps(view, None)]
