"""Sentences for patients, each with where it comes from: nothing is said that cannot be checked."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from chalicelib.vocabulary import Section, Term


class SourceKind(StrEnum):
    """Where a sentence comes from: the patient's own record, the portal's vocabulary, or the portal's own words."""

    RECORD = "record"
    LIBRARY = "library"
    PORTAL = "portal"


@dataclass(frozen=True, slots=True)
class Source:
    """What a sentence can be checked against.

    `id` is a record's id, a term's slug, or the key of the portal's words. `section` is a term's section or a record's
    field; `version` is the term's.
    """

    kind: SourceKind
    id: str
    section: str | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence with its source; `record_ids` are all records that it speaks of."""

    text: str
    source: Source
    record_ids: tuple[str, ...] = ()


def of_record(text: str, *record_ids: str, field: str | None = None) -> Sentence:
    """A sentence that says what records say; the first is its source."""
    return Sentence(text, Source(SourceKind.RECORD, record_ids[0], field), record_ids)


def of_library(term: Term, section: Section, language: str) -> list[Sentence]:
    """What a term says in one of its sections; nothing where it has none."""
    source = Source(SourceKind.LIBRARY, term.slug, section, term.version)
    return [Sentence(text, source) for text in term.texts[language].sections.get(section, ())]


def of_portal(text: str, key: str) -> Sentence:
    """A sentence of the portal's own words: what it can do, and where help is."""
    return Sentence(text, Source(SourceKind.PORTAL, key))


def text_of(sentences: Iterable[Sentence]) -> str:
    """The sentences as one text."""
    return " ".join(sentence.text for sentence in sentences)
