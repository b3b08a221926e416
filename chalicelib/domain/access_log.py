"""A patient's own history, as lines that they read, and as a table for their own programs."""

import csv
import io
from collections.abc import Iterable, Sequence
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
    action: str


# A program for tables takes a cell that begins so for a formula, and does what it says
# (https://owasp.org/www-community/attacks/CSV_Injection).
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# Without it, the same programs read the accents of Spanish wrongly.
_BOM = "\ufeff"


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table as RFC 4180 writes it, which opens as text and nothing else in whatever program it is opened with."""
    text = io.StringIO(_BOM, newline="")
    text.seek(0, io.SEEK_END)
    csv.writer(text).writerows([[_plain(cell) for cell in row] for row in (columns, *rows)])
    return text.getvalue()


def _plain(cell: str) -> str:
    return f"'{cell}" if cell.lstrip(" \u00a0").startswith(_BEGINS_A_FORMULA) else cell
