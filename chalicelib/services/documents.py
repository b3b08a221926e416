"""Documents of a patient's own, kept beside the chart: sent by them, or by somebody who looks after all of it.

Who cares for the patient reads them; only the patient and their caregivers add and remove them.
"""

import itertools
from datetime import date
from operator import attrgetter

from chalicelib import ids
from chalicelib.auth import limits
from chalicelib.auth.limits import Limit
from chalicelib.domain.access import Actor, Reach, ReachKind
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.documents import DocumentKind, DocumentView, NewDocument
from chalicelib.domain.uploads import shown_name
from chalicelib.errors import Conflict, NotFound, TooManyRequests
from chalicelib.models import audit
from chalicelib.models import documents as storage
from chalicelib.models.base import together
from chalicelib.models.documents import Document
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.models.uploads import NewUpload
from chalicelib.services import uploads
from chalicelib.services.once import Once

A_DAY = Limit(tries=50, seconds=86_400)
"""How many documents may be added for one patient."""

_RACES = 3


def create(actor: Actor, reach: Reach, new: NewDocument, file_name: str | None, once: Once) -> DocumentView:
    """Add a document, whose file is to be sent next.

    Raises TooManyRequests, UploadsFull where the patient has as much as one may, and Conflict where two were added at
    the same moment.
    """
    bucket = f"documents:{reach.patient_id}"
    replayed, (window,) = together(once.find, lambda: limits.look({bucket: A_DAY}))
    if replayed is None and window.is_full:
        raise TooManyRequests(retry_after=window.opens_in)

    def change(tx: Transaction) -> dict[str, str]:
        limits.spend_in(tx, window, error=Conflict())
        upload_id = uploads.create(tx, NewUpload(reach.patient_id, actor.id, reach.patient_id, shown_name(file_name)))
        document_id = storage.create(tx, reach.patient_id, new, upload_id, actor.id, reach.by)
        about: dict[str, object] = {"document_id": document_id, "upload_id": upload_id, "by": reach.by}
        audit.record(tx, Entry(actor, Action.DOCUMENT_CREATE, patient_id=reach.patient_id, about=about))
        return {"document_id": document_id}

    served = replayed or once.commit(change)
    return find(reach, served["document_id"])


def find(reach: Reach, document_id: str) -> DocumentView:
    """One document. Raises NotFound."""
    (view,) = _views([_find(reach, document_id)]) or (None,)
    if view is None:
        raise NotFound
    return view


def find_page(reach: Reach, *, limit: int, before: str | None) -> tuple[list[DocumentView], str | None]:
    """A page of documents, the newest first, and the id that the next one comes after, if there are more."""
    of_each = (storage.find_page(one, limit=limit + 1, before=before) for one in reach.patient_ids)
    found = sorted(itertools.chain.from_iterable(of_each), key=attrgetter("document_id"), reverse=True)
    shown = found[:limit]
    return _views(shown), shown[-1].document_id if len(found) > limit else None


def find_download(actor: Actor, reach: Reach, view: DocumentView) -> str | None:
    """Where a document can be downloaded once it is clean. Whoever gets that, and is not the patient, is noted."""
    url = uploads.download_url(view.upload)
    if url is not None and reach.by is not ReachKind.SELF:
        about: dict[str, object] = {"document_id": view.document_id, "by": reach.by}
        audit.record_alone(Entry(actor, Action.DOCUMENT_DOWNLOAD, patient_id=reach.patient_id, about=about))
    return url


def remove(actor: Actor, reach: Reach, document_id: str) -> None:
    """Take a document away, for good: its file goes at once. Raises NotFound."""
    for _ in range(_RACES):
        row = _find(reach, document_id)
        try:
            with transaction() as tx:
                remove_in(tx, row)
                about: dict[str, object] = {"document_id": document_id, "upload_id": row.upload_id, "by": reach.by}
                audit.record(tx, Entry(actor, Action.DOCUMENT_REMOVE, patient_id=reach.patient_id, about=about))
        except Conflict:
            # Its file was scanned or cleaned in this moment.
            continue
        return
    raise Conflict


def remove_in(tx: Transaction, row: Document) -> None:
    """Take a document and its file away within a change. Raises NotFound, or Conflict, at the commit."""
    storage.remove(tx, row)
    uploads.remove(tx, row.upload_id)


def _find(reach: Reach, document_id: str) -> Document:
    row = storage.find(reach.patient_ids, document_id) if ids.has_prefix(document_id, storage.PREFIX) else None
    if row is None:
        raise NotFound
    return row


def _views(rows: list[Document]) -> list[DocumentView]:
    files = uploads.find_many([row.upload_id for row in rows])
    return [
        DocumentView(
            document_id=row.document_id,
            title=row.title,
            kind=DocumentKind(row.about),
            dated=date.fromisoformat(row.dated) if row.dated else None,
            by=ReachKind(row.by),
            upload=files[row.upload_id],
        )
        for row in rows
        # Whoever removes one takes both away; between the two reads it may be gone.
        if row.upload_id in files
    ]
