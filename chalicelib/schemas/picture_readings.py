"""Pictures that are read for a patient."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from chalicelib.domain.access import ReachKind
from chalicelib.domain.picture_readings import PictureKind, ReadingStatus, Reason
from chalicelib.schemas.base import Body, FieldProblem, Instant, PageQuery, Shape, Text
from chalicelib.schemas.documents import UploadForm

_SENT_TYPES = Literal["image/jpeg", "image/png"]


def _printable(text: str) -> str:
    if any(not one.isprintable() and not one.isspace() for one in text):
        raise FieldProblem("wrong_form")
    return text


_Value = Annotated[Text, Field(max_length=500), AfterValidator(_printable)]


class NewPictureReading(Body):
    """What the picture shows; it is sent next, by the form that the answer has."""

    kind: PictureKind = Field(strict=False, description="What the picture shows.")
    file_name: Text | None = Field(default=None, description="What the file was called; it is kept nowhere else.")
    content_type: _SENT_TYPES | None = Field(
        default=None, description="What you take the file for. What it is shows when it has come."
    )


class ConfirmedField(Body):
    """A field as somebody says that it stands on the picture."""

    name: Annotated[str, Field(max_length=40)] = Field(description="One of the names that the reading has.")
    value: _Value = Field(description="Days as `YYYY-MM-DD`; empty for a field that is not on the picture.")


class ReadingConfirmation(Body):
    """The fields, looked at and corrected. What is not named is not on the picture."""

    fields: Annotated[list[ConfirmedField], Field(max_length=20)]


class PictureReadingsQuery(PageQuery):
    """A page of readings."""


class ReadField(Shape):
    """What was found for a field. Nothing was guessed: what is not certain has to be looked at."""

    name: str
    value: str | None = Field(description="Null where nothing was found. Days are `YYYY-MM-DD`, telephones E.164.")
    confidence: float = Field(ge=0, le=1, description="In the least certain letter or digit.")
    is_certain: bool = Field(
        description="False where letters are unclear, two values were found, or it cannot be what it seems to be."
    )


class KeptField(Shape):
    """A field as somebody has confirmed it."""

    name: str
    value: str


class Confirmed(Shape):
    """What somebody said that stands on the picture. It is theirs, and no part of the health record."""

    fields: list[KeptField]
    confirmed_at: Instant
    confirmed_by: ReachKind = Field(description="As what they acted: the patient (`self`), or a `caregiver`.")
    confirmed_by_me: bool


class PictureReadingRow(Shape):
    """A reading of a picture."""

    reading_id: str
    kind: PictureKind
    status: ReadingStatus = Field(
        description="`waiting` for the picture, `checking` if it is harmless, `reading`, then `ready` to be confirmed;"
        " `failed` and `not_available` have a reason."
    )
    reason_code: Reason | None = Field(description="Why there is nothing to confirm; stable.")
    reason: str | None = Field(description="Why there is nothing to confirm, in words, with what helps.")
    can_retry: bool = Field(description="Whether the same picture can be read once more.")
    created_at: Instant
    sent_by: ReachKind = Field(description="As what its sender acted: the patient (`self`), or a `caregiver`.")
    sent_by_me: bool


class PictureReading(PictureReadingRow):
    """A reading of a picture, and what was read."""

    text: list[str] = Field(description="The rows from top to bottom; numbers of payment cards are masked.")
    fields: list[ReadField] = Field(description="Every field of the kind, once it is read.")
    confirmed: Confirmed | None
    picture_url: str | None = Field(description="The picture, to compare; works for 5 minutes, and is only a download.")


class AwaitedPictureReading(PictureReadingRow):
    """A reading, and where its picture is to be sent."""

    upload: UploadForm | None = Field(
        description="Null once the picture is there, its time is over, or none are read here."
    )


class PictureReadingPage(Shape):
    """Readings, the newest first."""

    items: list[PictureReadingRow]
    next_cursor: str | None
