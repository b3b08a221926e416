"""What a patient reads of their own history: who looked, who changed what, in words and without anybody's ids."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from chalicelib import clock, words
from chalicelib.domain import access_log, audit_event
from chalicelib.domain.access import Actor, ActorKind, ReachKind
from chalicelib.domain.access_log import LogEntry, Who
from chalicelib.domain.audit import Action
from chalicelib.models import accounts, audit, caregivers
from chalicelib.models.accounts import Account
from chalicelib.models.audit import AuditEntry
from chalicelib.models.base import together
from chalicelib.models.caregivers import GrantRow
from chalicelib.settings import settings


@dataclass(frozen=True, slots=True)
class LogPage:
    """A page of the history, and the place that the next one comes after, if there is more."""

    items: list[LogEntry]
    after: str | None


def find_page(actor: Actor, patient_id: str, language: str, *, limit: int, before: str | None) -> LogPage:
    """The patient's own history older than a place in it, and that of whoever is merged into them, newest first."""
    offers, *histories = together(
        lambda: caregivers.find_offers(patient_id),
        *(lambda one=one: audit.find_page(f"patient#{one}", limit + 1, before) for one in (patient_id, *actor.joined)),
    )
    # A place in the history is a time: those of several files go together.
    entries = list(heapq.merge(*histories, key=lambda entry: entry.sk, reverse=True))
    shown: list[AuditEntry] = entries[:limit]
    people = _People(
        own_id=actor.id,
        accounts=_accounts(actor, shown),
        caregivers={offer.account_id: offer for offer in offers if isinstance(offer, GrantRow)},
        language=language,
    )
    after = shown[-1].sk if len(entries) > limit else None
    return LogPage([people.entry(entry) for entry in shown], after)


def as_csv(entries: Iterable[LogEntry], language: str) -> str:
    """Lines of the history as a table, with the names of its columns."""
    columns = [words.say(f"access_log.column.{name}", language) for name in ("at", "by", "text", "entry_id")]
    return access_log.as_csv(columns, [(clock.stamp(one.at), one.by, one.text, one.entry_id) for one in entries])


def as_fhir(entries: Iterable[LogEntry], patient_id: str, links: dict[str, str]) -> str:
    """Lines of the history as a Bundle of AuditEvents, with the URLs of this page and the next."""
    return orjson.dumps(audit_event.bundle(entries, patient_id, settings().clinic_name, links)).decode()


def _accounts(actor: Actor, entries: Iterable[AuditEntry]) -> dict[str, Account]:
    others = {entry.actor_id for entry in entries if entry.actor_kind == ActorKind.ACCOUNT} - {actor.id}
    return accounts.find_accounts(sorted(others)) if others else {}


@dataclass(frozen=True, slots=True)
class _People:
    """Who stands behind the ids of one page."""

    own_id: str
    accounts: dict[str, Account]
    caregivers: dict[str, GrantRow]
    language: str

    def entry(self, row: AuditEntry) -> LogEntry:
        about = row.details
        who = self._who(row, about)
        name = self._name(row) if who is Who.CAREGIVER else None
        return LogEntry(
            entry_id=row.audit_id,
            at=clock.read_stamp(row.at),
            who=who,
            name=name,
            by=name or self._words(row, who),
            text=_text(row.action, about, self.language),
            action=row.action,
        )

    def _who(self, row: AuditEntry, about: dict[str, object]) -> Who:
        match row.actor_kind:
            case ActorKind.CLIENT:
                return Who.CLINIC
            case ActorKind.SYSTEM:
                return Who.PORTAL
            case ActorKind.ACCOUNT if row.actor_id == self.own_id:
                return Who.SELF
            case ActorKind.ACCOUNT if row.actor_id in self.caregivers or _is_of_caregivers(row.action, about):
                return Who.CAREGIVER
            case ActorKind.ACCOUNT if self._roles(row) or about.get("by") == ReachKind.STAFF:
                return Who.STAFF
        return Who.SOMEBODY

    def _name(self, row: AuditEntry) -> str | None:
        grant = self.caregivers.get(row.actor_id)
        return (grant.name or grant.email) if grant else None

    def _roles(self, row: AuditEntry) -> list[str]:
        account = self.accounts.get(row.actor_id)
        return sorted(account.staff_roles) if account else []

    def _words(self, row: AuditEntry, who: Who) -> str:
        if who is Who.STAFF and (roles := self._roles(row)):
            return words.say(f"access_log.role.{roles[0]}", self.language)
        return words.say(f"access_log.who.{who}", self.language)


def _is_of_caregivers(action: str, about: dict[str, object]) -> bool:
    """Whether only a caregiver does this: also one whose rights have ended since."""
    return about.get("by") == ReachKind.CAREGIVER or action == Action.CAREGIVER_ADD


def _text(action: str, about: dict[str, object], language: str) -> str:
    """What happened, by the most exact words that there are for it."""
    known = words.catalogue(language)
    name = action.replace(":", "_")
    keys = [f"access_log.{name}.{about.get('operation')}", f"access_log.{name}", "access_log.other"]
    return words.say(next(key for key in keys if key in known), language)
