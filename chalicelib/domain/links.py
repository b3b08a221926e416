"""What links in email and SMS are for, how long they work, and why they stop."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from chalicelib.domain.closures import REOPENABLE
from chalicelib.domain.contact_changes import UNDOABLE


class LinkPurpose(StrEnum):
    """What a link does when its page's form is posted."""

    ACCEPT_INVITATION = "accept_invitation"
    VERIFY_EMAIL = "verify_email"
    DISOWN_EMAIL = "disown_email"
    OPEN_SHARE = "open_share"
    REOPEN_ACCOUNT = "reopen_account"
    RESET_PASSWORD = "reset_password"  # noqa: S105  The name of a purpose.
    STAFF_INVITATION = "staff_invitation"
    STOP_MESSAGES = "stop_messages"
    UNDO_CHANGE = "undo_change"


class LinkEnd(StrEnum):
    """Why a link does nothing any more."""

    USED = "used"
    EXPIRED = "expired"
    REPLACED = "replaced"
    """Another link took its place, or what it was about is no longer so."""
    TRIED = "tried"
    """Too many wrong birth dates, codes or answers."""


LASTS: Mapping[LinkPurpose, timedelta] = {
    LinkPurpose.ACCEPT_INVITATION: timedelta(days=7),
    LinkPurpose.VERIFY_EMAIL: timedelta(days=3),
    LinkPurpose.DISOWN_EMAIL: timedelta(days=30),
    LinkPurpose.OPEN_SHARE: timedelta(days=90),
    LinkPurpose.REOPEN_ACCOUNT: REOPENABLE,
    LinkPurpose.RESET_PASSWORD: timedelta(minutes=10),
    LinkPurpose.STAFF_INVITATION: timedelta(days=3),
    LinkPurpose.STOP_MESSAGES: timedelta(days=60),
    LinkPurpose.UNDO_CHANGE: UNDOABLE,
}
"""How long a link of each purpose works, where nobody says when it ends."""

REMEMBERED = timedelta(days=90)
"""How long a link that is over is still known, so that its page can say so and name the next step."""

TRIES = 5
"""Wrong tries after which a link is dead."""
