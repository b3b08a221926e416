"""Shapes of what somebody wants to be told, and by which channels."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema

from chalicelib.domain.notices import NoticeType
from chalicelib.schemas.base import Body, FieldProblem, Shape

_CLOCK = re.compile("([01][0-9]|2[0-3]):[0-5][0-9]")
_ROWS_SENT = 100


def _clock(text: str) -> str:
    if _CLOCK.fullmatch(text) is None:
        raise FieldProblem("time_of_day_expected")
    return text


ClockTime = Annotated[
    str,
    Field(max_length=5),
    AfterValidator(_clock),
    WithJsonSchema({"type": "string", "pattern": f"^{_CLOCK.pattern}$", "examples": ["22:00"]}),
]
LeadTime = Annotated[str, Field(max_length=20, description="How long before, as an ISO 8601 duration.")]


class ChannelChoice(Body):
    """Which channels are wanted."""

    push: bool
    email: bool
    sms: bool


class QuietHours(Body):
    """When only urgent messages ring, on the clock of the account's time zone. They may go over midnight."""

    starts: ClockTime
    ends: ClockTime


class PreferenceChoice(Body):
    """The channels for one type of notice, or for one reminder of it."""

    notice_type: NoticeType
    lead_time: LeadTime | None = None
    channels: ChannelChoice


class PreferencesEdit(Body):
    """Everything that somebody chooses: a row that is not sent goes back to its default."""

    rows: list[PreferenceChoice] = Field(max_length=_ROWS_SENT)
    quiet_hours: QuietHours | None


class Channels(Shape):
    """Which channels are used."""

    push: bool
    email: bool
    sms: bool


class QuietSpan(Shape):
    """When only urgent messages ring; both on the clock of `time_zone`."""

    starts: str
    ends: str


class PreferenceRow(Shape):
    """One row of the matrix."""

    notice_type: NoticeType
    lead_time: str | None = Field(description="How long before, as an ISO 8601 duration; null where it just comes.")
    channels: Channels
    locked: bool = Field(description="It cannot be switched off.")


class Preferences(Shape):
    """What one is told, how, and when it is quiet. Time zone and language are changed by PATCH /v1/me."""

    rows: list[PreferenceRow]
    quiet_hours: QuietSpan | None
    time_zone: str
    language: str
