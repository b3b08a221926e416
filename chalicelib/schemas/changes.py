"""Shapes of what has changed in a record."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from chalicelib.domain.records.categories import Category
from chalicelib.schemas.base import PageQuery, Shape
from chalicelib.schemas.records import Moment, Preview, RecordChange, moment

LAST_VISIT = "last_visit"


def _moment_or_visit(text: object) -> object:
    return text if text == LAST_VISIT else moment(text)


Since = Annotated[
    Moment | Literal["last_visit"],
    BeforeValidator(_moment_or_visit),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "format": "date"},
                {"type": "string", "format": "date-time"},
                {"type": "string", "const": LAST_VISIT},
            ]
        }
    ),
]
"""A day, a time, or the latest visit that is over."""


class ChangesQuery(PageQuery):
    """Since when, and of what."""

    as_: Preview = None

    since: Since | None = Field(
        default=None,
        description="A day, from its beginning in the clinic's zone, or a time: what came after it; or `last_visit`, "
        "for what came after the end of the latest visit that is over. Left out: the whole record.",
    )
    category: Category | None = Field(default=None, description="Only records of this category.")


class ChangePage(Shape):
    """A page of what changed, the latest first. It may be short, even empty, while `next_cursor` is set."""

    items: list[RecordChange]
    next_cursor: str | None
    since: str | None = Field(description="The moment that was asked for; null for the whole record.")
    as_of: str = Field(
        description="The moment to ask with next, the same on every page. It lies a minute back, so that a change that "
        "is still on its way is not missed; what came in that minute is told again then."
    )
