"""Files that people send: one row for each, and one for each holder with how many and how large theirs are."""

from collections.abc import Sequence
from dataclasses import dataclass

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib import clock, ids
from chalicelib.domain.uploads import (
    MAX_BYTES,
    MAX_FILES,
    MAX_SIZE,
    OPEN,
    MediaType,
    Refusal,
    UploadStatus,
    UploadView,
)
from chalicelib.errors import Conflict, UploadsFull
from chalicelib.models.accounts import AccountsTable
from chalicelib.models.base import storage_errors
from chalicelib.models.transaction import Precedence, Transaction

PREFIX = "upl"
_SORT_KEY = "upload"


class Upload(AccountsTable, discriminator="upload"):
    """One file; partition key is its id.

    `holder` is whose limits it counts to, with `held` bytes. `etag` is of the file that was scanned and found harmless:
    it is cleaned next. A patient's file has the `patient_id`; `account_id` is who sent it. A picture that is to be read
    has the `reading_id`.
    """

    holder = UnicodeAttribute()
    patient_id = UnicodeAttribute(null=True)
    account_id = UnicodeAttribute()
    reading_id = UnicodeAttribute(null=True)
    file_name = UnicodeAttribute(null=True)
    status = UnicodeAttribute()
    held = NumberAttribute()
    created_at = UnicodeAttribute()
    uploaded_at = UnicodeAttribute(null=True)
    etag = UnicodeAttribute(null=True)
    refusal = UnicodeAttribute(null=True)
    media_type = UnicodeAttribute(null=True)
    size = NumberAttribute(null=True)

    @property
    def upload_id(self) -> str:
        """Its id."""
        return self.pk

    @property
    def is_open(self) -> bool:
        """Whether it is not known yet what becomes of it."""
        return self.status in OPEN

    def view(self) -> UploadView:
        """The file as those see it who may."""
        return UploadView(
            upload_id=self.pk,
            status=UploadStatus(self.status),
            refusal=Refusal(self.refusal) if self.refusal else None,
            file_name=self.file_name,
            media_type=MediaType(self.media_type) if self.media_type else None,
            size=int(self.size) if self.size else None,
            account_id=self.account_id,
            created_at=clock.read_stamp(self.created_at),
            uploaded_at=clock.read_stamp(self.uploaded_at) if self.uploaded_at else None,
        )


class Tally(AccountsTable, discriminator="upload_tally"):
    """What one holder has; partition key `uploads#<holder>`."""

    files = NumberAttribute()
    bytes = NumberAttribute()


@dataclass(frozen=True, slots=True)
class NewUpload:
    """Who is going to send a file, for which patient if for one, to whose limits it counts, and for which reading."""

    holder: str
    account_id: str
    patient_id: str | None = None
    file_name: str | None = None
    reading_id: str | None = None


def create(tx: Transaction, new: NewUpload) -> str:
    """A file that is to be sent; returns its id. As much room is held for it as a file may take.

    Raises UploadsFull at the commit where its holder has as much as one may.
    """
    upload_id = ids.new_id(PREFIX)
    row = Upload(
        upload_id,
        _SORT_KEY,
        holder=new.holder,
        patient_id=new.patient_id,
        account_id=new.account_id,
        file_name=new.file_name,
        reading_id=new.reading_id,
        status=UploadStatus.AWAITING_UPLOAD,
        held=MAX_SIZE,
        created_at=clock.stamp(clock.now()),
    )
    tx.create(row, error=None)
    has_room = (Tally.files < MAX_FILES) & (Tally.bytes <= MAX_BYTES - MAX_SIZE)
    _count(tx, new.holder, files=1, size=MAX_SIZE, condition=Tally.pk.does_not_exist() | has_room)
    return upload_id


def _count(tx: Transaction, holder: str, *, files: int = 0, size: int = 0, condition: Condition | None = None) -> None:
    actions: list[Action] = [Tally.kind.set(Tally), Tally.files.add(files), Tally.bytes.add(size)]
    tally = Tally(f"uploads#{holder}", "tally")
    tx.update(tally, actions, condition=condition, error=UploadsFull(most=MAX_FILES) if condition is not None else None)


def find(upload_id: str) -> Upload | None:
    """One file."""
    return Upload.find(upload_id, _SORT_KEY)


def find_many(upload_ids: list[str]) -> dict[str, Upload]:
    """Files by their ids: one round trip for each 100."""
    found = Upload.find_all([(upload_id, _SORT_KEY) for upload_id in upload_ids])
    return {row.pk: row for row in found.values()}


def note_arrived(row: Upload) -> None:
    """The file has come. Written alone, as delivery state is."""
    actions = [Upload.status.set(UploadStatus.SCANNING), Upload.uploaded_at.set(clock.stamp(clock.now()))]
    _update(row, actions, Upload.status == UploadStatus.AWAITING_UPLOAD)


def note_passed(tx: Transaction, row: Upload, etag: str) -> None:
    """The file of that tag is harmless, and waits to be cleaned. Raises Conflict at the commit where it is over."""
    uploaded_at = [] if row.uploaded_at else [Upload.uploaded_at.set(clock.stamp(clock.now()))]
    actions = [Upload.status.set(UploadStatus.SCANNING), Upload.etag.set(etag), *uploaded_at]
    tx.update(row, actions, condition=_is_open(), error=Conflict())


def forget_pass(row: Upload) -> None:
    """What was found harmless is no longer there: another file has taken its place, and is scanned."""
    _update(row, [Upload.etag.remove()], Upload.etag == row.etag)


def finish(tx: Transaction, row: Upload, media_type: MediaType, size: int) -> None:
    """The file is clean. Raises Conflict at the commit where it is over, removed, or was replaced."""
    actions: list[Action] = [
        Upload.status.set(UploadStatus.READY),
        Upload.media_type.set(media_type),
        Upload.size.set(size),
        Upload.held.set(size),
    ]
    tx.update(row, actions, condition=_is_open() & (Upload.etag == row.etag), error=Conflict())
    _count(tx, row.holder, size=size - int(row.held))


def refuse(tx: Transaction, row: Upload, reason: Refusal) -> None:
    """The file is not taken. Raises Conflict at the commit where it is over or removed."""
    actions: list[Action] = [
        Upload.status.set(UploadStatus.REFUSED),
        Upload.refusal.set(reason),
        Upload.held.set(0),
    ]
    tx.update(row, actions, condition=_is_open(), error=Conflict())
    _count(tx, row.holder, size=-int(row.held))


def remove(tx: Transaction, row: Upload) -> None:
    """The file is no more. Raises Conflict at the commit where something became of it meanwhile."""
    same = (Upload.status == row.status) & (Upload.held == row.held)
    tx.delete(row, condition=same, error=Conflict(), precedence=Precedence.STATE)
    _count(tx, row.holder, files=-1, size=-int(row.held))


def _is_open() -> Condition:
    open_: Condition = Upload.status.is_in(*OPEN)
    return open_


def _update(row: Upload, actions: Sequence[Action], condition: Condition) -> None:
    """Change a row where a condition is fulfilled."""
    with storage_errors():
        try:
            row.update(list(actions), condition=condition)
        except UpdateError as refused:
            if refused.cause_response_code != "ConditionalCheckFailedException":
                raise
