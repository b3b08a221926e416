"""Names of the vocabulary's terms in the words of a question: the longest that stand there, word by word."""

import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from chalicelib import vocabulary
from chalicelib.domain.library.coded import names_of
from chalicelib.domain.questions.lexicon import CUES, FUNCTION_WORDS
from chalicelib.domain.records.keys import bare

_WORDS: Final = re.compile(r"[^\W_]+")
_SILENT: Final = re.compile("['’`´]")  # noqa: RUF001  People type each of them.
_LONGEST_NAME: Final = 8
_PLURAL: Final = 4
_LONG: Final = 4


@dataclass(frozen=True, slots=True)
class Mention:
    """A name in a question: the terms that are called so, and which words it takes up."""

    slugs: tuple[str, ...]
    begin: int
    end: int


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text as they are compared: without case, accents and apostrophes."""
    return tuple(_WORDS.findall(bare(_SILENT.sub("", text))))


def stem(word: str) -> str:
    """A word without the mark of its plural."""
    if len(word) < _PLURAL or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    return word[:-1]


def find_mentions(words: Collection[str]) -> list[Mention]:
    """The names that stand in a question, from its beginning on; none of them takes up words of another."""
    stems = [stem(word) for word in words]
    found: list[Mention] = []
    place = 0
    while place < len(stems):
        mention = _mention(stems, place)
        if mention is not None:
            found.append(mention)
        place = mention.end if mention is not None else place + 1
    return found


def _mention(stems: list[str], begin: int) -> Mention | None:
    for end in range(min(len(stems), begin + _LONGEST_NAME), begin, -1):
        slugs = _index().get(tuple(stems[begin:end]))
        if slugs:
            return Mention(slugs, begin, end)
    return None


@lru_cache(maxsize=1)
def _index() -> Mapping[tuple[str, ...], tuple[str, ...]]:
    """Terms by the words of their names; what is said of them in every question is no name of one."""
    found = defaultdict[tuple[str, ...], dict[str, None]](dict)
    for term in vocabulary.terms().values():
        for name in names_of(term):
            key = tuple(stem(word) for word in words_of(name))
            if key and not all(word in _empty() for word in key):
                found[key][term.slug] = None
    return {key: tuple(slugs) for key, slugs in found.items()}


@lru_cache(maxsize=1)
def _empty() -> frozenset[str]:
    every = frozenset().union(*FUNCTION_WORDS.values(), *CUES.values())
    return every | {stem(word) for word in every}


@lru_cache(maxsize=1)
def name_words() -> frozenset[str]:
    """Every word of a name, in every language, and the same without the mark of its plural."""
    every = {word for term in vocabulary.terms().values() for name in names_of(term) for word in words_of(name)}
    return frozenset(every | {stem(word) for word in every})


@lru_cache(maxsize=1)
def long_name_words() -> tuple[str, ...]:
    """Those words of names that a slip may stand for."""
    return tuple(sorted(word for word in name_words() if len(word) >= _LONG and not word.isdigit()))
