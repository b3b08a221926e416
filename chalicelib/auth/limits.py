"""Rate limits of tries that cost or guess something.

An exact sliding window, reserved before the work and given back when the try was right.
"""

import ipaddress
import random
import time
from dataclasses import dataclass

from chalicelib import clock
from chalicelib.errors import TooManyRequests
from chalicelib.models import limits

_RACES = 200
_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `tries` in any `seconds`."""

    tries: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Try:
    """A reserved try."""

    bucket: str
    at: int


def take(bucket: str, limit: Limit) -> Try:
    """Reserve one try of a bucket. Raises TooManyRequests, with the seconds until the oldest try leaves the window."""
    for _ in range(_RACES):
        times, revision = limits.find_attempts(bucket)
        now = int(clock.now().timestamp() * 1000)
        recent = [at for at in times if at > now - limit.seconds * 1000]
        if len(recent) >= limit.tries:
            raise TooManyRequests(retry_after=max(1, -(-(recent[0] + limit.seconds * 1000 - now) // 1000)))
        ttl = clock.epoch(clock.now()) + 2 * limit.seconds
        if limits.store_attempts(bucket, [*recent, now], revision=revision, ttl=ttl):
            return Try(bucket, now)
        _step_aside()
    raise TooManyRequests(retry_after=1)


def give_back(taken: Try) -> None:
    """The try was right: it does not count."""
    for _ in range(_RACES):
        times, revision = limits.find_attempts(taken.bucket)
        if taken.at not in times:
            return
        times.remove(taken.at)
        if limits.store_attempts(taken.bucket, times, revision=revision, ttl=clock.epoch(clock.now()) + _MINUTE * 10):
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
    time.sleep(random.uniform(0, 0.01))  # noqa: S311  It spreads racers, it keeps no secret.
