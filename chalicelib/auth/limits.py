"""Rate limits of tries that cost or guess something.

An exact sliding window. A try is reserved before the work and given back when it was right; what is limited however
it ends is counted at once, or in the transaction that does it.
"""

import ipaddress
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from chalicelib import clock
from chalicelib.errors import PortalError, TooManyRequests, Unavailable
from chalicelib.models import limits
from chalicelib.models.limits import Attempt
from chalicelib.models.transaction import Transaction

_RACES = 200
_MINUTE = 60
# A try that nobody settled for so long belongs to a function that died over it.
_UNDER_WAY_MS = 10_000


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `tries` wrong ones in any `seconds`."""

    tries: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Try:
    """A reserved try."""

    bucket: str
    at: int


def take(bucket: str, limit: Limit) -> Try:
    """Reserve one try of a bucket, before anything is spent on it.

    Raises TooManyRequests where as many wrong ones are in the window, with the seconds until the oldest leaves it.
    Tries under way hold their places, and who finds none waits for them: most people type the right password.
    """
    for _ in range(_RACES):
        tries, revision = limits.find_attempts(bucket)
        now = _now()
        recent = [one for one in tries if one.at > now - limit.seconds * 1000]
        wrong = [one for one in recent if one.is_wrong or one.at < now - _UNDER_WAY_MS]
        if len(wrong) >= limit.tries:
            raise TooManyRequests(retry_after=max(1, -(-(wrong[0].at + limit.seconds * 1000 - now) // 1000)))
        if len(recent) < limit.tries and _store(
            bucket, [*recent, Attempt(now, is_wrong=False)], revision, limit.seconds
        ):
            return Try(bucket, now)
        _step_aside()
    raise TooManyRequests(retry_after=1)


def give_back(taken: Try) -> None:
    """The try was right: it does not count."""
    _settle(taken, [])


def note_wrong(taken: Try) -> None:
    """The try was wrong: it counts until it leaves the window."""
    _settle(taken, [Attempt(taken.at, is_wrong=True)])


@contextmanager
def refusals_counted(bucket: str, limit: Limit) -> Iterator[None]:
    """Count whatever is refused in the block; what is done counts nothing.

    Raises TooManyRequests before the block where as many as that were refused in the window.
    """
    (window,) = look({bucket: limit})
    if window.is_full:
        raise TooManyRequests(retry_after=window.opens_in)
    try:
        yield
    except Unavailable:
        raise
    except PortalError:
        # The refusal is what is answered, even where others have filled the window meanwhile.
        with suppress(TooManyRequests):
            spend(bucket, limit)
        raise


def _settle(taken: Try, outcome: list[Attempt]) -> None:
    for _ in range(_RACES):
        tries, revision = limits.find_attempts(taken.bucket)
        if Attempt(taken.at, is_wrong=False) not in tries:
            return
        place = tries.index(Attempt(taken.at, is_wrong=False))
        if _store(taken.bucket, [*tries[:place], *outcome, *tries[place + 1 :]], revision, _MINUTE * 10):
            return
        _step_aside()


def _store(bucket: str, tries: list[Attempt], revision: int, seconds: int) -> bool:
    return limits.store_attempts(bucket, tries, revision=revision, ttl=clock.epoch(clock.now()) + 2 * seconds)


def _now() -> int:
    return int(clock.now().timestamp() * 1000)


def spend(bucket: str, limit: Limit) -> None:
    """Count one in a bucket at once, right or wrong.

    Raises TooManyRequests where the window is full, with the seconds until the oldest leaves it.
    """
    for _ in range(_RACES):
        (window,) = look({bucket: limit})
        if window.is_full:
            raise TooManyRequests(retry_after=window.opens_in)
        if _store(bucket, window.with_one_more, window.revision, limit.seconds):
            return
        _step_aside()
    raise TooManyRequests(retry_after=1)


@dataclass(frozen=True, slots=True)
class Window:
    """What the window of a bucket held `at` a time (milliseconds since 1970)."""

    bucket: str
    limit: Limit
    at: int
    recent: tuple[Attempt, ...] = ()
    revision: int = 0

    @property
    def is_full(self) -> bool:
        """Whether one more would be too much."""
        return len(self.recent) >= self.limit.tries

    @property
    def opens_in(self) -> int:
        """Whole seconds until the oldest one of a full window leaves it."""
        return max(1, -(-(self.recent[0].at + self.limit.seconds * 1000 - self.at) // 1000))

    @property
    def with_one_more(self) -> list[Attempt]:
        """What it holds after one more."""
        return [*self.recent, Attempt(self.at, is_wrong=True)]


def look(buckets: Mapping[str, Limit]) -> list[Window]:
    """What the windows of some buckets hold now: one round trip."""
    found, now = limits.find_all(list(buckets)), _now()
    return [
        Window(bucket, limit, now, tuple(one for one in tries if one.at > now - limit.seconds * 1000), revision)
        for bucket, limit in buckets.items()
        for tries, revision in (found[bucket],)
    ]


def fresh_window(bucket: str, limit: Limit) -> Window:
    """The window of a bucket that nothing was counted in."""
    return Window(bucket, limit, _now())


def spend_in(tx: Transaction, window: Window, *, error: PortalError) -> None:
    """Count one in the transaction of what is counted; `error` where somebody else was faster."""
    ttl = clock.epoch(clock.now()) + 2 * window.limit.seconds
    limits.store_in(tx, window.bucket, window.with_one_more, revision=window.revision, ttl=ttl, error=error)


def clear(bucket: str) -> None:
    """Forget the tries of a bucket: whoever has it has proved more than they asked for."""
    for _ in range(_RACES):
        tries, revision = limits.find_attempts(bucket)
        if not tries or _store(bucket, [], revision, _MINUTE):
            return
        _step_aside()


def check_overall(name: str, limit: Limit) -> None:
    """Raises TooManyRequests where all buckets together have reached a wide limit.

    It counts whole minutes, the one in which the window begins too, so that no window ever holds more.
    """
    minute = clock.epoch(clock.now()) // _MINUTE
    minutes = list(range(minute - limit.seconds // _MINUTE, minute + 1))
    if limits.sum_tally(name, minutes) >= limit.tries:
        raise TooManyRequests(retry_after=_MINUTE)


def note_overall(name: str) -> None:
    """Count one towards a wide limit."""
    now = clock.epoch(clock.now())
    limits.add_to_tally(name, now // _MINUTE, ttl=now + _MINUTE * 60)


def network(source_ip: str) -> str:
    """The bucket of a source address: an IPv4 address, or the /64 that one subscriber of IPv6 holds."""
    try:
        address = ipaddress.ip_address(source_ip)
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False))


def _step_aside() -> None:
    time.sleep(random.uniform(0, 0.04))  # noqa: S311  It spreads racers, it keeps no secret.
