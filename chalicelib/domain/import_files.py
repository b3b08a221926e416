"""Files of FHIR resources that the clinic's systems drop: how far one is, and in which order it is read."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Any, Final, NamedTuple

from chalicelib.domain.fhir import text
from chalicelib.domain.records.categories import DIRECTORY

MAX_SIZE: Final = 5 * 1024**3
"""Bytes of a file: what S3 takes in one upload."""

MAX_UNPACKED: Final = 10 * MAX_SIZE
"""Bytes of a file that was compressed, once it is not."""

UPLOAD_LASTS: Final = timedelta(hours=1)
"""How long a file may be uploaded to the address that was given for it."""

REJECTS_LAST: Final = timedelta(minutes=5)
"""How long the address of what was refused works (AC 8)."""

REMEMBERED: Final = timedelta(days=90)
"""How long an import stays in the list."""

TRIES: Final = 4
"""After so many tries in a row that came no further, a file is given up."""

PAUSES: Final = 100
"""So often in a row may what a file needs be away, with pauses of up to a quarter of an hour: for a day."""


class FileFormat(StrEnum):
    """What a file is: a resource on each line (https://github.com/ndjson/ndjson-spec), or one Bundle."""

    NDJSON = "ndjson"
    BUNDLE = "bundle"


class ImportStatus(StrEnum):
    """How far an import is."""

    AWAITING_UPLOAD = "awaiting_upload"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN: Final = frozenset({ImportStatus.AWAITING_UPLOAD, ImportStatus.QUEUED, ImportStatus.RUNNING})
"""Imports that are not over."""


class Stage(IntEnum):
    """Which of a file's resources are taken in, one stage after the other: so their order in the file does not matter.

    What others refer to goes first: whoever works at the clinic, then the patients, who may name them, then visits.
    Before that the file is read once to its end: what is broken as a whole is not begun.
    """

    COUNT = 0
    DIRECTORY = 1
    PATIENTS = 2
    VISITS = 3
    REST = 4


_STAGES: Final = {
    **dict.fromkeys(DIRECTORY, Stage.DIRECTORY),
    "Patient": Stage.PATIENTS,
    "Encounter": Stage.VISITS,
}
_EARLY: Final = re.compile(rb'"resourceType"\s*:\s*"(?:' + "|".join(sorted(_STAGES)).encode() + rb')"')


class Look(NamedTuple):
    """In which stage a line or an entry is taken in, and its resource, where it had to be read to tell."""

    stage: Stage
    resource: Any = None


def look_at(raw: bytes | None, format: FileFormat) -> Look:
    """In which stage a line or an entry is taken in; what cannot be read, or is too long (None), in the last."""
    # A resource of the last stage is told without reading it, unless it contains one of another.
    if raw is None or not _EARLY.search(raw):
        return Look(Stage.REST)
    try:
        found = text.parse(raw)
    except text.MalformedJson:
        return Look(Stage.REST)
    resource = found.get("resource") if format is FileFormat.BUNDLE and isinstance(found, dict) else found
    resource_type = str(resource.get("resourceType")) if isinstance(resource, dict) else ""
    return Look(_STAGES.get(resource_type, Stage.REST), resource)


@dataclass(frozen=True, slots=True)
class Upload:
    """Where a file is put: an address for one PUT, with headers that belong to it."""

    url: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class ImportFileView:
    """An import as whoever asked for it sees it; times are aware, in UTC. `progress` is in percent.

    `failure` says why the file as a whole was given up, for the clinic's engineer.
    """

    import_id: str
    client_id: str
    format: FileFormat
    status: ImportStatus
    progress: int
    resources_read: int
    resources_total: int | None
    created: int
    updated: int
    unchanged: int
    kept_raw: int
    refused: int
    failure: str | None
    created_at: datetime
    expires_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
