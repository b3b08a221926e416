"""The summary: what a patient wants to know first, each part derived when it is asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chalicelib import clock
from chalicelib.domain.fhir import text
from chalicelib.domain.records.categories import Category
from chalicelib.domain.records.sight import Sight
from chalicelib.domain.records.view import WITHDRAWN
from chalicelib.errors import NotFound
from chalicelib.models import patients
from chalicelib.models.base import together
from chalicelib.models.patients import Patient
from chalicelib.services import changes, records
from chalicelib.services.record_pages import Filter, Whose

_NEWEST = 10
_READ = 1_000
_RECENT = timedelta(days=90)
"""How far back a medication's change is told of."""

_OVER = frozenset(
    {"completed", "stopped", "cancelled", "entered-in-error", "inactive", "resolved", "remission", "ended", "draft"}
)


@dataclass(frozen=True, slots=True)
class Summary:
    """The parts of a summary that exist; each list holds views, or changes, as JSON text, the newest first."""

    patient: Patient
    new_results: list[str]
    medication_changes: list[str]
    conditions: list[str]
    medications: list[str]
    allergies: list[str]


def read(whose: Whose, sight: Sight, language: str) -> Summary:
    """The summary of a patient; the parts that are hidden from its reader are empty. Raises NotFound."""
    recent = clock.now() - _RECENT
    patient, new_results, medication_changes, medications, conditions, allergies = together(
        lambda: patients.find(whose[0]),
        lambda: _newest(whose, Category.LAB, sight),
        lambda: changes.find_medication_changes(whose, recent, _NEWEST, sight, language),
        lambda: _views(whose, Category.MEDICATION, sight),
        lambda: _views(whose, Category.CONDITION, sight),
        lambda: _views(whose, Category.ALLERGY, sight),
    )
    if patient is None:
        raise NotFound
    return Summary(
        patient=patient,
        new_results=new_results,
        medication_changes=_dumped(medication_changes),
        conditions=_dumped(_only(conditions, _is_active)),
        medications=_dumped(_only(medications, _is_active)),
        allergies=_dumped(_only(allergies, _is_active)),
    )


def _newest(whose: Whose, category: Category, sight: Sight) -> list[str]:
    if category not in sight.categories:
        return []
    return records.find_page(whose, Filter(category=category), limit=_NEWEST, after=None, sight=sight).views


def _views(whose: Whose, category: Category, sight: Sight) -> list[dict[str, Any]]:
    return [text.parse(view) for view in records.find_all(whose, Filter(category=category), _READ, sight)]


def _only(views: list[dict[str, Any]], wanted: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    return [view for view in views if wanted(view)]


def _is_active(view: dict[str, Any]) -> bool:
    return view["status"] not in _OVER and view.get("verification_status") not in {WITHDRAWN, "refuted"}


def _dumped(views: list[dict[str, Any]]) -> list[str]:
    return [text.dump(view).decode() for view in views]
