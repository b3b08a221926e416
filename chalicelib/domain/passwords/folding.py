"""Makes spellings of one word alike, so that "P@ssw0rd", "pass-word" and "PÄSSWORD" are found as the same word."""

import unicodedata
from dataclasses import dataclass
from itertools import pairwise

SEPARATOR = " "
# What people put between words. Other signs count as characters of their own.
_SEPARATING_SIGNS = frozenset("-_.,/'\u2019")
# Letters that Unicode does not take apart into a letter and a mark.
_WITHOUT_STROKES = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"})  # noqa: RUF001
# Digits and signs that stand for letters. Letters that share a digit (i and l are both 1) become one letter.
_LEET_SIGNS = str.maketrans({"@": "a", "$": "s", "!": "i", "|": "i", "+": "t", "(": "c", "€": "e"})
_LOOKALIKES = str.maketrans("0123456789l", "oizeasgtbgi")


def fold(password: str) -> str:
    """The password in lower case without accents; spaces, hyphens and the like become `SEPARATOR`."""
    text = password.casefold()
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text).casefold().translate(_WITHOUT_STROKES)
    return "".join(map(_fold_character, text))


def _fold_character(character: str) -> str:
    if character.isalnum():
        return character
    if character in _SEPARATING_SIGNS:
        return SEPARATOR
    category = unicodedata.category(character)
    if category[0] == "Z" or category == "Pd":
        return SEPARATOR
    return "" if category in {"Mn", "Me", "Cf", "Cc"} else character


def skeleton(letters: str) -> str:
    """The letters with look-alikes made one: "pa55word" and "password" have the same skeleton. As long as its input."""
    return letters.translate(_LOOKALIKES)


@dataclass(frozen=True)
class Spelling:
    """One way to read a folded password, and where in it each character stands."""

    text: str
    at: tuple[int, ...]

    def mask(self, start: int, end: int) -> int:
        """The bits of the folded password under text[start:end], separators and signs inside it included."""
        return (1 << (self.at[end - 1] + 1)) - (1 << self.at[start])


def without_separators(folded: str) -> Spelling:
    """Every character but the separators."""
    return _select(folded, [character != SEPARATOR for character in folded])


def without_doubles(spelling: Spelling) -> Spelling:
    """Each character once where it stands several times in a row."""
    text = spelling.text
    kept = [True, *(left != right for left, right in pairwise(text))] if text else []
    return Spelling(
        "".join(character for character, keep in zip(text, kept, strict=True) if keep),
        tuple(position for position, keep in zip(spelling.at, kept, strict=True) if keep),
    )


def word_spellings(folded: str) -> tuple[Spelling, ...]:
    """The skeletons to look words up in: with signs left out, and with signs read as letters where that differs."""
    plain = _as_skeleton(_select(folded, [is_letter(character) for character in folded]))
    leet_text = folded.translate(_LEET_SIGNS)
    leet = _as_skeleton(_select(leet_text, [is_letter(character) for character in leet_text]))
    return (plain,) if plain == leet else (plain, leet)


def word_skeletons(word: str) -> frozenset[str]:
    """Every skeleton under which `word` may be found in a password."""
    if word.isascii() and word.isalnum():
        return frozenset((skeleton(word.casefold()),))
    return frozenset(spelling.text for spelling in word_spellings(fold(word)))


def is_letter(character: str) -> bool:
    """Whether a folded character belongs to a word: letters, digits, and what Unicode has beyond signs (emoji too)."""
    return character.isalnum() or (not character.isascii() and unicodedata.category(character)[0] not in "PZ")


def _select(folded: str, kept: list[bool]) -> Spelling:
    positions = tuple(position for position, keep in enumerate(kept) if keep)
    return Spelling("".join(folded[position] for position in positions), positions)


def _as_skeleton(spelling: Spelling) -> Spelling:
    return Spelling(skeleton(spelling.text), spelling.at)
