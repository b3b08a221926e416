"""Closing one's own account: what is left of it, and for how long it can be undone."""

from dataclasses import dataclass
from datetime import datetime, timedelta

REOPENABLE = timedelta(days=30)
"""How long a closed account can be opened again; then all that is personal of it is removed (OP 5)."""


@dataclass(frozen=True, slots=True)
class Closure:
    """What somebody is told who has closed their account; times are aware, in UTC.

    `exported_at` is when they last asked for a copy of what the portal keeps about the account, None for never.
    """

    closed_at: datetime
    reopen_until: datetime
    exported_at: datetime | None
