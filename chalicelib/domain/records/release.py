"""When somebody wants to see new results: at once, after a clinician's comment, or at a visit.

It is the reader's own choice for one patient. What it holds back is worked out when it is read, and stays one request
away.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import orjson

from chalicelib.domain.caregivers import Scope
from chalicelib.domain.records.categories import Category
from chalicelib.domain.records.sight import OPENED, Hold, Release

HOLDABLE: Final = OPENED[Scope.RESULTS]
"""The categories of which there is a choice: those that hold results."""

SHOWN: Final = frozenset(
    {
        *{"record_id", "resource_type", "category", "title", "status", "code", "occurred_at", "recorded_at"},
        *{"encounter_id", "performers"},
    }
)
"""All that shows of a result that is held back."""

_UNDER_WAY: Final = frozenset({"arrived", "triaged", "in-progress", "onleave", "finished"})


class Until(StrEnum):
    """What a result waits for."""

    COMMENT = "comment"
    VISIT = "visit"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What somebody has chosen for one patient; `version` 0 where they have chosen nothing yet."""

    holds: tuple[Hold, ...] = ()
    version: int = 0

    def of(self, category: Category) -> Hold | None:
        """What holds results of a category back."""
        return next((hold for hold in self.holds if hold.category == category), None)


@dataclass(frozen=True, slots=True)
class Moment:
    """What is known of a patient when results are read: since when the latest visit runs, "" where there is none."""

    visited_at: str = ""


@dataclass(frozen=True, slots=True)
class _Kept:
    version: int
    holds: dict[str, list[str]] = field(default_factory=dict)


def chosen(text: str | None, patient_ids: Iterable[str]) -> Chosen:
    """What an account's row says for a patient, or for one who was merged into them. Unknown words are no choice."""
    kept = _read(text)
    found = next((kept[one] for one in patient_ids if one in kept), None)
    if found is None:
        return Chosen()
    holds = (
        Hold(Category(name), Release(release), since)
        for name, (release, since) in sorted(found.holds.items())
        if name in HOLDABLE and release in set(Release)
    )
    return Chosen(tuple(holds), found.version)


def choose(before: Chosen, wanted: Mapping[Category, Release], at: str) -> Chosen:
    """The next choice; what is not wanted otherwise shows at once. What waits already goes on waiting since then."""
    holds = [
        Hold(category, release, was.since if (was := before.of(category)) else at)
        for category, release in sorted(wanted.items())
        if release is not Release.NOW
    ]
    return Chosen(tuple(holds), before.version + 1)


def written(text: str | None, patient_id: str, choice: Chosen) -> str:
    """What an account's row says once it has a choice for a patient."""
    holds = {str(hold.category): [str(hold.release), hold.since] for hold in choice.holds}
    kept = orjson.loads(text) if text else {}
    return orjson.dumps({**kept, patient_id: {"version": choice.version, "holds": holds}}).decode()


def patient_ids(text: str | None) -> list[str]:
    """The patients for whom an account's row has a choice."""
    return sorted(_read(text))


def _read(text: str | None) -> dict[str, _Kept]:
    kept = orjson.loads(text) if text else {}
    return {patient_id: _Kept(one["version"], one["holds"]) for patient_id, one in kept.items()}


def hold_on(holds: Iterable[Hold], category: str, came_at: str) -> Hold | None:
    """What may hold a record back that the patient has since a time: it came after the choice was made."""
    return next((hold for hold in holds if hold.category == category and came_at > hold.since), None)


def until(hold: Hold, view: Mapping[str, Any], came_at: str, now: Moment) -> Until | None:
    """What a record still waits for; None where it shows."""
    if hold.release is Release.AFTER_COMMENT:
        return None if is_commented(view) else Until.COMMENT
    return None if now.visited_at > came_at else Until.VISIT


def is_commented(view: Mapping[str, Any]) -> bool:
    """Whether a clinician has said something of a result: a note, or a report's conclusion."""
    return bool(view.get("notes") or view.get("conclusion"))


def is_visit(view: Mapping[str, Any]) -> bool:
    """Whether an encounter took place, or does."""
    return view["status"] in _UNDER_WAY


def withheld(view: Mapping[str, Any], waits_for: Until) -> dict[str, Any]:
    """What lists show of a record that is held back: that it is there, and what it waits for."""
    return {name: value for name, value in view.items() if name in SHOWN} | {"held_back": {"until": waits_for}}
