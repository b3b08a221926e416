"""Numbers of payment cards, which are never kept (PY 1): 13 to 19 digits whose last one checks the others (Luhn)."""

import re
from typing import Final

_SHORTEST, _LONGEST = 13, 19
_RUN: Final = re.compile(r"(?<![0-9])[0-9](?:[ \-.\u2010-\u2015·]{0,3}[0-9]){12,}(?![0-9])")
_DIGIT: Final = re.compile(r"[0-9]")
MASK: Final = "•"
"""Stands for a digit that is not shown."""


def has_card_number(text: str) -> bool:
    """Whether the number of a payment card stands in a text."""
    return masked(text) != text


def masked(text: str) -> str:
    """A text whose card numbers have a dot for each digit, but the last four."""
    return _RUN.sub(lambda found: _masked_run(found[0]), text)


def _masked_run(run: str) -> str:
    """A run of digits in groups; a card's number may stand anywhere in it, beside an expiry date for example."""
    places = [found.start() for found in _DIGIT.finditer(run)]
    digits = [run[place] for place in places]
    hidden: set[int] = set()
    for length in range(_LONGEST, _SHORTEST - 1, -1):
        for first in range(len(digits) - length + 1):
            if _is_own_number(places, first, length) and _passes("".join(digits[first : first + length])):
                hidden.update(places[first : first + length - 4])
    return "".join(MASK if place in hidden else one for place, one in enumerate(run))


def _is_own_number(places: list[int], first: int, length: int) -> bool:
    """Groups are not cut: a number begins and ends where digits do."""
    last = first + length - 1
    begins = first == 0 or places[first] - places[first - 1] > 1
    ends = last == len(places) - 1 or places[last + 1] - places[last] > 1
    return begins and ends


def _passes(digits: str) -> bool:
    """Luhn's sum; https://en.wikipedia.org/wiki/Luhn_algorithm."""
    if len(set(digits)) == 1:
        return False
    total = 0
    for place, digit in enumerate(map(int, reversed(digits))):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled  # noqa: PLR2004  Two digits' sum.
    return total % 10 == 0
