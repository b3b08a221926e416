"""One answer for each intent. A later part of the portal answers its own by one line of `ANSWERS`."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from chalicelib.domain.questions.answers import MOST_SENTENCES, Answer, Context
from chalicelib.domain.questions.intents import Intent
from chalicelib.services.questions import lists, refusing, results, terms
from chalicelib.services.questions.asked import Asked
from chalicelib.services.questions.finding import Asking
from chalicelib.services.questions.parts import Part
from chalicelib.services.questions.telling import unique

Teller: TypeAlias = Callable[[Asking, Asked], Part]

ANSWERS: Final[Mapping[Intent, Teller]] = {
    Intent.HELP: refusing.tell_help,
    Intent.REFILL: refusing.not_here("refill"),
    Intent.BILL: refusing.not_here("bill"),
    Intent.BOOK: refusing.not_here("book"),
    Intent.MESSAGE: refusing.not_here("message"),
    Intent.OTHERS: refusing.tell_others,
    Intent.INSTRUCTION: refusing.tell_instruction,
    Intent.ADVICE: refusing.tell_advice,
    Intent.PROGNOSIS: refusing.tell_prognosis,
    Intent.UNCOVERED: refusing.tell_uncovered,
    Intent.DIAGNOSIS: terms.tell_diagnosis,
    Intent.SIDE_EFFECTS: terms.tell_side_effects,
    Intent.WHY_TAKE: terms.tell_why,
    Intent.DOSAGE: terms.tell_dosage,
    Intent.WHO: terms.tell_who,
    Intent.WHEN_WAS: terms.tell_when,
    Intent.WHAT_IS: terms.tell_what,
    Intent.NORMAL_RANGE: results.tell_range,
    Intent.DID_IT_CHANGE: results.tell_change,
    Intent.MEANING: results.tell_meaning,
    Intent.LATEST_VALUE: results.tell_latest,
    Intent.OVERVIEW: results.tell_overview,
    Intent.WHAT_IS_NEXT: lists.tell_next,
    Intent.LIST: lists.tell_list,
}


def answer(asking: Asking, asked: Asked) -> Answer:
    """The answer to what is asked."""
    part = ANSWERS[asked.intent](asking, asked)
    if not part.sentences:
        part = refusing.tell_uncovered(asking, asked)
    context = Context(asked.intent, part.things or asked.thread_things, asked.category, asked.when.back)
    return Answer(
        language=asking.language,
        intent=Intent.UNCOVERED if part.is_uncovered else asked.intent,
        sentences=unique(part.sentences)[:MOST_SENTENCES],
        covered=part.covered,
        next_steps=tuple(dict.fromkeys(part.steps)),
        choices=part.choices,
        context=context,
    )
