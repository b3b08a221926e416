"""Files that people send: into quarantine by a form, from there by a worker, clean, to where they can be downloaded.

What a file is for is its feature's (services/documents.py): it makes the upload with what refers to it, in one
transaction, and decides who may see it.
"""

from chalicelib import clock
from chalicelib.clients import uploads as files
from chalicelib.domain.uploads import DOWNLOAD_LASTS, MAX_SIZE, WAITED_FOR, Form, UploadStatus, UploadView
from chalicelib.models import outbox
from chalicelib.models import uploads as storage
from chalicelib.models.transaction import Transaction
from chalicelib.models.uploads import NewUpload

# The name of a download stands in its address, and says nothing of what is in it (AC 4).
_NAME = "portal-file"


def create(tx: Transaction, new: NewUpload) -> str:
    """A file that is going to be sent; returns its id. Raises UploadsFull at the commit.

    After an hour somebody looks whether it has come, and was scanned.
    """
    upload_id = storage.create(tx, new)
    outbox.post_upload(tx, upload_id, at=clock.now() + WAITED_FOR)
    return upload_id


def find_many(upload_ids: list[str]) -> dict[str, UploadView]:
    """Files by their ids."""
    return {upload_id: row.view() for upload_id, row in storage.find_many(upload_ids).items()}


def find_form(upload: UploadView) -> Form | None:
    """Where a file is to be sent, as long as it is awaited there. Raises Retryable."""
    seconds = round((upload.upload_ends_at - clock.now()).total_seconds())
    if upload.status is not UploadStatus.AWAITING_UPLOAD or seconds <= 0:
        return None
    return files.form(upload.upload_id, seconds, MAX_SIZE)


def download_url(upload: UploadView) -> str | None:
    """Where a clean file can be downloaded, for five minutes; None for one that is not clean. Raises Retryable."""
    if upload.status is not UploadStatus.READY or upload.media_type is None:
        return None
    name, seconds = f"{_NAME}.{upload.media_type.suffix}", round(DOWNLOAD_LASTS.total_seconds())
    return files.download_url(upload.upload_id, name, upload.media_type, seconds)


def read_clean(upload: UploadView) -> bytes | None:
    """A clean file, if it is there still. Raises Retryable."""
    return files.read_clean(upload.upload_id)


def remove(tx: Transaction, upload_id: str) -> None:
    """A file that is no more; its bytes go right after. Raises Conflict where something became of it meanwhile."""
    row = storage.find(upload_id)
    if row is not None:
        storage.remove(tx, row)
    outbox.post_upload(tx, upload_id)
