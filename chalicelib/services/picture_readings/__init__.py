"""Pictures of cards, labels and letters: sent as documents are, read, and confirmed by a person; nothing is taken over.

Who cares for the patient sees them; only the patient and their caregivers add, confirm and remove them.
"""

import itertools
from collections.abc import Mapping, Sequence
from operator import attrgetter

from chalicelib import clock, ids
from chalicelib.auth import limits
from chalicelib.auth.limits import Limit
from chalicelib.domain.access import Actor, Reach, ReachKind
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.picture_readings import TRIED_AGAIN, PictureKind, ReadingStatus, ReadingView, Reason, confirming
from chalicelib.domain.picture_readings.confirming import NotThat
from chalicelib.domain.uploads import UploadStatus, UploadView, shown_name
from chalicelib.errors import Conflict, FieldError, Invalid, NotFound, ReadingNotRepeatable, TooManyRequests
from chalicelib.models import audit, outbox
from chalicelib.models import picture_readings as storage
from chalicelib.models.base import together
from chalicelib.models.picture_readings import PictureReading
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.models.uploads import NewUpload
from chalicelib.services import uploads
from chalicelib.services.once import Once
from chalicelib.settings import settings

A_DAY = Limit(tries=30, seconds=86_400)
"""How many pictures may be read for one patient; reading one again counts as well."""

_RACES = 3


def create(actor: Actor, reach: Reach, kind: PictureKind, file_name: str | None, once: Once) -> ReadingView:
    """Ask that a picture is read, which is to be sent next; where none are read, it says so and awaits none.

    Raises TooManyRequests, UploadsFull where the patient has as much as one may, and Conflict where two were asked for
    at the same moment.
    """
    replayed, (window,) = together(once.find, lambda: limits.look(_bucket(reach.patient_id)))
    if replayed is None and window.is_full:
        raise TooManyRequests(retry_after=window.opens_in)

    def change(tx: Transaction) -> dict[str, str]:
        limits.spend_in(tx, window, error=Conflict())
        row = storage.made(reach.patient_id, kind, actor.id, reach.by)
        if settings().text_recognition == "off":
            row.status, row.reason = ReadingStatus.NOT_AVAILABLE, Reason.OFF
        else:
            new = NewUpload(reach.patient_id, actor.id, reach.patient_id, shown_name(file_name), row.reading_id)
            row.upload_id = uploads.create(tx, new)
        storage.create(tx, row)
        _record(tx, actor, reach, Action.PICTURE_READING_CREATE, row)
        return {"reading_id": row.reading_id}

    served = replayed or once.commit(change)
    return find(reach, served["reading_id"])


def _bucket(patient_id: str) -> dict[str, Limit]:
    return {f"picture_readings:{patient_id}": A_DAY}


def find(reach: Reach, reading_id: str) -> ReadingView:
    """One reading with what was read and confirmed. Raises NotFound."""
    row = _find(reach, reading_id)
    text, files = together(lambda: storage.find_text(row), lambda: _files([row]))
    return _view(row, files, text)


def find_page(reach: Reach, *, limit: int, before: str | None) -> tuple[list[ReadingView], str | None]:
    """A page of readings, the newest first, without their text; and the id that the next one comes after, if any."""
    of_each = (storage.find_page(one, limit=limit + 1, before=before) for one in reach.patient_ids)
    found = sorted(itertools.chain.from_iterable(of_each), key=attrgetter("reading_id"), reverse=True)
    page = found[:limit]
    files = _files(page)
    return [_view(row, files) for row in page], page[-1].reading_id if len(found) > limit else None


def find_download(actor: Actor, reach: Reach, view: ReadingView) -> str | None:
    """Where the picture can be had, for five minutes; that others than the patient got it is noted before."""
    url = uploads.download_url(view.upload) if view.upload else None
    if url is not None and reach.by is not ReachKind.SELF:
        about: dict[str, object] = {"reading_id": view.reading_id, "by": reach.by}
        audit.record_alone(Entry(actor, Action.PICTURE_READING_DOWNLOAD, patient_id=reach.patient_id, about=about))
    return url


def confirm(actor: Actor, reach: Reach, reading_id: str, given: Sequence[tuple[str, str]]) -> ReadingView:
    """Keep what somebody says stands on a picture, as theirs. Raises NotFound, Invalid and ReadingNotReady."""
    row = _find(reach, reading_id)
    fields = _checked(PictureKind(row.about), given)
    with transaction() as tx:
        storage.confirm(tx, row, fields, actor.id, reach.by)
        # Which fields there are says nothing of what is in them.
        _record(tx, actor, reach, Action.PICTURE_READING_CONFIRM, row, fields=sorted(fields))
    return find(reach, reading_id)


