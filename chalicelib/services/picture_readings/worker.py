"""Reading the pictures that people sent, once each is clean. A worker that died is followed by another."""

from contextlib import suppress

from chalicelib import clock, observability
from chalicelib.clients import text_recognition
from chalicelib.clients.aws import Permanent, Retryable
from chalicelib.clients.text_recognition import NotAvailable, TextRecognition
from chalicelib.domain.access import SYSTEM
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.notices import OutboxStatus
from chalicelib.domain.picture_readings import (
    TRIED_FOR,
    TRIES,
    Content,
    PictureKind,
    ReadingStatus,
    Reason,
    fields,
)
from chalicelib.domain.uploads import MediaType, UploadView
from chalicelib.errors import Conflict
from chalicelib.models import audit, outbox
from chalicelib.models import picture_readings as storage
from chalicelib.models.outbox import OutboxRow
from chalicelib.models.picture_readings import PictureReading
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.services import jobs, uploads
from chalicelib.services.picture_readings import preparing
from chalicelib.settings import settings

_PICTURES = (MediaType.JPEG, MediaType.PNG)


class _NothingRead(Exception):
    """There is nothing to confirm, and why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


def work(row_id: str) -> None:
    """Read the picture that a row of the outbox names, if it waits for it."""
    jobs.run(row_id, _see_to)


def _see_to(job: OutboxRow) -> None:
    row = storage.find((job.patient_id or "",), job.ids()["reading_id"])
    if row is not None and row.status == ReadingStatus.READING:
        _finish(row, job)
    outbox.settle(job, OutboxStatus.DONE)


def _finish(row: PictureReading, job: OutboxRow) -> None:
    upload = uploads.find_many([row.upload_id or ""]).get(row.upload_id or "")
    if upload is None:
        return
    try:
        content = _read(upload, PictureKind(row.about), job)
    except _NothingRead as nothing:
        _give_up(row, nothing.reason)
        return
    with suppress(Conflict), transaction() as tx:
        storage.finish(tx, row, content)
        _audit(tx, row, ReadingStatus.READY)
    observability.event("picture.read", reading_id=row.reading_id)


def _read(upload: UploadView, kind: PictureKind, job: OutboxRow) -> Content:
    engine = text_recognition.find()
    if engine is None:
        raise _NothingRead(Reason.OFF)
    if upload.media_type not in _PICTURES:
        raise _NothingRead(Reason.NO_PICTURE)
    if clock.now() >= clock.read_stamp(job.created_at) + TRIED_FOR:
        # A worker that dies over it each time counts no try.
        raise _NothingRead(Reason.UNREADABLE)
    try:
        return _content(upload, kind, engine)
    except NotAvailable:
        raise _NothingRead(Reason.NO_ENGINE) from None
    except Permanent as failed:
        observability.fault("picture.unreadable", failed)
        raise _NothingRead(Reason.UNREADABLE) from None
    except Retryable:
        if job.attempts + 1 < TRIES:
            raise
        observability.count("PictureNotRead")
        raise _NothingRead(Reason.UNREACHABLE) from None


def _content(upload: UploadView, kind: PictureKind, engine: TextRecognition) -> Content:
    clean = uploads.read_clean(upload)
    if clean is None:
        raise _NothingRead(Reason.UNREADABLE)
    lines = engine.read(*preparing.prepared(clean))
    content = fields.read(kind, lines, clock.now().astimezone(settings().clinic_zone).date())
    if not content.text:
        raise _NothingRead(Reason.NO_TEXT)
    return content


_NOT_HERE = {Reason.OFF, Reason.NO_ENGINE}


def _give_up(row: PictureReading, reason: Reason) -> None:
    status = ReadingStatus.NOT_AVAILABLE if reason in _NOT_HERE else ReadingStatus.FAILED
    with suppress(Conflict), transaction() as tx:
        storage.give_up(tx, row, status, reason)
        _audit(tx, row, status, reason=reason)
    observability.event("picture.not_read", reading_id=row.reading_id)


def _audit(tx: Transaction, row: PictureReading, status: ReadingStatus, **more: object) -> None:
    about: dict[str, object] = {"reading_id": row.reading_id, "status": status, **more}
    audit.record(tx, Entry(SYSTEM, Action.PICTURE_READING_FINISH, patient_id=row.pk, about=about))
