"""From a question to its answer: what it asks, which records that is about, and what to say first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from chalicelib import clock
from chalicelib.domain.access import Reach, ReachKind
from chalicelib.domain.questions import said, understanding
from chalicelib.domain.questions.answers import Answer, Context
from chalicelib.domain.questions.intents import Chooser, Intent, nobody
from chalicelib.domain.questions.names import words_of
from chalicelib.domain.questions.understanding import Understood
from chalicelib.domain.records.sight import Sight
from chalicelib.domain.records.value_words import Reader
from chalicelib.services import clinic_settings
from chalicelib.services.calendar import pages
from chalicelib.services.questions import answering, asked, finding, refusing, telling
from chalicelib.services.questions.asked import Asked
from chalicelib.services.questions.finding import Asking, View
from chalicelib.services.record_pages import Whose
from chalicelib.settings import settings

_BESIDE_AN_EMERGENCY: Final = frozenset(
    {
        *{Intent.LATEST_VALUE, Intent.WHEN_WAS, Intent.WHAT_IS_NEXT, Intent.NORMAL_RANGE, Intent.DID_IT_CHANGE},
        *{Intent.WHO, Intent.DOSAGE, Intent.SIDE_EFFECTS, Intent.WHY_TAKE},
    }
)
"""What is answered as well where a question speaks of an emergency, and of this besides."""


@dataclass(frozen=True, slots=True)
class About:
    """Whose record is asked about and how far it shows, what the patient is called, and the asker's language.

    `choose` says what is meant where no pattern fits, if anybody may be asked.
    """

    reach: Reach
    sight: Sight
    name: str
    language: str
    choose: Chooser = nobody


def find_named(whose: Whose, sight: Sight, record_id: str | None) -> list[View]:
    """The record that a question comes with, as its asker sees it: none where it does not show."""
    if record_id is None:
        return []
    return finding.by_ids(_asking(whose, sight, "en"), [record_id])


def answer(about: About, question: str, views: Sequence[View], context: Context | None) -> Answer:
    """The answer to a question; `views` are records that come with it, `context` is what its thread was about."""
    asking = _asking(about.reach.patient_ids, about.sight, said.language_of(question, about.language))
    reader = understanding.Reader(
        asking.language,
        pages.today(),
        frozenset(words_of(about.name)),
        is_caregiver=about.reach.by is ReachKind.CAREGIVER,
    )
    understood = understanding.understand(question, reader, context, has_record=bool(views), choose=about.choose)
    if understood.emergencies:
        return _emergency(asking, understood, views, context)
    return _ordinary(asking, understood, views, context)


def _asking(whose: Whose, sight: Sight, language: str) -> Asking:
    reader = Reader(language, settings().clinic_zone)
    return Asking(whose, sight, reader, _phone(), clock.stamp(clock.now()))


def _phone() -> str:
    """The clinic's own line for what else there is, else the deployment's."""
    lines = clinic_settings.rules().lines
    return lines[0].phone if lines else settings().clinic_phone


def _emergency(asking: Asking, understood: Understood, views: Sequence[View], context: Context | None) -> Answer:
    """Whom to call first, and then what else was asked, where that is clear."""
    part = refusing.tell_emergency(asking, understood.emergencies)
    is_named = any(one.slugs and not one.is_guess for one in understood.abouts) or understood.category is not None
    if understood.intent in _BESIDE_AN_EMERGENCY and is_named:
        rest = _ordinary(asking, understood, views, context)
        if rest.covered:
            return rest.after(part.sentences, part.steps)
    return Answer(asking.language, understood.intent, part.sentences, next_steps=part.steps)


def _ordinary(asking: Asking, understood: Understood, views: Sequence[View], context: Context | None) -> Answer:
    things = context.things if context is not None and understood.goes_on else ()
    wanted, choices = asked.resolve(asking, understood, views, things)
    if choices:
        return _unclear(asking, wanted, choices)
    return _with_reading(asking, wanted, answering.answer(asking, wanted))


def _unclear(asking: Asking, wanted: Asked, choices: tuple[str, ...]) -> Answer:
    part = refusing.tell_unclear(asking, wanted, choices)
    context = Context(wanted.intent, part.things, wanted.category, wanted.when.back)
    steps = (telling.search_step(asking),)
    return Answer(asking.language, wanted.intent, part.sentences, False, steps, choices, context)  # noqa: FBT003


def _with_reading(asking: Asking, wanted: Asked, answer: Answer) -> Answer:
    """The same with what a misspelt word was taken for, where an answer rests on it."""
    names = [
        one.terms[0].texts[asking.language].name for one in wanted.subjects if one.is_guess and len(one.terms) == 1
    ]
    if not names or not answer.covered:
        return answer
    heard = telling.portal(asking, "ask.heard", name=", ".join(dict.fromkeys(names)))
    return replace(answer, sentences=(heard, *answer.sentences))