def _checked(kind: PictureKind, given: Sequence[tuple[str, str]]) -> dict[str, str]:
    wrong = [
        FieldError(f"/fields/{place}/name", code)
        for place, code in confirming.wrong_names(kind, [name for name, _ in given])
    ]
    kept = {}
    for place, (name, text) in enumerate(given):
        try:
            kept[name] = confirming.checked(name, text)
        except NotThat as refused:
            wrong.append(FieldError(f"/fields/{place}/value", refused.code))
    if wrong:
        raise Invalid(wrong)
    return {name: value for name, value in kept.items() if value}


def retry(actor: Actor, reach: Reach, reading_id: str) -> ReadingView:
    """Read a picture once more. Raises NotFound, ReadingNotRepeatable, TooManyRequests, and Conflict as `create`."""
    row, (window,) = together(lambda: _find(reach, reading_id), lambda: limits.look(_bucket(reach.patient_id)))
    if not _view(row, _files([row])).can_retry:
        raise ReadingNotRepeatable
    if window.is_full:
        raise TooManyRequests(retry_after=window.opens_in)
    with transaction() as tx:
        limits.spend_in(tx, window, error=Conflict())
        storage.begin_again(tx, row)
        outbox.post_reading(tx, row.pk, row.reading_id)
        _record(tx, actor, reach, Action.PICTURE_READING_RETRY, row)
    return find(reach, reading_id)


def remove(actor: Actor, reach: Reach, reading_id: str) -> None:
    """Take a reading away, for good: its text and its picture go at once. Raises NotFound."""
    for _ in range(_RACES):
        row = _find(reach, reading_id)
        try:
            with transaction() as tx:
                remove_in(tx, row)
                _record(tx, actor, reach, Action.PICTURE_READING_REMOVE, row)
        except Conflict:
            # Its picture was scanned or cleaned in this moment.
            continue
        return
    raise Conflict


def remove_in(tx: Transaction, row: PictureReading) -> None:
    """Take a reading and its picture away within a change. Raises NotFound, or Conflict, at the commit."""
    storage.remove(tx, row)
    if row.upload_id:
        uploads.remove(tx, row.upload_id)


def _record(tx: Transaction, actor: Actor, reach: Reach, action: Action, row: PictureReading, **more: object) -> None:
    about: dict[str, object] = {"reading_id": row.reading_id, "by": reach.by, **more}
    audit.record(tx, Entry(actor, action, patient_id=reach.patient_id, about=about))


def _find(reach: Reach, reading_id: str) -> PictureReading:
    row = storage.find(reach.patient_ids, reading_id) if ids.has_prefix(reading_id, storage.PREFIX) else None
    if row is None:
        raise NotFound
    return row


def _files(rows: list[PictureReading]) -> dict[str, UploadView]:
    return uploads.find_many([row.upload_id for row in rows if row.upload_id])


def _view(row: PictureReading, files: Mapping[str, UploadView], text: storage.PictureText | None = None) -> ReadingView:
    upload = files.get(row.upload_id or "")
    status, reason = _status(row, upload)
    return ReadingView(
        reading_id=row.reading_id,
        kind=PictureKind(row.about),
        status=status,
        reason=reason,
        account_id=row.account_id,
        by=ReachKind(row.by),
        created_at=clock.read_stamp(row.created_at),
        upload=upload,
        content=text.read() if text else None,
        confirmation=text.confirmation() if text else None,
        can_retry=reason in TRIED_AGAIN and upload is not None and upload.status is UploadStatus.READY,
    )


_BEFORE = {
    UploadStatus.AWAITING_UPLOAD: ReadingStatus.WAITING,
    UploadStatus.SCANNING: ReadingStatus.CHECKING,
    UploadStatus.READY: ReadingStatus.READING,
}


def _status(row: PictureReading, upload: UploadView | None) -> tuple[ReadingStatus, Reason | None]:
    """How far it is: until it is read, that is how far its picture is."""
    if row.status != ReadingStatus.READING:
        return ReadingStatus(row.status), Reason(row.reason) if row.reason else None
    if upload is None or upload.status is UploadStatus.REFUSED:
        return ReadingStatus.FAILED, Reason.NOT_TAKEN
    return _BEFORE[upload.status], None
