"""The words of a question as they are compared: short forms spelled out, slips put right, and its language."""

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from chalicelib.domain.questions import names
from chalicelib.domain.questions.lexicon import CUES, FUNCTION_WORDS, ORDINARY, SPELLED_OUT
from chalicelib.domain.questions.names import words_of

_MOST_WORDS: Final = 200
_MOST_SLIPS: Final = 24
_MOST_READINGS: Final = 4
_MOST_MEANT: Final = 3
_SHORTEST: Final = 4
_LIKE: Final = 0.7
_AS_NEAR: Final = 0.02
_SHORT: Final = 6
_LIKE_SHORT: Final = 0.75
"""Of a word of up to six letters one may be wrong, missing or swapped; of a longer one, about three of ten."""

_SPANISH_MARKS: Final = re.compile("[¿¡ñÑ]")


@dataclass(frozen=True, slots=True)
class Said:
    """A question's words. `slips` are what was put right, and what it was taken for."""

    words: tuple[str, ...]
    slips: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        """The words side by side."""
        return " ".join(self.words)


def spelled_out(question: str) -> tuple[str, ...]:
    """The words of a question, short forms spelled out."""
    found = words_of(question)[:_MOST_WORDS]
    return tuple(part for word in found for part in SPELLED_OUT.get(word, word).split())


def language_of(question: str, default: str) -> str:
    """The language that a question is in, as far as its words tell; else the reader's own."""
    found = spelled_out(question)
    counts = {
        language: sum(word in FUNCTION_WORDS[language] or word in CUES[language] for word in found)
        for language in FUNCTION_WORDS
    }
    if _SPANISH_MARKS.search(question):
        counts["es"] += 2
    best = max(counts.values())
    likely = [language for language, count in counts.items() if count == best]
    return likely[0] if len(likely) == 1 else default


def readings(question: str) -> list[Said]:
    """How a question may be read, the likeliest first: as it stands, or with slips put right in one way or another."""
    found = spelled_out(question)
    slips = dict.fromkeys(word for word in found if _is_slip(word))
    likely = {word: meant(word) for word in itertools.islice(slips, _MOST_SLIPS)}
    readable = {word: words for word, words in likely.items() if words}
    if not readable:
        return [Said(found)]
    return [_read_as(found, dict(zip(readable, chosen, strict=True))) for chosen in _choices(readable.values())]


def _choices(likely: Iterable[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    return itertools.islice(itertools.product(*likely), _MOST_READINGS)


def _read_as(found: tuple[str, ...], chosen: dict[str, str]) -> Said:
    return Said(tuple(chosen.get(word, word) for word in found), tuple(chosen.items()))


def _is_slip(word: str) -> bool:
    return len(word) >= _SHORTEST and word.isalpha() and not is_known(word)


def is_known(word: str) -> bool:
    """Whether a word stands as it is: it is an ordinary one, or a part of some name."""
    return word in _plain() or word in names.name_words() or names.stem(word) in names.name_words()


def is_plain(word: str) -> bool:
    """Whether a word is one of every day, or one that questions turn on."""
    return word in _plain()


@lru_cache(maxsize=1)
def _plain() -> frozenset[str]:
    return frozenset().union(*FUNCTION_WORDS.values(), *CUES.values(), ORDINARY)


@lru_cache(maxsize=1)
def _cues() -> tuple[str, ...]:
    every = frozenset().union(*CUES.values(), *FUNCTION_WORDS.values())
    return tuple(sorted(word for word in every if len(word) >= _SHORTEST))


def meant(word: str, at_least: float = _LIKE) -> tuple[str, ...]:
    """The words that a slip may stand for: those that are nearest, and as near as each other."""
    from rapidfuzz import process  # noqa: PLC0415  Only who asks pays for the library.
    from rapidfuzz.distance import OSA  # noqa: PLC0415  As above.

    known = (*_cues(), *names.long_name_words())
    like = max(at_least, _LIKE_SHORT if len(word) <= _SHORT else _LIKE)
    close = process.extract(word, known, scorer=OSA.normalized_similarity, score_cutoff=like, limit=8)
    best = max((score for _, score, _ in close), default=0.0)
    near = dict.fromkeys(one for one, score, _ in close if score >= best - _AS_NEAR)
    cues = [one for one in near if one in _plain()]
    return (*cues[:1], *(one for one in near if one not in cues))[:_MOST_MEANT]
