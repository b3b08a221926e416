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

from chalicelib.domain.reading import spanish_grade, spanish_syllables

HIGHEST_GRADE = 6.0

_URL = re.compile(r"https?://\S+")
_HALF_OF_THE_DAY = re.compile(r"\b([ap])\. m\.")
_UNENDED = re.compile(r"(?<=[^\s.!?:])[ \t]*$", re.MULTILINE)


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


def _is_said(line: str) -> bool:
    return any(character.isalnum() for character in line)


def _english(text: str) -> float:
    return float(_measures("en_US").flesch_kincaid_grade(text))


def _spanish(text: str) -> float:
    measures = _measures("es")
    words, sentences = int(measures.lexicon_count(text)), int(measures.sentence_count(text))
    syllables = sum(spanish_syllables(word) for word in text.split() if _is_said(word))
    return max(float(measures.crawford(text)), spanish_grade(words, words / sentences, syllables / words))


def _measures(language: str) -> textstatistics:
    measures = textstatistics()
    measures.set_lang(language)
    return measures


_GRADES: Mapping[str, Callable[[str], float]] = {"en": _english, "es": _spanish}
