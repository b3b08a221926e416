"""Finds the clinic's, the user's and the patient's own words in a folded password."""

import re
from collections.abc import Iterable, Iterator
from datetime import date

from chalicelib.domain.passwords.folding import Spelling, word_skeletons

_SHORTEST_WORD = 3
_SHORTEST_NUMBER = 4
_SHORTEST_WORD_BEYOND_ASCII = 2
_EVERYBODYS = frozenset({"the", "and", "for", "com", "net", "org", "www"})
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)


def own_words_mask(typed: Spelling, spellings: Iterable[Spelling], own_words: Iterable[str]) -> int:
    """The bits of all places where one of the own words stands: numbers as they were typed, the rest by skeleton."""
    forms = {form for word in own_words for form in forms_of(word)}
    numbers = {form for form in forms if form.isdecimal()}
    skeletons = {skeleton for form in forms - numbers for skeleton in word_skeletons(form)}
    mask = 0
    for spelling, words in ((typed, numbers), *((spelling, skeletons) for spelling in spellings)):
        for word in words:
            mask |= _places(spelling, word)
    return mask


def forms_of(word: str) -> frozenset[str]:
    """What people make of a word: itself, its parts ("Riverside Clinic", "ann@example.org"), a date's usual forms."""
    parts = {part for part in re.split(r"[\W_]+", word) if part.casefold() not in _EVERYBODYS}
    forms = {word, word.partition("@")[0], *parts, *_forms_of_date(word.strip())}
    return frozenset(form for form in forms if _is_long_enough(form))


def _is_long_enough(form: str) -> bool:
    if form.isdecimal():
        return len(form) >= _SHORTEST_NUMBER
    return len(form) >= (_SHORTEST_WORD if form.isascii() else _SHORTEST_WORD_BEYOND_ASCII)


def _forms_of_date(text: str) -> Iterator[str]:
    if not _DATE.fullmatch(text):
        return
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return
    for year in (f"{day:%Y}", f"{day:%y}"):
        for month in (f"{day:%m}", str(day.month), _MONTHS[day.month - 1], _MONTHS[day.month - 1][:3]):
            yield f"{month}{year}" if month.isalpha() else ""
            for number in (f"{day:%d}", str(day.day)):
                yield from (f"{year}{month}{number}", f"{number}{month}{year}", f"{month}{number}{year}")
                yield f"{month}{number}" if month.isalpha() else ""


def _places(spelling: Spelling, word: str) -> int:
    mask, start = 0, spelling.text.find(word) if word else -1
    while start >= 0:
        mask |= spelling.mask(start, start + len(word))
        start = spelling.text.find(word, start + 1)
    return mask
