"""Explains a record: what it is, what it says, what it can mean, what usually comes next, and what to ask."""

from collections.abc import Callable, Mapping
from typing import Final

from chalicelib.domain import cited
from chalicelib.domain.cited import Sentence
from chalicelib.domain.explanations import care, reports, results, teller, treatments, urgency
from chalicelib.domain.explanations.shapes import Explanation, Facts
from chalicelib.domain.explanations.teller import Teller
from chalicelib.domain.library import coded
from chalicelib.domain.library.coded import Known
from chalicelib.domain.records.categories import Category
from chalicelib.domain.records.trends import HELD
from chalicelib.domain.records.view import WITHDRAWN
from chalicelib.vocabulary import Kind, Section, Term, sources
from chalicelib.vocabulary.sources import Link

MOST_QUESTIONS: Final = 4
_ABOUT: Final[Mapping[Category, Callable[[Teller], None]]] = {
    Category.MEDICATION: treatments.tell_medication,
    Category.PROCEDURE: treatments.tell_procedure,
    Category.IMMUNIZATION: treatments.tell_immunization,
    Category.DEVICE: treatments.tell_device,
    Category.ORDER: treatments.tell_order,
    Category.CONDITION: care.tell_condition,
    Category.ALLERGY: care.tell_allergy,
    Category.ENCOUNTER: care.tell_encounter,
    Category.CARE_PLAN: care.tell_plan,
    Category.GOAL: care.tell_plan,
    Category.DOCUMENT: care.tell_document,
    Category.IMAGING: care.tell_imaging,
    Category.FAMILY_HISTORY: care.tell_relatives,
}
"""What is told of records that are no results."""

_WARNED: Final = frozenset({Kind.CONDITION, Kind.MEDICATION, Kind.PROCEDURE, Kind.VACCINE, Kind.ALLERGY, Kind.DEVICE})
"""Kinds of terms whose warning signs are told whatever the record says."""


def explain(facts: Facts) -> Explanation:
    """What a record means to its reader."""
    told, known = Teller(facts), known_of(facts)
    if HELD in facts.view:
        _tell_held(told, known)
    else:
        _tell(told, known)
    language = facts.reader.language
    asked = teller.questions(known.terms, language, MOST_QUESTIONS) or _asked_of_all(told)
    return Explanation(
        covered=known.is_whole,
        language=language,
        title=_title(facts, known),
        sentences=tuple(told.sentences),
        questions=tuple(asked),
        reading_grade=told.grade(asked),
        is_urgent=told.is_urgent,
        terms=tuple(told.terms.values()),
        links=tuple(_links(facts, known)),
    )


def _asked_of_all(told: Teller) -> list[Sentence]:
    """What can be asked about anything."""
    keys = ("explain.question.meaning", "explain.question.next")
    return [cited.of_portal(told.reader.say(key), key) for key in keys]


def known_of(facts: Facts) -> Known:
    """The terms of a record; of what relatives have by the names of their conditions."""
    view = facts.view
    if view["category"] != Category.FAMILY_HISTORY:
        return coded.find_of(view)
    found = [
        coded.find_of({"category": Category.CONDITION, "title": one["title"], "code": None})
        for one in view.get("conditions", ())
        if one.get("title")
    ]
    named = {term.slug: term for known in found for term in known.terms}
    return Known(tuple(named.values()), is_whole=bool(found) and all(known.is_whole for known in found))


def _title(facts: Facts, known: Known) -> str:
    if not known.is_whole or facts.view["category"] == Category.FAMILY_HISTORY:
        return str(facts.view["title"])
    return ", ".join(term.texts[facts.reader.language].name for term in known.terms)


def _links(facts: Facts, known: Known) -> list[Link]:
    """Pages of others: on the terms, else on the record's own code, where MedlinePlus takes it."""
    language = facts.reader.language
    found = [link for term in known.terms for link in sources.links(term, language)]
    code = facts.view.get("code") or {}
    system = coded.canonical(code.get("system") or "")
    if not found and (page := sources.medlineplus(system, code.get("code"), language)):
        found = [page]
    return list({link.url: link for link in found}.values())


def _tell_held(told: Teller, known: Known) -> None:
    """Of a result that its reader holds back: what kind of result it is, and nothing of what it says."""
    told.portal(f"explain.held.{told.facts.view[HELD]['until']}")
    told.portal("explain.held.reveal")
    _tell_coverage(told, known)
    for term in known.terms:
        told.library(term, Section.WHAT)
        told.library(term, Section.WHY, most=1)


def _tell(told: Teller, known: Known) -> None:
    view = told.facts.view
    is_result = view["resource_type"] == "Observation"
    seen = [view, *reports.results_of(told)] if is_result or view["category"] == Category.REPORT else []
    urgency.tell([alarm for one in seen if HELD not in one for alarm in urgency.alarms_of(one, told)], told)
    _tell_coverage(told, known)
    for term in known.terms:
        told.library(term, Section.WHAT)
        told.library(term, Section.WHY, most=1)
    if is_result:
        told.status("result")
        results.tell(told, next(iter(known.terms), None))
        reports.tell(told)
    elif view["category"] == Category.REPORT:
        told.status("result")
        told.day(view["occurred_at"], "occurred_at")
        reports.tell(told)
        reports.tell_conclusion(told)
    else:
        _ABOUT.get(Category(view["category"]), care.tell_other)(told)
    _tell_rest(told, known)


def _tell_coverage(told: Teller, known: Known) -> None:
    """That the vocabulary does not speak of a record, or not of all of it, and who can tell more."""
    if known.is_whole:
        return
    if known.terms:
        names = ", ".join(told.name(term, "") for term in known.terms)
        told.portal("explain.no_text_for_all", names=names)
    else:
        told.portal("explain.no_text")
    told.portal("explain.ask", phone=told.facts.phone)
    if _links(told.facts, known):
        told.portal("explain.medlineplus")


def _tell_rest(told: Teller, known: Known) -> None:
    """Risks, what usually comes next, and when to get help."""
    view = told.facts.view
    if WITHDRAWN in {view["status"], view.get("verification_status")}:
        return
    for term in known.terms:
        told.library(term, Section.RISKS)
    for term in known.terms:
        told.library(term, Section.NEXT)
    for term in known.terms:
        if _warns(told, term):
            told.library(term, Section.URGENT)


def _warns(told: Teller, term: Term) -> bool:
    """Whether a term's warning signs are told: a test's are told of critical values alone, before all else."""
    is_relative = told.facts.view["category"] == Category.FAMILY_HISTORY
    return term.kind in _WARNED and not is_relative and told.facts.view.get("verification_status") != "refuted"
