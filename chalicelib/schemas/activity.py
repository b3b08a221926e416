"""Shapes of what happened to one's own account."""

from pydantic import Field

from chalicelib.domain.activity import By
from chalicelib.schemas.base import Instant, PageQuery, Shape


class Activity(Shape):
    """One thing that happened."""

    activity_id: str
    at: Instant
    kind: str = Field(description="The event's own name, as in `session:create`; more may come.")
    by: By = Field(description="`somebody` was not signed in: it may have been you, or a stranger.")
    text: str = Field(description="What happened, in words.")
    device_name: str | None = Field(description="Of a sign-in, where the device told it.")


class ActivityPage(Shape):
    """What happened, the newest first."""

    items: list[Activity]
    next_cursor: str | None


class ActivityQuery(PageQuery):
    """How it is paged."""
