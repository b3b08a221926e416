"""Values that need care at once: what to do now is said before anything else."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from chalicelib.domain import identity
from chalicelib.domain.explanations import criticals, histories, standings
from chalicelib.domain.explanations.standings import Value
from chalicelib.domain.explanations.teller import Teller
from chalicelib.domain.library import coded
from chalicelib.domain.records.changes import View
from chalicelib.domain.records.trends import Reading
from chalicelib.domain.records.view import WITHDRAWN
from chalicelib.vocabulary import Section, Term

RECENT: Final = timedelta(days=14)
"""How old a value may be to call at once for care; later somebody has to be asked whether they looked at it."""

_ADULT: Final = 18
"""From which age on the limits of terms hold, in full years."""

_NO_RESULTS: Final = frozenset({WITHDRAWN, "cancelled"})


@dataclass(frozen=True, slots=True)
class Alarm:
    """A value that needs care at once, in a record; `name` is "" where the record is that value alone."""

    view: View
    value: Value
    term: Term | None
    name: str
    newest: Reading | None = None


def alarms_of(view: View, teller: Teller) -> list[Alarm]:
    """The critical values of a result, and of its components."""
    if view["status"] in _NO_RESULTS:
        return []
    return [alarm for value in (view, *view.get("components", ())) if (alarm := _alarm(view, value, teller))]


def may_alarm(view: View) -> bool:
    """Whether a result has a value that needs care at once where its patient is an adult."""
    values = (view, *view.get("components", ()))
    return any(criticals.is_critical(value, term_of(value), is_adult=True) for value in values)


def _alarm(view: View, value: Value, teller: Teller) -> Alarm | None:
    term = term_of(value)
    if not criticals.is_critical(value, term, is_adult=_was_adult(view, teller)):
        return None
    name = "" if value is teller.facts.view else teller.name(term, value["title"])
    return Alarm(view, value, term, name, histories.history(value, view, teller.facts).newest)


def term_of(value: Value) -> Term | None:
    """The term of a value: of a whole view by all that it says, of a component by its code."""
    if "category" in value:
        return next(iter(coded.find_of(value).terms), None)
    code = value.get("code") or {}
    return coded.find(code.get("system"), code.get("code"))


def tell(alarms: Iterable[Alarm], teller: Teller) -> None:
    """What to do now for recent values, and whom to ask about older ones."""
    found = list(alarms)
    recent = [one for one in found if _is_recent(one, teller)]
    if recent:
        _tell_recent(recent, teller)
    elif found:
        _tell_old(found, teller)
    for one in found:
        if one.newest:
            histories.tell_newest(teller, one.newest, one.name)


def _is_recent(one: Alarm, teller: Teller) -> bool:
    """Whether a value is new; what has no date may be."""
    at = histories.moment_of(one.view, teller.facts)
    return at is None or teller.facts.now - at <= RECENT


def _tell_recent(recent: list[Alarm], teller: Teller) -> None:
    teller.is_urgent = True
    for one in recent:
        _name(one, "now", teller)
    teller.portal("explain.urgent.call", phone=teller.facts.phone)
    teller.portal("explain.urgent.911")
    for one in recent:
        if one.term:
            teller.library(one.term, Section.URGENT)


def _tell_old(old: list[Alarm], teller: Teller) -> None:
    """What was followed by a value that needs no care at once is no emergency any more."""
    teller.is_urgent = not all(_is_over(one, teller) for one in old)
    for one in old:
        _name(one, "then", teller)
    teller.portal("explain.urgent.ask", phone=teller.facts.phone)
    teller.portal("explain.urgent.unwell")
    teller.portal("explain.urgent.911")


def _name(one: Alarm, when: str, teller: Teller) -> None:
    key, named = (f"explain.urgent.{when}_of", {"name": one.name}) if one.name else (f"explain.urgent.{when}", {})
    field = "interpretation" if standings.is_marked_critical(one.value) else "value"
    teller.record(key, field, of=one.view["record_id"], **named)


def _is_over(one: Alarm, teller: Teller) -> bool:
    if one.newest is None:
        return False
    return not criticals.is_critical(one.newest.value, one.term, is_adult=_was_adult(one.newest.view, teller))


def _was_adult(view: View, teller: Teller) -> bool:
    """Whether the patient was of age when a record came about."""
    born, at = teller.facts.birth_date, histories.moment_of(view, teller.facts) or teller.facts.now
    return born is None or identity.is_of_age(born, at, ZoneInfo(str(teller.reader.zone)), _ADULT)
