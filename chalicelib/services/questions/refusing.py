"""What is not answered, in plain words, with what to do instead."""

from collections.abc import Callable
from typing import Final

from chalicelib.domain.questions.answers import NextStep, StepKind
from chalicelib.domain.questions.emergencies import Emergency
from chalicelib.services.questions import telling
from chalicelib.services.questions.asked import Asked, thing_of
from chalicelib.services.questions.finding import Asking
from chalicelib.services.questions.parts import Part
from chalicelib.vocabulary import Kind, Section

_POISON_CONTROL: Final = "1-800-222-1222"
"""America's Poison Centers, in every state, day and night (https://poisoncenters.org)."""

_CALLS: Final = {
    Emergency.HELP_NOW: ("911",),
    Emergency.SELF_HARM: ("911", "988"),
    Emergency.POISON: ("911", _POISON_CONTROL),
}
_SAID: Final = {
    Emergency.HELP_NOW: ("ask.emergency.call", "ask.emergency.wait"),
    Emergency.SELF_HARM: ("ask.self_harm.care", "ask.self_harm.call", "ask.self_harm.danger"),
    Emergency.POISON: ("ask.poison.call", "ask.poison.ask"),
}


def tell_emergency(asking: Asking, emergencies: tuple[Emergency, ...]) -> Part:
    """Whom to call now."""
    said = [telling.portal(asking, key) for one in emergencies for key in _SAID[one]]
    phones = dict.fromkeys(phone for one in emergencies for phone in _CALLS[one])
    first = dict.fromkeys(["911", *phones])
    steps = [
        NextStep(StepKind.EMERGENCY, asking.reader.say("ask.step.emergency", phone=phone), phone=phone)
        for phone in first
    ]
    return Part(telling.unique(said), tuple(steps))


def not_here(what: str) -> Callable[[Asking, Asked], Part]:
    """The answer to what the portal cannot do yet: a part that can replaces it."""

    def tell(asking: Asking, _asked: Asked) -> Part:
        said = (
            telling.portal(asking, f"ask.not_here.{what}"),
            telling.portal(asking, "ask.call_for", phone=asking.phone),
        )
        return Part(said, (telling.call_step(asking),), covered=False)

    return tell


def tell_help(asking: Asking, _asked: Asked) -> Part:
    """What can be asked."""
    keys = ("ask.help.ask", "ask.help.examples", "ask.help.not")
    return Part(tuple(telling.portal(asking, key) for key in keys), (telling.search_step(asking),))


def tell_others(asking: Asking, _asked: Asked) -> Part:
    """That answers are about one record alone."""
    said = (telling.portal(asking, "ask.refuse.others"), telling.portal(asking, "ask.refuse.others_own"))
    return Part(said, (telling.call_step(asking),), covered=False)


def tell_instruction(asking: Asking, _asked: Asked) -> Part:
    """That asking changes and shows nothing but answers."""
    said = (telling.portal(asking, "ask.refuse.instruction"), telling.portal(asking, "ask.help.ask"))
    return Part(said, (telling.search_step(asking),), covered=False)


def tell_advice(asking: Asking, asked: Asked) -> Part:
    """That a medicine is not changed by what a portal says; what the record says of how to take it."""
    said = [telling.portal(asking, "ask.refuse.advice"), telling.portal(asking, "ask.refuse.advice_stop")]
    steps, things = [telling.call_step(asking)], []
    for subject in asked.subjects:
        if subject.term is not None and subject.term.kind is Kind.MEDICATION:
            said += telling.library(asking, subject.term, Section.URGENT)
            steps.append(telling.library_step(asking, subject.term))
            things.append(thing_of(subject, ()))
    said.append(telling.portal(asking, "ask.call", phone=asking.phone))
    return Part(tuple(said), tuple(steps), covered=False, things=tuple(things))


def tell_prognosis(asking: Asking, asked: Asked) -> Part:
    """That only people who know somebody can speak of what will be."""
    steps = [telling.call_step(asking), *(telling.library_step(asking, one.term) for one in asked.subjects if one.term)]
    said = (telling.portal(asking, "ask.refuse.prognosis"), telling.portal(asking, "ask.call", phone=asking.phone))
    return Part(said, tuple(steps), covered=False)


def tell_uncovered(asking: Asking, asked: Asked) -> Part:
    """That there is no answer here, and where there may be one."""
    steps = [telling.library_step(asking, one.term) for one in asked.subjects if one.term is not None]
    said = (telling.portal(asking, "ask.uncovered"), telling.portal(asking, "ask.uncovered_call", phone=asking.phone))
    steps += [telling.search_step(asking), telling.call_step(asking)]
    return Part(said, tuple(steps), covered=False, is_uncovered=True)


def tell_unclear(asking: Asking, asked: Asked, choices: tuple[str, ...]) -> Part:
    """Which of several things is meant."""
    one_of = asking.reader.say("ask.or").join(choices)
    things = tuple(thing_of(one, ()) for one in asked.subjects if len(one.terms) == 1)
    return Part(
        (telling.portal(asking, "ask.did_you_mean", choices=one_of),), covered=False, choices=choices, things=things
    )


def tell_which(asking: Asking) -> Part:
    """That a question names nothing."""
    return Part((telling.portal(asking, "ask.which"), telling.portal(asking, "ask.help.examples")), covered=False)


def tell_nothing_found(asking: Asking, asked: Asked) -> Part:
    """That the record has nothing of what is asked, as far as its reader sees; what it is, all the same."""
    said, steps = [], []
    for subject in asked.subjects:
        name = subject.term.texts[asking.language].name if subject.term else " ".join(subject.words)
        said.append(telling.portal(asking, "ask.none_then" if asked.when.is_bounded else "ask.none_of", name=name))
        if subject.term is not None:
            said += telling.library(asking, subject.term, Section.WHAT)
            steps.append(telling.library_step(asking, subject.term))
    return Part(tuple(said), (*steps, telling.call_step(asking)))
