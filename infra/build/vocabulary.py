"""What is wrong with the vocabulary's files, in words: `make vocabulary`, or `make vocabulary ARGS="asthma"` for some.

Looks at one file at a time (shape, reading grade, banned words, languages, sources) and at all of them together (codes
and names that two terms claim).
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from chalicelib import vocabulary, words
from chalicelib.domain import advice, reading
from chalicelib.vocabulary import SYSTEMS, Kind, Section, Term, sources

FOLDER: Final = Path(vocabulary.__file__).parent
HIGHEST_GRADE: Final = 6.0
LONGEST_SENTENCE: Final = 20
MOST_SENTENCES: Final = 4
REVIEWERS: Final = frozenset({"authors", "nurse", "pharmacist", "physician"})
"""Who may have reviewed a term last; `authors` says that no clinician has, yet."""

NEEDED: Final[Mapping[Kind, frozenset[Section]]] = {
    Kind.TEST: frozenset({Section.WHAT, Section.NEXT, Section.ASK}),
    Kind.CONDITION: frozenset({Section.WHAT, Section.URGENT, Section.NEXT, Section.ASK}),
    Kind.MEDICATION: frozenset({Section.WHAT, Section.RISKS, Section.URGENT, Section.ASK}),
    Kind.PROCEDURE: frozenset({Section.WHAT, Section.RISKS, Section.NEXT, Section.ASK}),
    Kind.VACCINE: frozenset({Section.WHAT, Section.RISKS, Section.URGENT, Section.ASK}),
    Kind.ALLERGY: frozenset({Section.WHAT, Section.URGENT, Section.ASK}),
    Kind.VISIT: frozenset({Section.WHAT, Section.ASK}),
    Kind.PLAN: frozenset({Section.WHAT, Section.ASK}),
    Kind.DEVICE: frozenset({Section.WHAT, Section.RISKS, Section.URGENT, Section.ASK}),
    Kind.DOCUMENT: frozenset({Section.WHAT, Section.ASK}),
}
_HEADS: Final = {
    "version": int,
    "reviewed_on": str,
    "reviewed_by": str,
    "sources": list,
    "codes": list,
    "critical": dict,
    **dict.fromkeys(words.languages(), dict),
}
_OPTIONAL: Final = {"critical"}

_SLUG = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_DIGITS = re.compile(r"[^\s()¿?.,;:]*\d[^\s()¿?,;:]*")
_EMERGENCY: Final = frozenset({"911", "988"})


def problems(path: Path) -> list[str]:
    """What is wrong with one file, each in a sentence; nothing where it may be used."""
    kind = next((kind for kind in Kind if vocabulary.folder(kind) == path.parent.name), None)
    if kind is None or not _SLUG.fullmatch(path.stem):
        return ["the file has to lie in the folder of its kind, named in small letters, digits and hyphens"]
    try:
        file = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        return [f"this is no JSON: {error}"]
    found = [*_of_head(file)]
    if not found:
        found = [*_of_shape(file, kind)]
    return found or [*_of_term(vocabulary.parse(path.stem, kind, file))]


def _of_head(file: Any) -> Iterator[str]:
    if not isinstance(file, dict):
        yield "the file has to be one object"
        return
    for name in file.keys() - _HEADS.keys():
        yield f'"{name}" is no field of a term'
    for name, type in _HEADS.items():
        if name not in file:
            if name not in _OPTIONAL:
                yield f'"{name}" is missing'
        elif not isinstance(file[name], type):
            yield f'"{name}" has to be a {type.__name__}'


def _of_shape(file: dict[str, Any], kind: Kind) -> Iterator[str]:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", file["reviewed_on"]):
        yield '"reviewed_on" has to be a date such as 2026-11-23'
    if file["reviewed_by"] not in REVIEWERS:
        yield f'"reviewed_by" has to be one of {", ".join(sorted(REVIEWERS))}'
    if not file["sources"] or set(file["sources"]) - sources.KEYS:
        yield f'"sources" has to name at least one of {", ".join(sorted(sources.KEYS))}'
    for code in file["codes"]:
        if code.keys() != {"system", "code", "display"} or code["system"] not in SYSTEMS:
            yield f"{code} is no code: system ({', '.join(SYSTEMS)}), code and display"
    if "critical" in file and (
        kind is not Kind.TEST or not {"unit"} < file["critical"].keys() <= {"unit", "low", "high"}
    ):
        yield '"critical" belongs to tests, and has a unit with low, high or both'
    for language in words.languages():
        yield from _of_text(file[language], language, kind)


def _of_text(part: dict[str, Any], language: str, kind: Kind) -> Iterator[str]:
    for name in part.keys() - {"name", "also", *Section}:
        yield f'{language}: "{name}" is no section'
    for name in {"name", *NEEDED[kind]} - part.keys():
        yield f'{language}: "{name}" is missing'
    for section in Section:
        said = part.get(section, ["."])
        if not isinstance(said, list) or not said or not all(isinstance(one, str) for one in said):
            yield f'{language}: "{section}" has to be a list of sentences'


def _of_term(term: Term) -> Iterator[str]:
    first, *others = (set(text.sections) for text in term.texts.values())
    if any(other != first for other in others):
        yield "the languages have to have the same sections"
    if "medlineplus" in term.sources and not sources.links(term, words.DEFAULT):
        yield "medlineplus is a source of terms that have a LOINC, SNOMED CT, ICD-10-CM or RxNorm code"
    for language, text in term.texts.items():
        known = " ".join((text.name, *text.also)).lower()
        for section, said in text.sections.items():
            if len(said) > MOST_SENTENCES:
                yield f"{language}: {section} has more than {MOST_SENTENCES} sentences"
            for sentence in said:
                yield from (
                    f"{language}: {section}: {one}: {sentence}"
                    for one in _of_sentence(sentence, section, language, known)
                )
        grade = grade_of(term, language)
        if grade > HIGHEST_GRADE:
            yield f"{language}: reads at grade {grade}: shorter words and sentences bring it to {HIGHEST_GRADE:.0f}"


def _of_sentence(sentence: str, section: Section, language: str, known: str) -> Iterator[str]:
    if not re.search(r"[.!?]$", sentence) or re.search(r"[.!?]\s+\S", sentence):
        yield "is not one sentence with its full stop"
    if (section is Section.ASK) != sentence.endswith("?"):
        yield "questions stand in ask, and nothing else does"
    if len(sentence.split()) > LONGEST_SENTENCE:
        yield f"has more than {LONGEST_SENTENCE} words"
    if re.search(r"[<>|{}\[\]]|https?:", sentence):
        yield "has a mark or an address in it"
    yield from _of_words(sentence, language, known)


def _of_words(sentence: str, language: str, known: str) -> Iterator[str]:
    for number in _DIGITS.findall(sentence):
        if number.strip(".").lower() not in known and number.strip(".") not in _EMERGENCY:
            yield f'has a number of its own ("{number}"), where numbers are the record\'s'
    for banned in advice.found_in(sentence, language):
        yield f'"{banned}" sounds like a diagnosis or advice on a dose'


def grade_of(term: Term, language: str) -> float:
    """The reading grade of a term's whole text."""
    sections = term.texts[language].sections.values()
    return reading.grade(" ".join(sentence for said in sections for sentence in said), language)


