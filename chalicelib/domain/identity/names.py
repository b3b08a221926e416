"""Whether a typed name is the one on file, by any of the spellings that people use for their own names."""

import re
import unicodedata
from collections.abc import Iterable

_APOSTROPHES = re.compile("['’‘ʼʻ´`′]")  # noqa: RUF001  # What keyboards and other systems put for an apostrophe.
_WITHOUT_STROKES = {"ł": "l", "đ": "d", "ð": "d", "þ": "th", "ß": "ss", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"}  # noqa: RUF001
_SHORT = str.maketrans({**_WITHOUT_STROKES, "ø": "o"})
# German, Danish and Swedish write their letters out where a keyboard lacks them: Müller is Mueller, Åse is Aase.
_WRITTEN_OUT = str.maketrans({**_WITHOUT_STROKES, "ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv"})

_Words = tuple[str, ...]
# Longer ones are nobody's, and comparing takes the longer the more words there are.
_LONGEST = 200


def names_match(given: str, family: str, on_file: Iterable[tuple[list[str], str]]) -> bool:
    """Whether the typed names are those of any name on file (official, usual, maiden: whichever the clinic has).

    Case, accents, apostrophes, hyphens, spaces and suffixes (Jr.) do not matter; middle names may be missing on either
    side, shortened to their initials, or be the name that the person goes by; a double surname may stand in either
    order but not lose a half. Nothing matches an empty name.

    Args:
        given: first name, with or without middle names.
        family: last name.
        on_file: given names in their order, and family name, of each name.
    """
    if len(given) > _LONGEST or len(family) > _LONGEST:
        return False
    return any(
        _any_given_matches(_spellings(given), _spellings(" ".join(names)))
        and _any_family_matches(_spellings(family), _spellings(last_name))
        for names, last_name in on_file
    )


def family_keys(family: str) -> frozenset[str]:
    """Keys of a last name, of which two names that `names_match` holds for one share at least one.

    A key is the letters of the name in the order of the alphabet: words may change places or be written as one.
    """
    if len(family) > _LONGEST:
        return frozenset()
    return frozenset("".join(sorted("".join(words))) for words in _spellings(family)) - {""}


def _spellings(name: str) -> list[_Words]:
    """The words of a name, with letters like ü shortened and written out."""
    text = _APOSTROPHES.sub("", unicodedata.normalize("NFC", name).casefold())
    text = unicodedata.normalize("NFC", text)
    return [_words(text.translate(table)) for table in (_SHORT, _WRITTEN_OUT)]


def _words(text: str) -> _Words:
    letters = (mark for mark in unicodedata.normalize("NFKD", text) if not unicodedata.category(mark).startswith("M"))
    words = tuple(re.findall(r"[^\W_]+", unicodedata.normalize("NFC", "".join(letters)).casefold()))
    without_suffix = tuple(word for word in words if word not in _SUFFIXES)
    return without_suffix or words


def _any_given_matches(typed: list[_Words], on_file: list[_Words]) -> bool:
    return any(_given_matches(one, other) for one in typed for other in on_file)


def _any_family_matches(typed: list[_Words], on_file: list[_Words]) -> bool:
    return any(_family_matches(one, other) for one in typed for other in on_file)


def _given_matches(typed: _Words, on_file: _Words) -> bool:
    """Whether the longest first names agree and what follows on both sides does too, name by name or by initial."""
    return any(
        "".join(typed[:taken]) == "".join(on_file[start:end]) and _rest_matches(typed[taken:], on_file[end:])
        for taken in range(len(typed), 0, -1)
        for start in range(len(on_file))
        for end in range(start + 1, len(on_file) + 1)
    )


def _rest_matches(typed: _Words, on_file: _Words) -> bool:
    return all(
        one == other or (min(len(one), len(other)) == 1 and one[0] == other[0])
        for one, other in zip(typed, on_file, strict=False)
    )


def _family_matches(typed: _Words, on_file: _Words) -> bool:
    if not typed or not on_file:
        return False
    return "".join(typed) == "".join(on_file) or sorted(typed) == sorted(on_file)
