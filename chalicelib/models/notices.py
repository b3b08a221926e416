"""The portal's own copy of every notice, in the partition of the account that it was for."""

import json
from collections.abc import Mapping

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib import clock
from chalicelib.domain.notices import Channel, DeliveryStatus, Notice
from chalicelib.errors import Conflict
from chalicelib.models.accounts import AccountsTable
from chalicelib.models.base import storage_errors
from chalicelib.models.transaction import Transaction

_PREFIX = "notice#"
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
    push_status = UnicodeAttribute(null=True)
    email_status = UnicodeAttribute(null=True)
    sms_status = UnicodeAttribute(null=True)

    @property
    def statuses(self) -> dict[Channel, DeliveryStatus]:
        """How far it is, by each channel that was tried."""
        found = {channel: getattr(self, f"{channel}_status") for channel in Channel}
        return {channel: DeliveryStatus(status) for channel, status in found.items() if status}

    def ids(self) -> dict[str, str]:
        """The ids that it is about."""
        found: dict[str, str] = json.loads(self.about)
        return found


def notice_id(event_row_id: str) -> str:
    """The id of the notice that an outbox row asks for: the same for all who are told."""
    return f"ntc_{event_row_id.partition('_')[2]}"


def create(
    tx: Transaction, account_id: str, notice_id: str, notice: Notice, statuses: dict[Channel, DeliveryStatus]
) -> None:
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
        push_status=statuses.get(Channel.PUSH),
        email_status=statuses.get(Channel.EMAIL),
        sms_status=statuses.get(Channel.SMS),
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


def note_statuses(tx: Transaction, account_id: str, notice_id: str, statuses: Mapping[Channel, DeliveryStatus]) -> None:
    """Note how far a notice is by some of its channels."""
    row = NoticeCopy(account_id, f"{_PREFIX}{notice_id}")
    tx.update(row, [getattr(NoticeCopy, f"{channel}_status").set(status) for channel, status in statuses.items()])


def mark_read(tx: Transaction, copy: NoticeCopy) -> None:
    """Note that a notice was read; the first time counts. One that was read meanwhile is a Conflict."""
    now = clock.stamp(clock.now())
    tx.update(copy, [NoticeCopy.read_at.set(now)], condition=NoticeCopy.read_at.does_not_exist(), error=Conflict())
