"""What is answered: sentences with their sources, what can be done next, and what a follow-up goes on from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

import orjson

from chalicelib.domain.cited import Sentence, Source, SourceKind
from chalicelib.domain.questions.intents import Intent
from chalicelib.domain.records.categories import Category
from chalicelib.vocabulary import Section

MOST_SENTENCES: Final = 40
"""Sentences of one answer: what is longer is for the record itself."""


class StepKind(StrEnum):
    """What somebody can do next, by themselves: asking never does it."""

    MESSAGE = "message"
    VISIT = "visit"
    LIBRARY = "library"
    EMERGENCY = "emergency"
    REFILL = "refill"
    BILL = "bill"
    CALL = "call"


@dataclass(frozen=True, slots=True)
class NextStep:
    """One thing to do: a path of the API, or a telephone. `prepared` is what a form may be filled with."""

    kind: StepKind
    text: str
    href: str | None = None
    phone: str | None = None
    prepared: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Thing:
    """What a question was about: a term of the vocabulary, words of a title, and the records that were found."""

    term: str | None = None
    words: tuple[str, ...] = ()
    record_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """What a follow-up goes on from."""

    intent: Intent = Intent.UNCOVERED
    things: tuple[Thing, ...] = ()
    category: Category | None = None
    back: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer in the question's language. `choices` are what may have been meant, where that is not clear.

    `is_rephrased` where a language model says it, held against the portal's own words.
    """

    language: str
    intent: Intent
    sentences: tuple[Sentence, ...]
    covered: bool = True
    next_steps: tuple[NextStep, ...] = ()
    choices: tuple[str, ...] = ()
    context: Context = field(default_factory=Context)
    is_rephrased: bool = False

    @property
    def is_emergency(self) -> bool:
        """Whether it says whom to call at once."""
        return any(step.kind is StepKind.EMERGENCY for step in self.next_steps)

    @property
    def record_ids(self) -> set[str]:
        """Every record that it speaks of."""
        return {record_id for one in self.sentences for record_id in one.record_ids}

    def after(self, sentences: Iterable[Sentence], steps: Iterable[NextStep]) -> "Answer":
        """The same behind other sentences and steps."""
        return replace(
            self, sentences=(*sentences, *self.sentences), next_steps=tuple(dict.fromkeys((*steps, *self.next_steps)))
        )


def written(answer: Answer) -> str:
    """An answer as it is kept."""
    return orjson.dumps(
        {
            "language": answer.language,
            "intent": answer.intent,
            "sentences": [_sentence(one) for one in answer.sentences],
            "covered": answer.covered,
            "next_steps": [_step(one) for one in answer.next_steps],
            "choices": answer.choices,
            "is_rephrased": answer.is_rephrased,
        }
    ).decode()


def read(text: str) -> Answer:
    """An answer as it was kept, without what a follow-up goes on from."""
    kept = orjson.loads(text)
    return Answer(
        language=kept["language"],
        intent=Intent(kept["intent"]),
        sentences=tuple(_read_sentence(one) for one in kept["sentences"]),
        covered=kept["covered"],
        next_steps=tuple(NextStep(**{**one, "kind": StepKind(one["kind"])}) for one in kept["next_steps"]),
        choices=tuple(kept["choices"]),
        is_rephrased=kept["is_rephrased"],
    )


def written_context(context: Context) -> str:
    """What a follow-up goes on from, as it is kept."""
    things = [{"term": one.term, "words": one.words, "record_ids": one.record_ids} for one in context.things]
    return orjson.dumps(
        {"intent": context.intent, "things": things, "category": context.category, "back": context.back}
    ).decode()


def read_context(text: str) -> Context:
    """What a follow-up goes on from, as it was kept."""
    kept = orjson.loads(text)
    things = (Thing(one["term"], tuple(one["words"]), tuple(one["record_ids"])) for one in kept["things"])
    category = Category(kept["category"]) if kept["category"] else None
    return Context(Intent(kept["intent"]), tuple(things), category, kept["back"])


def _sentence(one: Sentence) -> dict[str, Any]:
    source = one.source
    of = {"kind": source.kind, "id": source.id, "section": source.section, "version": source.version}
    return {"text": one.text, "source": of, "record_ids": one.record_ids}


def _read_sentence(kept: Mapping[str, Any]) -> Sentence:
    of = kept["source"]
    section = of["section"]
    if of["kind"] == SourceKind.LIBRARY and section is not None:
        section = Section(section)
    return Sentence(
        kept["text"], Source(SourceKind(of["kind"]), of["id"], section, of["version"]), tuple(kept["record_ids"])
    )


def _step(one: NextStep) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "text": one.text,
        "href": one.href,
        "phone": one.phone,
        "prepared": dict(one.prepared) if one.prepared is not None else None,
    }
