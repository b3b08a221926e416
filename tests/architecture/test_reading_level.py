"""Whatever people read is at or under a US grade 6 reading level, in every language; `-s` prints all grades."""

from pathlib import PurePosixPath

import pytest

from chalicelib import words
from chalicelib.domain.notices import NoticeKind
from chalicelib.domain.reading import spanish_syllables
from tests.support import messages, reading

_SHORT_NAME = "Hill"


def _grades(language: str) -> list[tuple[float, str]]:
    names = {messages.clinic(): _SHORT_NAME}
    read = [*messages.rendered(language), *messages.alone(language)]
    return sorted((reading.grade(reading.cleaned(text, names), language), name) for name, text in read)


@pytest.mark.parametrize("language", words.languages())
def test_whatever_people_read_asks_six_years_of_school_at_most(language: str) -> None:
    grades = _grades(language)
    print(f"\n{language}: US grade, hardest first")
    for grade, name in reversed(grades):
        print(f"{grade:6.1f}  {name}")
    assert [(round(grade, 1), name) for grade, name in grades if grade > reading.HIGHEST_GRADE] == []


@pytest.mark.parametrize("language", words.languages())
def test_every_kind_of_notice_is_among_what_is_measured(language: str) -> None:
    measured = [PurePosixPath(name.rpartition(" ")[0]) for name, _ in messages.rendered(language)]
    told = {path.stem if path.parts[0] == "sms" else path.parent.name for path in measured}
    assert set(NoticeKind) - told == set()
    assert PurePosixPath("pages/refused.html") in measured


@pytest.mark.parametrize(
    ("text", "language", "grade"),
    [
        # 6 words, 1 sentence, 6 syllables: 0.39 × 6 + 11.8 × 1 - 15.59.
        ("The cat sat on the mat.", "en", -1.45),
        # 8 words, 1 sentence, 17 syllables: -0.205 × 12.5 + 0.049 × 212.5 - 3.407.
        ("La niña come una manzana roja cada mañana.", "es", 4.443),
        # 24 words, 3 sentences, 51 syllables: 206.84 - 0.60 × 212.5 - 1.02 × 8 = 71.18, a sixth grade.
        ("La niña come una manzana roja cada mañana. " * 3, "es", 6.0),
    ],
)
def test_the_measure_is_the_formula_that_was_published(text: str, language: str, grade: float) -> None:
    assert reading.grade(text, language) == pytest.approx(grade)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (
            "Notwithstanding authorization, organizations necessarily communicate considerable modifications.",
            "en",
        ),
        (
            "Independientemente de la autorización, las organizaciones comunican modificaciones considerables.",
            "es",
        ),
    ],
)
def test_what_an_office_would_write_is_too_hard(text: str, language: str) -> None:
    assert reading.grade(text, language) > 2 * reading.HIGHEST_GRADE


@pytest.mark.parametrize(
    ("word", "syllables"),
    [
        ("sol", 1),
        ("muy", 1),
        ("que", 1),
        ("año", 2),
        ("día", 2),
        ("aún", 2),
        ("agua", 2),
        ("guía", 2),
        ("búho", 2),
        ("cuenta", 2),
        ("huésped", 2),
        ("idea", 3),
        ("ahora", 3),
        ("correo", 3),
        ("pingüino", 3),
        ("enviáis", 2),
        ("construí", 2),
        ("leía", 3),
        ("contraseña", 4),
        ("electrónico", 5),
        ("2027", 1),
    ],
)
def test_spanish_syllables_are_counted_by_their_vowels(word: str, syllables: int) -> None:
    assert spanish_syllables(word) == syllables


def test_a_text_is_measured_as_it_is_read() -> None:
    text = "Hello\n\nPark Clinic opens at 8:05 a. m.\nCome to:\nhttps://x.example/l/x\n--\nWhy? Just so"
    assert reading.cleaned(text, {"Park Clinic": "Hill"}) == "Hello. Hill opens at 8:05 am. Come to: . Why? Just so."
