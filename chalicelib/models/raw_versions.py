"""The patients table: every version of every resource as it was sent."""

from collections.abc import Iterable

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute

from chalicelib.errors import Conflict
from chalicelib.models.base import storage_errors
from chalicelib.models.patients import Held, PatientsTable
from chalicelib.models.records import Record
from chalicelib.models.transaction import Transaction


class Raw(PatientsTable, discriminator="raw"):
    """One version of a resource as it was sent, compressed; partition key `raw#<id>`, sort key its version.

    `source` is the client that sent it, `changed_at` when it was stored, `full_url` its absolute URL in its bundle, by
    which its references are read.
    """

    owner = UnicodeAttribute()
    body = BinaryAttribute(legacy_encoding=False, null=True)
    stored_at = UnicodeAttribute(null=True)
    source = UnicodeAttribute(null=True)
    changed_at = UnicodeAttribute(null=True)
    full_url = UnicodeAttribute(null=True)


def find_latest_raw(resource_id: str) -> Raw | None:
    """The present version of a resource as sent, whoever owns it: one round trip."""
    with storage_errors():
        return next(
            iter(Raw.query(f"raw#{resource_id}", consistent_read=True, scan_index_forward=False, limit=1)), None
        )


def find_raw_version(resource_id: str, version: int) -> Raw | None:
    """One version of a resource as sent."""
    return Raw.find(f"raw#{resource_id}", _version_sk(version))


def find_raw_versions(versions: Iterable[tuple[str, int]]) -> dict[str, Raw]:
    """Versions of different resources as sent, by the resource's id: one round trip for each 100."""
    rows = Raw.find_all([(f"raw#{resource_id}", _version_sk(version)) for resource_id, version in versions])
    return {pk.removeprefix("raw#"): row for (pk, _), row in rows.items()}


def find_present_raws(rows: Iterable[Held]) -> dict[str, Raw]:
    """The present versions of some resources as sent, by the resource's id: one round trip for each 100."""
    return find_raw_versions((_resource_id(row), int(row.version)) for row in rows)


def _resource_id(row: Held) -> str:
    return row.record_id if isinstance(row, Record) else row.pk.removeprefix("directory#")


def put_raw(tx: Transaction, raw: Raw) -> None:
    """Keep a version as sent. A version is put once: one that is there already means that somebody else was faster."""
    tx.create(raw, error=Conflict())


def raw(resource_id: str, version: int, owner: str, *, body: bytes | None, stored_at: str | None) -> Raw:
    """A version as sent: in the row, or where it lies in S3."""
    return Raw(f"raw#{resource_id}", _version_sk(version), owner=owner, body=body, stored_at=stored_at)


def version_of(raw_row: Raw) -> int:
    """The number of a version."""
    return int(raw_row.sk.removeprefix("v"))


def _version_sk(version: int) -> str:
    return f"v{version:06d}"
