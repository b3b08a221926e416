"""From a schedule into a function, by the portal's own clock, so that moving the clock moves what is due."""

import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib import clock
from infra.local.functions import EventFunction, FunctionError, Retry
from infra.local.lambda_proxy import ACCOUNT, REGION

IsDue = Callable[[datetime, datetime], bool]
"""Whether a schedule that last ran at the first time is due by the second."""

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_CRON = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)")
_CRON_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (1, 7), (1970, 2199))
_SEARCH = timedelta(days=32)


class ScheduleSource:
    """Calls one function when its schedule is due. A jump over several times calls it once, as a late timer would."""

    def __init__(self, function: EventFunction, expression: str) -> None:
        self._function = function
        self._is_due = read_schedule(expression)
        self._last = clock.now()

    def step(self, _retry: Retry) -> int:
        """Call the function if it is time; 1 if it was."""
        now = clock.now()
        # Tests put the clock back, and what ran in a future that is gone must not wait until it comes again.
        self._last = min(self._last, now)
        if not self._is_due(self._last, now):
            return 0
        self._last = now
        try:
            self._function(_event(self._function.name, now))
        except FunctionError:
            # The next time is the retry.
            return 1
        return 1


def read_schedule(expression: str) -> IsDue:
    """An EventBridge schedule: `rate(5 minutes)`, or `cron(…)` with numbers, lists, ranges and steps.

    Raises:
        ValueError: For anything else.
    """
    if rate := _RATE.fullmatch(expression):
        every = timedelta(**{f"{rate[2]}s": int(rate[1])})
        return lambda last, now: now >= last + every
    if cron := _CRON.fullmatch(expression):
        fields = [_allowed(text, *limits) for text, limits in zip(cron.groups(), _CRON_RANGES, strict=True)]
        return lambda last, now: _has_match(fields, last, now)
    raise ValueError(f"{expression!r} is no schedule that the local runner knows")


def _allowed(text: str, low: int, high: int) -> frozenset[int]:
    return frozenset(value for part in text.split(",") for value in _span(part, low, high))


def _span(part: str, low: int, high: int) -> range:
    whole, _, step = part.partition("/")
    if whole in {"*", "?"}:
        first, last = low, high
    else:
        start, _, end = whole.partition("-")
        first = int(start)
        last = int(end) if end else (high if step else first)
    return range(first, last + 1, int(step or 1))


def _has_match(fields: list[frozenset[int]], last: datetime, now: datetime) -> bool:
    minute = now.replace(second=0, microsecond=0)
    earliest = max(last, now - _SEARCH)
    while minute > earliest:
        if _matches(fields, minute):
            return True
        minute -= timedelta(minutes=1)
    return False


def _matches(fields: list[frozenset[int]], at: datetime) -> bool:
    # EventBridge counts the days of the week from Sunday, 1.
    values = (at.minute, at.hour, at.day, at.month, at.isoweekday() % 7 + 1, at.year)
    return all(value in allowed for value, allowed in zip(values, fields, strict=True))


def _event(name: str, now: datetime) -> dict[str, Any]:
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}"],
        "detail": {},
    }
