"""Puts the sentences of one explanation together, each with its source, and knows which words are the record's."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from chalicelib import words
from chalicelib.domain import cited, reading
from chalicelib.domain.cited import Sentence, SourceKind
from chalicelib.domain.explanations.shapes import Facts
from chalicelib.domain.records.view import WITHDRAWN
from chalicelib.vocabulary import Section, Term

LONGEST_QUOTE: Final = 120
"""Characters of the record's own words that stand in a sentence; what is longer is read in the record."""

_SHORT: Final = "it"
_PLAIN: Final = frozenset({"final", "available", "current", "active", "completed"})
"""Statuses that need no word where a group of records has none for them."""


class Teller:
    """The sentences so far, of one record. The vocabulary and the portal say nothing twice."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.reader = facts.reader
        self.record_id: str = facts.view["record_id"] or ""
        self.sentences: list[Sentence] = []
        self.terms: dict[str, Term] = {}
        self.is_urgent = False
        self.newest_told: set[str] = set()
        self._quoted: set[str] = set()

    def record(self, key: str, field: str, *others: str, of: str | None = None, **values: object) -> None:
        """What the record says in a field; `of` is another record that says it, `others` are more of them."""
        ids = dict.fromkeys((of or self.record_id, *others))
        self._add(cited.of_record(self._said(key, values), *ids, field=field))

    def portal(self, key: str, **values: object) -> None:
        """Words of the portal's own."""
        self._add(cited.of_portal(self._said(key, values), key))

    def library(self, term: Term, *sections: Section, most: int | None = None) -> None:
        """What a term says in some sections, at most so many sentences of each."""
        self.terms.setdefault(term.slug, term)
        for section in sections:
            for sentence in cited.of_library(term, section, self.reader.language)[:most]:
                self._add(sentence)

    def day(self, at: object, field: str, key: str = "explain.when") -> None:
        """A date of the record, where it has one; else its words about it."""
        day = self.reader.time(at) if isinstance(at, str) else None
        if day:
            self.record(key, field, day=day)
        elif self.fits(at):
            self.record(f"{key}_said", field, text=self.quote(at))

    def status(self, group: str) -> None:
        """What a record's status means in its group of records; FHIR's own word for what the group does not know."""
        status = self.facts.view["status"]
        key = f"explain.{group}.{str(status).replace('-', '_')}"
        if status == WITHDRAWN:
            self.record("explain.mistake", "status")
        elif key in words.catalogue(self.reader.language):
            self.record(key, "status")
        elif status not in {None, *_PLAIN}:
            self.record("explain.status", "status", status=self.quote(self.reader.value("status", status)))

    def quote(self, text: object) -> str:
        """Words of the record, on one line."""
        clean = " ".join(str(text).split())
        self._quoted.add(clean.rstrip("."))
        return clean

    def fits(self, text: object) -> bool:
        """Whether words of the record are few enough to be quoted."""
        return isinstance(text, str) and 0 < len(text.strip()) <= LONGEST_QUOTE

    def name(self, term: Term | None, title: object) -> str:
        """What something is called: by its term, else as the record has it."""
        return self.quote(term.texts[self.reader.language].name if term else title)

    def grade(self, questions: Iterable[Sentence]) -> float:
        """The reading grade of what was told."""
        text = cited.text_of((*self.sentences, *questions)).replace(".”", "”.")
        for quoted in sorted(self._quoted, key=len, reverse=True):
            text = re.sub(rf"(?<!\w){re.escape(quoted)}(?!\w)", _SHORT, text)
        return reading.grade(text, self.reader.language)

    def _said(self, key: str, values: dict[str, Any]) -> str:
        # What is quoted may end a sentence by itself.
        return self.reader.say(key, **values).replace(".”.", ".”")

    def _add(self, sentence: Sentence) -> None:
        # Two values of one record may stand alike, and it is said of both.
        if sentence.source.kind is SourceKind.RECORD or all(one.text != sentence.text for one in self.sentences):
            self.sentences.append(sentence)


def questions(terms: Sequence[Term], language: str, most: int) -> list[Sentence]:
    """What to ask, by the terms in turn."""
    asked = [cited.of_library(term, Section.ASK, language) for term in terms]
    turns = [one[turn] for turn in range(most) for one in asked if turn < len(one)]
    return list({one.text: one for one in turns}.values())[:most]
