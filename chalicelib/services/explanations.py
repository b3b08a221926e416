"""What one record means, in plain words, as somebody may see it."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

from chalicelib import clock
from chalicelib.domain.explanations.shapes import Explanation, Facts
from chalicelib.domain.fhir import text
from chalicelib.domain.records import dates
from chalicelib.domain.records.changes import View
from chalicelib.domain.records.sight import Sight
from chalicelib.domain.records.trends import HELD, Reading
from chalicelib.domain.records.value_words import Reader
from chalicelib.models import patients
from chalicelib.models.base import together
from chalicelib.services import records, trends
from chalicelib.services.record_pages import Whose
from chalicelib.settings import settings

_OBSERVATION: Final = "Observation"
_RESULTS: Final = frozenset({_OBSERVATION, "DiagnosticReport"})
_MOST_CODES: Final = 8
"""Values of one result whose history is told."""


def read(whose: Whose, record_id: str, sight: Sight, language: str, *, revealed: Sight | None = None) -> Explanation:
    """What a record means, as it is revealed; what belongs to it is as the sight has that.

    Raises NotFound, also for a record that is hidden. Two round trips more than the record itself at most.
    """
    _, view = records.find(whose, record_id, revealed or sight)
    return of_view(whose, text.parse(view), sight, language)


def of_view(whose: Whose, view: View, sight: Sight, language: str) -> Explanation:
    """What a record means whose view has been read, as its reader may see it: what is held back stays so."""
    from chalicelib.domain.explanations import explain  # noqa: PLC0415  Only who has something explained pays for it.

    facts = Facts(
        view=view,
        reader=Reader(language, settings().clinic_zone),
        now=clock.now(),
        phone=settings().clinic_phone,
        **({} if HELD in view else _around(whose, view, sight)),
    )
    return explain.explain(facts)


def _around(whose: Whose, view: View, sight: Sight) -> dict[str, Any]:
    """Of a result or a report: the records that it names, what others say of its codes, when the patient was born."""
    if view["resource_type"] not in _RESULTS:
        return {}
    (linked, readings), patient = together(
        lambda: _with_readings(whose, view, sight),
        lambda: patients.find(whose[0]),
    )
    return {"linked": linked, "readings": readings, "birth_date": patient.birth_date if patient else None}


def _with_readings(whose: Whose, view: View, sight: Sight) -> tuple[list[View], dict[str, list[Reading]]]:
    """The records that a record names, and what others say of its codes; of a report's results of the critical ones."""
    if view["resource_type"] == _OBSERVATION:
        linked, readings = together(lambda: _linked(whose, view, sight), lambda: _readings(whose, [view], sight))
        return linked, readings
    from chalicelib.domain.explanations import urgency  # noqa: PLC0415  As above.

    linked = _linked(whose, view, sight)
    return linked, _readings(whose, [one for one in linked if urgency.may_alarm(one)], sight)


def _linked(whose: Whose, view: View, sight: Sight) -> list[View]:
    return [text.parse(one) for one in records.find_linked(whose, text.dump(view).decode(), sight)]


def _readings(whose: Whose, views: Sequence[View], sight: Sight) -> dict[str, list[Reading]]:
    from chalicelib.domain.explanations.histories import part_of  # noqa: PLC0415  As above.

    found = [part_of(value) for view in views for value in (view, *view.get("components", ()))]
    parts = dict.fromkeys([part for part in found if part][:_MOST_CODES])
    return trends.find_around(whose, parts, _moment(views[0]["occurred_at"]), sight) if parts else {}


def _moment(at: str | None) -> date | datetime | None:
    """When a record is from; a month or a year begins with its first day."""
    if at is None:
        return None
    if dates.is_instant(at):
        return datetime.fromisoformat(at)
    return date.fromisoformat(f"{at}-01-01"[: len("2027-05-03")])
