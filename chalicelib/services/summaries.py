"""The summary: what a patient wants to know first, each part derived when it is asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chalicelib import clock
from chalicelib.domain.access import Actor
from chalicelib.domain.attention import Alert, OpenRequest
from chalicelib.domain.calendar import Entry
from chalicelib.domain.fhir import text
from chalicelib.domain.records.categories import Category
from chalicelib.domain.records.sight import Sight
from chalicelib.domain.records.view import WITHDRAWN
from chalicelib.errors import NotFound
from chalicelib.models import patients
from chalicelib.models.base import together
from chalicelib.models.patients import Patient
from chalicelib.services import attention, changes, records
from chalicelib.services.calendar import pages
from chalicelib.services.record_pages import Filter, Whose

_NEWEST = 10
_READ = 1_000
_RECENT = timedelta(days=90)
"""How long a result is new, and how far back a medication's change is told of."""

_OVER = frozenset(
    {"completed", "stopped", "cancelled", "entered-in-error", "inactive", "resolved", "remission", "ended", "draft"}
)


@dataclass(frozen=True, slots=True)
class Summary:
    """The parts of a summary that exist; lists of text hold views, or changes, as JSON text, the newest first."""

    patient: Patient
    next_visits: list[Entry]
    requests: list[OpenRequest]
    alerts: list[Alert]
    new_results: list[str]
    medication_changes: list[str]
    conditions: list[str]
    medications: list[str]
    allergies: list[str]


def read(whose: Whose, sight: Sight, language: str, holder: Actor | None = None) -> Summary:
    """The summary of a patient; the parts that are hidden from its reader are empty. Raises NotFound.

    `holder` is the patient, where they read it themselves: what they asked for and what is amiss with their account is
    for them alone.
    """
    patient, visits, requests, alerts, results, changed, medications, conditions, allergies = together(
        lambda: patients.find(whose[0]),
        lambda: pages.find_upcoming(whose, sight)[:_NEWEST],
        lambda: attention.find_requests(holder, whose) if holder else [],
        lambda: attention.find_alerts(holder, language) if holder else [],
        lambda: new_results(whose, sight),
        lambda: medication_changes(whose, sight, language),
        lambda: _views(whose, Category.MEDICATION, sight),
        lambda: _views(whose, Category.CONDITION, sight),
        lambda: _views(whose, Category.ALLERGY, sight),
    )
    if patient is None:
        raise NotFound
    return Summary(
        patient=patient,
        next_visits=visits,
        requests=requests,
        alerts=alerts,
        new_results=results,
        medication_changes=_dumped(changed),
        conditions=_dumped(_only(conditions, _is_active)),
        medications=_dumped(_only(medications, _is_active)),
        allergies=_dumped(_only(allergies, _is_active)),
    )


def new_results(whose: Whose, sight: Sight) -> list[str]:
    """The views of those of the ten newest laboratory results that came, or were corrected, in the last 90 days."""
    if Category.LAB not in sight.categories:
        return []
    page = records.find_page(whose, Filter(category=Category.LAB), limit=_NEWEST, after=None, sight=sight)
    recent = clock.stamp(clock.now() - _RECENT)
    return [view for view, row in zip(page.views, page.rows, strict=True) if row.shown_since >= recent]


def medication_changes(whose: Whose, sight: Sight, language: str) -> list[dict[str, Any]]:
    """What has changed of the medications in the last 90 days, ten at most, the latest first."""
    return changes.find_medication_changes(whose, clock.now() - _RECENT, _NEWEST, sight, language)


def _views(whose: Whose, category: Category, sight: Sight) -> list[dict[str, Any]]:
    return [text.parse(view) for view in records.find_all(whose, Filter(category=category), _READ, sight)]


def _only(views: list[dict[str, Any]], wanted: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    return [view for view in views if wanted(view)]


def _is_active(view: dict[str, Any]) -> bool:
    return view["status"] not in _OVER and view.get("verification_status") not in {WITHDRAWN, "refuted"}


def _dumped(views: list[dict[str, Any]]) -> list[str]:
    return [text.dump(view).decode() for view in views]
