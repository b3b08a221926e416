"""Copies of what the portal keeps about somebody, which they may download: how far one is, and how long it is kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import BinaryIO

from chalicelib.domain.records.categories import Category
from chalicelib.domain.records.sight import Sight

KEPT = timedelta(days=3)
"""How long a copy can be downloaded once it is ready; then it is removed."""

DOWNLOAD_LASTS = timedelta(minutes=5)
"""How long the address of a download works (AC 8)."""

TRIES = 8
"""After so many tries that failed, a copy is given up: its holder asks for another."""


TRIED_FOR = timedelta(days=1)
"""After so long a copy is given up as well: a worker that dies over it each time counts no try."""


class ExportSubject(StrEnum):
    """What an export is a copy of."""

    ACCOUNT = "account"
    RECORD = "record"
    SHARE = "share"
    """A record too, for whoever somebody shares it with."""


class ExportFormat(StrEnum):
    """What a copy of a record is written as."""

    PDF = "pdf"
    FHIR = "fhir"
    CCDA = "ccda"
    TEXT = "text"


class ExportStatus(StrEnum):
    """How far an export is."""

    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is in a file: how many entries each part of it has, its SHA-256 in hexadecimal, and its size in bytes."""

    counts: Mapping[str, int] = field(default_factory=dict)
    sha256: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants a copy of a record to be: days are in the clinic's zone, both included.

    No categories are all that they see. `large_print` is for a PDF.
    """

    format: ExportFormat
    language: str
    categories: tuple[Category, ...] = ()
    since: date | datetime | None = None
    until: date | datetime | None = None
    large_print: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What a copy of a record was made of: whose records, and what of them its holder saw."""

    patient_ids: frozenset[str]
    sight: Sight

    def may_be_had_by(self, patient_ids: tuple[str, ...], sight: Sight) -> bool:
        """Whether somebody who sees so much sees all that may be in it."""
        shows = self.sight.categories <= sight.categories and (sight.sees_sensitive or not self.sight.sees_sensitive)
        return shows and self.patient_ids <= set(patient_ids)


@dataclass(frozen=True, slots=True)
class Document:
    """A file that is done, at its beginning, and how many entries each of its parts has.

    `seen` is what a copy of a record was made of.
    """

    file: BinaryIO
    counts: Mapping[str, int]
    media_type: str = "application/json"
    suffix: str = "json"
    seen: Seen | None = None


@dataclass(frozen=True, slots=True)
class ExportView:
    """An export as its holder sees it; times are aware, in UTC. `progress` is in percent.

    `wanted` is of a copy of a record.
    """

    export_id: str
    status: ExportStatus
    progress: int
    requested_at: datetime
    ready_at: datetime | None
    expires_at: datetime | None
    download_url: str | None
    manifest: Manifest | None
    wanted: Wanted | None = None
