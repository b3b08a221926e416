"""Imports of large files."""

from typing import Annotated, Literal

from pydantic import Field

from chalicelib.domain.import_files import MAX_SIZE, FileFormat, ImportStatus
from chalicelib.schemas.base import Body, Instant, PageQuery, Shape


class NewImport(Body):
    """What is going to be uploaded; it may be packed with gzip."""

    format: Literal["ndjson", "bundle"] = Field(
        default="ndjson", description="A resource on each line, in any order, or one Bundle."
    )
    size: Annotated[int, Field(ge=1, le=MAX_SIZE)] | None = Field(
        default=None, description="Bytes of the file as it is uploaded. Where it is given, no other size is taken."
    )
    client_id: Annotated[str, Field(max_length=100)] | None = Field(
        default=None, description="Whose ids the file has; staff have to say it, a system may name itself alone."
    )


class ImportsQuery(PageQuery):
    """A page of imports."""


class ImportRow(Shape):
    """An import: how far it is, and what became of the resources until now."""

    import_id: str
    client_id: str = Field(description="The system whose ids the file has.")
    format: FileFormat
    status: ImportStatus
    progress: int = Field(ge=0, le=100, description="Percent.")
    resources_read: int = Field(description="Resources that it is done with.")
    resources_total: int | None = Field(description="Resources of the file; null until it was read once to its end.")
    created: int
    updated: int
    unchanged: int
    kept_raw: int = Field(description="Of types that the portal does not know: kept as sent.")
    refused: int
    failure: str | None = Field(description="Why the file as a whole was given up; what was taken in before stays.")
    created_at: Instant
    expires_at: Instant = Field(description="Until when the file may be uploaded.")
    started_at: Instant | None
    finished_at: Instant | None


class ImportFile(ImportRow):
    """An import, and what it refused."""

    rejects_url: str | None = Field(
        description="Once it is over and refused anything, NDJSON of what was refused: `line` from 1, or `index` of a "
        "Bundle's entry from 0, and `reason`. Works for 5 minutes."
    )


class AwaitedImport(ImportRow):
    """An import, and where its file is to be put."""

    upload_url: str | None = Field(description="PUT the file here; null once it is there, or its time is over.")
    upload_headers: dict[str, str] = Field(description="Headers that belong to the PUT.")


class ImportPage(Shape):
    """Imports, the newest first."""

    items: list[ImportRow]
    next_cursor: str | None
