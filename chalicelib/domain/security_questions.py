"""Security questions: an extra hurdle that the clinic asks for, never a way in by itself (PROMISES ID 8).

Good ones have one memorable answer that does not change and stands on no profile (OWASP, "Choosing and Using Security
Questions"). The texts here are the English of the catalogue; the ids are stable.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

ANSWERS = 3
SHORTEST = 3
# A word of two characters is common where each is a syllable or a word.
SHORTEST_EAST_ASIAN = 2
LONGEST = 100

QUESTIONS: Mapping[str, str] = MappingProxyType(
    {
        "first_teacher": "What was the last name of the first teacher whom you remember?",
        "childhood_friend": "What was the first name of your best friend when you were ten years old?",
        "childhood_street": "What was the name of a street that you played in as a child?",
        "childhood_nickname": "What did only your family call you when you were small?",
        "childhood_toy": "What did you call your favorite toy as a child?",
        "childhood_hiding_place": "Where was your favorite hiding place as a child?",
        "childhood_fear": "What were you most afraid of as a child?",
        "childhood_job": "What did you want to be when you were a child?",
        "childhood_food": "Which food did you refuse to eat as a child?",
        "childhood_book": "Which book was read to you most often as a child?",
        "childhood_neighbor": "What was the last name of the neighbors whom you remember best from your childhood?",
        "childhood_holiday": "In which town or village did you spend a holiday that you remember from your childhood?",
        "grandparent_town": "In which town or village did a grandparent of yours live when you were a child?",
        "grandparent_job": "What work did a grandparent of yours do?",
        "parents_met": "In which town or city did your parents meet?",
        "first_trip_alone": "Where did you go on your first trip without your family?",
        "first_flight": "Where did your first flight take you?",
        "first_job_place": "In which street was the place where you first earned money?",
        "first_boss": "What was the first name of your first boss?",
        "first_phone_number_of": "Whose phone number did you first know by heart?",
        "first_concert": "Which band or musician did you hear at the first concert that you went to?",
        "first_car": "What was the make and color of the first car that you drove?",
        "first_dish": "What was the first dish that you learned to cook?",
        "lost_thing": "Which thing that you once lost do you still miss?",
    }
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
        AnswerProblem.IN_QUESTION: _is_in(text, QUESTIONS.get(answer.question_id, "")),
    }
    return [problem for problem, is_so in found.items() if is_so]


def _is_in(text: str, question: str) -> bool:
    words = set(text.split())
    return bool(words) and words <= set(normalise_answer(question).split())


def _shortest(text: str) -> int:
    scripts = {unicodedata.name(character, "").split(" ", maxsplit=1)[0] for character in text}
    return SHORTEST_EAST_ASIAN if scripts & {"CJK", "HANGUL", "HIRAGANA", "KATAKANA"} else SHORTEST


def _separates(character: str) -> bool:
    return unicodedata.category(character)[0] in "PZC"
