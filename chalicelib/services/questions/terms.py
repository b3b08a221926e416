"""Answers about one thing: what it is, why it is taken, what to watch for, when it was and by whom."""

from collections.abc import Iterable
from typing import Final

from chalicelib.domain.cited import Sentence
from chalicelib.domain.questions.answers import NextStep, Thing
from chalicelib.domain.records.categories import Category
from chalicelib.domain.records.trends import HELD
from chalicelib.domain.records.value_words import LONGEST_VALUE
from chalicelib.services.questions import finding, refusing, telling
from chalicelib.services.questions.asked import Asked, Subject, records_of, thing_of
from chalicelib.services.questions.finding import Asking, View
from chalicelib.services.questions.parts import Part
from chalicelib.vocabulary import Section, Term

_MOST: Final = 5
_MOST_WARNINGS: Final = 2
_PEOPLE: Final = ("prescriber", "performers", "practitioners", "recorder", "authors", "participants")
_EXPECTED: Final = frozenset({"planned", "cancelled", "booked", "proposed", "not-done", "noshow"})
_OVER: Final = frozenset({"resolved", "inactive", "remission"})
_NOT_SURE: Final = frozenset({"refuted", "unconfirmed", "provisional", "differential"})
_KEYS: Final = {
    Category.MEDICATION: "ask.when.medication",
    Category.CONDITION: "ask.when.condition",
    Category.ALLERGY: "ask.when.condition",
    Category.ORDER: "ask.when.order",
}


def when_was(asking: Asking, view: View) -> Sentence:
    """When a record is of."""
    name, day = telling.name_of(asking, view), telling.day_of(asking, view)
    if day is None:
        return telling.record(asking, "ask.when.unknown", view, field="occurred_at", name=name)
    key = _KEYS.get(Category(view["category"]), "ask.when.other")
    return telling.record(asking, key, view, field="occurred_at", name=name, day=day)


def about_record(asking: Asking, view: View) -> list[Sentence]:
    """That something is in the record, since when, how it stands, and how it is taken."""
    said = [when_was(asking, view)]
    if view.get("status") and HELD not in view:
        status = asking.reader.value("status", view["status"])
        said.append(telling.record(asking, "ask.status", view, field="status", status=status))
    if view["category"] == Category.MEDICATION:
        said += _dosage(asking, view)
    return said


def _dosage(asking: Asking, view: View) -> Iterable[Sentence]:
    dosage = view.get("dosage")
    if isinstance(dosage, str) and dosage and len(dosage) <= LONGEST_VALUE:
        yield telling.record(asking, "ask.dosage", view, field="dosage", name=view["title"], dosage=dosage)


def tell_what(asking: Asking, asked: Asked) -> Part:
    """What a thing is, as the vocabulary tells it."""
    known = [one.term for one in asked.subjects if one.term is not None]
    if not known:
        return _by_title(asking, asked) if asked.subjects else refusing.tell_uncovered(asking, asked)
    said = [one for term in known for one in telling.library(asking, term, Section.WHAT, Section.WHY)]
    things = tuple(thing_of(one, ()) for one in asked.subjects if one.term is not None)
    return Part(tuple(said), _steps(asking, asked), things=things)


def _by_title(asking: Asking, asked: Asked) -> Part:
    """What the record has that is called so: the vocabulary does not know it."""
    found = [view for one in asked.subjects for view in records_of(asking, one, asked.when).views[:1]]
    if not found:
        return refusing.tell_uncovered(asking, asked)
    said = [sentence for view in found for sentence in about_record(asking, view)]
    said += [telling.portal(asking, "ask.no_text"), telling.portal(asking, "ask.uncovered_call", phone=asking.phone)]
    steps = (telling.search_step(asking), telling.call_step(asking))
    things = tuple(Thing(None, one.words, (view["record_id"],)) for one in asked.subjects for view in found[:1])
    return Part(tuple(said), steps, covered=False, things=things)


def tell_side_effects(asking: Asking, asked: Asked) -> Part:
    """What can happen, and when to get help."""
    said: list[Sentence] = []
    for term in (one.term for one in asked.subjects if one.term is not None):
        told = telling.library(asking, term, Section.RISKS, Section.URGENT)
        said += told or telling.library(asking, term, Section.WHAT)
    if not asked.subjects:
        return refusing.tell_which(asking)
    things = tuple(thing_of(one, ()) for one in asked.subjects if one.term is not None)
    return Part(tuple(said), (*_steps(asking, asked), telling.call_step(asking)), things=things)


def tell_why(asking: Asking, asked: Asked) -> Part:
    """The reason that the record gives, and what a thing is used for."""
    if not asked.subjects:
        return refusing.tell_which(asking)
    said: list[Sentence] = []
    things: list[Thing] = []
    for subject in asked.subjects:
        views = records_of(asking, subject, asked.when).views[:_MOST]
        reasoned = next((view for view in views if view.get("reasons")), None)
        if reasoned is not None:
            reasons = ", ".join(reasoned["reasons"][:_MOST])
            name = telling.name_of(asking, reasoned)
            said.append(telling.record(asking, "ask.reason", reasoned, field="reasons", name=name, reasons=reasons))
        elif views:
            said.append(when_was(asking, views[0]))
        if subject.term is not None:
            told = telling.library(asking, subject.term, Section.WHY)
            said += told or telling.library(asking, subject.term, Section.WHAT)
        things.append(thing_of(subject, [reasoned] if reasoned else views[:1]))
    return Part(tuple(said), _steps(asking, asked), things=tuple(things))


