"""What the portal told an account's holder, and what happened to the account."""

from typing import Any

from chalicelib import clock
from chalicelib.domain.access import Actor
from chalicelib.models.accounts import Account
from chalicelib.services import (
    activity,
    notices,
)
from chalicelib.services.account_exports.values import AT_ONCE, stamp, walk


def find_notices(account: Account, holder: Actor) -> list[dict[str, Any]]:
    """Every notice that is kept, the newest first."""

    def page(before: str | None) -> tuple[list[Any], str | None]:
        found = notices.find_page(holder, account.language, limit=AT_ONCE, before=before, unread=False)
        return found.items, found.after

    return [
        {
            "notice_id": one.notice_id,
            "patient_id": one.patient_id,
            "title": one.title,
            "text": one.text,
            "sent_at": clock.stamp(one.sent_at),
            "read_at": stamp(one.read_at),
            "channels": [{"channel": channel, "status": status} for channel, status in one.channels.items()],
        }
        for one in walk(page)
    ]


def find_activity(account: Account, holder: Actor) -> list[dict[str, Any]]:
    """Everything that happened to the account, in words."""

    def page(before: str | None) -> tuple[list[Any], str | None]:
        found = activity.find_page(holder, account.language, limit=AT_ONCE, before=before)
        return found.items, found.after

    return [
        {
            "activity_id": one.activity_id,
            "at": clock.stamp(one.at),
            "kind": one.kind,
            "by": one.by,
            "text": one.text,
            "device_name": one.device_name,
        }
        for one in walk(page)
    ]
