"""The reading grade that is answered with agrees with an independent measure."""

import pytest

from chalicelib import vocabulary
from chalicelib.domain import reading
from tests.support import reading as independent

NEAR = 0.6


@pytest.mark.parametrize("language", ["en", "es"])
def test_grades_of_all_terms_are_near_those_of_textstat(language: str) -> None:
    off = []
    for term in vocabulary.terms().values():
        said = " ".join(sentence for part in term.texts[language].sections.values() for sentence in part)
        off.append((reading.grade(said, language) - independent.grade(said, language), term.slug))
    mean = sum(difference for difference, _ in off) / len(off)
    assert abs(mean) <= NEAR / 2
    # Spanish has the school grades of a scale, whose steps are whole grades.
    assert language == "es" or [(slug, round(by, 1)) for by, slug in off if by < -2 * NEAR] == []


@pytest.mark.parametrize(
    ("word", "syllables"),
    [
        *[("cat", 1), ("blood", 1), ("sugar", 2), ("diabetes", 4), ("area", 3), ("fluid", 2), ("pressure", 2)],
        *[
            ("needed", 2),
            ("moved", 1),
            ("tests", 1),
            ("doses", 2),
            ("table", 2),
            ("science", 2),
            ("A1c", 2),
            ("911", 1),
        ],
    ],
)
def test_english_syllables(word: str, syllables: int) -> None:
    assert reading.english_syllables(word) == syllables


def test_no_text_asks_nothing_and_a_hard_one_much() -> None:
    assert reading.grade("", "en") == 0
    assert reading.grade("...", "es") == 0
    assert (
        reading.grade("Notwithstanding authorization, organizations communicate considerable modifications.", "en") > 12
    )
