"""Answers about results: the latest value, what it means, its range, how it changed, and one look at a thing."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from chalicelib.domain.cited import Sentence
from chalicelib.domain.questions.answers import NextStep, Thing
from chalicelib.domain.records import units
from chalicelib.domain.records.trends import HELD
from chalicelib.domain.records.value_words import LONGEST_VALUE
from chalicelib.services import changes, explanations
from chalicelib.services.questions import finding, refusing, telling, terms
from chalicelib.services.questions.asked import Asked, Subject, records_of, thing_of
from chalicelib.services.questions.finding import Asking, View
from chalicelib.services.questions.parts import Part
from chalicelib.vocabulary import Kind, Section

_OBSERVATION: Final = "Observation"
_REPORT: Final = "report"
_FINAL: Final = frozenset({"final", "amended", "corrected"})
_MOST_RESULTS: Final = 12
_MOST_CHANGES: Final = 10


def tell_latest(asking: Asking, asked: Asked) -> Part:
    """The newest value, or the first, or the one before, or that of another time."""
    if not asked.subjects:
        return refusing.tell_which(asking)
    said: list[Sentence] = []
    things: list[Thing] = []
    for subject in asked.subjects:
        view, is_all = _the_one(asking, asked, subject)
        if view is None:
            continue
        said += _with_results(asking, view)
        if not is_all and asked.when.is_first:
            said.append(telling.portal(asking, "ask.newest_only", count=finding.MOST))
        things.append(thing_of(subject, [view]))
    if not said:
        return refusing.tell_nothing_found(asking, asked)
    return Part(tuple(said), _steps(asking, asked), things=tuple(things))


def _the_one(asking: Asking, asked: Asked, subject: Subject) -> tuple[View | None, bool]:
    """The record that is asked for."""
    found = records_of(asking, subject, asked.when)
    views = [one for one in found.views if one["resource_type"] == _OBSERVATION]
    views = views or [one for one in found.views if one["category"] == _REPORT] or found.views
    place = asked.when.back
    return (views[place] if place < len(views) else None), found.is_all


def _with_results(asking: Asking, view: View) -> list[Sentence]:
    """What a record says, with the results of a report or a panel."""
    if view["resource_type"] != _OBSERVATION:
        said = [terms.when_was(asking, view)]
        if view["category"] == _REPORT and HELD not in view:
            said += _conclusion(asking, view)
        inside = finding.results_of(asking, view)[:_MOST_RESULTS] if view.get("results") or view.get("members") else []
        return [*said, *(one for result in inside for one in telling.values(asking, result))]
    if view.get("value") is None and not view.get("components") and view.get("members"):
        inside = finding.results_of(asking, view)[:_MOST_RESULTS]
        return [one for result in inside for one in telling.values(asking, result)]
    return [*telling.values(asking, view), *telling.expected(asking, view)]


def _conclusion(asking: Asking, view: View) -> Iterable[Sentence]:
    said = view.get("conclusion")
    if isinstance(said, str) and len(said) <= LONGEST_VALUE:
        yield telling.record(asking, "ask.conclusion", view, field="conclusion", said=said)


def tell_range(asking: Asking, asked: Asked) -> Part:
    """The range that the record has beside the newest value."""
    if not asked.subjects:
        return refusing.tell_which(asking)
    said: list[Sentence] = []
    things: list[Thing] = []
    for subject in asked.subjects:
        views = [one for one in records_of(asking, subject, asked.when).views if one["resource_type"] == _OBSERVATION]
        ranged = ((view, list(telling.expected(asking, view))) for view in views if HELD not in view)
        view, ranges = next(((view, found) for view, found in ranged if found), (None, []))
        said += ranges
        if view is None and subject.term is not None:
            name = subject.term.texts[asking.language].name
            said.append(telling.portal(asking, "ask.no_range", name=name))
        things.append(thing_of(subject, [view] if view else []))
    if not said:
        return refusing.tell_nothing_found(asking, asked)
    return Part((*said, telling.portal(asking, "ask.range_own")), _steps(asking, asked), things=tuple(things))


def tell_meaning(asking: Asking, asked: Asked) -> Part:
    """What a record says, and what that can mean."""
    if not asked.subjects:
        return refusing.tell_which(asking)
    said: list[Sentence] = []
    things: list[Thing] = []
    for subject in asked.subjects:
        view, _ = _the_one(asking, asked, subject)
        if view is None:
            continue
        said += explained(asking, view)
        things.append(thing_of(subject, [view]))
    if not said:
        return refusing.tell_nothing_found(asking, asked)
    return Part((*said, telling.portal(asking, "ask.clinician")), _steps(asking, asked), things=tuple(things))


def explained(asking: Asking, view: View) -> list[Sentence]:
    """What a record says and can mean, as its explanation has it."""
    return list(explanations.of_view(asking.whose, view, asking.sight, asking.language).sentences)


def tell_change(asking: Asking, asked: Asked) -> Part:
    """The newest two values of a thing; without one, what has changed in the record."""
    if not asked.subjects:
        return _news(asking, asked)
    said: list[Sentence] = []
    things: list[Thing] = []
    for subject in asked.subjects:
        if subject.term is not None and subject.term.kind is not Kind.TEST:
            found = records_of(asking, subject, asked.when).views
            said += [sentence for view in found[:1] for sentence in terms.about_record(asking, view)]
            things += [thing_of(subject, found[:1])] if found else []
            continue
        told, seen = _change(asking, asked, subject)
        said += told
        things += [thing_of(subject, seen)] if seen else []
    if not said:
        return refusing.tell_nothing_found(asking, asked)
    return Part(tuple(said), _steps(asking, asked), things=tuple(things))


def _change(asking: Asking, asked: Asked, subject: Subject) -> tuple[list[Sentence], list[View]]:
    found = records_of(asking, subject, asked.when).views
    views = [one for one in found if one["resource_type"] == _OBSERVATION and HELD not in one]
    newest = sorted((one for one in views if one["status"] in _FINAL), key=lambda view: view["occurred_at"] or "")
    if not newest:
        held = [one for one in found if HELD in one][:1]
        return [sentence for one in held for sentence in telling.values(asking, one)], held
    # In a span of time, its first value is the one to begin from.
    pair = newest[-2:] if not asked.when.is_bounded else [newest[0], newest[-1]] if len(newest) > 1 else newest
    said = [sentence for view in pair for sentence in telling.values(asking, view)]
    if len(pair) == 1:
        return [*said, telling.portal(asking, "ask.only_one")], pair
    return [*said, *_compared(asking, pair[0], pair[1])], pair


def _compared(asking: Asking, before: View, after: View) -> Iterable[Sentence]:
    """How the newer of two results stands to the older, part by part."""
    for old, new in _side_by_side(before, after):
        first, last = _number(old, new), _number(new, new)
        if first is None or last is None:
            continue
        key = "ask.change.same" if last == first else "ask.change.up" if last > first else "ask.change.down"
        name = telling.name_of(asking, {**new, "category": after["category"]})
        yield telling.record(asking, key, after, before, field="value", name=name)


def _side_by_side(before: View, after: View) -> Iterable[tuple[View, View]]:
    yield before, after
    old = {(one.get("code") or {}).get("code"): one for one in before.get("components", ())}
    for part in after.get("components", ()):
        code = (part.get("code") or {}).get("code")
        if code in old:
            yield old[code], part


def _number(element: View, unit_of: View) -> Decimal | int | None:
    """A value in the unit of another; None for what is no number, or cannot be turned into that unit."""
    value = element.get("value")
    if not isinstance(value, int | Decimal) or isinstance(value, bool):
        return None
    own, wanted = (units.code_of(one.get("unit"), one.get("unit_code")) for one in (element, unit_of))
    if own == wanted:
        return value
    return units.converted(value, own, wanted) if own and wanted else None


def _news(asking: Asking, asked: Asked) -> Part:
    """What has changed in the record, of a category where one is named: since a day, else since the last visit."""
    is_visit = asked.category is None or asked.category not in asking.sight.categories or asked.category == "encounter"
    since = changes.Asked(asked.when.since or changes.LAST_VISIT, None if is_visit else asked.category)
    page = changes.find_page(
        asking.whose, since, limit=_MOST_CHANGES, place=None, sight=asking.sight, language=asking.language
    )
    said = [_change_of(asking, item) for item in page.items]
    if not said:
        return Part((telling.portal(asking, "ask.no_news"),))
    more = [telling.portal(asking, "ask.newest_only", count=_MOST_CHANGES)] if page.next else []
    thing = Thing(record_ids=tuple(item["record_id"] for item in page.items))
    return Part((telling.portal(asking, "ask.news_heading"), *said, *more), things=(thing,))


def _change_of(asking: Asking, item: changes.Item) -> Sentence:
    """That a record is new, or was changed or removed, and when: what it says, it says itself."""
    day = asking.reader.time(item["changed_at"]) or ""
    about = {"record_id": item["record_id"]}
    return telling.record(asking, f"ask.news.{item['kind']}", about, field="changed_at", name=item["title"], day=day)


def tell_overview(asking: Asking, asked: Asked) -> Part:
    """The newest record of a thing, and what it is."""
    if not asked.subjects:
        return refusing.tell_uncovered(asking, asked)
    said: list[Sentence] = []
    things: list[Thing] = []
    is_known = False
    for subject in asked.subjects:
        view, _ = _the_one(asking, asked, subject)
        if view is not None:
            said += (
                _with_results(asking, view)
                if view["resource_type"] == _OBSERVATION
                else terms.about_record(asking, view)
            )
            things.append(thing_of(subject, [view]))
        if subject.term is not None:
            is_known = True
            said += telling.library(asking, subject.term, Section.WHAT)
            things += [thing_of(subject, [])] if view is None else []
    if not said and not is_known:
        return refusing.tell_uncovered(asking, asked)
    return Part(tuple(said), _steps(asking, asked), things=tuple(things))


def _steps(asking: Asking, asked: Asked) -> tuple[NextStep, ...]:
    """To read more of each thing that the vocabulary knows."""
    known: Sequence[Subject] = [one for one in asked.subjects if one.term is not None]
    return tuple(telling.library_step(asking, one.term) for one in known if one.term is not None)
