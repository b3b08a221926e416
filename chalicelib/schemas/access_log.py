"""Shapes of a patient's own history."""

from typing import Literal

from pydantic import Field

from chalicelib.domain.access_log import Who
from chalicelib.schemas.base import Instant, PageQuery, Shape


class AccessLogEntry(Shape):
    """One line of your history."""

    entry_id: str
    at: Instant
    who: Who
    name: str | None = Field(description="A caregiver's, where we know it.")
    by: str = Field(description="Who it was, in words.")
    text: str = Field(description="What happened, in words.")


class AccessLogPage(Shape):
    """A page of your history, the newest first."""

    items: list[AccessLogEntry]
    next_cursor: str | None


class AccessLogQuery(PageQuery):
    """How the history is paged, and as what."""

    format: Literal["json", "csv", "fhir"] | None = Field(
        default=None,
        description="`csv` for a table, `fhir` for a Bundle of AuditEvents: the header `Link` has the next page. "
        "Where it is left out, the header `Accept` chooses.",
    )
