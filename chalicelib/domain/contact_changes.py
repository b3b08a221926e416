"""Changes of how somebody is reached and signs in, which their holder can undo for a while (ID 9)."""

from datetime import timedelta
from enum import StrEnum


class Changed(StrEnum):
    """What of an account was changed."""

    EMAIL = "email"
    PHONE = "phone"
    USERNAME = "username"


UNDOABLE = timedelta(hours=72)
"""How long a change can be undone, and how long a username that was given up stays its holder's."""

CHANGES_A_DAY = 5
"""How often each of them may be changed in a day."""

CODE_LASTS = timedelta(minutes=10)
"""How long a code to a new phone works."""

CODE_TRIES = 5
"""Wrong codes after which a code is dead."""


def undo_key(what: Changed, change_id: str) -> str:
    """What the link that undoes a change is about."""
    return f"{what}:{change_id}"


def read_undo_key(about: str) -> tuple[Changed, str]:
    """What a link undoes: what was changed, and the id of the change."""
    what, _, change_id = about.partition(":")
    return Changed(what), change_id
