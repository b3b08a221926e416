"""Shapes of exports."""

from datetime import date, datetime
from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from chalicelib.domain.exports import ExportFormat, ExportStatus
from chalicelib.domain.records.categories import Category
from chalicelib.schemas.base import Body, FieldProblem, Instant, PageQuery, Shape
from chalicelib.schemas.records import FirstMoment, LastMoment


class Manifest(Shape):
    """What is in a file."""

    counts: dict[str, int] = Field(description="How many entries each part has, by the name of the part.")
    sha256: str = Field(description="Of the file's bytes, in hexadecimal.")
    size: int = Field(description="Bytes.")


class Export(Shape):
    """A copy that was asked for."""

    export_id: str
    status: ExportStatus = Field(description="`failed`: ask for another.")
    progress: int = Field(ge=0, le=100, description="Percent.")
    requested_at: Instant
    ready_at: Instant | None
    expires_at: Instant | None = Field(description="When the file is removed: three days after it was ready.")
    download_url: str | None = Field(
        description="Works for five minutes, for whoever has it. Only where `status` is `ready`, and only in a session "
        "with a step-up under five minutes old: step up and read again."
    )
    manifest: Manifest | None


def _once_each(categories: list[Category]) -> list[Category]:
    if len(set(categories)) < len(categories):
        raise FieldProblem("given_twice")
    return categories


Categories = Annotated[list[Category], Field(max_length=len(Category)), AfterValidator(_once_each)]
"""Some categories of the record, each once."""


class NewRecordExport(Body):
    """A copy of a record that is to be made."""

    format: ExportFormat = Field(
        description="`pdf` to read and print, `fhir` for a Bundle of the resources as the clinic sent them, `ccda` for "
        "a Continuity of Care Document (C-CDA R2.1), `text` for plain text."
    )
    categories: Categories = Field(default=[], description="Only these; none for all that you see.")
    from_: FirstMoment = Field(
        default=None,
        description="The first day, from its beginning in the clinic's zone, or a time, included. With it, or with "
        "`to`, what has no date is left out.",
    )
    to: LastMoment = None
    large_print: bool = Field(default=False, description="Letters of 18 points and more; for a PDF.")

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.large_print and self.format is not ExportFormat.PDF:
            raise FieldProblem("large_print_of_pdf_only")
        check_span(self.from_, self.to)
        return self


def check_span(start: date | datetime | None, end: date | datetime | None) -> None:
    if start is not None and end is not None and _is_after(start, end):
        raise FieldProblem("closes_before_it_opens")


def _is_after(start: date | datetime, end: date | datetime) -> bool:
    """Of a day and a time nobody knows here: the clinic's zone decides, and the copy would be empty."""
    if isinstance(start, datetime) and isinstance(end, datetime):
        return start > end
    return not isinstance(start, datetime) and not isinstance(end, datetime) and start > end


class RecordExport(Export):
    """A copy of a record that was asked for. Its counts are by category, as the record's pages show it."""

    model_config = ConfigDict(serialize_by_alias=True)

    format: ExportFormat
    categories: list[Category] = Field(description="Empty: all that you see.")
    from_: date | datetime | None = Field(alias="from")
    to: date | datetime | None
    large_print: bool


class RecordExportsQuery(PageQuery):
    """Which page."""


class RecordExportPage(Shape):
    """Copies of a record that the caller asked for, the newest first. Each, read alone, has the download's address."""

    items: list[RecordExport]
    next_cursor: str | None
