"""Shapes of what is on file for a patient, and of what patients ask to have changed."""

from typing import Any, Literal

from pydantic import Field

from chalicelib.schemas.accounts import Email, Phone
from chalicelib.schemas.base import Body, Instant, PageQuery, PersonName, Shape
from chalicelib.schemas.clinic_patients import DeskPatient


class AskedChange(Body):
    """What the clinic should change of what it has on file; what is left out stays as it is."""

    first_name: PersonName | None = None
    last_name: PersonName | None = None
    gender: Literal["female", "male", "other", "unknown"] | None = None
    email: Email | None = Field(default=None, description="null takes every email address away.")
    mobile_phone: Phone | None = Field(default=None, description="null takes every mobile phone away.")


class PendingChange(Shape):
    """What was asked for and is not decided yet; null takes something away."""

    change_id: str
    fields: dict[str, Any]
    asked_at: Instant


class OnFile(DeskPatient):
    """What the clinic has on file; a change is pending until staff accept it."""

    pending: PendingChange | None


class WaitingChange(PendingChange):
    """What a patient asks for, beside what is on file now."""

    patient: DeskPatient


class WaitingPage(Shape):
    """What waits for staff, the oldest first."""

    items: list[WaitingChange]
    next_cursor: str | None


class WaitingQuery(PageQuery):
    """How requests are paged."""


class Approval(Body):
    """How staff made sure that it is the patient who asks."""

    in_person: bool = Field(
        default=False,
        description="The patient came in and showed who they are: new contacts serve recovery at once, else after 24 "
        "hours.",
    )
