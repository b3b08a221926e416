"""What somebody reads in the portal of every notice that went to them."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from chalicelib import clock, words
from chalicelib.domain.access import Actor
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.notices import RULES, Channel, DeliveryStatus, NoticeKind
from chalicelib.errors import Conflict, NotFound
from chalicelib.models import audit
from chalicelib.models import notices as storage
from chalicelib.models.notices import NoticeCopy
from chalicelib.models.transaction import transaction
from chalicelib.settings import settings

_READ_AT_ONCE = 100
_MOST_READS = 10
"""How often storage is asked for one page of unread notices: a thousand notices are looked at."""

_OTHER = "other"
"""The words of a kind that a later version of the portal wrote."""


@dataclass(frozen=True, slots=True)
class NoticeView:
    """One notice in its reader's language, with what it leads to; times are aware, in UTC."""

    notice_id: str
    patient_id: str | None
    title: str
    text: str
    sent_at: datetime
    read_at: datetime | None
    channels: dict[Channel, DeliveryStatus]
    target_kind: str
    target_id: str


@dataclass(frozen=True, slots=True)
class NoticePage:
    """A page of notices, and the id that the next one comes after, if there may be more."""

    items: list[NoticeView]
    after: str | None


def find_page(actor: Actor, language: str, *, limit: int, before: str | None, unread: bool) -> NoticePage:
    """The caller's notices older than the id `before`, the newest first.

    A page of unread ones may be short where a great many lie between that were read.
    """
    found, after = _find_unread(actor.id, limit, before) if unread else _find(actor.id, limit, before)
    return NoticePage([_view(actor, copy, language) for copy in found], after)


def count_unread(account_id: str) -> Counter[str | None]:
    """How many of an account's notices were not read, by the patient whom each is about; of its thousand newest."""
    unread, _ = _find_unread(account_id, _READ_AT_ONCE * _MOST_READS, None)
    return Counter(copy.patient_id for copy in unread)


def find(actor: Actor, notice_id: str, language: str) -> NoticeView:
    """One of the caller's notices. Raises NotFound."""
    return _view(actor, _copy(actor, notice_id), language)


def mark_read(actor: Actor, notice_id: str, language: str) -> NoticeView:
    """Note that the caller has read a notice; the first time counts. Raises NotFound."""
    copy = _copy(actor, notice_id)
    if copy.read_at:
        return _view(actor, copy, language)
    try:
        with transaction() as tx:
            storage.mark_read(tx, copy)
            about: dict[str, object] = {"notice_id": notice_id}
            audit.record(tx, Entry(actor, Action.NOTICE_READ, account_id=actor.id, about=about))
    except Conflict:
        # The caller read it elsewhere at the same moment.
        pass
    return find(actor, notice_id, language)


def _find(account_id: str, limit: int, before: str | None) -> tuple[list[NoticeCopy], str | None]:
    found = storage.find_page(account_id, limit + 1, before)
    return found[:limit], found[limit - 1].notice_id if len(found) > limit else None


def _find_unread(account_id: str, limit: int, before: str | None) -> tuple[list[NoticeCopy], str | None]:
    unread: list[NoticeCopy] = []
    for _ in range(_MOST_READS):
        read = storage.find_page(account_id, _READ_AT_ONCE, before)
        unread += [copy for copy in read if not copy.read_at]
        if len(unread) > limit:
            return unread[:limit], unread[limit - 1].notice_id
        if len(read) < _READ_AT_ONCE:
            return unread, None
        before = read[-1].notice_id
    return unread, before


def _copy(actor: Actor, notice_id: str) -> NoticeCopy:
    copy = storage.find(actor.id, notice_id)
    if copy is None:
        raise NotFound
    return copy


def _view(actor: Actor, copy: NoticeCopy, language: str) -> NoticeView:
    # What was about a file that is merged into the reader's own is about them.
    patient_id = actor.patient_id if copy.patient_id in actor.joined else copy.patient_id
    kind = NoticeKind(copy.notice_kind) if copy.notice_kind in set(NoticeKind) else None
    target = RULES[kind].target if kind else "account"
    about_whom = patient_id or copy.pk
    clinic = settings().clinic_name
    return NoticeView(
        notice_id=copy.notice_id,
        patient_id=patient_id,
        title=words.say(f"notice.{kind or _OTHER}.title", language, clinic=clinic),
        text=words.say(f"notice.{kind or _OTHER}.text", language, clinic=clinic),
        sent_at=clock.read_stamp(copy.sent_at),
        read_at=clock.read_stamp(copy.read_at) if copy.read_at else None,
        channels=copy.statuses,
        target_kind=target,
        target_id=copy.ids().get(f"{target}_id", about_whom),
    )
