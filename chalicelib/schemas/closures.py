"""Shapes of closing one's own account."""

from typing import Annotated

from pydantic import AfterValidator, Field

from chalicelib.schemas.base import FieldProblem, Flag, Instant, Query, Shape


def _said(confirm: bool) -> bool:  # noqa: FBT001  pydantic calls it with the value alone.
    if not confirm:
        raise FieldProblem("closing_not_confirmed")
    return confirm


class ClosingQuery(Query):
    """That somebody means it. It is no body, since many programs send none with a DELETE."""

    confirm: Annotated[
        Flag,
        AfterValidator(_said),
        Field(
            description="`true`: the account shall be closed. If you want a copy of what the portal keeps about it, get"
            " that first (`POST /v1/me/export`): afterwards you cannot sign in to do so."
        ),
    ]


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
