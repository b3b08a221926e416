"""Documents of a patient's own."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from chalicelib.domain.access import ReachKind
from chalicelib.domain.documents import DocumentKind
from chalicelib.domain.uploads import MAX_SIZE, Refusal, UploadStatus
from chalicelib.schemas.base import Body, FieldProblem, Instant, PageQuery, Shape, Text

_SENT_TYPES = Literal["application/pdf", "image/jpeg", "image/png", "text/plain"]


def _one_line(text: str) -> str:
    line = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    if not line:
        raise FieldProblem("missing")
    return line


_Title = Annotated[Text, Field(min_length=1), AfterValidator(_one_line)]


class NewDocument(Body):
    """What a document is; its file is sent next, by the form that the answer has."""

    title: _Title = Field(description="What it is, in words of your own.")
    kind: DocumentKind = Field(default=DocumentKind.OTHER, strict=False, description="What sort of document it is.")
    dated: date | None = Field(default=None, description="The day on it.")
    file_name: Text | None = Field(default=None, description="What the file was called; it is only shown.")
    content_type: _SENT_TYPES | None = Field(
        default=None, description="What you take the file for. What it is shows when it has come."
    )


class DocumentsQuery(PageQuery):
    """A page of documents."""


class DocumentRow(Shape):
    """A document."""

    document_id: str
    title: str
    kind: DocumentKind
    dated: date | None
    file_name: str | None
    status: UploadStatus = Field(
        description="`scanning` until it is known to be harmless and its metadata is off; then `ready` or `refused`."
    )
    refused_code: Refusal | None = Field(description="Why it was not taken; stable.")
    refused_because: str | None = Field(description="Why it was not taken, in words, with what helps.")
    size: int | None = Field(description="Bytes, once it is ready.")
    content_type: str | None = Field(description="What the file is, once it is ready.")
    created_at: Instant
    uploaded_at: Instant | None = Field(description="When the file came.")
    uploaded_by: ReachKind = Field(description="As what its sender acted: the patient (`self`), or a `caregiver`.")
    uploaded_by_me: bool


class Document(DocumentRow):
    """A document, and where it can be had."""

    download_url: str | None = Field(description="Once it is ready; works for 5 minutes, and is only a download.")


class UploadForm(Shape):
    """POST a form (multipart/form-data) with these fields and, as its last one, the file under the name `file`."""

    url: str
    fields: dict[str, str]
    expires_at: Instant
    max_size: Literal[10485760] = Field(default=MAX_SIZE, description="Bytes that the file may have.")


class AwaitedDocument(DocumentRow):
    """A document, and where its file is to be sent."""

    upload: UploadForm | None = Field(description="Null once the file is there, or its time is over.")


class DocumentPage(Shape):
    """Documents, the newest first."""

    items: list[DocumentRow]
    next_cursor: str | None
