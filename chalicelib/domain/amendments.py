"""Asking for a correction of one's record, which the clinic grants or turns down (45 CFR 164.526)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

ANSWERED_WITHIN: Final = timedelta(days=60)
"""How long the clinic has for its answer (45 CFR 164.526(b)(2))."""


class AmendmentStatus(StrEnum):
    """What became of a request."""

    WAITING = "waiting"
    APPROVED = "approved"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"


class AmendmentBy(StrEnum):
    """Who took a step, as far as its readers may know."""

    PATIENT = "patient"
    CAREGIVER = "caregiver"
    CLINIC = "clinic"


@dataclass(frozen=True, slots=True)
class Correction:
    """What somebody asks to have corrected, in their own words: of one record, or of what is missing."""

    record_id: str | None
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the clinic says to it: a reason for who asked, and a note for the clinic's own people."""

    reason: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class AmendmentEvent:
    """One step of a request; `at` is aware, in UTC, and `status` is what it has been since."""

    at: datetime
    status: AmendmentStatus
    by: AmendmentBy


@dataclass(frozen=True, slots=True)
class AmendmentView:
    """A request and how far it is; `expected_by` is the last day for an answer, in the clinic's zone."""

    amendment_id: str
    patient_id: str
    account_id: str
    correction: Correction
    status: AmendmentStatus
    expected_by: date
    answer: Answer
    events: tuple[AmendmentEvent, ...]

    @property
    def created_at(self) -> datetime:
        """When it was asked for."""
        return self.events[0].at

    @property
    def decided_at(self) -> datetime | None:
        """When the clinic answered, if it has."""
        last = self.events[-1]
        return last.at if last.by is AmendmentBy.CLINIC else None


def expected_by(asked_at: datetime, zone: ZoneInfo) -> date:
    """The last day on which the clinic answers in time."""
    return asked_at.astimezone(zone).date() + ANSWERED_WITHIN
