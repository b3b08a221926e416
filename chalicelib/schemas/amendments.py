"""Shapes of requests for corrections."""

from datetime import date
from typing import Annotated

from pydantic import Field

from chalicelib.domain.amendments import AmendmentBy, AmendmentStatus
from chalicelib.schemas.base import Body, Instant, Letter, PageQuery, Shape
from chalicelib.schemas.clinic import PatientRow

_Sentences = Annotated[Letter, Field(max_length=1000)]


class NewAmendment(Body):
    """What should be corrected, and why."""

    record_id: Annotated[str, Field(min_length=1, max_length=100)] | None = Field(
        default=None, description="The record that is wrong; null for what is missing."
    )
    reason: _Sentences = Field(description="Why it is wrong.")
    correction: Letter = Field(description="What it should say.")


class AmendmentStep(Shape):
    """One step of a request."""

    at: Instant
    status: AmendmentStatus
    by: AmendmentBy


class Amendment(Shape):
    """A request to correct the record."""

    amendment_id: str
    record_id: str | None
    reason: str
    correction: str
    status: AmendmentStatus
    created_at: Instant
    expected_by: date = Field(description="The last day on which the clinic answers, in its zone: 60 days.")
    decided_at: Instant | None
    answer: str | None = Field(description="Why it was denied, in the clinic's words.")
    events: list[AmendmentStep] = Field(description="Its history, the oldest first.")


class AmendmentPage(Shape):
    """A page of requests."""

    items: list[Amendment]
    next_cursor: str | None


class AmendmentsQuery(PageQuery):
    """How requests are paged."""


class ClinicAmendment(Amendment):
    """A request as staff see it."""

    account_id: str = Field(description="The account that asks.")
    note: str | None = Field(description="What the clinic noted for itself.")


class ListedAmendment(ClinicAmendment):
    """A request in the clinic's list, with whom it is about."""

    patient: PatientRow


class ListedAmendmentPage(Shape):
    """A page of requests as staff see them: what waits first, the oldest at the top; then the latest of the others."""

    items: list[ListedAmendment]
    next_cursor: str | None


class AmendmentApproval(Body):
    """That the record will be corrected, which the clinic's own system does."""

    note: _Sentences | None = Field(default=None, description="For the clinic's staff alone.")


class AmendmentDenial(Body):
    """Why the record stays as it is, in words for whoever asked."""

    reason: _Sentences = Field(description="What the patient reads.")
    note: _Sentences | None = Field(default=None, description="For the clinic's staff alone.")
