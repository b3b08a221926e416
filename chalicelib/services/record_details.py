"""One entry of the record with all that belongs to it."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from chalicelib.domain.fhir import text
from chalicelib.domain.records import plans
from chalicelib.domain.records.categories import Category
from chalicelib.domain.records.sight import Sight
from chalicelib.models.base import together
from chalicelib.services import attached_texts, records
from chalicelib.services.record_pages import Filter, Whose

_BEFORE, _AFTER = timedelta(days=2), timedelta(days=120)
"""How long before an imaging and after it a report of it may be dated."""
_MOST_REPORTS: Final = 20
_MOST_TEXT: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Detail:
    """A record's view as JSON text, and by name the lists of JSON texts that go with it, none of them empty."""

    view: str
    lists: dict[str, list[str]]


def find(whose: Whose, record_id: str, sight: Sight, *, revealed: Sight) -> Detail:
    """One record as it is revealed: its row, then in one more round trip what belongs to it, as the sight has that.

    A visit has its list always; what is held back comes alone. Raises NotFound, also for one that is hidden.
    """
    category, view = records.find(whose, record_id, revealed)
    if category is Category.ENCOUNTER:
        return Detail(view, {"during": records.find_of_encounter(whose, record_id, sight)})
    shown: dict[str, Any] = text.parse(view)
    if "held_back" in shown:
        return Detail(view, {})
    linked, reported_in, texts = together(
        lambda: records.find_linked(whose, view, sight),
        lambda: _reports_of(whose, shown, sight) if category is Category.IMAGING else [],
        lambda: _texts(whose, record_id) if category in attached_texts.CARRIED_BY else [],
    )
    lists = {"linked": linked, "reported_in": reported_in, "attached_texts": texts}
    return Detail(view, {name: members for name, members in lists.items() if members})


def _reports_of(whose: Whose, imaging: dict[str, Any], sight: Sight) -> list[str]:
    """The reports that name an imaging: of its visit, else of the weeks after it."""
    wanted = _near(imaging)
    if wanted is None or Category.REPORT not in sight.categories:
        return []
    return records.find_all(whose, wanted, _MOST_REPORTS, sight)


def _near(imaging: dict[str, Any]) -> Filter | None:
    at, record_id = imaging["occurred_at"], imaging["record_id"]
    if plans.is_day(at):
        day = date.fromisoformat(at[:10])
        first, last = max(day - date.min, _BEFORE) - _BEFORE, min(date.max - day, _AFTER)
        return Filter(category=Category.REPORT, since=date.min + first, until=day + last, names=record_id)
    if "encounter_id" in imaging:
        return Filter(encounter_id=imaging["encounter_id"], category=Category.REPORT, names=record_id)
    return None


def _texts(whose: Whose, record_id: str) -> list[str]:
    """The texts as JSON, as far as an answer holds them; what shows to the reader was looked at before."""
    room, found = _MOST_TEXT, []
    for one in attached_texts.of(text.parse(records.find_fhir(whose, record_id))):
        found.append(text.dump(one[:room]).decode())
        room -= len(one)
        if room <= 0:
            break
    return found
