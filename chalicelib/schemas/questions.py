"""Shapes of questions about a record, and of their answers."""

from typing import Annotated, Any

from pydantic import Field

from chalicelib.domain.questions.answers import StepKind
from chalicelib.domain.questions.intents import Intent
from chalicelib.schemas.base import Body, Flag, Instant, Letter, NoCardNumber, PageQuery, Query, Shape
from chalicelib.schemas.cited import CitedSentence

_QuestionText = Annotated[Letter, Field(max_length=1000), NoCardNumber]
_Id = Annotated[str, Field(min_length=1, max_length=100)]


class NewQuestion(Body):
    """What somebody wants to know, in their own words."""

    question: _QuestionText = Field(description="The question, in English or Spanish.")
    record_id: _Id | None = Field(default=None, description="The record that it is about, if it is about one.")
    thread_id: _Id | None = Field(default=None, description="The thread that it goes on; without it a new one begins.")
    rephrase: bool = Field(
        default=False,
        description="Whether a language model may help, where the clinic has one and there is consent: to find what is "
        "meant where the portal does not, and to say the answer in other words.",
    )


class AnswerStep(Shape):
    """Something to do next. Asking never does it."""

    kind: StepKind
    text: str
    href: str | None = Field(description="A path of this API.")
    phone: str | None
    prepared: dict[str, Any] | None = Field(description="What a form may be filled with, for the asker to confirm.")


class AskedQuestion(Shape):
    """A question with its answer."""

    question_id: str
    thread_id: str
    question: str
    record_id: str | None
    asked_at: Instant
    language: str | None = Field(description="The language of the answer: that of the question.")
    intent: Intent | None = Field(description="What the question was taken to ask.")
    covered: bool = Field(description="Whether the answer says what was asked.")
    withheld: bool = Field(description="Whether the answer is kept back, since its asker sees less of the record now.")
    is_rephrased: bool = Field(description="Whether a language model has said it in other words, held against ours.")
    sentences: list[CitedSentence]
    choices: list[str] = Field(description="What may have been meant, where that is not clear.")
    next_steps: list[AnswerStep]


class AskedQuestionPage(Shape):
    """A page of questions."""

    items: list[AskedQuestion]
    next_cursor: str | None


class QuestionsQuery(PageQuery):
    """Which questions."""

    thread: _Id | None = Field(default=None, description="The questions of one thread alone.")


class RemovalQuery(Query):
    """How much is removed."""

    whole_thread: Flag = Field(default=False, description="With every question of its thread.")
