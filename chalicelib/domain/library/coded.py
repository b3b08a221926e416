"""Terms of what stands in a record: by its code, by a medication's ingredients, or by its name where a term has it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from chalicelib import vocabulary
from chalicelib.domain.records.categories import Category
from chalicelib.domain.records.keys import folded
from chalicelib.vocabulary import SYSTEMS, Kind, Term

_ICD10: Final = SYSTEMS["icd10"]
_OTHER_NAMES: Final[Mapping[str, str]] = {
    "urn:oid:2.16.840.1.113883.6.1": SYSTEMS["loinc"],
    "urn:oid:2.16.840.1.113883.6.96": SYSTEMS["snomed"],
    "urn:oid:2.16.840.1.113883.6.90": _ICD10,
    "urn:oid:2.16.840.1.113883.6.88": SYSTEMS["rxnorm"],
    "urn:oid:2.16.840.1.113883.12.292": SYSTEMS["cvx"],
    "http://hl7.org/fhir/sid/icd-10": _ICD10,
    "http://www.cms.gov/Medicare/Coding/ICD10": _ICD10,
}
"""Other names that senders have for the code systems."""

_KINDS: Final[Mapping[Category, frozenset[Kind]]] = {
    Category.LAB: frozenset({Kind.TEST}),
    Category.VITAL: frozenset({Kind.TEST}),
    Category.SOCIAL_HISTORY: frozenset({Kind.TEST, Kind.CONDITION}),
    Category.REPORT: frozenset({Kind.TEST, Kind.PROCEDURE, Kind.DOCUMENT}),
    Category.IMAGING: frozenset({Kind.PROCEDURE, Kind.TEST}),
    Category.MEDICATION: frozenset({Kind.MEDICATION}),
    Category.CONDITION: frozenset({Kind.CONDITION, Kind.ALLERGY}),
    Category.ALLERGY: frozenset({Kind.ALLERGY}),
    Category.IMMUNIZATION: frozenset({Kind.VACCINE}),
    Category.PROCEDURE: frozenset({Kind.PROCEDURE, Kind.TEST, Kind.PLAN}),
    Category.ENCOUNTER: frozenset({Kind.VISIT}),
    Category.DOCUMENT: frozenset({Kind.DOCUMENT}),
    Category.CARE_PLAN: frozenset({Kind.PLAN}),
    Category.GOAL: frozenset({Kind.PLAN, Kind.TEST}),
    Category.DEVICE: frozenset({Kind.DEVICE}),
    Category.ORDER: frozenset({Kind.PROCEDURE, Kind.TEST, Kind.PLAN}),
}
"""Which kinds of terms a record of a category may be known by where it has no code that is known."""

_PARTS: Final = re.compile(r" / |\)\s*/\s*\d* ?\(|,? and |(?<=[a-z]{4})/(?=[a-z]{4})")
"""What stands between ingredients: a stroke, but not that of a unit such as MG/ML."""

_WORDS: Final = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Known:
    """The terms of a record, and whether they speak of all of it: of each ingredient of a medication."""

    terms: tuple[Term, ...]
    is_whole: bool


UNKNOWN: Final = Known((), is_whole=False)


def find(system: str | None, code: str | None) -> Term | None:
    """The term of a code. An ICD-10-CM code also finds the term of a category that it lies below."""
    if not system or not code:
        return None
    named = canonical(system)
    codes = _by_code()
    if named != _ICD10:
        return codes.get((named, code))
    bare = code.upper().replace(".", "")
    return next((codes[named, bare[:end]] for end in range(len(bare), 2, -1) if (named, bare[:end]) in codes), None)


def canonical(system: str) -> str:
    """The URL of a code system, whatever its sender calls it."""
    return _OTHER_NAMES.get(system, system)


def find_of(view: Mapping[str, Any]) -> Known:
    """The terms of a record by its view, as lists show it."""
    code = view.get("code") or {}
    term = find(code.get("system"), code.get("code"))
    if view["category"] == Category.MEDICATION:
        return _product(term, [name for name in (code.get("display"), view["title"]) if name])
    if term is None or view["category"] == Category.ALLERGY:
        # What somebody is allergic to may have the code of a medicine; what is said of it is another thing.
        term = _named(view, code.get("display")) or term
    return Known((term,), is_whole=True) if term else UNKNOWN


def _product(term: Term | None, names: list[str]) -> Known:
    """The term of a product's code where it speaks of each ingredient, else those of its ingredients."""
    if term and any(_is_about_all(term, name) for name in names):
        return Known((term,), is_whole=True)
    found = [known for name in names if (known := ingredients(name)).is_whole]
    return found[0] if found else Known((term,), is_whole=True) if term else UNKNOWN


def _is_about_all(term: Term, name: str) -> bool:
    called = {word for other in names_of(term) for word in key_of(other).split()}
    return all(not called.isdisjoint(_WORDS.findall(part)) for part in _parts(name))


def ingredients(name: str) -> Known:
    """The medications whose names stand in a product's name, such as RxNorm's "A 5 MG / B 10 MG Oral Tablet"."""
    parts = _parts(name)
    found = [_ingredient(_WORDS.findall(part)) for part in parts]
    terms = tuple(dict.fromkeys(term.slug for term in found if term))
    return Known(tuple(vocabulary.terms()[slug] for slug in terms), is_whole=bool(parts) and all(found))


def _parts(name: str) -> list[str]:
    return [part for part in _PARTS.split(folded(name)) if any(character.isalpha() for character in part)]


def _ingredient(part: list[str]) -> Term | None:
    """The medication whose name is the longest that stands in a part, word by word."""
    names = _medications()
    for length in range(min(len(part), 4), 0, -1):
        for start in range(len(part) - length + 1):
            found = names.get(" ".join(part[start : start + length]))
            if found:
                return found
    return None


def _named(view: Mapping[str, Any], display: str | None) -> Term | None:
    kinds = _KINDS.get(view["category"], frozenset[Kind]())
    spoken = [key_of(name) for name in (view["title"], display) if name]
    return next((term for name in spoken for kind in kinds if (term := _by_name().get((kind, name)))), None)


def key_of(name: str) -> str:
    """A name as it is compared: its words alone, without case, accents and marks."""
    return " ".join(_WORDS.findall(folded(name)))


def names_of(term: Term) -> Iterator[str]:
    """What a term is called, in every language."""
    for text in term.texts.values():
        yield text.name
        yield from text.also


@lru_cache(maxsize=1)
def _by_code() -> Mapping[tuple[str, str], Term]:
    return {
        (one.system, one.code.replace(".", "") if one.system == _ICD10 else one.code): term
        for term in vocabulary.terms().values()
        for one in term.codes
    }


@lru_cache(maxsize=1)
def _by_name() -> Mapping[tuple[Kind, str], Term]:
    return {(term.kind, key_of(name)): term for term in vocabulary.terms().values() for name in names_of(term)}


@lru_cache(maxsize=1)
def _medications() -> Mapping[str, Term]:
    return {name: term for (kind, name), term in _by_name().items() if kind is Kind.MEDICATION}