def tell_dosage(asking: Asking, asked: Asked) -> Part:
    """How the record says that a medicine is taken, word for word."""
    if not asked.subjects:
        return refusing.tell_which(asking)
    said: list[Sentence] = []
    things: list[Thing] = []
    for subject in asked.subjects:
        for view in records_of(asking, subject, asked.when).views[:1]:
            said += list(_dosage(asking, view)) or [when_was(asking, view)]
            things.append(thing_of(subject, [view]))
    if not said:
        return refusing.tell_nothing_found(asking, asked)
    said.append(telling.portal(asking, "ask.refuse.advice_stop"))
    return Part(tuple(said), (*_steps(asking, asked), telling.call_step(asking)), things=tuple(things))


def tell_who(asking: Asking, asked: Asked) -> Part:
    """Who ordered or did a thing; else who is in the care team."""
    subjects = asked.subjects
    views = [view for one in subjects for view in records_of(asking, one, asked.when).views[:1]]
    if not subjects and asked.category is None:
        return refusing.tell_uncovered(asking, asked)
    if not subjects:
        views = finding.of_categories(asking, [asked.category or Category.CARE_TEAM], asked.when).views[:_MOST]
    said: list[Sentence] = []
    for view in views:
        fields = [name for name in _PEOPLE if view.get(name) and HELD not in view]
        for field in fields[:1]:
            who, name = telling.field_words(view[field]), telling.name_of(asking, view)
            if who:
                said.append(telling.record(asking, "ask.who", view, field=field, name=name, who=who))
        if not fields:
            name = telling.name_of(asking, view)
            said.append(telling.record(asking, "ask.who_unknown", view, field="performers", name=name))
    if not said:
        return refusing.tell_nothing_found(asking, asked) if subjects else _no_team(asking)
    things = tuple(thing_of(one, [view]) for one, view in zip(subjects, views, strict=False))
    return Part(tuple(said), (telling.call_step(asking),), things=things)


def _no_team(asking: Asking) -> Part:
    said = (telling.portal(asking, "ask.list.none"), telling.portal(asking, "ask.call", phone=asking.phone))
    return Part(said, (telling.call_step(asking),))


def tell_when(asking: Asking, asked: Asked) -> Part:
    """When a thing was, or the newest of a category."""
    said: list[Sentence] = []
    things: list[Thing] = []
    for subject, views in _when_views(asking, asked):
        done = [view for view in views if view["status"] not in _EXPECTED] or views
        place = asked.when.back
        if place < len(done):
            said.append(when_was(asking, done[place]))
            things.append(thing_of(subject, [done[place]]))
    if said:
        return Part(tuple(said), _steps(asking, asked), things=tuple(things))
    if asked.subjects:
        return refusing.tell_nothing_found(asking, asked)
    return _none_of_category(asking) if asked.category else refusing.tell_which(asking)


def _when_views(asking: Asking, asked: Asked) -> Iterable[tuple[Subject, list[View]]]:
    if asked.subjects:
        return [(one, records_of(asking, one, asked.when).views) for one in asked.subjects]
    if asked.category is None:
        return []
    found = finding.of_categories(asking, [asked.category], asked.when).views
    return [(Subject(), [view for view in found if not _is_to_come(asking, view)])]


def _is_to_come(asking: Asking, view: View) -> bool:
    return bool(view["occurred_at"]) and str(view["occurred_at"]) > asking.now


def _none_of_category(asking: Asking) -> Part:
    return Part((telling.portal(asking, "ask.list.none"),), (telling.call_step(asking),))


def tell_diagnosis(asking: Asking, asked: Asked) -> Part:
    """What the record has on file of a condition; that only a clinician can tell more."""
    said: list[Sentence] = []
    things: list[Thing] = []
    for subject in asked.subjects:
        views = [
            view
            for view in records_of(asking, subject, asked.when).views
            if view["category"] in {Category.CONDITION, Category.ALLERGY}
        ][:_MOST]
        for view in views:
            said += _on_file(asking, view)
        if not views and (name := _name(asking, subject)):
            said.append(telling.portal(asking, "ask.diagnosis.not_on_file", name=name))
        things.append(thing_of(subject, views))
    if not asked.subjects:
        views = finding.of_categories(asking, [Category.CONDITION], asked.when).views
        current = [view for view in views if view["status"] not in _OVER][:_MOST]
        said += [sentence for view in current for sentence in _on_file(asking, view)]
        things = [Thing(record_ids=tuple(view["record_id"] for view in current))]
    known = [one.term for one in asked.subjects if len(one.terms) == 1 and one.term is not None]
    for term in known:
        said += telling.library(asking, term, Section.URGENT)[:_MOST_WARNINGS]
    said += [telling.portal(asking, "ask.diagnosis.clinician"), telling.portal(asking, "ask.call", phone=asking.phone)]
    steps = (*(telling.library_step(asking, term) for term in known), telling.call_step(asking))
    return Part(tuple(said), steps, covered=bool(things), things=tuple(things))


def _on_file(asking: Asking, view: View) -> Iterable[Sentence]:
    yield when_was(asking, view)
    if view.get("verification_status") in _NOT_SURE:
        yield telling.record(asking, "ask.diagnosis.not_sure", view, field="verification_status")
    elif view.get("status"):
        status = asking.reader.value("status", view["status"])
        yield telling.record(asking, "ask.status", view, field="status", status=status)


def _name(asking: Asking, subject: Subject) -> str | None:
    if len(subject.terms) == 1 and subject.term is not None:
        return subject.term.texts[asking.language].name
    return " ".join(subject.words) or None


def _steps(asking: Asking, asked: Asked) -> tuple[NextStep, ...]:
    known: list[Term] = [one.term for one in asked.subjects if one.term is not None]
    return tuple(telling.library_step(asking, term) for term in known)
