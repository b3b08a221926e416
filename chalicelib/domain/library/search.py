"""Terms by what people type: whole words, beginnings of words, and words that are misspelt.

A word that some name has is taken as it stands: "hypotension" is no slip of "hypertension". Only a word that no name
has may be a slip of one that it is like.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from chalicelib import vocabulary
from chalicelib.domain.library.coded import key_of
from chalicelib.vocabulary import Term

_LIKE: Final = 0.72
"""How much of a word has to be right: two letters of eight may be wrong, missing or swapped."""

_SHORTEST: Final = 4
"""Letters of a word that may be a slip: shorter ones are like too many others."""

_BEGINNING, _SURPLUS, _NAMED_OTHERWISE, _OTHER_NAME = 0.95, 0.02, 0.01, 0.01
_ENOUGH: Final = 0.7
_HALF: Final = 0.45
"""What is enough where nothing fits whole: of two words, one."""

_MOST_WORDS: Final = 8
_ENGLISH: Final = "a an and of in on the for my me i is what mg ml mcg"
_SPANISH: Final = "de la el los las en un una y mi que es con del para por"
_EMPTY: Final = frozenset(f"{_ENGLISH} {_SPANISH}".split())
"""Words that mean nothing in a name, or that stand beside a number."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A term that fits, and how well: 1 where it is called just so."""

    term: Term
    score: float


def search(q: str, language: str) -> list[Hit]:
    """The terms that fit what was typed, the best first; names in other languages count as well, a little less."""
    asked = meaningful(q)[:_MOST_WORDS]
    if not asked:
        return []
    scores = _scores(asked, language)
    enough = _ENOUGH if max(scores.values(), default=0) >= _ENOUGH else _HALF
    terms = vocabulary.terms()
    found = [Hit(terms[slug], score) for slug, score in scores.items() if score >= enough]
    return sorted(found, key=lambda hit: (-round(hit.score, 3), hit.term.slug))


def _scores(asked: list[str], language: str) -> dict[str, float]:
    """How well the best name of each term fits."""
    alike = {word: _alike(word) for word in asked}
    scores: dict[str, float] = {}
    for name in _names():
        score = _fit(name.words, alike) - name.less
        score -= 0 if name.language == language else _NAMED_OTHERWISE
        scores[name.slug] = max(score, scores.get(name.slug, 0))
    return scores


def meaningful(text: str) -> list[str]:
    """The words of a text that mean something, as names are compared."""
    words = key_of(text).split()
    return [word for word in words if word not in _EMPTY and not word.isdigit()] or words


def _fit(words: tuple[str, ...], alike: Mapping[str, Mapping[str, float]]) -> float:
    """How well a name fits: the mean of how well each asked word is in it, less for words that were not asked."""
    best = [max((likes.get(word, 0.0) for word in words), default=0.0) for likes in alike.values()]
    return sum(best) / len(best) - _SURPLUS * max(0, len(words) - len(best))


def _alike(asked: str) -> Mapping[str, float]:
    """The words of names that an asked word may mean, and how surely."""
    known = words()
    begun = {word: _BEGINNING for word in known if len(asked) > 1 and word.startswith(asked)}
    if asked in known:
        return {**begun, asked: 1.0}
    return {**_slips(asked), **begun}


def _slips(asked: str) -> dict[str, float]:
    if len(asked) < _SHORTEST:
        return {}
    from rapidfuzz import process  # noqa: PLC0415  Only who searches pays for the library.
    from rapidfuzz.distance import OSA  # noqa: PLC0415  As above.

    close = process.extract(asked, words(), scorer=OSA.normalized_similarity, score_cutoff=_LIKE, limit=None)
    return {word: score for word, score, _ in close}


@dataclass(frozen=True, slots=True)
class _Name:
    slug: str
    language: str
    words: tuple[str, ...]
    less: float


@lru_cache(maxsize=1)
def _names() -> tuple[_Name, ...]:
    return tuple(_called())


def _called() -> Iterator[_Name]:
    for term in vocabulary.terms().values():
        for language, text in term.texts.items():
            yield _Name(term.slug, language, tuple(meaningful(text.name)), 0)
            for name in text.also:
                yield _Name(term.slug, language, tuple(meaningful(name)), _OTHER_NAME)


@lru_cache(maxsize=1)
def words() -> tuple[str, ...]:
    """Every word that names have, as they are compared."""
    return tuple(sorted({word for name in _names() for word in name.words}))
