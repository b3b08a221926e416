"""Ids: a short prefix and a ULID (https://github.com/ulid/spec).

The library for it costs 100 ms of a cold start; this is all it would do here.
"""

import secrets
from datetime import UTC, datetime

from chalicelib import clock

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH = 26
_RANDOM_BITS = 80


def new_id(prefix: str) -> str:
    """A new id such as `pat_01J9Z3K8XQ…`: sorts by the millisecond it was made in."""
    milliseconds = int(clock.now().timestamp() * 1000)
    return f"{prefix}_{_base32((milliseconds << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS))}"


def time_of(made: str) -> datetime:
    """When an id of `new_id` was made: aware, in UTC, to the millisecond."""
    return datetime.fromtimestamp((number_of(made) >> _RANDOM_BITS) / 1000, UTC)


def derived_id(prefix: str, digest: bytes) -> str:
    """An id of the same shape from 16 or more bytes of a keyed digest: the same digest is the same id."""
    return f"{prefix}_{_base32(int.from_bytes(digest[:16], 'big'))}"


def numbered_id(prefix: str, number: int) -> str:
    """An id that stands for a place in an order: it sorts as its number does, from 0 to 2^130 - 1."""
    return f"{prefix}_{_base32(number)}"


def number_of(numbered: str) -> int:
    """The number of an id that `numbered_id` made."""
    number = 0
    for digit in numbered.partition("_")[2]:
        number = number * 32 + _ALPHABET.index(digit)
    return number


def has_prefix(text: str, prefix: str) -> bool:
    """Whether a text has the shape of an id of this kind."""
    head, _, tail = text.partition("_")
    return head == prefix and len(tail) == _LENGTH and not set(tail) - set(_ALPHABET)


def _base32(number: int) -> str:
    digits = []
    for _ in range(_LENGTH):
        number, digit = divmod(number, 32)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
