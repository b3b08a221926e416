"""Copies of what the portal keeps about somebody, which they may download: how far one is, and how long it is kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

KEPT = timedelta(days=3)
"""How long a copy can be downloaded once it is ready; then it is removed."""

DOWNLOAD_LASTS = timedelta(minutes=5)
"""How long the address of a download works (AC 8)."""

TRIES = 8
"""After so many tries that failed, a copy is given up: its holder asks for another."""


class ExportSubject(StrEnum):
    """What an export is a copy of."""

    ACCOUNT = "account"


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
class ExportView:
    """An export as its holder sees it; times are aware, in UTC. `progress` is in percent."""

    export_id: str
    status: ExportStatus
    progress: int
    requested_at: datetime
    ready_at: datetime | None
    expires_at: datetime | None
    download_url: str | None
    manifest: Manifest | None
