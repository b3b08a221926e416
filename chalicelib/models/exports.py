"""Exports beside the account that they are for; the file of each lies in the bucket, under ids of its own."""

import json
from datetime import datetime

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib import clock, ids
from chalicelib.domain.exports import KEPT, ExportStatus, ExportSubject, Manifest
from chalicelib.errors import Conflict
from chalicelib.models.accounts import AccountsTable
from chalicelib.models.base import storage_errors
from chalicelib.models.transaction import Transaction

PREFIX = "exp"
_SORT_KEY = "export#"
_REMEMBERED_SECONDS = 30 * 86400


class Export(AccountsTable, discriminator="export"):
    """One export; sort key `export#<export id>`, which sorts by time. `subject` is what it is a copy of."""

    export_id = UnicodeAttribute()
    subject = UnicodeAttribute()
    status = UnicodeAttribute()
    progress = NumberAttribute(default=0)
    requested_at = UnicodeAttribute()
    ready_at = UnicodeAttribute(null=True)
    expires_at = UnicodeAttribute(null=True)
    file_key = UnicodeAttribute(null=True)
    counts = UnicodeAttribute(null=True)
    sha256 = UnicodeAttribute(null=True)
    size = NumberAttribute(null=True)

    @property
    def is_open(self) -> bool:
        """Whether it is still to be built."""
        return self.status in {ExportStatus.QUEUED, ExportStatus.RUNNING}

    @property
    def is_over(self) -> bool:
        """Whether it was kept for as long as it is, by the portal's clock."""
        return bool(self.expires_at) and clock.stamp(clock.now()) >= self.expires_at

    @property
    def manifest(self) -> Manifest | None:
        """What is in its file, once there is one."""
        if not self.counts:
            return None
        return Manifest(json.loads(self.counts), self.sha256 or "", int(self.size or 0))


def create(tx: Transaction, account_id: str, subject: ExportSubject) -> str:
    """An export that is to be built; returns its id."""
    export_id, now = ids.new_id(PREFIX), clock.now()
    row = Export(
        account_id,
        f"{_SORT_KEY}{export_id}",
        export_id=export_id,
        subject=subject,
        status=ExportStatus.QUEUED,
        requested_at=clock.stamp(now),
        ttl=clock.epoch(now) + _REMEMBERED_SECONDS,
    )
    tx.create(row, error=None)
    return export_id


def find(account_id: str, export_id: str) -> Export | None:
    """One export of an account."""
    return Export.find(account_id, f"{_SORT_KEY}{export_id}")


def find_all(account_id: str) -> list[Export]:
    """Every export of an account that is remembered, the newest first."""
    with storage_errors():
        found = Export.query(
            account_id, Export.sk.startswith(_SORT_KEY), consistent_read=True, scan_index_forward=False
        )
        return list(found)


def note_progress(export: Export, progress: int) -> None:
    """Show how far the work is, in percent, unless another worker has done it. Written alone, as delivery state is."""
    actions: list[Action] = [Export.status.set(ExportStatus.RUNNING), Export.progress.set(progress)]
    try:
        export.update(actions, condition=_is_open())
    except UpdateError as refused:
        if refused.cause_response_code != "ConditionalCheckFailedException":
            with storage_errors():
                raise


def finish(tx: Transaction, export: Export, file_key: str, manifest: Manifest, *, ready_at: datetime) -> None:
    """The file is there, under a key that no other try has.

    Raises Conflict at the commit where another worker was faster, or the account is no more.
    """
    tx.update(
        export,
        [
            Export.status.set(ExportStatus.READY),
            Export.progress.set(100),
            Export.file_key.set(file_key),
            Export.ready_at.set(clock.stamp(ready_at)),
            Export.expires_at.set(clock.stamp(ready_at + KEPT)),
            Export.counts.set(json.dumps(dict(manifest.counts))),
            Export.sha256.set(manifest.sha256),
            Export.size.set(manifest.size),
        ],
        condition=_is_open(),
        error=Conflict(),
    )


def fail(tx: Transaction, export: Export) -> None:
    """The export is given up. Raises Conflict at the commit where it was built meanwhile."""
    tx.update(
        export,
        [Export.status.set(ExportStatus.FAILED)],
        condition=_is_open(),
        error=Conflict(),
    )


def _is_open() -> Condition:
    open_: Condition = Export.status.is_in(ExportStatus.QUEUED, ExportStatus.RUNNING)
    return open_


def remove(tx: Transaction, export: Export) -> None:
    """An export that is no more, and whose file is gone."""
    tx.delete(export)
