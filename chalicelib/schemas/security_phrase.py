"""Shapes of the phrase that every true message repeats."""

from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema

from chalicelib.domain import security_phrase
from chalicelib.schemas.base import Body, FieldProblem, Shape

_SENT = 240
"""Characters that are read at all; the rule of 60 is told by its own code, after normalising."""


def _phrase(text: str) -> str:
    try:
        return security_phrase.parse(text)
    except security_phrase.NotAPhrase as wrong:
        raise FieldProblem(f"phrase_{wrong.problem}", maximum=security_phrase.LONGEST) from None


Phrase = Annotated[
    str,
    Field(max_length=_SENT),
    AfterValidator(_phrase),
    WithJsonSchema(
        {
            "type": "string",
            "minLength": 1,
            "maxLength": security_phrase.LONGEST,
            "examples": ["two grey herons"],
            "description": "One line without an address.",
        }
    ),
]


class SecurityPhraseEdit(Body):
    """The phrase that every true message shall repeat, or null for none."""

    security_phrase: Phrase | None


class SecurityPhrase(Shape):
    """The phrase that every true message repeats, if one is set."""

    security_phrase: str | None
