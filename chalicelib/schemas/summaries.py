"""Shapes of the summary of a record."""

from pydantic import Field

from chalicelib.domain.attention import AlertCode, RequestKind
from chalicelib.domain.records.rows import Row
from chalicelib.schemas.base import Instant, Money, Shape
from chalicelib.schemas.calendar import CalendarItem
from chalicelib.schemas.records import RecordChange


class PatientSummary(Shape):
    """Who the summary is about."""

    patient_id: str
    clinic_number: str
    name: str
    birth_date: str | None
    gender: str | None


class OpenRequest(Shape):
    """Something that you asked for and that the clinic has not decided yet."""

    kind: RequestKind = Field(description="What it is. More kinds will join; show what you do not know.")
    request_id: str
    status: str
    created_at: Instant


class AlertTarget(Shape):
    """Where it is mended."""

    kind: str
    id: str


class Alert(Shape):
    """Something that is amiss."""

    code: AlertCode = Field(description="What it is. More codes will join; show the text.")
    text: str
    target: AlertTarget


class SummaryRest(Shape):
    """What a summary holds beside lists of records."""

    patient: PatientSummary
    next_appointments: list[CalendarItem] = Field(
        description="The next visits that the record says are planned, 10 at most, the earliest first."
    )
    questionnaires_due: list[dict[str, str]] = Field(
        default=[], description="Empty until the portal has questionnaires to fill in."
    )
    refills_due: list[dict[str, str]] = Field(default=[], description="Empty until the portal takes refills.")
    requests_open: list[OpenRequest] = Field(
        description="What you asked for that is not decided yet, the newest first. For the patient alone."
    )
    unread_messages: int = Field(default=0, description="0 until the portal has messages.")
    balance: Money | None = Field(default=None, description="Null until the portal has bills.")
    alerts: list[Alert] = Field(description="What is amiss with your account. For the patient alone.")


class Summary(SummaryRest):
    """What a patient wants to know first."""

    new_results: list[Row] = Field(
        description="Of the ten newest laboratory results those that came, or were corrected, in the last 90 days."
    )
    medication_changes: list[RecordChange] = Field(
        description="What has changed of the medications in the last 90 days, 10 at most, the latest first."
    )
    conditions: list[Row]
    medications: list[Row]
    allergies: list[Row]
