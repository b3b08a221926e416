"""Which passwords the portal takes (PROMISES PW 1 and 2, NIST SP 800-63B-4 3.1.1): long ones that nobody guesses.

There are no composition rules. A password is refused for what an attacker would try first: common passwords, the
person's and the clinic's own words, runs and repeats, alone or with fewer than eight characters more.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from chalicelib.domain.passwords.common import LONGEST_WORD, find_common, pairs_of
from chalicelib.domain.passwords.folding import (
    SEPARATOR,
    fold,
    without_doubles,
    without_separators,
    word_spellings,
)
from chalicelib.domain.passwords.own_words import own_words_mask
from chalicelib.domain.passwords.patterns import copies_mask, runs_mask

__all__ = ["LONGEST", "SHORTEST", "SHORTEST_WITH_SECOND_FACTOR", "Reason", "check", "is_too_long", "normalise"]

SHORTEST = 15
SHORTEST_WITH_SECOND_FACTOR = 8
LONGEST = 256
# So many characters beside what everybody guesses make a password of their own (PW 2).
_FURTHER = 8
# One common word is no secret with fewer characters than this beside it and its copies, two are none by themselves.
_FURTHER_BESIDE_WORD = 4
_FURTHER_BESIDE_PAIR = 1
_SHORTEST_COMMON = 8
# In a short password only a word of this length is told from chance.
_SHORTEST_ALONE = 6
# Four words that stand apart are a passphrase, whatever two of them may read together.
_WORDS_OF_PHRASE, _SHORTEST_OF_PHRASE = 4, 3
_SHORTEST_RUNS = 6
_FEWEST_CHARACTERS = 5
# No text of canonically equivalent characters shrinks to less than a quarter in NFC.
_SHRINKING = 4
_UNUSABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")


class Reason(StrEnum):
    """Why a password is refused; the values are stable codes for clients."""

    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    UNUSABLE_CHARACTERS = "unusable_characters"
    COMMON = "common"
    OWN_WORDS = "own_words"
    REPEATS = "repeats"
    RUNS = "runs"


def normalise(password: str) -> str:
    """The password in Unicode's NFC: the form that is counted, checked and hashed. Nothing is trimmed or cut off."""
    return password if password.isascii() else unicodedata.normalize("NFC", password)


def is_too_long(password: str) -> bool:
    """Whether the password has more than 256 code points in NFC; costs nothing however long it is."""
    return len(password) > LONGEST * _SHRINKING or len(normalise(password)) > LONGEST


def check(password: str, *, minimum: int = SHORTEST, own_words: Iterable[str]) -> list[Reason]:
    """Every reason to refuse the password; empty when it is fine.

    Args:
        password: as typed, in any Unicode form.
        minimum: the fewest code points in NFC: 15, or 8 once a second factor is bound.
        own_words: names, username, email, birth date (`YYYY-MM-DD`), clinic number, clinic name, as they are stored;
            their parts and usual forms are found too. Empty ones are ignored.
    """
    if is_too_long(password):
        return [Reason.TOO_LONG]
    if _UNUSABLE.search(password):
        return [Reason.UNUSABLE_CHARACTERS]
    text = normalise(password)
    reasons = [Reason.TOO_SHORT] if len(text) < minimum else []
    return reasons + _Look.at(text, own_words).reasons(pairs_count=minimum >= SHORTEST)


@dataclass(frozen=True)
class _Look:
    """What was found in a password. Masks have one bit for each character of the folded password."""

    folded: str
    different: int
    separators: int
    copies: int
    runs: int
    own: int
    common: dict[str, int]

    @classmethod
    def at(cls, password: str, own_words: Iterable[str]) -> "_Look":
        folded = fold(password)
        typed, words = without_separators(folded), word_spellings(folded)
        copies, runs = copies_mask(typed), runs_mask(typed) | runs_mask(without_doubles(typed))
        # No common password covers so much, and looking for one takes the longer the more there is.
        is_long = len(typed.text) - (copies | runs).bit_count() > LONGEST_WORD + _FURTHER
        return cls(
            folded=folded,
            different=len(set(folded) - {SEPARATOR}),
            separators=sum(1 << at for at, character in enumerate(folded) if character == SEPARATOR),
            copies=copies,
            runs=runs,
            own=own_words_mask(typed, words, own_words),
            common={} if is_long else find_common(words, copies),
        )

    def reasons(self, *, pairs_count: bool) -> list[Reason]:
        found = {
            Reason.COMMON: self._is_common(pairs_count=pairs_count),
            Reason.OWN_WORDS: bool(self.own) and self._leaves_less_than(_FURTHER, self.own),
            Reason.REPEATS: self._repeats(),
            Reason.RUNS: self.runs.bit_count() >= _SHORTEST_RUNS and self._leaves_less_than(_FURTHER, self.runs),
        }
        return [reason for reason, is_so in found.items() if is_so]

    def _is_common(self, *, pairs_count: bool) -> bool:
        long_ones = (mask for word, mask in self.common.items() if len(word) >= _SHORTEST_COMMON)
        if any(self._leaves_less_than(_FURTHER, mask) for mask in long_ones):
            return True
        words = [mask for word, mask in self.common.items() if len(word) >= (0 if pairs_count else _SHORTEST_ALONE)]
        known = self.own | self._years()
        if any(
            self._leaves_less_than(_FURTHER_BESIDE_WORD, mask | known)
            for mask in ([0, *words] if pairs_count else words)
        ):
            return True
        pairs = pairs_of([0, *words]) if pairs_count and not self._is_phrase() else []
        return any(self._leaves_less_than(_FURTHER_BESIDE_PAIR, mask | known) for mask in pairs)

    def _is_phrase(self) -> bool:
        words = {word for word in self.folded.split(SEPARATOR) if len(word) >= _SHORTEST_OF_PHRASE}
        return len(words) >= _WORDS_OF_PHRASE

    def _repeats(self) -> bool:
        typed = without_separators(self.folded)
        length, copied = len(typed.text), (self.copies & ~self.separators).bit_count()
        new = min(length - copied, len(without_doubles(typed).text))
        return self.different < _FEWEST_CHARACTERS or (new < _FURTHER and 2 * (length - new) >= length)

    def _years(self) -> int:
        return sum((1 << year.end()) - (1 << year.start()) for year in _YEAR.finditer(self.folded))

    def _leaves_less_than(self, further: int, mask: int) -> bool:
        """Whether fewer than `further` characters stand outside the mask, copies and runs not counted."""
        covered = mask | self.copies | self.runs
        total = (1 << len(self.folded)) - 1
        if (total & ~(covered | self.separators)).bit_count() >= further:
            return False
        rest = "".join("\0" if covered >> at & 1 else character for at, character in enumerate(self.folded))
        return sum(len(stretch.strip(SEPARATOR)) for stretch in rest.split("\0")) < further
