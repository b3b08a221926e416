"""The one clock. Everything that asks what time it is asks here, so that tests and the local console can move it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

_shift = timedelta()
_held: datetime | None = None


def now() -> datetime:
    """The portal's current time, aware, in UTC."""
    return _held or datetime.now(UTC) + _shift


def advance(by: timedelta) -> None:
    """Move the clock on (or back) for this process."""
    global _shift, _held  # noqa: PLW0603  A process has one clock.
    if _held is None:
        _shift += by
    else:
        _held += by


def reset() -> None:
    """Show the machine's own time again."""
    global _shift, _held
    _shift, _held = timedelta(), None


@contextmanager
def frozen(at: datetime) -> Iterator[None]:
    """Hold the clock still at an aware time; `advance` still moves it."""
    global _held  # noqa: PLW0603  A process has one clock.
    before, _held = _held, at.astimezone(UTC)
    try:
        yield
    finally:
        _held = before


def epoch(at: datetime) -> int:
    """Whole seconds since 1970, the unit of DynamoDB's TTL."""
    return int(at.timestamp())


def stamp(at: datetime) -> str:
    """RFC 3339 in UTC with `Z` and milliseconds: sorts as text in the order of time."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def read_stamp(text: str) -> datetime:
    """The time that `stamp` wrote."""
    return datetime.fromisoformat(text)
