"""What is done with files that people sent, until each is clean, refused or gone.

An event only notes what is known of a file and asks, in the outbox, that somebody sees to it. Whoever does looks at how
far the file is and takes the next step: so any step may be done again, and a worker that died is followed by another.
"""

import json
from contextlib import suppress
from typing import Any

from chalicelib import clock, ids, observability
from chalicelib.clients import uploads as files
from chalicelib.domain.access import SYSTEM
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.notices import Notice, NoticeKind, OutboxStatus
from chalicelib.domain.uploads import TRIED_FOR, TRIES, WAITED_FOR, NotTaken, Refusal, ScanResult, UploadStatus
from chalicelib.errors import Conflict
from chalicelib.models import audit, outbox
from chalicelib.models import uploads as storage
from chalicelib.models.outbox import OutboxRow
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.models.uploads import Upload
from chalicelib.services import jobs
from chalicelib.services.uploads import apart, scans
from chalicelib.services.uploads.scans import Heard, NotOurs

# The portal's own fault, or its scanner's: somebody has to look.
_FAULTS = frozenset({Refusal.NOT_SCANNED})


def receive(body: str) -> None:
    """Do what a message asks for: an event about a file in quarantine, or a row of the outbox."""
    message = json.loads(body)
    if "detail-type" in message:
        _hear(message)
    else:
        jobs.run(message["id"], _see_to)


def _hear(event: dict[str, Any]) -> None:
    try:
        heard = scans.read(event)
    except NotOurs:
        observability.event("upload.event_dropped")
        return
    row = storage.find(heard.upload_id) if ids.has_prefix(heard.upload_id, storage.PREFIX) else None
    if row is None or not row.is_open:
        # It came after all was said, or came again: nobody waits for it.
        files.remove_raw(heard.upload_id)
    elif files.find_tag(heard.upload_id) != heard.etag:
        # Another file has taken its place, of which will be heard as well.
        observability.event("upload.event_dropped", upload_id=heard.upload_id)
    elif heard.result is None:
        storage.note_arrived(row)
    else:
        _note_result(row, heard)


def _note_result(row: Upload, heard: Heard) -> None:
    if heard.result is ScanResult.CLEAN:
        if row.etag == heard.etag:
            return
        with suppress(Conflict), transaction() as tx:
            storage.note_passed(tx, row, heard.etag)
            outbox.post_upload(tx, row.pk)
        return
    _refuse(row, Refusal.THREAT if heard.result is ScanResult.THREAT else Refusal.NOT_SCANNED)
    files.remove_raw(row.pk)


def _see_to(job: OutboxRow) -> None:
    upload_id = job.ids()["upload_id"]
    row = storage.find(upload_id)
    if row is None:
        files.remove_raw(upload_id)
        files.remove_clean(upload_id)
    elif row.is_open and row.etag:
        _clean(row, job)
    elif row.is_open and clock.now() >= clock.read_stamp(row.created_at) + WAITED_FOR:
        _refuse(row, Refusal.NOT_SCANNED if _has_come(row) else Refusal.NEVER_CAME)
        files.remove_raw(upload_id)
    elif not row.is_open:
        files.remove_raw(upload_id)
    outbox.settle(job, OutboxStatus.DONE)


def _has_come(row: Upload) -> bool:
    return row.status != UploadStatus.AWAITING_UPLOAD or files.find_tag(row.pk) is not None


def _clean(row: Upload, job: OutboxRow) -> None:
    content = files.read(row.pk, row.etag or "")
    if content is None:
        storage.forget_pass(row)
        return
    if job.attempts >= TRIES or clock.now() >= clock.read_stamp(row.created_at) + TRIED_FOR:
        _refuse(row, Refusal.BROKEN)
    else:
        _make_anew(row, content)
    files.remove_raw(row.pk)


def _make_anew(row: Upload, content: bytes) -> None:
    try:
        media_type, clean = apart.cleaned(content)
    except NotTaken as refused:
        _refuse(row, refused.reason)
        return
    files.keep(row.pk, clean, media_type)
    try:
        with transaction() as tx:
            storage.finish(tx, row, media_type, len(clean))
            if row.reading_id and row.patient_id:
                outbox.post_reading(tx, row.patient_id, row.reading_id)
            _audit(tx, row, Action.UPLOAD_TAKE)
    except Conflict:
        _undo(row)


def _undo(row: Upload) -> None:
    """What was made clean is wanted no more, unless it was another worker who was faster."""
    now = storage.find(row.pk)
    if now is None or now.status == UploadStatus.REFUSED:
        files.remove_clean(row.pk)


def _refuse(row: Upload, reason: Refusal) -> None:
    with suppress(Conflict), transaction() as tx:
        storage.refuse(tx, row, reason)
        # Whoever waits for a reading is told there.
        if reason is not Refusal.NEVER_CAME and not row.reading_id:
            outbox.post(tx, Notice(NoticeKind.UPLOAD_REFUSED, row.account_id))
        _audit(tx, row, Action.UPLOAD_REFUSE, reason=reason)
    if reason in _FAULTS:
        observability.count("UploadNotScanned")
    observability.event("upload.refused", upload_id=row.pk)


def _audit(tx: Transaction, row: Upload, action: Action, **more: object) -> None:
    about: dict[str, object] = {"upload_id": row.pk, "account_id": row.account_id, **more}
    audit.record(tx, Entry(SYSTEM, action, patient_id=row.patient_id, account_id=row.account_id, about=about))
