"""What records were before they were replaced, and where those were that have left their patient."""

from collections.abc import Iterable
from typing import Final

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute

from chalicelib.models.base import storage_errors
from chalicelib.models.patients import PatientsTable
from chalicelib.models.records import Record
from chalicelib.models.transaction import Transaction

MOST_STAMPS: Final = 50
"""Earlier states of which a record's row says when they ended. Of older ones `find_was_at` knows."""


class Gone(Record, discriminator="gone"):
    """Where a record was that turned out to be another patient's; sort key `gone#<record id>`.

    Nothing is kept of what it said. It stands in the order of changes alone.
    """

    date_key = UnicodeAttribute(null=True)
    category_key = UnicodeAttribute(null=True)


class Was(PatientsTable, discriminator="was"):
    """What lists showed of a record until a time; partition key `was#<record id>`, sort key that time."""

    owner = UnicodeAttribute()
    category = UnicodeAttribute()
    is_sensitive = BooleanAttribute(null=True)
    view = UnicodeAttribute()
    last_updated = UnicodeAttribute(null=True)


def put_was(tx: Transaction, record: Record, until: str) -> None:
    """Keep what lists show of a record up to now, before it shows something else."""
    tx.put(
        Was(
            f"was#{record.record_id}",
            until,
            owner=record.pk,
            category=record.category,
            is_sensitive=record.is_sensitive,
            view=record.view,
            last_updated=record.last_updated,
        )
    )


def find_was(places: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Was]:
    """What some records were until some times, by (record id, that time): one round trip for each 100."""
    rows = Was.find_all([(f"was#{record_id}", until) for record_id, until in places])
    return {(pk.removeprefix("was#"), until): row for (pk, until), row in rows.items()}


def find_was_at(record_id: str, stamp: str) -> Was | None:
    """What a record was at a time, where it has been replaced since: one round trip."""
    with storage_errors():
        later = Was.query(f"was#{record_id}", Was.sk > stamp, consistent_read=True, limit=1)
        return next(iter(later), None)


def put_gone(tx: Transaction, record: Record, at: str) -> None:
    """A record has left its patient: keep where it was, and nothing of what it said."""
    tx.put(
        Gone(
            record.pk,
            _gone_sk(record.record_id),
            record_id=record.record_id,
            category=record.category,
            is_sensitive=record.is_sensitive,
            added_at=record.came_at,
            shown_at=at,
            earlier="[]",
            view="{}",
            title_key="",
            changed_key=f"{at}#{record.record_id}",
            source=record.source,
            resource_type=record.resource_type,
            content_hash="",
            version=record.version,
            changed_at=at,
        )
    )


def remove_gone(tx: Transaction, patient_id: str, record_id: str) -> None:
    """A record is back at a patient whom it had left, or comes for the first time."""
    tx.delete(Gone(patient_id, _gone_sk(record_id)))


def _gone_sk(record_id: str) -> str:
    return f"gone#{record_id}"
