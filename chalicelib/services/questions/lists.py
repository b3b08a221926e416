"""Answers that are lists: what stands in the record, and what comes next."""

from collections.abc import Callable
from typing import Final

from chalicelib.domain.calendar import CalendarKind, Entry
from chalicelib.domain.cited import Sentence
from chalicelib.domain.questions.answers import Thing
from chalicelib.domain.records.categories import Category
from chalicelib.domain.records.plans import PlanKind
from chalicelib.domain.records.trends import HELD
from chalicelib.domain.records.value_words import LONGEST_VALUE
from chalicelib.models.base import together
from chalicelib.services.calendar import pages
from chalicelib.services.questions import finding, refusing, telling, terms
from chalicelib.services.questions.asked import Asked, records_of
from chalicelib.services.questions.finding import Asking, View
from chalicelib.services.questions.parts import Part

_MOST: Final = 20
_OVER: Final = frozenset(
    {"completed", "stopped", "cancelled", "entered-in-error", "inactive", "resolved", "remission", "ended", "draft"}
)
_CURRENT: Final = frozenset({Category.MEDICATION, Category.CONDITION, Category.ALLERGY, Category.ORDER, Category.GOAL})
"""Of these a list has what holds now."""

_ORDERS: Final = frozenset({PlanKind.ORDER, PlanKind.ACTIVITY, PlanKind.GOAL})


def tell_list(asking: Asking, asked: Asked) -> Part:
    """What the record has of a category; whether it has a thing, where one is named."""
    if asked.subjects:
        return _has(asking, asked)
    if asked.category is None:
        return refusing.tell_which(asking)
    if asked.category not in asking.sight.categories:
        return Part((telling.portal(asking, "ask.list.hidden"),), (telling.call_step(asking),))
    found = finding.of_categories(asking, [asked.category], asked.when)
    return _listed(asking, asked, found.views, is_all=found.is_all)


def _listed(asking: Asking, asked: Asked, views: list[View], *, is_all: bool) -> Part:
    kept = [view for view in views if asked.category not in _CURRENT or asked.when.is_bounded or _is_current(view)]
    if not kept:
        key = "ask.list.none_now" if views else "ask.list.none_then" if asked.when.is_bounded else "ask.list.none"
        return Part((telling.portal(asking, key),), (telling.call_step(asking),))
    shown = kept[:_MOST]
    said = [telling.record(asking, "ask.list.heading", *shown, field="category")]
    said += [sentence for view in shown for sentence in _line(asking, view)]
    if len(kept) > _MOST or not is_all:
        said.append(telling.portal(asking, "ask.newest_only", count=len(shown)))
    things = (Thing(record_ids=tuple(view["record_id"] for view in shown)),)
    return Part(tuple(said), things=things)


def _has(asking: Asking, asked: Asked) -> Part:
    """Whether the record has a thing that is named, and what it says of it."""
    said: list[Sentence] = []
    things: list[Thing] = []
    for subject in asked.subjects:
        views = records_of(asking, subject, asked.when).views[:_MOST]
        said += [sentence for view in views for sentence in _line(asking, view)]
        things.append(Thing(subject.term.slug if subject.term else None, subject.words, _ids(views)))
    if not said:
        return refusing.tell_nothing_found(asking, asked)
    return Part(tuple(said), things=tuple(things))


def _ids(views: list[View]) -> tuple[str, ...]:
    return tuple(view["record_id"] for view in views)


def _is_current(view: View) -> bool:
    return view["status"] not in _OVER and view.get("verification_status") != "refuted"


def _line(asking: Asking, view: View) -> list[Sentence]:
    """A record in a list: what is said of its kind."""
    if view["category"] in {Category.LAB, Category.VITAL} and HELD not in view:
        return list(telling.values(asking, view))
    dosage = view.get("dosage")
    if view["category"] == Category.MEDICATION and isinstance(dosage, str) and 0 < len(dosage) <= LONGEST_VALUE:
        return [telling.record(asking, "ask.dosage", view, field="dosage", name=view["title"], dosage=dosage)]
    if view["category"] == Category.CARE_TEAM:
        who = telling.field_words(view.get("participants"))
        return (
            [telling.record(asking, "ask.who", view, field="participants", name=view["title"], who=who)] if who else []
        )
    if view["category"] in {Category.ALLERGY, Category.FAMILY_HISTORY}:
        return _with_details(asking, view)
    return [terms.when_was(asking, view)]


def _with_details(asking: Asking, view: View) -> list[Sentence]:
    """An allergy with what it did, a relative with what they had."""
    name = telling.name_of(asking, view)
    found = [word for one in view.get("reactions", ()) for word in one.get("manifestations", ())]
    found += [one["title"] for one in view.get("conditions", ()) if one.get("title")]
    if not found:
        return [telling.record(asking, "ask.list.item", view, field="title", name=name)]
    details = ", ".join(dict.fromkeys(found))
    return [telling.record(asking, "ask.list.item_with", view, field="title", name=name, details=details)]


def tell_next(asking: Asking, asked: Asked) -> Part:
    """The next visits, and what waits to be done; of one thing where one is named."""
    upcoming, due = together(
        lambda: pages.find_upcoming(asking.whose, asking.sight), lambda: pages.find_due(asking.whose, asking.sight)
    )
    is_wanted = _wanted(asking, asked)
    entries = [one for one in (*upcoming, *due) if is_wanted(one)]
    if not entries:
        return Part((telling.portal(asking, "ask.next.none"),), (telling.call_step(asking),))
    said = [_entry(asking, one) for one in entries[:_MOST]]
    if len(entries) > _MOST:
        said.append(telling.portal(asking, "ask.first_only", count=_MOST))
    things = (Thing(record_ids=tuple(dict.fromkeys(one.target_id for one in entries[:_MOST]))),)
    return Part(tuple(said), (telling.call_step(asking),), things=things)


def _wanted(asking: Asking, asked: Asked) -> Callable[[Entry], bool]:
    if asked.subjects:
        ids = {view["record_id"] for one in asked.subjects for view in records_of(asking, one, asked.when).views}
        return lambda one: one.target_id in ids
    if asked.category is Category.ENCOUNTER:
        return lambda one: one.kind is CalendarKind.VISIT
    if asked.category in {Category.ORDER, Category.LAB, Category.PROCEDURE, Category.IMAGING}:
        return lambda one: one.kind in _ORDERS or one.kind is CalendarKind.PROCEDURE
    return lambda _: True


def _entry(asking: Asking, one: Entry) -> Sentence:
    source: View = {"record_id": one.target_id}
    day = asking.reader.time(one.starts or one.ends or "") if one.starts or one.ends else None
    if day is None:
        return telling.record(asking, "ask.next.to_schedule", source, field="scheduling", name=one.title)
    key = "ask.next.visit" if one.kind is CalendarKind.VISIT else "ask.next.due"
    return telling.record(asking, key, source, field="occurred_at", name=one.title, day=day)
