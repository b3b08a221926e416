"""Shapes of the portal's own copy of every notice."""

from pydantic import Field

from chalicelib.domain.notices import Channel, DeliveryStatus
from chalicelib.schemas.base import Flag, Instant, PageQuery, Shape


class NoticeChannel(Shape):
    """How far a notice is by one channel."""

    channel: Channel
    status: DeliveryStatus


class NoticeTarget(Shape):
    """What a notice leads to."""

    kind: str
    id: str = Field(description="The id of the thing; of the patient or the account where it is all of theirs.")


class Notice(Shape):
    """One notice that was sent to you."""

    notice_id: str
    patient_id: str | None = Field(description="Whom it is about; null where it is about your account.")
    title: str
    text: str
    sent_at: Instant
    read_at: Instant | None
    channels: list[NoticeChannel]
    target: NoticeTarget


class NoticePage(Shape):
    """A page of notices."""

    items: list[Notice]
    next_cursor: str | None


class NoticesQuery(PageQuery):
    """Which notices, and how they are paged."""

    unread: Flag = Field(
        default=False,
        description="Only those that were not read yet. Such a page may be short while `next_cursor` is set.",
    )
