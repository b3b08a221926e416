"""Asking for the import of a file, seeing how far it is, and ending it.

A system sees its own imports, staff see all. What staff upload is a system's file as well: its ids are that system's.
"""

from datetime import datetime

from chalicelib import clock, ids
from chalicelib.clients import import_files as files
from chalicelib.domain.access import Actor, ActorKind
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.import_files import (
    REJECTS_LAST,
    FileFormat,
    ImportFileView,
    ImportStatus,
    Stage,
    Upload,
)
from chalicelib.errors import FieldError, Invalid, NotFound
from chalicelib.models import accounts, audit
from chalicelib.models import import_files as storage
from chalicelib.models.import_files import ImportFile
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.services.import_files.keys import upload_key
from chalicelib.services.once import Once

_REJECTS_NAME = "rejects.ndjson"


def create(
    actor: Actor, format: FileFormat, size: int | None, client_id: str | None, once: Once
) -> tuple[ImportFileView, Upload | None]:
    """Ask for the import of a system's file, and learn where the file is to be put as long as it is awaited there.

    Raises Invalid where it is not said whose, or it is another system's.
    """
    owner = _owner(actor, client_id)

    def change(tx: Transaction) -> dict[str, str]:
        import_id = storage.create(tx, actor, owner, format, size)
        _audit(tx, actor, Action.IMPORT_CREATE, import_id, client_id=owner)
        return {"import_id": import_id}

    row = _find(actor, once.commit(change)["import_id"])
    return _view(row), _upload(row)


def _owner(actor: Actor, client_id: str | None) -> str:
    if actor.kind is ActorKind.CLIENT:
        if client_id not in {None, actor.id}:
            raise Invalid([FieldError("/client_id", "client_unknown")])
        return actor.id
    if client_id is None:
        raise Invalid([FieldError("/client_id", "missing")])
    if not ids.has_prefix(client_id, "cli") or accounts.find_client(client_id) is None:
        raise Invalid([FieldError("/client_id", "client_unknown")])
    return client_id


def find(actor: Actor, import_id: str) -> tuple[ImportFileView, str | None]:
    """One import, and where what it refused can be downloaded once it is over. Raises NotFound."""
    row = _find(actor, import_id)
    return _view(row), _rejects_url(row)


def find_page(actor: Actor, *, limit: int, after: str | None) -> list[ImportFileView]:
    """At most `limit` imports that the caller may see, the newest first; `after` is the last id of the page before."""
    client_id = actor.id if actor.kind is ActorKind.CLIENT else None
    return [_view(row) for row in storage.find_page(limit, after, client_id)]


def cancel(actor: Actor, import_id: str) -> tuple[ImportFileView, str | None]:
    """End an import; what was taken in stays. As `find` answers. Raises NotFound, ImportOver."""
    row = _find(actor, import_id)
    with transaction() as tx:
        storage.cancel(tx, row)
        _audit(tx, actor, Action.IMPORT_CANCEL, import_id)
    return find(actor, import_id)


def _find(actor: Actor, import_id: str) -> ImportFile:
    row = storage.find(import_id) if ids.has_prefix(import_id, storage.PREFIX) else None
    if row is None or (actor.kind is ActorKind.CLIENT and row.client_id != actor.id):
        raise NotFound
    return row


def _upload(row: ImportFile) -> Upload | None:
    seconds = round((row.expires_at - clock.now()).total_seconds())
    if row.status != ImportStatus.AWAITING_UPLOAD or seconds <= 0:
        return None
    size = int(row.size) if row.size else None
    headers = {"Content-Length": str(size)} if size else {}
    return Upload(files.upload_url(upload_key(row.import_id), size, seconds), headers)


def _rejects_url(row: ImportFile) -> str | None:
    if row.is_open or not row.rejects_key:
        return None
    return files.rejects_url(row.rejects_key, _REJECTS_NAME, round(REJECTS_LAST.total_seconds()))


def _view(row: ImportFile) -> ImportFileView:
    is_counted = row.stage > Stage.COUNT or row.status == ImportStatus.DONE
    return ImportFileView(
        import_id=row.import_id,
        client_id=row.client_id,
        format=FileFormat(row.format),
        status=ImportStatus(row.status),
        progress=_progress(row),
        resources_read=row.resources_read,
        resources_total=int(row.total) if is_counted else None,
        created=int(row.created),
        updated=int(row.updated),
        unchanged=int(row.unchanged),
        kept_raw=int(row.kept_raw),
        refused=int(row.refused),
        failure=row.failure,
        created_at=clock.read_stamp(row.created_at),
        expires_at=row.expires_at,
        started_at=_time(row.started_at),
        finished_at=_time(row.finished_at),
    )


def _progress(row: ImportFile) -> int:
    """In percent; 100 is what is done."""
    if row.status == ImportStatus.DONE:
        return 100
    return min(99, 100 * row.resources_read // int(row.total)) if row.stage > Stage.COUNT else 0


def _time(stamp: str | None) -> datetime | None:
    return clock.read_stamp(stamp) if stamp else None


def _audit(tx: Transaction, actor: Actor, action: Action, import_id: str, **more: object) -> None:
    about: dict[str, object] = {"import_id": import_id, **more}
    audit.record(tx, Entry(actor, action, about=about))
