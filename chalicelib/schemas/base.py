"""What all request and response shapes share."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from chalicelib.domain import card_numbers


class FieldProblem(ValueError):
    """A rule that a field breaks: a code of the catalogue (`field.<code>`) and the values of its words."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


class Body(BaseModel):
    """A request's body: unknown fields and wrong types are refused, nothing is guessed."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True, defer_build=True)


class NoBody(Body):
    """No field at all."""


class Query(BaseModel):
    """A request's query: unknown parameters are refused; values come as text."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)


class NoQuery(Query):
    """No parameter at all."""


class AnyQuery(BaseModel):
    """Whatever is there is left unread: what mail programs and click counters add to a link does no harm."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


class Shape(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Money(Shape):
    """An amount in minor units (cents), and its currency."""

    amount: int
    currency: str


class PageQuery(Query):
    """How every list is paged."""

    limit: int = Field(default=20, ge=1, le=100, description="How many items a page holds at most.")
    cursor: str | None = Field(
        default=None, max_length=2048, description="Where the page begins: `next_cursor` of the page before."
    )


def _no_surrogates(text: str) -> str:
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise FieldProblem("wrong_form")
    return text


def _spelled_out(value: object) -> object:
    if value not in ("true", "false", True, False):
        raise FieldProblem("true_or_false_expected")
    return value


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise FieldProblem("zone_missing")
    return at


Text = Annotated[str, Field(max_length=200), AfterValidator(_no_surrogates)]
"""A short text that a person types."""


def _not_blank(text: str) -> str:
    if not text.strip():
        raise FieldProblem("missing")
    return text


PersonName = Annotated[Text, Field(min_length=1, max_length=100), AfterValidator(_not_blank)]
"""A given or a family name."""


LongText = Annotated[str, Field(max_length=500), AfterValidator(_no_surrogates)]
"""A few sentences that a person types."""

Letter = Annotated[
    str, Field(min_length=1, max_length=2000), AfterValidator(_no_surrogates), AfterValidator(_not_blank)
]
"""As much as somebody types who has something to explain."""


def _no_card_number(text: str) -> str:
    if card_numbers.is_in(text):
        raise FieldProblem("card_number")
    return text


NoCardNumber = AfterValidator(_no_card_number)
"""For a text that a person types: no number of a payment card in it ever reaches us (PY 1)."""

Flag = Annotated[bool, BeforeValidator(_spelled_out)]
"""A yes or no in a query: `true` or `false`, and none of the other ways in which one could be written."""

Instant = Annotated[datetime, AfterValidator(_aware)]
"""An aware time; written as RFC 3339 in UTC with `Z`."""
