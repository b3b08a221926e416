"""Documents that a patient keeps beside the chart, or somebody for them; the file of each is an upload."""

from pynamodb.attributes import UnicodeAttribute

from chalicelib import clock, ids
from chalicelib.domain.access import ReachKind
from chalicelib.domain.documents import NewDocument
from chalicelib.errors import NotFound
from chalicelib.models.base import storage_errors
from chalicelib.models.patients import PatientsTable
from chalicelib.models.transaction import Precedence, Transaction

PREFIX = "doc"
_SORT_KEY = "document#"


class Document(PatientsTable, discriminator="document"):
    """One document; partition key is the patient's id, sort key `document#<document id>`, which sorts by time.

    `about` is what sort of document it is, `by` as what its sender reached the patient.
    """

    document_id = UnicodeAttribute()
    upload_id = UnicodeAttribute()
    title = UnicodeAttribute()
    about = UnicodeAttribute()
    dated = UnicodeAttribute(null=True)
    account_id = UnicodeAttribute()
    by = UnicodeAttribute()
    created_at = UnicodeAttribute()


def create(tx: Transaction, patient_id: str, new: NewDocument, upload_id: str, account_id: str, by: ReachKind) -> str:
    """A document whose file is to be sent; returns its id."""
    document_id = ids.new_id(PREFIX)
    row = Document(
        patient_id,
        f"{_SORT_KEY}{document_id}",
        document_id=document_id,
        upload_id=upload_id,
        title=new.title,
        about=new.kind,
        dated=new.dated.isoformat() if new.dated else None,
        account_id=account_id,
        by=by,
        created_at=clock.stamp(clock.now()),
    )
    tx.create(row, error=None)
    return document_id


def find(patient_ids: tuple[str, ...], document_id: str) -> Document | None:
    """One document of any of these patients."""
    found = Document.find_all([(patient_id, f"{_SORT_KEY}{document_id}") for patient_id in patient_ids])
    return next(iter(found.values()), None)


def find_page(patient_id: str, *, limit: int, before: str | None) -> list[Document]:
    """At most `limit` documents of one patient, the newest first; `before` is the last id of the page before."""
    # The character behind the separator ends the range of those that begin with it.
    last = f"{_SORT_KEY}{before}" if before else f"{_SORT_KEY}~"
    with storage_errors():
        condition = Document.sk.between(_SORT_KEY, last)
        rows = Document.query(
            patient_id, condition, consistent_read=True, scan_index_forward=False, limit=limit + (before is not None)
        )
        return [row for row in rows if row.document_id != before][:limit]


def remove(tx: Transaction, row: Document) -> None:
    """A document that is no more. Raises NotFound at the commit where somebody else has removed it."""
    tx.delete(row, condition=Document.pk.exists(), error=NotFound(), precedence=Precedence.STATE)
