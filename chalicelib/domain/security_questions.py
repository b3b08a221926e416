"""Security questions: an extra hurdle that the clinic asks for, never a way in by itself (PROMISES ID 8).

Good ones have one memorable answer that does not change and stands on no profile (OWASP, "Choosing and Using Security
Questions"). Their texts are in the catalogue; the ids are stable.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from chalicelib import words

ANSWERS = 3
SHORTEST = 3
# A word of two characters is common where each is a syllable or a word.
SHORTEST_EAST_ASIAN = 2
LONGEST = 100

QUESTIONS = (
    "first_teacher",
    "childhood_friend",
    "childhood_street",
    "childhood_nickname",
    "childhood_toy",
    "childhood_hiding_place",
    "childhood_fear",
    "childhood_job",
    "childhood_food",
    "childhood_book",
    "childhood_neighbor",
    "childhood_holiday",
    "grandparent_town",
    "grandparent_job",
    "parents_met",
    "first_trip_alone",
    "first_flight",
    "first_job_place",
    "first_boss",
    "first_phone_number_of",
    "first_concert",
    "first_car",
    "first_dish",
    "lost_thing",
)


class AnswerProblem(StrEnum):
    """Why an answer is refused; the values are stable codes for clients."""

    WRONG_NUMBER = "wrong_number"
    UNKNOWN_QUESTION = "unknown_question"
    REPEATED_QUESTION = "repeated_question"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    IN_QUESTION = "in_question"
    UNUSABLE_CHARACTERS = "unusable_characters"


@dataclass(frozen=True)
class SecurityAnswer:
    """One question and what the patient answers; the answer is in no repr."""

    question_id: str
    answer: str

    def __repr__(self) -> str:
        return f"SecurityAnswer(question_id={self.question_id!r})"


@dataclass(frozen=True)
class AnswerError:
    """A refusal: of the answer at `index` (of all of them where it is None), in `field` of it."""

    index: int | None
    field: str | None
    problem: AnswerProblem


def normalise_answer(answer: str) -> str:
    """The answer as it is hashed: NFKC, case-folded, apostrophes left out, other punctuation and spaces one space."""
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", answer).casefold())
    text = re.sub("['’‘ʼ`´]", "", text)  # noqa: RUF001  # St. Mary's and St Marys are the same school.
    return " ".join("".join(" " if _separates(character) else character for character in text).split())


def check_answers(answers: Sequence[SecurityAnswer]) -> list[AnswerError]:
    """Every reason to refuse the answers; empty when there are three good ones to three different questions."""
    errors = [] if len(answers) == ANSWERS else [AnswerError(None, None, AnswerProblem.WRONG_NUMBER)]
    for index, answer in enumerate(answers[:ANSWERS]):
        before = answers[:index]
        errors += [AnswerError(index, "question_id", problem) for problem in _question_problems(answer, before)]
        errors += [AnswerError(index, "answer", problem) for problem in _answer_problems(answer)]
    return errors


def _question_problems(answer: SecurityAnswer, before: Sequence[SecurityAnswer]) -> list[AnswerProblem]:
    if answer.question_id not in QUESTIONS:
        return [AnswerProblem.UNKNOWN_QUESTION]
    repeated = any(answer.question_id == other.question_id for other in before)
    return [AnswerProblem.REPEATED_QUESTION] if repeated else []


def _answer_problems(answer: SecurityAnswer) -> list[AnswerProblem]:
    if len(answer.answer) > LONGEST:
        return [AnswerProblem.TOO_LONG]
    if re.search("[\ud800-\udfff]", answer.answer):
        return [AnswerProblem.UNUSABLE_CHARACTERS]
    text = normalise_answer(answer.answer)
    found = {
        AnswerProblem.TOO_SHORT: len(text.replace(" ", "")) < _shortest(text),
        AnswerProblem.IN_QUESTION: any(_is_in(text, question) for question in _texts(answer.question_id)),
    }
    return [problem for problem, is_so in found.items() if is_so]


def _texts(question_id: str) -> list[str]:
    known = question_id in QUESTIONS
    return [words.say(f"question.{question_id}", language) for language in words.languages()] if known else []


def _is_in(text: str, question: str) -> bool:
    answered = set(text.split())
    return bool(answered) and answered <= set(normalise_answer(question).split())


def _shortest(text: str) -> int:
    scripts = {unicodedata.name(character, "").split(" ", maxsplit=1)[0] for character in text}
    return SHORTEST_EAST_ASIAN if scripts & {"CJK", "HANGUL", "HIRAGANA", "KATAKANA"} else SHORTEST


def _separates(character: str) -> bool:
    return unicodedata.category(character)[0] in "PZC"
