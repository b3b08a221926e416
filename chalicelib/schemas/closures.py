"""Shapes of closing one's own account."""

from pydantic import Field

from chalicelib.schemas.base import Instant, Shape


class Closure(Shape):
    """An account that was closed."""

    closed_at: Instant
    reopen_until: Instant = Field(
        description="Until then a link in the message that goes to all addresses opens the account again. "
        "Then everything personal of it is removed."
    )
    exported_at: Instant | None = Field(
        description="When a copy (`POST /v1/me/export`) was asked for last; null: never in the last 30 days."
    )
