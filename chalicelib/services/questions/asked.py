"""What is asked, down to the things that it is about: terms, and how to find their records."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from chalicelib import vocabulary
from chalicelib.domain.library import coded, search
from chalicelib.domain.questions.answers import Thing
from chalicelib.domain.questions.intents import REFUSED, Intent
from chalicelib.domain.questions.understanding import About, Understood
from chalicelib.domain.questions.when import When
from chalicelib.domain.records.categories import Category
from chalicelib.models.base import together
from chalicelib.services.questions import finding
from chalicelib.services.questions.finding import Asking, Found, View
from chalicelib.vocabulary import Kind, Term

_MOST_CHOICES: Final = 4
_MANY_KINDS: Final = 3
_ENOUGH: Final = 0.9
_TESTS: Final = (Kind.TEST,)
_MEDICATIONS: Final = (Kind.MEDICATION,)
_WANTED: Final[dict[Intent, tuple[Kind, ...]]] = {
    Intent.LATEST_VALUE: _TESTS,
    Intent.NORMAL_RANGE: _TESTS,
    Intent.WHY_TAKE: _MEDICATIONS,
    Intent.DOSAGE: _MEDICATIONS,
    Intent.ADVICE: _MEDICATIONS,
    Intent.REFILL: _MEDICATIONS,
    Intent.SIDE_EFFECTS: (Kind.MEDICATION, Kind.VACCINE, Kind.PROCEDURE),
    Intent.DIAGNOSIS: (Kind.CONDITION, Kind.ALLERGY),
    Intent.MEANING: (Kind.TEST, Kind.CONDITION, Kind.PROCEDURE),
    Intent.DID_IT_CHANGE: (Kind.TEST, Kind.MEDICATION, Kind.CONDITION),
    Intent.OVERVIEW: (Kind.TEST, Kind.MEDICATION, Kind.CONDITION),
}
"""Which kind of thing an intent is about, the likeliest first; the others take whatever was named."""

_ANY_WILL_DO: Final = frozenset({*REFUSED, Intent.REFILL, Intent.BILL, Intent.BOOK, Intent.MESSAGE, Intent.HELP})
"""Of these it need not be clear which of several terms is meant."""

_OF_THE_SAME: Final = frozenset({Intent.WHO, Intent.WHEN_WAS, Intent.MEANING, Intent.NORMAL_RANGE})
"""What is asked of the record that was just spoken of, and not of the newest one."""

_OF_CATEGORY: Final[dict[Category, Kind]] = {
    Category.IMMUNIZATION: Kind.VACCINE,
    Category.ALLERGY: Kind.ALLERGY,
    Category.PROCEDURE: Kind.PROCEDURE,
    Category.LAB: Kind.TEST,
    Category.VITAL: Kind.TEST,
    Category.ENCOUNTER: Kind.VISIT,
    Category.CARE_PLAN: Kind.PLAN,
    Category.DEVICE: Kind.DEVICE,
    Category.DOCUMENT: Kind.DOCUMENT,
}
"""Which kind a word such as "shot" or "surgery" beside a name tells of."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing that is asked about. More than one term: any of them may be meant."""

    terms: tuple[Term, ...] = ()
    words: tuple[str, ...] = ()
    views: tuple[View, ...] = ()
    is_guess: bool = False

    @property
    def term(self) -> Term | None:
        """The term, where it is clear which."""
        return self.terms[0] if self.terms else None


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be answered; `thread_things` are what was spoken of before."""

    intent: Intent
    subjects: tuple[Subject, ...]
    category: Category | None
    when: When
    thread_things: tuple[Thing, ...] = ()
    is_in_thread: bool = False


def resolve(
    asking: Asking, understood: Understood, views: Sequence[View], thread: Sequence[Thing]
) -> tuple[Asked, tuple[str, ...]]:
    """What is asked, and what may have been meant where that is not clear.

    `views` are records that the question comes with, `thread` is what was spoken of before.
    """
    subjects = [_subject(asking, understood, about) for about in understood.abouts]
    subjects = _of_wanted_kind(understood.intent, [one for one in subjects if one.terms or one.words])
    if not subjects and views:
        subjects = [Subject(coded.find_of(view).terms[:1], views=(view,)) for view in views]
    elif not subjects and understood.goes_on:
        subjects = [_of_thread(asking, understood, thing) for thing in thread]
    asked = Asked(
        understood.intent,
        tuple(_narrowed(asking, understood.intent, one) for one in subjects),
        understood.category,
        understood.when,
        tuple(thread),
        is_in_thread=understood.goes_on,
    )
    return asked, _unclear(asking, asked)


def _subject(asking: Asking, understood: Understood, about: About) -> Subject:
    known = vocabulary.terms()
    terms = [known[slug] for slug in about.slugs]
    kinds = _WANTED.get(understood.intent, ())
    if understood.category in _OF_CATEGORY:
        kinds = (_OF_CATEGORY[understood.category], *kinds)
    chosen = _of_first_kind(terms, kinds, about, asking.language)
    if about.is_guess and len(_WANTED.get(understood.intent, ())) == 1 and chosen and chosen[0].kind not in kinds:
        # "Why do I take zolpidem", where no medicine is like that: the record may have what is called so.
        return Subject((), about.words)
    if understood.category in _OF_CATEGORY and len(chosen) > 1 and chosen[0].kind is not kinds[0]:
        # "Flu shot", of which the vocabulary has the illness alone: the record may have what is called so.
        return Subject((), about.words, is_guess=about.is_guess)
    return Subject(tuple(chosen), about.words, is_guess=about.is_guess)


def _of_first_kind(terms: list[Term], kinds: Sequence[Kind], about: About, language: str) -> list[Term]:
    """Those terms of the first kind that any is of; of tests and vaccines, those that are called much the same."""
    for kind in kinds:
        if fitting := [term for term in terms if term.kind is kind]:
            return fitting
        if kinds[0] is kind and len(kinds) < _MANY_KINDS and about.words:
            hits = search.search(" ".join(about.words), language)
            best = [hit for hit in hits if hit.term.kind is kind and hit.score >= _ENOUGH]
            if best:
                return [hit.term for hit in best if hit.score >= best[0].score][:_MOST_CHOICES]
    return terms


def _narrowed(asking: Asking, intent: Intent, subject: Subject) -> Subject:
    """The same with those terms alone that the record has something of; as it is where it has nothing of any."""
    if len(subject.terms) < 2 or intent in _ANY_WILL_DO:  # noqa: PLR2004  One term is clear.
        return subject
    found = together(*(functools.partial(finding.of_term, asking, term, (), When()) for term in subject.terms))
    kept = tuple(term for term, one in zip(subject.terms, found, strict=True) if one.views)
    return replace(subject, terms=kept) if kept else subject


def _of_wanted_kind(intent: Intent, subjects: list[Subject]) -> list[Subject]:
    """Of "metformin for diabetes" the medicine, where medicines are what is asked about."""
    kinds = _WANTED.get(intent, ())
    if len(kinds) >= _MANY_KINDS or not kinds:
        return subjects
    fitting = [one for one in subjects if one.term is not None and one.term.kind in kinds]
    return fitting or subjects


def _of_thread(asking: Asking, understood: Understood, thing: Thing) -> Subject:
    """What was spoken of before: the very records, where no other time is asked for."""
    term = vocabulary.terms().get(thing.term) if thing.term else None
    is_same = not understood.when.is_bounded and not understood.when.back and not understood.when.is_first
    if thing.record_ids and (term is None or (is_same and understood.intent in _OF_THE_SAME)):
        return Subject((term,) if term else (), thing.words, tuple(finding.by_ids(asking, thing.record_ids)))
    return Subject((term,) if term else (), thing.words)


def _unclear(asking: Asking, asked: Asked) -> tuple[str, ...]:
    """What may have been meant, by name: where a word may be more than one thing."""
    for one in asked.subjects:
        if len(one.terms) > 1 and asked.intent not in _ANY_WILL_DO:
            return tuple(dict.fromkeys(term.texts[asking.language].name for term in one.terms))[:_MOST_CHOICES]
    return ()


def records_of(asking: Asking, subject: Subject, when: When) -> Found:
    """The records of a thing, the newest first."""
    if subject.views:
        return Found(list(subject.views))
    if not subject.terms:
        return finding.by_title(asking, subject.words, when)
    found = [finding.of_term(asking, term, subject.words, when) for term in subject.terms]
    views = {view["record_id"]: view for one in found for view in one.views}
    newest = sorted(views.values(), key=lambda view: view["occurred_at"] or "", reverse=not when.is_first)
    return Found(newest, is_all=all(one.is_all for one in found))


def thing_of(subject: Subject, views: Sequence[View]) -> Thing:
    """What a follow-up goes on from."""
    ids = tuple(view["record_id"] for view in views)
    return Thing(subject.term.slug if subject.term else None, subject.words, ids)
