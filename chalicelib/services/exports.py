"""Copies of what the portal keeps about somebody: asked for, built by a worker, kept in the bucket for a while.

What is in one is for a builder of its own (`_BUILDERS`). Building begins anew where a worker died. Each try has a file
of its own, and the first to note that it is there wins; what a try leaves behind, the bucket removes after a week.
"""

import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress

from chalicelib import clock, ids, observability
from chalicelib.auth import limits
from chalicelib.auth.limits import Limit
from chalicelib.clients import files
from chalicelib.domain.access import SYSTEM, Actor
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.exports import (
    DOWNLOAD_LASTS,
    KEPT,
    TRIES,
    ExportStatus,
    ExportSubject,
    ExportView,
    Manifest,
)
from chalicelib.domain.notices import OutboxStatus
from chalicelib.errors import Conflict, NotFound, TooManyRequests
from chalicelib.models import accounts, audit, outbox
from chalicelib.models import exports as storage
from chalicelib.models.accounts import Account
from chalicelib.models.base import together
from chalicelib.models.exports import Export
from chalicelib.models.outbox import OutboxRow
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.services import access, account_exports, jobs
from chalicelib.services.account_exports import Document
from chalicelib.services.once import Once

REQUESTS = Limit(tries=3, seconds=86_400)
"""How often somebody may ask for a copy of the same."""

_FILE_NAMES = {ExportSubject.ACCOUNT: "portal-account.json"}
_BUILDERS: Mapping[ExportSubject, Callable[[Account, Callable[[int], None]], Document]] = {
    ExportSubject.ACCOUNT: account_exports.build
}


def request(actor: Actor, subject: ExportSubject, once: Once) -> ExportView:
    """Ask for a copy. Raises TooManyRequests, and Conflict where the caller asked twice at the same moment."""
    bucket = f"export:{subject}:{actor.id}"
    replayed, (window,) = together(once.find, lambda: limits.look({bucket: REQUESTS}))
    if replayed is None and window.is_full:
        raise TooManyRequests(retry_after=window.opens_in)

    def change(tx: Transaction) -> dict[str, str]:
        limits.spend_in(tx, window, error=Conflict())
        export_id = storage.create(tx, actor.id, subject)
        outbox.post_export(tx, actor.id, export_id, subject=subject)
        about: dict[str, object] = {"export_id": export_id}
        audit.record(tx, Entry(actor, Action.ACCOUNT_EXPORT_ASK, account_id=actor.id, about=about))
        return {"export_id": export_id}

    served = replayed or once.commit(change)
    found = storage.find(actor.id, served["export_id"])
    if found is None:
        raise NotFound
    return _view(actor, found)


def find_latest(actor: Actor, subject: ExportSubject) -> ExportView:
    """The copy that the caller asked for last. Raises NotFound where there is none, or none any more.

    Whoever has proved just now that it is them gets the address of its download.
    """
    found = next((one for one in storage.find_all(actor.id) if one.subject == subject and not one.is_over), None)
    if found is None:
        raise NotFound
    return _view(actor, found)


def work(row_id: str) -> None:
    """Build the export that an outbox row asks for, or remove it once it was kept for long enough."""
    jobs.run(row_id, _work)


def remove_file(export: Export) -> None:
    """Take an export's file away, if it has one."""
    if export.file_key:
        files.remove_export(export.file_key)


def _view(actor: Actor, export: Export) -> ExportView:
    is_ready = export.status == ExportStatus.READY
    return ExportView(
        export_id=export.export_id,
        status=ExportStatus(export.status),
        progress=int(export.progress),
        requested_at=clock.read_stamp(export.requested_at),
        ready_at=clock.read_stamp(export.ready_at) if export.ready_at else None,
        expires_at=clock.read_stamp(export.expires_at) if export.expires_at else None,
        download_url=_download_url(export) if is_ready and access.is_stepped_up(actor) else None,
        manifest=export.manifest,
    )


def _download_url(export: Export) -> str:
    name = _FILE_NAMES[ExportSubject(export.subject)]
    return files.download_url(export.file_key or "", name, round(DOWNLOAD_LASTS.total_seconds()))


def _work(row: OutboxRow) -> None:
    export = storage.find(row.account_id or "", row.ids()["export_id"])
    if row.not_before:
        _remove(row, export)
        return
    account = accounts.find_account(row.account_id or "")
    if export is None or account is None or not export.is_open:
        outbox.settle(row, OutboxStatus.DROPPED)
    elif account.disabled or row.attempts >= TRIES:
        _give_up(row, export)
    else:
        _build(row, export, account)


def _build(row: OutboxRow, export: Export, account: Account) -> None:
    storage.note_progress(export, 0)
    built = _BUILDERS[ExportSubject(export.subject)](account, lambda percent: storage.note_progress(export, percent))
    # A name that says nothing of whose it is.
    file_key = f"exports/{export.export_id}/{ids.new_id('fil')}.json"
    files.put_export(file_key, built.body)
    try:
        _note_ready(row, export, file_key, built)
    except Conflict:
        # Another worker was faster, or the account was removed meanwhile: of this try nothing may be left.
        files.remove_export(file_key)
        outbox.settle(row, OutboxStatus.DROPPED)


def _note_ready(row: OutboxRow, export: Export, file_key: str, built: Document) -> None:
    now = clock.now()
    manifest = Manifest(built.counts, hashlib.sha256(built.body).hexdigest(), len(built.body))
    with transaction() as tx:
        storage.finish(tx, export, file_key, manifest, ready_at=now)
        outbox.settle_in(tx, row, OutboxStatus.DONE)
        outbox.post_export(tx, export.pk, export.export_id, subject=export.subject, remove_at=now + KEPT)
        audit.record(tx, _entry(Action.ACCOUNT_EXPORT_BUILD, export))
    observability.event("export.built", account_id=export.pk, export_id=export.export_id)


def _give_up(row: OutboxRow, export: Export) -> None:
    with suppress(Conflict), transaction() as tx:
        storage.fail(tx, export)
        outbox.settle_in(tx, row, OutboxStatus.FAILED)
        audit.record(tx, _entry(Action.ACCOUNT_EXPORT_FAIL, export))
    observability.count("ExportFailed")
    observability.event("export.failed", account_id=export.pk, export_id=export.export_id)


def _remove(row: OutboxRow, export: Export | None) -> None:
    if export is not None:
        remove_file(export)
    with suppress(Conflict), transaction() as tx:
        outbox.settle_in(tx, row, OutboxStatus.DONE)
        if export is not None:
            storage.remove(tx, export)
            audit.record(tx, _entry(Action.ACCOUNT_EXPORT_REMOVE, export))


def _entry(action: Action, export: Export) -> Entry:
    return Entry(SYSTEM, action, account_id=export.pk, about={"export_id": export.export_id})
