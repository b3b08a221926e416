"""Shapes of opening a record in an emergency."""

from typing import Annotated

from pydantic import Field

from chalicelib.schemas.base import Body, Instant, LongText, Shape


class BreakingGlass(Body):
    """Why a record is opened by somebody who is not in the patient's care team. The clinic reads it afterwards."""

    reason: Annotated[LongText, Field(min_length=10)]


class BrokenGlass(Shape):
    """Until when the record is open to the caller. The patient is told."""

    patient_id: str
    ends_at: Instant