def claimed_twice(terms: Mapping[str, Term]) -> list[str]:
    """Codes, slugs, and names of one kind, that more than one term has."""
    codes = Counter((one.system, one.code) for term in terms.values() for one in term.codes)
    names = Counter(
        (term.kind, language, text.name.lower()) for term in terms.values() for language, text in term.texts.items()
    )
    slugs = Counter((path.stem,) for path in FOLDER.glob("*/*.json"))
    counted = [*codes.items(), *names.items(), *slugs.items()]
    return [f"{' '.join(one)} belongs to {count} terms" for one, count in counted if count > 1]


def main(asked: list[str]) -> int:
    """Prints what is wrong, and counts what is there."""
    paths = sorted(path for path in FOLDER.glob("*/*.json") if not asked or path.stem in asked)
    wrong = {path: found for path in paths if (found := problems(path))}
    for path, found in wrong.items():
        print(f"{path.parent.name}/{path.name}")
        print("\n".join(f"  {one}" for one in found))
    if wrong:
        return 1
    if asked:
        for path in paths:
            print(f"{path.stem}: {', '.join(_grades(vocabulary.terms()[path.stem]))}")
        return 0
    twice = claimed_twice(vocabulary.terms())
    print("\n".join(twice) or _counted(vocabulary.terms()))
    return 1 if twice else 0


def _grades(term: Term) -> list[str]:
    return [f"{language} reads at grade {grade_of(term, language)}" for language in term.texts]


def _counted(terms: Mapping[str, Term]) -> str:
    kinds, reviewers = (Counter(getattr(term, name) for term in terms.values()) for name in ("kind", "reviewed_by"))
    codes = Counter(term.kind for term in terms.values() for _ in term.codes)
    lines = [f"{kind:<12} {count:>4} terms {codes[kind]:>5} codes" for kind, count in sorted(kinds.items())]
    return "\n".join([*lines, *(f"reviewed by {name}: {count}" for name, count in sorted(reviewers.items()))])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
