"""Shapes of what the clinic decides for itself."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from chalicelib.domain.clinic_settings import Feature, Weekday
from chalicelib.schemas.accounts import Email, Phone
from chalicelib.schemas.base import Body, FieldProblem, Shape, Text

_Time = Annotated[str, Field(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]
_OLDEST = 30


class OpenHours(Body):
    """One stretch of a day, in the clinic's zone."""

    day: Weekday
    opens: _Time
    closes: _Time

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.closes <= self.opens:
            raise FieldProblem("closes_before_it_opens")
        return self


class Line(Body):
    """A telephone line, and what it is for."""

    purpose: Annotated[Text, Field(min_length=1, max_length=60)]
    phone: Phone
    email: Email | None = None
    hours: list[OpenHours] = Field(default=[], max_length=28)


class ClinicChoice(Body):
    """What the clinic decides; what is left out or null is as the deployment says."""

    minimum_age: int | None = Field(default=None, ge=0, le=_OLDEST, description="In years, for an own account.")
    security_questions: bool | None = None
    features: dict[Feature, bool] = Field(
        default={},
        description="What patients and caregivers have; what is false is refused with `feature_off`, but for staff.",
    )
    opening_hours: list[OpenHours] = Field(default=[], max_length=28)
    lines: list[Line] = Field(default=[], max_length=20)


class ClinicSettings(Shape):
    """What holds now."""

    minimum_age: int
    security_questions: bool
    features: dict[Feature, bool]
    opening_hours: list[OpenHours]
    lines: list[Line]
