"""Times that tests stand at."""

from datetime import UTC, datetime, timedelta
from typing import Final

NOON: Final = (datetime.now(UTC) + timedelta(days=1)).replace(hour=18, minute=0, second=0, microsecond=0)
"""Noon at the clinic in winter: in the middle of a day and at the beginning of an hour, as limits count them, and after
everything that a test has set up, whenever it runs."""


def shown(at: datetime) -> str:
    """A time without a fraction as answers show it."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
