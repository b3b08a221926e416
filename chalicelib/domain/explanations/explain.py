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
from chalicelib.domain.records.changes import View
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


_OVER: Final = frozenset({"stopped", "cancelled", "resolved", "inactive", "not-done", "revoked"})
"""Statuses after which nothing comes next."""


_CRISIS_LINE: Final = "988"


def explain(facts: Facts) -> Explanation:
    """What a record means to its reader."""
    told, known = Teller(facts), known_of(facts.view)
    if HELD in facts.view:
        _tell_held(told, known)
    else:
        _tell(told, known)
    language = facts.reader.language
    asked = _asked(told, known)
    return Explanation(
        covered=_is_covered(facts, known),
        language=language,
        title=_title(facts, known),
        sentences=tuple(told.sentences),
        questions=tuple(asked),
        reading_grade=told.grade(asked),
        is_urgent=told.is_urgent,
        terms=tuple(told.terms.values()),
        links=tuple(_links(facts, known)),
    )


def _is_covered(facts: Facts, known: Known) -> bool:
    """Whether the vocabulary speaks of all of a record. What it says of a medicine is nothing on an allergy to it."""
    return known.is_whole and not _is_other(facts, known)


def _is_other(facts: Facts, known: Known) -> bool:
    return facts.view["category"] == Category.ALLERGY and any(term.kind is not Kind.ALLERGY for term in known.terms)


def _is_ones_own(facts: Facts, known: Known) -> bool:
    """Whether what terms say of care is for the patient: not of relatives, of what was ruled out or never given."""
    view = facts.view
    is_none = {view["status"], view.get("verification_status")} & {WITHDRAWN, "refuted"}
    return view["category"] != Category.FAMILY_HISTORY and not is_none and not _is_other(facts, known)


def _is_over(view: View) -> bool:
    return view["status"] in _OVER or (view["category"] == Category.MEDICATION and view["status"] == "completed")


def _asked(told: Teller, known: Known) -> list[Sentence]:
    """What to ask: by the terms where they speak of the patient's own; else what can be asked about anything."""
    if known.terms and _is_ones_own(told.facts, known):
        return teller.questions(known.terms, told.reader.language, MOST_QUESTIONS)
    keys = ("explain.question.meaning", "explain.question.next")
    return [cited.of_portal(told.reader.say(key), key) for key in keys]


def known_of(view: View) -> Known:
    """The terms of a record, or those of some of a medication's ingredients; of relatives those of their conditions."""
    if view["category"] == Category.FAMILY_HISTORY:
        return _known_of_relatives(view)
    known = coded.find_of(view)
    if known.terms or view["category"] != Category.MEDICATION:
        return known
    names = ((view.get("code") or {}).get("display"), view["title"])
    parts = [coded.ingredients(name) for name in names if name]
    return next((part for part in parts if part.terms), known)


def _known_of_relatives(view: View) -> Known:
    found = [
        coded.find_of({"category": Category.CONDITION, "title": one["title"], "code": None})
        for one in view.get("conditions", ())
        if one.get("title")
    ]
    named = {term.slug: term for known in found for term in known.terms}
    return Known(tuple(named.values()), is_whole=bool(found) and all(known.is_whole for known in found))


def _title(facts: Facts, known: Known) -> str:
    if not _is_covered(facts, known) or facts.view["category"] == Category.FAMILY_HISTORY:
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
    if view.get("notes"):
        told.record("explain.note", "notes")
    _tell_rest(told, known)


def _tell_coverage(told: Teller, known: Known) -> None:
    """That the vocabulary does not speak of a record, or not of all of it, and who can tell more."""
    if _is_covered(told.facts, known):
        return
    if _is_other(told.facts, known):
        told.portal("explain.allergy.no_text", name=told.name(known.terms[0], ""))
        told.portal("explain.allergy.911")
    elif known.terms:
        names = ", ".join(told.name(term, "") for term in known.terms)
        told.portal("explain.no_text_for_all", names=names)
    else:
        told.portal("explain.no_text")
    told.portal("explain.ask", phone=told.facts.phone)
    if _links(told.facts, known):
        told.portal("explain.medlineplus")


def _tell_rest(told: Teller, known: Known) -> None:
    """Risks, what usually comes next, and when to get help."""
    if not _is_ones_own(told.facts, known):
        return
    for term in known.terms:
        told.library(term, Section.RISKS)
    if not _is_over(told.facts.view):
        for term in known.terms:
            told.library(term, Section.NEXT)
    for term in known.terms:
        if term.kind in _WARNED or _is_of_the_mind(term, told.reader.language):
            told.library(term, Section.URGENT)


def _is_of_the_mind(term: Term, language: str) -> bool:
    """Whether a term's warning signs are thoughts of harming oneself: whoever is asked about those is told of help."""
    return any(_CRISIS_LINE in told for told in term.texts[language].sections.get(Section.URGENT, ()))
