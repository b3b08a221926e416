"""What a clinic decides for itself while the portal runs, over what the deployment says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Feature(StrEnum):
    """What the clinic offers to patients and caregivers, or not: its routes name it (`Operation.feature`)."""

    ASK = "ask"
    EXPLANATIONS = "explanations"
    NOTICES = "notices"
    PUSH = "push"
    RECORDS = "records"
    REGISTRATION = "registration"


class Weekday(StrEnum):
    """The days of opening hours."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


@dataclass(frozen=True, slots=True)
class OpenHours:
    """One stretch of a day in the clinic's zone, as `HH:MM`."""

    day: Weekday
    opens: str
    closes: str


@dataclass(frozen=True, slots=True)
class Line:
    """A telephone line of the clinic's, and what it is for."""

    purpose: str
    phone: str
    email: str | None = None
    hours: tuple[OpenHours, ...] = ()


@dataclass(frozen=True, slots=True)
class ClinicRules:
    """What holds now."""

    minimum_age: int
    security_questions: bool
    features: Mapping[Feature, bool]
    opening_hours: tuple[OpenHours, ...]
    lines: tuple[Line, ...]
    version: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the clinic has chosen; what it did not choose is as the deployment says."""

    minimum_age: int | None = None
    security_questions: bool | None = None
    features: Mapping[Feature, bool] = field(default_factory=dict)
    opening_hours: tuple[OpenHours, ...] = ()
    lines: tuple[Line, ...] = ()
