"""How staff look for a patient: by the beginning of names, by birth date, by clinic number."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from chalicelib.domain.records.keys import folded

SHORTEST_PREFIX = 2
"""Letters of a name at least, so that nobody leafs through all patients."""

_MOST_WORDS = 6
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_AMERICAN = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}|\d{1,2}/\d{1,2}/\d{4}")


@dataclass(frozen=True, slots=True)
class Search:
    """What was asked for: the beginnings of names, folded, and a birth date (ISO 8601)."""

    prefixes: tuple[str, ...]
    birth_date: str | None

    @property
    def is_empty(self) -> bool:
        """Whether it would find everybody."""
        return self.birth_date is None and not any(len(one) >= SHORTEST_PREFIX for one in self.prefixes)

    def fits(self, words: Iterable[str], birth_date: str | None) -> bool:
        """Whether a patient with these words in their names is meant."""
        known = list(words)
        named = all(any(word.startswith(prefix) for word in known) for prefix in self.prefixes)
        return named and self.birth_date in {None, birth_date}


def read(q: str) -> Search:
    """A search as typed: names and a date in any order, with or without a comma."""
    found = _DATE.search(q)
    rest = q.replace(found[0], " ") if found else q
    return Search(tuple(words_of([rest])), _date(found[0]) if found else None)


def words_of(names: Iterable[str]) -> list[str]:
    """The words of names, folded, each once; so many as one patient is found by."""
    words = (word for name in names for word in re.findall(r"\w+", folded(name)))
    return list(dict.fromkeys(words))[:_MOST_WORDS]


def _date(text: str) -> str | None:
    if iso := _ISO.fullmatch(text):
        year, month, day = iso.groups()
    else:
        american = _AMERICAN.fullmatch(text)
        assert american is not None
        month, day, year = american.groups()
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        # No patient was born on it.
        return "0000-00-00"
