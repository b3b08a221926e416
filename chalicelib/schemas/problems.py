"""The shape of every refusal (RFC 9457)."""

from pydantic import Field

from chalicelib.schemas.base import Shape


class FieldErrorShape(Shape):
    """One thing wrong with one place of the request."""

    pointer: str = Field(description="A JSON pointer into the body, or `?name` for a query parameter.")
    code: str
    detail: str


class Question(Shape):
    """The security question to answer."""

    question_id: str
    text: str


class Problem(Shape):
    """Why a request was refused, in words for the person who made it."""

    type: str = Field(description="Where this code is explained.")
    title: str
    status: int
    detail: str
    code: str = Field(description="Stable: clients may decide by it.")
    request_id: str
    errors: list[FieldErrorShape] | None = None
    question: Question | None = Field(default=None, description="Only with `security_answer_required`.")
    remaining_attempts: int | None = Field(
        default=None, alias="remainingAttempts", description="Only with `wrong_passcode`, as SMART Health Links say."
    )
    merged_into: str | None = Field(default=None, description="Only with `patient_merged`: the patient who counts.")


class ErrorEntry(Shape):
    """One code that the portal refuses with."""

    code: str
    status: int
    title: str
    detail: str
    cure: str
    type: str


class ErrorList(Shape):
    """Every code."""

    items: list[ErrorEntry]
