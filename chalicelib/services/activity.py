"""What somebody reads of what happened to their account: sign-ins, changes, and tries that were refused."""

from collections.abc import Iterable
from dataclasses import dataclass

from chalicelib import clock, words
from chalicelib.domain.access import Actor, ActorKind
from chalicelib.domain.activity import ActivityEntry, By
from chalicelib.models import audit, sessions
from chalicelib.models.audit import AuditEntry


@dataclass(frozen=True, slots=True)
class ActivityPage:
    """A page of it, and the place that the next one comes after, if there is more."""

    items: list[ActivityEntry]
    after: str | None


def find_page(actor: Actor, language: str, *, limit: int, before: str | None) -> ActivityPage:
    """What happened to the caller's own account before a place in it, the newest first."""
    entries = audit.find_page(f"account#{actor.id}", limit + 1, before)
    shown = entries[:limit]
    names = _device_names(actor.id, shown)
    items = [_entry(actor.id, row, names, language) for row in shown]
    return ActivityPage(items, shown[-1].sk if len(entries) > limit else None)


def key(action: str) -> str:
    """The words of an event."""
    return f"activity.{action.replace(':', '_')}"


def _device_names(account_id: str, rows: Iterable[AuditEntry]) -> dict[str, str]:
    wanted = {device_id for row in rows if (device_id := _device_id(row))}
    return sessions.find_device_names(account_id, sorted(wanted)) if wanted else {}


def _device_id(row: AuditEntry) -> str | None:
    found = row.details.get("device_id")
    return found if isinstance(found, str) else None


def _entry(account_id: str, row: AuditEntry, names: dict[str, str], language: str) -> ActivityEntry:
    known = words.catalogue(language)
    # A version of the portal that is older than the entry has no words of its own for it.
    said = next(one for one in (key(row.action), "activity.other") if one in known)
    return ActivityEntry(
        activity_id=row.audit_id,
        at=clock.read_stamp(row.at),
        kind=row.action,
        by=_by(account_id, row),
        text=words.say(said, language),
        device_name=names.get(_device_id(row) or ""),
    )


def _by(account_id: str, row: AuditEntry) -> By:
    match row.actor_kind:
        case ActorKind.ACCOUNT:
            return By.YOU if row.actor_id == account_id else By.CLINIC
        case ActorKind.CLIENT:
            return By.CLINIC
        case ActorKind.SYSTEM:
            return By.PORTAL
        case _:
            return By.SOMEBODY
