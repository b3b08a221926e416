"""Numbers of payment cards in what people type: 13 to 19 digits with the check digit of ISO/IEC 7812 (Luhn)."""

import re
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

_SHORTEST, _LONGEST = 13, 19
_RUN: Final = re.compile(r"\d+(?:[ \u00a0.\-\u2010-\u2013]\d+)*")
_GROUP: Final = re.compile(r"\d+")
_LEAST_OF_GROUP, _MOST_OF_GROUP, _LEAST_GROUPS = 3, 6, 3
"""How cards are written in groups: 4-4-4-4, 4-6-5, 4-4-4-4-3; the last group may be shorter."""

_TWICE: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def is_in(text: str) -> bool:
    """Whether a text has a number of a payment card in it, in groups or not, in any script's digits."""
    return any(_is_card_number(number) for number in _numbers(text))


def _numbers(text: str) -> Iterator[str]:
    for run in _RUN.findall(text):
        groups = _GROUP.findall(run)
        yield from groups
        yield "".join(groups)
        for start in range(len(groups)):
            yield from _in_groups(groups[start:])


def _in_groups(groups: list[str]) -> Iterator[str]:
    if not _LEAST_OF_GROUP < len(groups[0]) <= _MOST_OF_GROUP:
        return
    for count, number in enumerate(accumulate(groups), start=1):
        if len(number) > _LONGEST or len(groups[count - 1]) > _MOST_OF_GROUP:
            return
        if count >= _LEAST_GROUPS and len(groups[count - 1]) >= _LEAST_OF_GROUP:
            yield number


def _is_card_number(digits: str) -> bool:
    if not _SHORTEST <= len(digits) <= _LONGEST:
        return False
    values = [int(digit) for digit in reversed(digits)]
    return (sum(values[::2]) + sum(_TWICE[value] for value in values[1::2])) % 10 == 0
