"""Shapes of sentences that say where they come from."""

from typing import Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict  # pydantic reads the one of Python 3.12 and newer, or this one.

from chalicelib.schemas.base import Shape


class SentenceSource(TypedDict):
    """What a sentence can be checked against.

    A `record` by its id, `section` being its field; a term of the `library` by its slug, with the version and the
    section of it; or the words of the `portal` by their key.
    """

    kind: Literal["record", "library", "portal"]
    record_id: NotRequired[str]
    slug: NotRequired[str]
    key: NotRequired[str]
    section: NotRequired[str]
    version: NotRequired[int]
    url: NotRequired[str]


class CitedSentence(Shape):
    """One sentence, and where it comes from."""

    text: str
    source: SentenceSource
    record_ids: list[str] = Field(description="Every record that it speaks of.")


class TermLink(TypedDict):
    """A term of the library, and where it is."""

    slug: str
    name: str
    kind: str
    url: str
