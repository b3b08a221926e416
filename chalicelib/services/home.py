"""The start page of somebody's portal: what waits for each person in their care, counted when it is asked for.

Nothing of it is stored, so that what was read or done is gone from the next answer (BK 8).
"""

import functools
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from chalicelib.domain.access import Actor
from chalicelib.domain.calendar import Entry
from chalicelib.domain.clinic_settings import Feature
from chalicelib.domain.records.categories import Category
from chalicelib.domain.records.sight import Sight, sight_of
from chalicelib.models.base import together
from chalicelib.services import clinic_settings, notices, summaries
from chalicelib.services.calendar import pages
from chalicelib.services.caregivers import InCare
from chalicelib.services.record_pages import Whose

OPERATION: Final = "home_read_home"
"""What the audit calls a look at it."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for one person: how many of each, and the next visit; None of what the reader may not see."""

    unread: int = 0
    due: int = 0
    upcoming: int = 0
    next_visit: Entry | None = None
    new_results: int | None = None
    medication_changes: int | None = None


@dataclass(frozen=True, slots=True)
class Home:
    """What waits for each person; `unread` are all unread notices of the reader, also those about their account."""

    people: list[tuple[InCare, Waiting]]
    unread: int


@dataclass(frozen=True, slots=True)
class Looked:
    """Of whom something is counted, for whom, and what was read for all of them at once."""

    whose: Whose
    is_self: bool
    sight: Sight
    language: str
    unread: Counter[str | None]


Contributor: TypeAlias = Callable[[Looked], Mapping[str, Any]]


def read(actor: Actor, people: list[InCare], language: str) -> Home:
    """What waits for some people of those in the caller's care: their number decides what it costs, no record does."""
    unread = notices.count_unread(actor.id) if clinic_settings.is_on(Feature.NOTICES, actor) else Counter[str | None]()
    counting = [one for feature, one in CONTRIBUTORS if clinic_settings.is_on(feature, actor)]
    looked = [
        Looked(one.reach.patient_ids, one.relation is None, sight_of(one.reach), language, unread) for one in people
    ]
    found: list[Waiting] = together(*(functools.partial(_count, one, counting) for one in looked)) if looked else []
    return Home(list(zip(people, found, strict=True)), unread.total())


def _count(looked: Looked, contributors: list[Contributor]) -> Waiting:
    counted: dict[str, Any] = {}
    for contributor in contributors:
        counted |= contributor(looked)
    return Waiting(**counted)


def _unread(looked: Looked) -> Mapping[str, Any]:
    """Notices about the patient, and to the patient themselves those about their account."""
    about: set[str | None] = {*looked.whose, *({None} if looked.is_self else set())}
    return {"unread": sum(looked.unread[patient_id] for patient_id in about)}


def _due(looked: Looked) -> Mapping[str, Any]:
    return {"due": len(pages.find_due(looked.whose, looked.sight))}


def _upcoming(looked: Looked) -> Mapping[str, Any]:
    found = pages.find_upcoming(looked.whose, looked.sight)
    return {"upcoming": len(found), "next_visit": found[0] if found else None}


def _new_results(looked: Looked) -> Mapping[str, Any]:
    if Category.LAB not in looked.sight.categories:
        return {}
    return {"new_results": len(summaries.new_results(looked.whose, looked.sight))}


def _medication_changes(looked: Looked) -> Mapping[str, Any]:
    if Category.MEDICATION not in looked.sight.categories:
        return {}
    changed = summaries.medication_changes(looked.whose, looked.sight, looked.language)
    return {"medication_changes": len(changed)}


CONTRIBUTORS: Final[tuple[tuple[Feature, Contributor], ...]] = (
    (Feature.NOTICES, _unread),
    (Feature.RECORDS, _due),
    (Feature.RECORDS, _upcoming),
    (Feature.RECORDS, _new_results),
    (Feature.RECORDS, _medication_changes),
)
"""What counts, and its feature: each fills fields of `Waiting`, in a bounded number of round trips."""
