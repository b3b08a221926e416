"""What a record says is still to come: when an order is to be done, a goal is due, a prescription runs out."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeAlias

from chalicelib.domain.records import dates
from chalicelib.domain.records.categories import Category
from chalicelib.domain.records.view import UNDATED, WITHDRAWN

View: TypeAlias = Mapping[str, Any]


class PlanKind(StrEnum):
    """What is still to come."""

    ORDER = "order"
    ACTIVITY = "care_plan_activity"
    GOAL = "goal"
    PRESCRIPTION_END = "prescription_end"


@dataclass(frozen=True, slots=True)
class Plan:
    """One thing that is still to come. `starts` and `ends` are days or times as the API writes them.

    An order without `starts` waits to be scheduled.
    """

    kind: PlanKind
    title: str
    starts: str | None
    ends: str | None = None
    status: str | None = None


MOST_PLACES: Final[Mapping[Category, int]] = {
    Category.ORDER: 2,
    Category.GOAL: 4,
    Category.CARE_PLAN: 8,
    Category.MEDICATION: 1,
}
"""In how many places of a calendar a record of each category may stand; records of the others stand in none."""

NOT_SCHEDULED: Final = UNDATED
"""The place of an order that waits to be scheduled: before all days."""

_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d(?:T.*)?")
_GOALS: Final = frozenset({"proposed", "planned", "accepted", "active", "on-hold"})
_OVER: Final = frozenset({"completed", "cancelled", "stopped", WITHDRAWN})


def plans_of(view: View) -> list[Plan]:
    """What a record's view says is still to come: nothing of what is done, stopped or was never meant."""
    plan = _PLANS.get(view["category"])
    return list(plan(view)) if plan else []


def places_of(view: View, zone: str) -> list[str]:
    """Where a record stands in a calendar, in order: when each of its plans begins and ends, as order keys."""
    texts = {text for plan in plans_of(view) for text in (plan.starts, plan.ends) if text}
    places = sorted({dates.order_key(text, zone) for text in texts})
    is_open = any(plan.starts is None for plan in plans_of(view))
    return [*([NOT_SCHEDULED] if is_open else []), *places][: MOST_PLACES.get(view["category"], 0)]


def is_day(text: str | None) -> bool:
    """Whether a text is a day or a time: what is less exact than a day has no place in a calendar."""
    return text is not None and _DAY.fullmatch(text) is not None


def _order(view: View) -> Iterator[Plan]:
    starts, ends = _ends(view.get("occurrence"))
    if (starts and "scheduling" in view) or view.get("scheduling") == "to_be_scheduled":
        yield Plan(PlanKind.ORDER, view["title"], starts, ends, view["status"])


def _goal(view: View) -> Iterator[Plan]:
    if view["status"] not in _GOALS:
        return
    for target in view.get("targets", ()):
        if is_day(target.get("due_on")):
            yield Plan(PlanKind.GOAL, view["title"], target["due_on"], None, view["status"])


def _activities(view: View) -> Iterator[Plan]:
    if view["status"] != "active":
        return
    for activity in view.get("activities", ()):
        starts, ends = _ends(activity.get("scheduled"))
        if starts and activity.get("status") not in _OVER:
            yield Plan(PlanKind.ACTIVITY, activity.get("title") or view["title"], starts, ends, activity.get("status"))


def _prescription(view: View) -> Iterator[Plan]:
    end = view.get("period", {}).get("end")
    if view["status"] == "active" and not view.get("do_not_perform") and is_day(end):
        yield Plan(PlanKind.PRESCRIPTION_END, view["title"], end, None, view["status"])


def _ends(words: str | None) -> tuple[str | None, str | None]:
    """The beginning and the end of what `elements.choice_words` wrote of a time or a span; None where it is neither."""
    first, _, last = (words or "").partition("/")
    starts, ends = first if is_day(first) else None, last if is_day(last) else None
    return (starts, ends) if starts else (ends, None)


_PLANS: Final[Mapping[str, Callable[[View], Iterator[Plan]]]] = {
    Category.ORDER: _order,
    Category.GOAL: _goal,
    Category.CARE_PLAN: _activities,
    Category.MEDICATION: _prescription,
}
