"""From a question to what is to be answered: emergencies first, then what no portal answers, then what it is about."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from chalicelib.domain.library import search
from chalicelib.domain.questions import emergencies, intents, names, patterns, people, said, when
from chalicelib.domain.questions.answers import Context
from chalicelib.domain.questions.emergencies import Emergency
from chalicelib.domain.questions.intents import Chooser, Intent, nobody
from chalicelib.domain.questions.lexicon import CUES, FUNCTION_WORDS, ORDINARY
from chalicelib.domain.questions.names import Mention
from chalicelib.domain.questions.said import Said
from chalicelib.domain.questions.when import When
from chalicelib.domain.records.categories import Category

_ENOUGH: Final = 0.78
_AS_GOOD: Final = 0.03
_MOST_CHOICES: Final = 4
_MOST_THINGS: Final = 3
_SHORTEST: Final = 3
_MOST_CLAUSES: Final = 12
_CLAUSES: Final = re.compile(r"[.?!;,:\n¿¡]+")

_WORDS: Final[dict[Category, str]] = {
    Category.MEDICATION: "medicine medicines medication medications meds drug drugs pill pills prescription "
    "prescriptions "
    "medicina medicinas medicamento medicamentos pastilla pastillas receta recetas remedios tomo taking",
    Category.ALLERGY: "allergy allergies allergic alergia alergias alergico alergica",
    Category.IMMUNIZATION: "vaccine vaccines vaccination vaccinations shot shots immunization immunizations vaccinated "
    "vacuna vacunas vacunaron inyeccion",
    Category.ENCOUNTER: "visit visits appointment appointments checkup cita citas visita visitas consulta consultas",
    Category.ORDER: "order orders ordered orden ordenes",
    Category.PROCEDURE: "procedure procedures surgery surgeries operation operations procedimiento procedimientos "
    "cirugia "
    "cirugias operacion operaciones",
    Category.DOCUMENT: "document documents documento documentos",
    Category.DEVICE: "device devices implant implants aparato aparatos dispositivo dispositivos implante",
    Category.CARE_PLAN: "plan plans planes",
    Category.GOAL: "goal goals meta metas",
    Category.CARE_TEAM: "team equipo doctor doctors provider providers nurse medico medicos medica doctora enfermera",
    Category.IMAGING: "image images imaging scan scans imagenes radiografias",
    Category.REPORT: "report reports informe informes",
    Category.VITAL: "vital vitals vitales signos",
    Category.FAMILY_HISTORY: "family familia familiares",
    Category.LAB: "lab labs result results test tests examen examenes prueba pruebas resultado resultados analisis",
    Category.CONDITION: "condition conditions problem problems diagnosis diagnoses illness illnesses diseases "
    "enfermedad "
    "enfermedades problema problemas condiciones diagnostico diagnosticos padecimientos",
}
_OF_WORD: Final = {word: category for category, listed in reversed(list(_WORDS.items())) for word in listed.split()}

_GENERAL: Final = frozenset({Category.LAB, Category.CARE_TEAM})

_GOES_ON: Final = frozenset(
    {
        *{Intent.LATEST_VALUE, Intent.WHEN_WAS, Intent.DID_IT_CHANGE, Intent.MEANING, Intent.NORMAL_RANGE, Intent.WHO},
        *{Intent.WHY_TAKE, Intent.SIDE_EFFECTS, Intent.WHAT_IS, Intent.DOSAGE, Intent.OVERVIEW, Intent.LIST},
        *{Intent.DIAGNOSIS, Intent.WHAT_IS_NEXT},
    }
)
"""What can be asked again of something else, or of another time."""

_STANDS_ALONE: Final = frozenset({Intent.LIST, Intent.WHAT_IS_NEXT, Intent.HELP})


@dataclass(frozen=True, slots=True)
class Reader:
    """Who asks: the language of their choice, the day that it is, and what the patient is called."""

    language: str
    today: date
    own_names: frozenset[str] = frozenset()
    is_caregiver: bool = False


@dataclass(frozen=True, slots=True)
class About:
    """Something that is named: the terms that may be meant, the words for it, and whether they were misspelt."""

    slugs: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    is_guess: bool = False


@dataclass(frozen=True, slots=True)
class Understood:
    """What is to be answered. `goes_on` where it is about what was asked before."""

    language: str
    intent: Intent
    abouts: tuple[About, ...] = ()
    emergencies: tuple[Emergency, ...] = ()
    category: Category | None = None
    when: When = field(default_factory=When)
    goes_on: bool = False


def understand(
    question: str, reader: Reader, context: Context | None, *, has_record: bool, choose: Chooser = nobody
) -> Understood:
    """Read a question; `context` is what the thread was about, `has_record` whether a record comes with it.

    `choose` is asked for the intent where no pattern fits, by those of the question's words that are nobody's own.
    """
    read = sorted(said.readings(question), key=lambda one: -len(names.find_mentions(one.words)))
    first = read[0]
    mentions = names.find_mentions(first.words)
    abouts = _abouts(read, mentions)
    rest = _rest(first, mentions)
    masked = _masked(first.words, mentions, frozenset() if abouts else frozenset(rest))
    urgent = _emergencies(question, read)
    intent = _intent(question, masked, reader) or (None if urgent else choose(_common_words(first, reader)))
    if not abouts and rest:
        abouts = [_looked_up(rest, reader.language)]
    found = Understood(
        language=said.language_of(question, reader.language),
        intent=intent or Intent.UNCOVERED,
        abouts=tuple(abouts[:_MOST_THINGS]),
        emergencies=urgent,
        category=_category(first, mentions),
        when=when.find(first.text, reader.today),
    )
    if context is not None and found.intent not in intents.REFUSED - {Intent.DIAGNOSIS}:
        found = _in_thread(found, first.text, context, intent, has_record=has_record)
    return _settled(found, masked, has_record=has_record)


def _intent(question: str, masked: str, reader: Reader) -> Intent | None:
    found = patterns.find(masked)
    if found is Intent.INSTRUCTION:
        return found
    if found is Intent.OTHERS and reader.is_caregiver:
        # "Her results" are those of the patient whom they look after.
        found = None if not people.is_about_another(question, reader.own_names, by_caregiver=True) else found
        return found or patterns.find_but(masked, Intent.OTHERS)
    if people.is_about_another(question, reader.own_names, by_caregiver=reader.is_caregiver):
        return Intent.OTHERS
    return found


def _common_words(one: Said, reader: Reader) -> list[str]:
    """The words of a question that the portal knows itself: no name of a person, no number, no address among them."""
    ours = frozenset[str]().union(ORDINARY, *CUES.values(), *FUNCTION_WORDS.values(), search.words())
    return [word for word in one.words if word in ours - reader.own_names and not word.isdigit()]


def _emergencies(question: str, read: list[Said]) -> tuple[Emergency, ...]:
    clauses = [one for one in _CLAUSES.split(question) if one.strip()]
    texts = [" ".join(said.spelled_out(question)), *(one.text for one in read)]
    if len(clauses) > 1:
        # What is said beside a question about the past may be of this moment.
        texts += [said.readings(one)[0].text for one in clauses[:_MOST_CLAUSES]]
    return tuple(dict.fromkeys(kind for text in texts for kind in emergencies.find(text)))


def _abouts(read: list[Said], mentions: list[Mention]) -> list[About]:
    """What is named, with whatever else a misspelt word may mean."""
    others = [names.find_mentions(one.words) for one in read[1:]]
    first, slips = read[0], {meant for _, word in read[0].slips for meant in word.split()}
    found = []
    for place, mention in enumerate(mentions):
        slugs = [*mention.slugs]
        slugs += [slug for one in others if len(one) == len(mentions) for slug in one[place].slugs]
        words = first.words[mention.begin : mention.end]
        found.append(About(tuple(dict.fromkeys(slugs)), words, is_guess=not slips.isdisjoint(words)))
    return found


def _masked(words: tuple[str, ...], mentions: list[Mention], unknown: frozenset[str]) -> str:
    """The words with T in the place of each name, and of words that nobody knows."""
    if unknown:
        bare = ["T" if word in unknown else word for word in words]
        return " ".join(word for place, word in enumerate(bare) if word != "T" or bare[place - 1 : place] != ["T"])
    parts: list[str] = []
    place = 0
    for mention in mentions:
        parts += [*words[place : mention.begin], "T"]
        place = mention.end
    return " ".join([*parts, *words[place:]])


def _rest(first: Said, mentions: list[Mention]) -> tuple[str, ...]:
    """Words that are no part of a name, and no ordinary ones."""
    named = {place for mention in mentions for place in range(mention.begin, mention.end)}
    free = [word for place, word in enumerate(first.words) if place not in named]
    return tuple(
        word
        for word in free
        if len(word) >= _SHORTEST and not word.isdigit() and not said.is_plain(word) and when.month(word) is None
    )


def _looked_up(rest: tuple[str, ...], language: str) -> About:
    """The terms that words are like; none where nothing is like enough."""
    hits = [hit for hit in search.search(" ".join(rest), language) if hit.score >= _ENOUGH]
    best = [hit.term.slug for hit in hits if hit.score >= hits[0].score - _AS_GOOD]
    return About(tuple(best[:_MOST_CHOICES]), rest, is_guess=bool(best))


def _category(first: Said, mentions: list[Mention]) -> Category | None:
    named = {place for mention in mentions for place in range(mention.begin, mention.end)}
    found = [_OF_WORD[word] for place, word in enumerate(first.words) if place not in named and word in _OF_WORD]
    # "Results of my procedures" is about procedures: what is general gives way.
    return next((one for one in found if one not in _GENERAL), next(iter(found), None))


def _in_thread(
    found: Understood, text: str, context: Context, intent: Intent | None, *, has_record: bool
) -> Understood:
    """The same as it follows on what was asked before."""
    follow = patterns.find_follow(text)
    if found.abouts:
        is_new = intent not in {None, Intent.OVERVIEW} and not (follow[1] and intent is Intent.WHAT_IS)
        again = context.intent in _GOES_ON and not is_new
        return replace(found, intent=context.intent) if again else found
    if has_record or (found.category is not None and intent in _STANDS_ALONE):
        return found
    if found.category is not None and found.category != context.category and not follow[1]:
        return found
    if follow[1] or (intent is None and (found.when.is_bounded or found.when.back or found.when.is_first)):
        chosen = (
            follow[0] or (intent if intent not in {None, Intent.LATEST_VALUE, Intent.HELP} else None) or context.intent
        )
        later = replace(found.when, back=context.back + 1) if found.when.back else found.when
        category = found.category or context.category
        return replace(found, intent=chosen, when=later, goes_on=True, category=category)
    if intent is not None and intent not in _STANDS_ALONE:
        return replace(found, goes_on=bool(context.things), category=found.category or context.category)
    return found


def _settled(found: Understood, masked: str, *, has_record: bool) -> Understood:
    """What is meant where the words alone leave it open."""
    is_named = bool(found.abouts) or found.goes_on or has_record
    if found.intent is Intent.UNCOVERED and is_named and len(masked.split()) <= 2 * _MOST_CHOICES:
        return replace(found, intent=Intent.OVERVIEW)
    if found.intent is Intent.UNCOVERED and found.category is not None and not is_named:
        return replace(found, intent=Intent.LIST)
    if found.intent is Intent.WHAT_IS and has_record and not found.abouts:
        return replace(found, intent=Intent.MEANING)
    return found


def slugs_of(abouts: Iterable[About]) -> list[str]:
    """Every term that may be meant."""
    return [slug for about in abouts for slug in about.slugs]
