"""What an explanation is made of, and what it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from chalicelib.domain import cited
from chalicelib.domain.cited import Sentence
from chalicelib.domain.records.changes import View
from chalicelib.domain.records.trends import Reading
from chalicelib.domain.records.value_words import Reader
from chalicelib.vocabulary import Term
from chalicelib.vocabulary.sources import Link

AUTHORS = "authors"
"""Who has reviewed a text that no clinician has."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a record when it is explained, all of it as its reader may see it.

    `birth_date` is the patient's, as the clinic has it; where it has none, they are taken for an adult.

    `readings` are what results of this patient say of the record's codes, by code as keys have it, the newest first;
    `linked` are the views of records that the record names. `phone` is the clinic's.
    """

    view: View
    reader: Reader
    now: datetime
    phone: str
    readings: Mapping[str, Sequence[Reading]] = field(default_factory=dict)
    linked: Sequence[View] = ()
    birth_date: str | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a record means. `covered` where the vocabulary speaks of all of it; `terms` are those that it took.

    `reading_grade` is that of the portal's words: what is quoted from the record counts as one short word.
    """

    covered: bool
    language: str
    title: str
    sentences: tuple[Sentence, ...]
    questions: tuple[Sentence, ...]
    reading_grade: float
    is_urgent: bool
    terms: tuple[Term, ...]
    links: tuple[Link, ...]

    @property
    def text(self) -> str:
        """The sentences as one text."""
        return cited.text_of(self.sentences)

    @property
    def reviewed_by(self) -> str | None:
        """Who has reviewed the terms: `authors` where no clinician has reviewed one of them; None without terms."""
        found = {term.reviewed_by for term in self.terms}
        return AUTHORS if AUTHORS in found else min(found, default=None)

    @property
    def reviewed_on(self) -> date | None:
        """When the terms were reviewed: the longest ago."""
        return min((term.reviewed_on for term in self.terms), default=None)
