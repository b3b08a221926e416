"""Which channels somebody wants for which notices, how long before, and when it shall be quiet."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from chalicelib.domain.notices import Channel, NoticeType

Cell = tuple[NoticeType, str | None]
"""A type of notice and, for reminders, how long before (an ISO 8601 duration such as `P1D`)."""

LEAD_TIMES: Mapping[NoticeType, tuple[str, ...]] = {}
"""How long before something a type of notice can come; a type that is not here comes when it happens."""

LOCKED = frozenset({NoticeType.SECURITY})
"""What nobody can switch off: whoever takes over an account would begin with it."""

DEFAULTS: Mapping[NoticeType, frozenset[Channel]] = {
    NoticeType.SECURITY: frozenset(Channel),
    NoticeType.RESULTS: frozenset({Channel.PUSH, Channel.EMAIL}),
}


def cells() -> Iterator[Cell]:
    """Every row of the matrix, in its order."""
    for kind in NoticeType:
        for lead in LEAD_TIMES.get(kind, (None,)):
            yield kind, lead


def is_locked(kind: NoticeType) -> bool:
    """Whether a type of notice cannot be switched off."""
    return kind in LOCKED


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the matrix as somebody chose it."""

    kind: NoticeType
    lead: str | None
    channels: frozenset[Channel]

    @property
    def cell(self) -> Cell:
        """Which row it is."""
        return self.kind, self.lead


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A span of the day on the reader's clock; it may go over midnight.

    Where the clock is changed during it, somebody who asked for quiet gets it: it lasts from the first moment at which
    the clock shows its start until the last at which the clock shows its end. An end that the clock jumps over is the
    moment of the jump.
    """

    starts: time
    ends: time

    def until(self, now: datetime, zone: ZoneInfo) -> datetime | None:
        """Its end, in UTC, where `now` (aware) lies in it; None where it does not."""
        today = now.astimezone(zone).date()
        for day in (today + timedelta(days=offset) for offset in (-1, 0, 1)):
            starts, ends = self._of(day, zone)
            if starts <= now < ends:
                return ends
        return None

    def _of(self, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """The span that starts on a day, in UTC."""
        last_day = day + timedelta(days=1) if self.starts > self.ends else day
        return (
            _moment(datetime.combine(day, self.starts), zone, fold=0),
            _moment(datetime.combine(last_day, self.ends), zone, fold=1),
        )


def _moment(clock: datetime, zone: ZoneInfo, *, fold: int) -> datetime:
    """When a clock in the zone shows a time, in UTC: of two moments the first (fold 0) or the last (fold 1).

    Of none, that of the jump over it.
    """
    first, last = (clock.replace(tzinfo=zone, fold=which).astimezone(UTC) for which in (0, 1))
    if first <= last:
        return last if fold else first
    # In a gap the two readings (PEP 495) lie on both sides of the jump, in the other order.
    seconds = range(round((first - last).total_seconds()) + 1)
    jump = bisect_left(seconds, clock, key=lambda second: _shown(last + timedelta(seconds=second), zone))
    return last + timedelta(seconds=jump)


def _shown(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class Preferences:
    """What somebody chose; where they chose nothing, the defaults."""

    choices: Mapping[Cell, frozenset[Channel]] = field(default_factory=dict)
    quiet_hours: QuietHours | None = None
    version: int = 0

    def channels(self, kind: NoticeType, lead: str | None = None) -> list[Channel]:
        """The channels for a type of notice, in the order in which they are tried."""
        chosen = DEFAULTS[kind] if is_locked(kind) else self.choices.get((kind, lead), DEFAULTS[kind])
        return [channel for channel in Channel if channel in chosen]

    def rows(self) -> list[Row]:
        """The whole matrix."""
        return [Row(kind, lead, frozenset(self.channels(kind, lead))) for kind, lead in cells()]

    def quiet_until(self, now: datetime, zone: ZoneInfo) -> datetime | None:
        """The next moment, in UTC, that lies in no quiet hours, where `now` (aware) lies in some; else None."""
        if self.quiet_hours is None or self.quiet_hours.starts == self.quiet_hours.ends:
            return None
        until, end = None, self.quiet_hours.until(now, zone)
        # Where hours of nearly a whole day meet a change of the clock, one night may begin before another ends.
        while end is not None:
            until, end = end, self.quiet_hours.until(end, zone)
        return until


class Mistake(StrEnum):
    """What can be wrong with a row that somebody sends."""

    UNKNOWN = "unknown"
    TWICE = "twice"
    LOCKED = "locked"


def check(rows: Sequence[Row]) -> Iterator[tuple[int, Mistake]]:
    """What is wrong with which row (by its index): it is none of the matrix, was given before, or cannot be off."""
    known, seen = set(cells()), set[Cell]()
    for index, row in enumerate(rows):
        if row.cell not in known:
            yield index, Mistake.UNKNOWN
        elif row.cell in seen:
            yield index, Mistake.TWICE
        elif is_locked(row.kind) and not row.channels >= DEFAULTS[row.kind]:
            yield index, Mistake.LOCKED
        seen.add(row.cell)


def choose(rows: Iterable[Row], quiet_hours: QuietHours | None) -> Preferences:
    """The choices that right rows make; what is not among them is as by default."""
    return Preferences({row.cell: row.channels for row in rows if not is_locked(row.kind)}, quiet_hours)
