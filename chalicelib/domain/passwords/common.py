"""Finds passwords that many people have, and the words of them, in a folded password."""

import gzip
import pkgutil
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import combinations

from chalicelib.domain.passwords.folding import Spelling, skeleton

_FILE = "data/common_passwords.txt.gz"
SHORTEST_WORD = 5
LONGEST_WORD = 72
# What a pair of words may leave over is far less than eight, so of many words only the longest are paired.
_WORDS_PAIRED = 24


def find_common(spellings: Iterable[Spelling], copies: int) -> dict[str, int]:
    """Each common password of five or more characters in the spellings, and the bits of its places outside copies."""
    found: dict[str, int] = {}
    for spelling in spellings:
        for word, mask in _occurrences(spelling, copies):
            found[word] = found.get(word, 0) | mask
    return found


def pairs_of(masks: Iterable[int]) -> Iterator[int]:
    """The bits of every two of the masks together, longest first and only of the longest."""
    longest = sorted(set(masks), key=int.bit_count, reverse=True)[:_WORDS_PAIRED]
    return (one | other for one, other in combinations(longest, 2))


def _occurrences(spelling: Spelling, copies: int) -> Iterator[tuple[str, int]]:
    text, words = spelling.text, _words()
    for start in (start for start, position in enumerate(spelling.at) if not copies >> position & 1):
        for end in range(start + SHORTEST_WORD, min(start + LONGEST_WORD, len(text)) + 1):
            if text[start:end] in words:
                yield text[start:end], spelling.mask(start, end)


@cache
def _words() -> frozenset[str]:
    """The skeletons of the list; read when a password is first checked, so that nobody else pays for it."""
    # pkgutil reads the same file as importlib.resources, whose import alone costs as much as all of this.
    packed = pkgutil.get_data("chalicelib.domain", _FILE)
    assert packed is not None, "The list of common passwords is part of the package."
    return frozenset(skeleton(gzip.decompress(packed).decode()).split("\n"))
