"""The portal's own copy of every notice, in the partition of the account that it was for."""

import json
from collections.abc import Mapping
from typing import TypeAlias

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib import clock
from chalicelib.domain.notices import Channel, DeliveryStatus, Notice
from chalicelib.errors import Conflict
from chalicelib.models.accounts import AccountsTable
from chalicelib.models.base import storage_errors
from chalicelib.models.transaction import Transaction

Progress: TypeAlias = Mapping[tuple[Channel, str], DeliveryStatus]
"""How far messages are, by channel and reference of the address."""

_PREFIX = "notice#"
_BEST_FIRST = (
    DeliveryStatus.SENT,
    DeliveryStatus.QUEUED,
    DeliveryStatus.HELD,
    DeliveryStatus.BOUNCED,
    DeliveryStatus.FAILED,
    DeliveryStatus.DROPPED,
)
_KEPT_DAYS = 400


class NoticeCopy(AccountsTable, discriminator="notice"):
    """One notice to one account; sort key `notice#<notice id>`, whose ULID sorts by the time of the change."""

    notice_id = UnicodeAttribute()
    notice_kind = UnicodeAttribute()
    patient_id = UnicodeAttribute(null=True)
    about = UnicodeAttribute()
    sent_at = UnicodeAttribute()
    read_at = UnicodeAttribute(null=True)
    ttl = NumberAttribute(null=True)
    messages = UnicodeAttribute(default="{}")
    revision = NumberAttribute(default=1)

    def progress(self) -> Progress:
        """How far each of its messages is, by channel and reference of the address."""
        stored: dict[str, str] = json.loads(self.messages)
        parts = {key.partition("|"): DeliveryStatus(status) for key, status in stored.items()}
        return {(Channel(channel), ref): status for (channel, _, ref), status in parts.items()}

    @property
    def statuses(self) -> dict[Channel, DeliveryStatus]:
        """How far it is by each channel that was tried: of several messages of one channel, the best."""
        found: dict[Channel, DeliveryStatus] = {}
        for (channel, _), status in self.progress().items():
            found[channel] = min(found.get(channel, status), status, key=_BEST_FIRST.index)
        return {channel: found[channel] for channel in Channel if channel in found}

    def ids(self) -> dict[str, str]:
        """The ids that it is about."""
        found: dict[str, str] = json.loads(self.about)
        return found


def notice_id(event_row_id: str) -> str:
    """The id of the notice that an outbox row asks for: the same for all who are told."""
    return f"ntc_{event_row_id.partition('_')[2]}"


def create(tx: Transaction, account_id: str, notice_id: str, notice: Notice, progress: Progress) -> None:
    """Keep a notice. One that is kept already is a Conflict."""
    now = clock.now()
    row = NoticeCopy(
        account_id,
        f"{_PREFIX}{notice_id}",
        notice_id=notice_id,
        notice_kind=notice.kind,
        patient_id=notice.patient_id,
        about=json.dumps(notice.about),
        sent_at=clock.stamp(now),
        ttl=clock.epoch(now) + _KEPT_DAYS * 86400,
        messages=_text(progress),
    )
    tx.create(row, error=Conflict())


def find(account_id: str, notice_id: str) -> NoticeCopy | None:
    """A notice to an account."""
    return NoticeCopy.find(account_id, f"{_PREFIX}{notice_id}")


def find_page(account_id: str, limit: int, before: str | None = None) -> list[NoticeCopy]:
    """Notices to an account, the newest first, older than the notice id `before` where one is given."""
    # Between takes in its ends: one row more is asked for, and the one that the page comes after is left out.
    condition = NoticeCopy.sk.between(_PREFIX, f"{_PREFIX}{before}") if before else NoticeCopy.sk.startswith(_PREFIX)
    with storage_errors():
        rows = list(
            NoticeCopy.query(account_id, condition, scan_index_forward=False, limit=limit + 1, consistent_read=True)
        )
    return [row for row in rows if row.notice_id != before][:limit]


def note_progress(tx: Transaction, copy: NoticeCopy, changed: Progress) -> None:
    """Note how far some of its messages are. Another who noted anything since it was read is a Conflict."""
    actions = [NoticeCopy.messages.set(_text({**copy.progress(), **changed})), NoticeCopy.revision.add(1)]
    tx.update(copy, actions, condition=NoticeCopy.revision == copy.revision, error=Conflict())


def _text(progress: Progress) -> str:
    return json.dumps({f"{channel}|{ref}": status for (channel, ref), status in progress.items()})


def mark_read(tx: Transaction, copy: NoticeCopy) -> None:
    """Note that a notice was read; the first time counts. One that was read meanwhile is a Conflict."""
    now = clock.stamp(clock.now())
    tx.update(copy, [NoticeCopy.read_at.set(now)], condition=NoticeCopy.read_at.does_not_exist(), error=Conflict())
