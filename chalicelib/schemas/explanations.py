"""Shapes of explanations."""

from datetime import date

from pydantic import Field

from chalicelib.schemas.base import Flag, Query, Shape
from chalicelib.schemas.cited import CitedSentence, TermLink
from chalicelib.schemas.library import LibraryLink
from chalicelib.schemas.records import Preview


class ExplanationQuery(Query):
    """How a record is explained."""

    as_: Preview = None

    reveal: Flag = Field(
        default=False,
        description="`true` for a result that you hold back: explain it now. That you did is written down.",
    )
    rephrase: Flag = Field(
        default=False,
        description="`true` for a language model's words, where the clinic has one and there is consent. It may take "
        "some seconds. The portal's own words come where the model's do not say the same, and where it is urgent.",
    )


class Explanation(Shape):
    """What a record means, in plain words: each sentence with its source, and the same as one text.

    It tells what the record says and what such things can mean, in general. It is no diagnosis, and it never says to
    change a dose. What the library does not speak of says so.
    """

    record_id: str
    title: str = Field(description="The plain name; the record's own where the library has none.")
    language: str
    covered: bool = Field(description="Whether the library speaks of all of it.")
    is_urgent: bool = Field(description="Whether there is something to do now: the first sentences say what.")
    is_rephrased: bool = Field(description="Whether a language model has said it in other words, held against ours.")
    text: str
    sentences: list[CitedSentence]
    reading_grade: float = Field(
        description="A US school grade, of the portal's words: what is quoted from the record counts as one short word."
    )
    questions_to_ask: list[str]
    library: list[TermLink] = Field(description="What the library has on it, and on words that stand in it.")
    links: list[LibraryLink]
    reviewed_by: str | None = Field(
        description="Who reviewed the library's text: `authors` where no clinician has reviewed all of it yet."
    )
    reviewed_on: date | None
