"""When a reader wants to see new results, and what of a record that holds back at this moment."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from chalicelib import clock
from chalicelib.domain.access import Actor, Reach, ReachKind
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.fhir import text
from chalicelib.domain.records import release as rules
from chalicelib.domain.records.categories import Category
from chalicelib.domain.records.release import Chosen, Moment, Until
from chalicelib.domain.records.sight import Release, Sight, sight_of
from chalicelib.errors import FieldError, Invalid, StaleVersion
from chalicelib.models import audit
from chalicelib.models import releases as storage
from chalicelib.models.accounts import Account
from chalicelib.models.base import together
from chalicelib.models.records import Record
from chalicelib.models.transaction import transaction
from chalicelib.services import record_pages
from chalicelib.services.record_pages import READ_AT_ONCE, Filter, Whose

_T = TypeVar("_T")
View = Mapping[str, Any]
_READERS = frozenset({ReachKind.SELF, ReachKind.CAREGIVER})


def read(actor: Actor, reach: Reach) -> Chosen:
    """What the caller has chosen for a patient: signing in has read it."""
    return rules.chosen(actor.release, reach.patient_ids)


def replace_all(actor: Actor, reach: Reach, expected_version: int, wanted: Mapping[Category, Release]) -> Chosen:
    """Choose anew; a category that is not named shows at once.

    Raises StaleVersion, and Invalid for who sees no visits and would wait for one.
    """
    if Category.ENCOUNTER not in sight_of(reach).categories:
        blind = [category for category, release in wanted.items() if release is Release.AT_VISIT]
        if blind:
            raise Invalid([FieldError(f"/categories/{category}", "not_a_choice") for category in blind])
    before = read(actor, reach)
    if before.version != expected_version:
        raise StaleVersion
    choice = rules.choose(before, wanted, clock.stamp(clock.now()))
    with transaction() as tx:
        storage.put(tx, actor.id, actor.release, rules.written(actor.release, reach.patient_id, choice))
        about: dict[str, object] = {"patient_id": reach.patient_id, "version": choice.version}
        audit.record(tx, Entry(actor, Action.ACCOUNT_RELEASE_EDIT, account_id=actor.id, about=about))
    return choice


def with_holds(actor: Actor, reach: Reach, sight: Sight) -> Sight:
    """A sight with what the caller has chosen to see later; staff see everything at once."""
    return replace(sight, holds=read(actor, reach).holds) if reach.by in _READERS else sight


def beside(whose: Whose, sight: Sight, get: Callable[[], _T]) -> tuple[_T, Moment]:
    """What a read gives, and the moment by which it is held back: in sequence they are one round trip."""
    if not _waits_for_visits(sight):
        return get(), Moment()
    found: tuple[_T, Moment] = tuple(together(get, lambda: _moment(whose, sight)))
    return found


def _waits_for_visits(sight: Sight) -> bool:
    return any(hold.release is Release.AT_VISIT for hold in sight.holds)


def _moment(whose: Whose, sight: Sight) -> Moment:
    """A visit that is hidden from the reader ends no wait: it would tell of itself."""
    if Category.ENCOUNTER not in sight.categories:
        return Moment()
    begun = Filter(category=Category.ENCOUNTER, until=clock.now())
    rows, _ = record_pages.find_rows(whose, begun, limit=READ_AT_ONCE, after=None, sight=sight)
    starts = (row.date_key.partition("#")[0] for row in rows if rules.is_visit(text.parse(row.view)))
    return Moment(max(starts, default=""))


def shown(row: Record, view: View, sight: Sight, now: Moment) -> View:
    """What a reader sees of a record's view: without its result while that is held back."""
    waits_for = _waits_for(row, sight, now)
    return rules.withheld(view, waits_for) if waits_for else view


def is_told(account: Account, whose: Whose, rows: list[Record], *, is_comment: bool) -> bool:
    """Whether somebody is to hear of new results now: of one at least that they do not hold back.

    Of a comment on them those hear who have waited for it: everybody else has heard of the result itself.
    """
    sight = Sight(holds=rules.chosen(account.release, whose).holds)
    if not is_comment:
        return not sight.holds or any(not is_held(row, sight, Moment()) for row in rows)
    holds = [rules.hold_on(sight.holds, row.category, row.came_at) for row in rows if not is_held(row, sight, Moment())]
    return any(hold is not None and hold.release is Release.AFTER_COMMENT for hold in holds)


def is_held(row: Record, sight: Sight, now: Moment) -> bool:
    """Whether a record is held back."""
    return _waits_for(row, sight, now) is not None


def _waits_for(row: Record, sight: Sight, now: Moment) -> Until | None:
    hold = rules.hold_on(sight.holds, row.category, row.came_at)
    return rules.until(hold, text.parse(row.view), row.came_at, now) if hold else None
