"""The library: the portal's vocabulary to browse and to search. Public, and the same for everybody."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chalicelib import vocabulary
from chalicelib.domain.library import coded, search
from chalicelib.errors import NotFound
from chalicelib.vocabulary import Kind, Term

NO_LETTER: Final = "#"
"""Under which names are found that begin with no letter."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which terms. `letter` is one, or NO_LETTER; `code` is `system|code`."""

    letter: str | None = None
    q: str | None = None
    kind: Kind | None = None
    code: str | None = None


def find(wanted: Wanted, language: str) -> list[Term]:
    """The terms that are wanted: by name, or the best fit first where words were typed."""
    return [term for term in _candidates(wanted, language) if _fits(term, wanted, language)]


def find_letters(kind: Kind | None, language: str) -> list[str]:
    """The letters under which there are terms, in the order of the alphabet."""
    return sorted({_letter(term, language) for term in find(Wanted(kind=kind), language)})


def read(slug: str) -> Term:
    """One term. Raises NotFound."""
    term = vocabulary.terms().get(slug)
    if term is None:
        raise NotFound
    return term


def _candidates(wanted: Wanted, language: str) -> Sequence[Term]:
    if wanted.code is not None:
        system, _, code = wanted.code.rpartition("|")
        found = coded.find(system, code)
        return [found] if found else []
    if wanted.q is not None:
        return [hit.term for hit in search.search(wanted.q, language)]
    return sorted(vocabulary.terms().values(), key=lambda term: (coded.key_of(term.texts[language].name), term.slug))


def _fits(term: Term, wanted: Wanted, language: str) -> bool:
    if wanted.kind not in {None, term.kind}:
        return False
    return (
        wanted.letter is None
        or _letter(term, language) == coded.key_of(wanted.letter).upper()
        or (wanted.letter == _letter(term, language))
    )


def _letter(term: Term, language: str) -> str:
    first = coded.key_of(term.texts[language].name)[:1].upper()
    return first if first.isalpha() else NO_LETTER
