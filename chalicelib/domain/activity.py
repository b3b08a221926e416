"""What happened to somebody's account, as lines that they read."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class By(StrEnum):
    """Who did it, as far as its reader may know."""

    YOU = "you"
    CLINIC = "clinic"
    PORTAL = "portal"
    SOMEBODY = "somebody"
    """Nobody who was signed in: it may have been the reader, or a stranger."""


@dataclass(frozen=True, slots=True)
class ActivityEntry:
    """One line; `at` is aware, in UTC. `kind` is the event's own name, for programs."""

    activity_id: str
    at: datetime
    kind: str
    by: By
    text: str
    device_name: str | None
