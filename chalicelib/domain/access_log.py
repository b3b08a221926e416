"""A patient's own history, as lines that they read."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Who(StrEnum):
    """What somebody in the history is to the patient."""

    SELF = "self"
    CAREGIVER = "caregiver"
    STAFF = "staff"
    CLINIC = "clinic"
    PORTAL = "portal"
    SOMEBODY = "somebody"


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line of the history; `at` is aware, in UTC. `name` is a caregiver's, where it is known."""

    entry_id: str
    at: datetime
    who: Who
    name: str | None
    by: str
    text: str
