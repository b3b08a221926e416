"""What somebody wants to be told, by which channels, and when it shall be quiet."""

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain import preferences as rules
from chalicelib.domain.access import Actor
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.notices import Channel
from chalicelib.domain.preferences import Mistake, Preferences, QuietHours, Row
from chalicelib.errors import FieldError, Invalid
from chalicelib.models import audit
from chalicelib.models import preferences as storage
from chalicelib.models.transaction import transaction


@dataclass(frozen=True, slots=True)
class PreferencesView:
    """What somebody chose, and what of their account it depends on."""

    chosen: Preferences
    time_zone: str
    language: str


def read(actor: Actor) -> PreferencesView:
    """The caller's own choices. Raises NotFound."""
    account, chosen = storage.find_with_account(actor.id)
    return PreferencesView(chosen, account.time_zone, account.language)


def replace(
    actor: Actor, expected_version: int, rows: Sequence[Row], quiet_hours: QuietHours | None
) -> PreferencesView:
    """Choose anew; what is not among the rows is as by default. Raises Invalid and StaleVersion."""
    wrong = [error for index, mistake in rules.check(rows) for error in _errors(index, mistake, rows[index])]
    if quiet_hours and quiet_hours.starts == quiet_hours.ends:
        wrong.append(FieldError("/quiet_hours/ends", "quiet_hours_empty"))
    if wrong:
        raise Invalid(wrong)
    with transaction() as tx:
        storage.put(tx, actor.id, rules.choose(rows, quiet_hours), expected_version)
        about: dict[str, object] = {"version": expected_version + 1}
        audit.record(tx, Entry(actor, Action.ACCOUNT_PREFERENCES_EDIT, account_id=actor.id, about=about))
    return read(actor)


def _errors(index: int, mistake: Mistake, row: Row) -> list[FieldError]:
    match mistake:
        case Mistake.UNKNOWN:
            return [FieldError(f"/rows/{index}/lead_time", "not_a_choice")]
        case Mistake.TWICE:
            return [FieldError(f"/rows/{index}", "given_twice")]
        case Mistake.LOCKED:
            off = [channel for channel in Channel if channel not in row.channels]
            return [FieldError(f"/rows/{index}/channels/{channel}", "cannot_be_switched_off") for channel in off]
