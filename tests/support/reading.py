"""How many years of school a text asks of its reader, by textstat, for English and Spanish.

English has the Flesch-Kincaid grade, a US grade (Kincaid et al. 1975). Spanish has Crawford's years of schooling
("Fórmula y gráfico para determinar la comprensibilidad de textos de nivel primario en castellano", 1989) and the school
grades of Fernández Huerta's scale ("Medidas sencillas de lecturabilidad", 1959), of which the higher counts.

textstat counts Spanish syllables by where a line may be broken, which never parts a vowel that stands alone (a-ño). It
finds too few, so a text looks easier than it is: Spanish is graded with its count and with every syllable.
"""

import re
from collections.abc import Callable, Mapping

from textstat.textstat import textstatistics

HIGHEST_GRADE = 6.0

_FERNANDEZ_HUERTA = ((90.0, 4.0), (80.0, 5.0), (70.0, 6.0), (60.0, 8.0), (50.0, 12.0))
_HARDEST = 16.0
# The scale is meant for samples of a hundred words; in a line or two, one long word moves it by several grades.
_SAMPLE = 20

_URL = re.compile(r"https?://\S+")
_HALF_OF_THE_DAY = re.compile(r"\b([ap])\. m\.")
_UNENDED = re.compile(r"(?<=[^\s.!?:])[ \t]*$", re.MULTILINE)
_VOWELS = re.compile(r"[aeiouáéíóúü]+")
_OPEN_OR_STRESSED = re.compile(r"[aeoáéó]|[íú](?![iu])")


def cleaned(text: str, names: Mapping[str, str]) -> str:
    """A text as it is measured.

    Without addresses, which are opened and not read, and end the sentence that leads to them. With a short word for
    each of `names`, which the portal does not choose. With a full stop after a heading, a label or a button, which are
    no part of the sentence that follows.
    """
    text = "\n".join(line for line in text.splitlines() if _is_said(line))
    for name, short in names.items():
        text = text.replace(name, short)
    text = _HALF_OF_THE_DAY.sub(r"\1m", _URL.sub(".", text))
    return " ".join(_UNENDED.sub(".", text).split())


def grade(text: str, language: str) -> float:
    """The US grade of a cleaned text. Raises KeyError for a language that has no measure here."""
    return _GRADES[language](text)


def spanish_syllables(word: str) -> int:
    """The syllables of a Spanish word by its vowels (RAE, Ortografía, 2010).

    Open vowels, and closed ones that bear the accent beside them, are each the middle of a syllable; other closed ones
    join their neighbours. An h parts nothing, and the u of que, qui, gue and gui is not heard. Numbers count as one.
    """
    heard = re.sub(r"(?<=[gq])u(?=[eiéí])", "", word.lower().replace("h", ""))
    heard = re.sub(r"y(?![aeiouáéíóúü])", "i", heard)
    return sum(len(_OPEN_OR_STRESSED.findall(group)) or 1 for group in _VOWELS.findall(heard)) or 1


def _is_said(line: str) -> bool:
    return any(character.isalnum() for character in line)


def _english(text: str) -> float:
    return float(_measures("en_US").flesch_kincaid_grade(text))


def _spanish(text: str) -> float:
    measures = _measures("es")
    words, sentences = int(measures.lexicon_count(text)), int(measures.sentence_count(text))
    syllables = sum(spanish_syllables(word) for word in text.split() if _is_said(word))
    crawford = -20.5 * sentences / words + 4.9 * syllables / words - 3.407
    ease = 206.84 - 60 * syllables / words - 1.02 * words / sentences
    return max(float(measures.crawford(text)), crawford, _grade_of_ease(ease) if words >= _SAMPLE else 0.0)


def _grade_of_ease(ease: float) -> float:
    return next((grade for lowest, grade in _FERNANDEZ_HUERTA if ease >= lowest), _HARDEST)


def _measures(language: str) -> textstatistics:
    measures = textstatistics()
    measures.set_lang(language)
    return measures


_GRADES: Mapping[str, Callable[[str], float]] = {"en": _english, "es": _spanish}
