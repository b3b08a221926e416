"""Shapes of the library."""

from datetime import date

from pydantic import Field

from chalicelib.schemas.base import PageQuery, Shape
from chalicelib.vocabulary import Kind, Section


class LibraryQuery(PageQuery):
    """Which terms: all of them by name, those that begin with a letter, or those that fit what was typed."""

    letter: str | None = Field(
        default=None,
        min_length=1,
        max_length=1,
        description="Only terms whose name begins with this letter; `#` for those that begin with none.",
    )
    q: str | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="Words of a name, whole, begun or misspelt; the best fit comes first.",
    )
    kind: Kind | None = Field(default=None, description="Only terms of this kind.")
    code: str | None = Field(
        default=None,
        min_length=1,
        max_length=300,
        description="`system|code`: only the term of this code, as records have it.",
    )


class LibraryItem(Shape):
    """A term as lists show it."""

    slug: str
    kind: Kind
    name: str
    also: list[str] = Field(description="Other names that people use.")
    summary: str
    url: str


class LibraryPage(Shape):
    """A page of the library."""

    items: list[LibraryItem]
    letters: list[str] = Field(description="The letters that names begin with, of all kinds that were asked for.")
    next_cursor: str | None


class LibrarySection(Shape):
    """One part of a term's text."""

    section: Section
    title: str
    sentences: list[str]


class LibraryCode(Shape):
    """A code that records know the term by."""

    system: str
    code: str
    display: str


class LibraryLink(Shape):
    """A page of somebody else's: where the text can be checked, and where to read more."""

    title: str
    url: str


class LibraryTerm(LibraryItem):
    """A term with its whole text."""

    language: str
    sections: list[LibrarySection]
    reading_grade: float = Field(description="Years of school (US grade) that the text asks of its reader.")
    codes: list[LibraryCode]
    links: list[LibraryLink]
    version: int
    reviewed_on: date
    reviewed_by: str = Field(description="`authors` where no clinician has reviewed the text yet.")
