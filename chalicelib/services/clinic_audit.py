"""The audit as admins of the clinic read it: whose history, by whom, what, and when. Reading it is an entry itself."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from chalicelib import clock
from chalicelib.domain.access import Actor
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.clinic_audit import AuditView
from chalicelib.models import audit
from chalicelib.models.audit import AuditEntry
from chalicelib.settings import settings

READ_AT_ONCE = 300
"""Entries that one page with a filter reads at most: it may be short while more is to come."""

_FIRST, _LAST = " ", "\uffff"
_CENTURIES = range(2000, 3000)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose history, and what of it; days are the clinic's, both included."""

    patient_id: str | None = None
    account_id: str | None = None
    action: Action | None = None
    since: date | datetime | None = None
    until: date | datetime | None = None

    @property
    def has_filter(self) -> bool:
        """Whether some of what is read may be left out."""
        return self.action is not None or (self.patient_id is not None and self.account_id is not None)

    def fits(self, entry: AuditEntry) -> bool:
        """Whether an entry of the history is wanted."""
        is_by = self.patient_id is None or self.account_id in {None, entry.actor_id}
        return is_by and self.action in {None, entry.action}


@dataclass(frozen=True, slots=True)
class AuditPage:
    """A page of it, and the place that the next one comes after, if there is more."""

    items: list[AuditView]
    after: str | None


def find_page(actor: Actor, wanted: Wanted, *, limit: int, before: str | None) -> AuditPage:
    """A page of a history before a place in it, the newest first. The look is audited before it is answered."""
    read_at_once = READ_AT_ONCE if wanted.has_filter else limit
    whose = Entry(actor, Action.AUDIT_READ, wanted.patient_id, wanted.account_id)
    # A query takes in the ends of a range: the entry that the page comes after is left out.
    until = min(before or _LAST, _end(wanted.until))
    rows = audit.find_between(whose.partition, _start(wanted.since), until, read_at_once + 2)
    read = [row for row in rows if row.sk != before]
    shown = [row for row in read[:read_at_once] if wanted.fits(row)][:limit]
    is_full = len(shown) == limit
    last = shown[-1] if is_full else read[read_at_once - 1] if len(read) > read_at_once else None
    after = last.sk if last is not None and last.sk != read[-1].sk else None
    audit.record_alone(_entry(whose, wanted, len(shown)))
    return AuditPage([_view(row) for row in shown], after)


def _entry(whose: Entry, wanted: Wanted, count: int) -> Entry:
    about: dict[str, object] = {"count": count, "action": wanted.action, "account_id": wanted.account_id}
    told = {name: value for name, value in about.items() if value is not None}
    return Entry(whose.actor, whose.action, whose.patient_id, whose.account_id, told)


def _view(row: AuditEntry) -> AuditView:
    whose, _, whose_id = row.pk.partition("#")
    return AuditView(
        entry_id=row.audit_id,
        at=clock.read_stamp(row.at),
        action=row.action,
        actor_kind=row.actor_kind,
        actor_id=row.actor_id,
        patient_id=whose_id if whose == "patient" else None,
        account_id=whose_id if whose == "account" else None,
        request_id=row.request_id,
        about=row.details,
    )


def _start(since: date | datetime | None) -> str:
    return _FIRST if since is None else _place(since)


def _end(until: date | datetime | None) -> str:
    if until is None or until.year not in _CENTURIES:
        return _LAST if until is None or until.year >= _CENTURIES.stop else _FIRST
    if isinstance(until, datetime):
        return _place(until) + _LAST
    return _place(until + timedelta(days=1))


def _place(at: date | datetime) -> str:
    """Where a time lies among sort keys; a day is its beginning in the clinic's zone."""
    if at.year not in _CENTURIES:
        return _FIRST if at.year < _CENTURIES.start else _LAST
    if not isinstance(at, datetime):
        at = datetime.combine(at, time.min, settings().clinic_zone)
    return clock.stamp(at)
