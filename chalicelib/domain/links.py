"""What links in email and SMS are for, how long they work, and why they stop."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum


class LinkPurpose(StrEnum):
    """What a link does when its page's form is posted."""

    VERIFY_EMAIL = "verify_email"
    DISOWN_EMAIL = "disown_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105  The name of a purpose.
    STOP_MESSAGES = "stop_messages"


class LinkEnd(StrEnum):
    """Why a link does nothing any more."""

    USED = "used"
    EXPIRED = "expired"
    REPLACED = "replaced"
    """Another link took its place, or what it was about is no longer so."""
    TRIED = "tried"
    """Too many wrong birth dates, codes or answers."""


LASTS: Mapping[LinkPurpose, timedelta] = {
    LinkPurpose.VERIFY_EMAIL: timedelta(days=3),
    LinkPurpose.DISOWN_EMAIL: timedelta(days=30),
    LinkPurpose.RESET_PASSWORD: timedelta(minutes=10),
    LinkPurpose.STOP_MESSAGES: timedelta(days=60),
}
"""How long a link of each purpose works."""

REMEMBERED = timedelta(days=90)
"""How long a link that is over is still known, so that its page can say so and name the next step."""

TRIES = 5
"""Wrong tries after which a link is dead."""
