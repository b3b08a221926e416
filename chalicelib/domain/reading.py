"""How many years of school a text asks of its reader, without a dictionary: quick enough to answer with.

English has the Flesch-Kincaid grade, a US grade (Kincaid et al. 1975). Spanish has Crawford's years of schooling
("Fórmula y gráfico para determinar la comprensibilidad de textos de nivel primario en castellano", 1989) and the school
grades of Fernández Huerta's scale ("Medidas sencillas de lecturabilidad", 1959), of which the higher counts.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

_FERNANDEZ_HUERTA: Final = ((90.0, 4.0), (80.0, 5.0), (70.0, 6.0), (60.0, 8.0), (50.0, 12.0))
_HARDEST: Final = 16.0
# The scale is meant for samples of a hundred words; in a line or two, one long word moves it by several grades.
_SAMPLE: Final = 20

_WORD = re.compile(r"[^\W_]+(?:['’.,/-][^\W_]+)*")
_END = re.compile(r"[.!?]+(?=\s|$)")
_VOWELS = re.compile(r"[aeiouáéíóúü]+")
_OPEN_OR_STRESSED = re.compile(r"[aeoáéó]|[íú](?![iu])")
_ENGLISH_VOWELS = re.compile(r"[aeiouy]+")
# Vowels side by side that are two syllables all the same, as in "diabetes", "area" and "fluid".
_PARTED = re.compile(r"i[ao](?!u)|iu|eo(?!u)|ua(?=l|t|r)|uou|io(?=d|t)|ea(?=$|t(?:e|i))|ui(?=d|t(?:e|y))|yi")
_SILENT = re.compile(r"(?:(?<=[^aeiouylr])|(?<=[aeiouy][lr]))e$|(?<=[^aeiouydt])ed$|(?<=[^aeiouyscxzgh])es$")
_NOT_PARTED = re.compile(r"[ctsgx]i(?=[ao])")


_IRREGULAR: Final = {"diabetes": 4, "science": 2}


def grade(text: str, language: str) -> float:
    """The US grade of a text, 0 at least, to one decimal. Raises KeyError for a language that has no measure here."""
    words, sentences = _WORD.findall(text), max(1, len(_END.findall(text)))
    if not words:
        return 0.0
    return round(max(0.0, _GRADES[language](words, len(words) / sentences)), 1)


def english_syllables(word: str) -> int:
    """About how many syllables an English word has. Numbers count as one."""
    spoken = re.sub(r"['’]s?$", "", word.lower())
    if spoken in _IRREGULAR:
        return _IRREGULAR[spoken]
    heard = _SILENT.sub("", spoken)
    if not heard.isalpha():
        return sum(english_syllables(part) for part in re.findall(r"[a-z]+", heard)) or 1
    groups = len(_ENGLISH_VOWELS.findall(heard))
    parted = len(_PARTED.findall(_NOT_PARTED.sub("c", heard)))
    return max(1, groups + parted)


def spanish_syllables(word: str) -> int:
    """The syllables of a Spanish word by its vowels (RAE, Ortografía, 2010).

    Open vowels, and closed ones that bear the accent beside them, are each the middle of a syllable; other closed ones
    join their neighbours. An h parts nothing, and the u of que, qui, gue and gui is not heard. Numbers count as one.
    """
    heard = re.sub(r"(?<=[gq])u(?=[eiéí])", "", word.lower().replace("h", ""))
    heard = re.sub(r"y(?![aeiouáéíóúü])", "i", heard)
    return sum(len(_OPEN_OR_STRESSED.findall(group)) or 1 for group in _VOWELS.findall(heard)) or 1


def grade_of_ease(ease: float) -> float:
    """The school grade of a value on Fernández Huerta's scale."""
    return next((grade for lowest, grade in _FERNANDEZ_HUERTA if ease >= lowest), _HARDEST)


def spanish_grade(words: int, sentence: float, syllables: float) -> float:
    """The grade of so many Spanish words, with so many words a sentence and syllables a word."""
    crawford = -20.5 / sentence + 4.9 * syllables - 3.407
    ease = 206.84 - 60 * syllables - 1.02 * sentence
    return max(crawford, grade_of_ease(ease) if words >= _SAMPLE else 0.0)


def _english(words: list[str], sentence: float) -> float:
    return 0.39 * sentence + 11.8 * sum(map(english_syllables, words)) / len(words) - 15.59


def _spanish(words: list[str], sentence: float) -> float:
    return spanish_grade(len(words), sentence, sum(map(spanish_syllables, words)) / len(words))


_GRADES: Final[Mapping[str, Callable[[list[str], float], float]]] = {"en": _english, "es": _spanish}
