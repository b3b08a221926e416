"""Copies of what the portal keeps about somebody: asked for, built by a worker, kept in the bucket for a while.

What is in one is for a builder of its own (`_BUILDERS`). Building begins anew where a worker died. Each try has a file
of its own, and the first to note that it is there wins; what a try leaves behind, the bucket removes after a week.
"""

import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from tempfile import TemporaryFile
from typing import BinaryIO, cast

from chalicelib import clock, ids, observability
from chalicelib.auth import jose, limits
from chalicelib.auth.limits import Limit
from chalicelib.clients import files
from chalicelib.domain.access import SYSTEM, Actor, Reach
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.exports import (
    DOWNLOAD_LASTS,
    TRIED_FOR,
    TRIES,
    Document,
    ExportFormat,
    ExportStatus,
    ExportSubject,
    ExportView,
    Manifest,
    Wanted,
)
from chalicelib.domain.notices import Notice, NoticeKind, OutboxStatus
from chalicelib.domain.records.sight import sight_of
from chalicelib.errors import Conflict, NotFound
from chalicelib.models import accounts, audit, outbox
from chalicelib.models import exports as storage
from chalicelib.models.accounts import Account
from chalicelib.models.exports import Export, Made, Subject
from chalicelib.models.outbox import OutboxRow
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.services import access, account_exports, jobs, share_secrets
from chalicelib.services.jobs import Superseded
from chalicelib.services.once import Once

_DAY, _CHUNK = 86_400, 1 << 20
REQUESTS = Limit(tries=3, seconds=_DAY)
"""How often somebody may ask for a copy of their account."""

RECORD_REQUESTS, ALL_RECORD_REQUESTS = Limit(tries=12, seconds=_DAY), Limit(tries=60, seconds=_DAY)
"""How often somebody may ask for a copy of one patient's record, and of any."""

_OF_RECORDS: Mapping[str, Action] = {
    "ask": Action.RECORD_EXPORT_ASK,
    "build": Action.RECORD_EXPORT_BUILD,
    "fail": Action.RECORD_EXPORT_FAIL,
    "withdraw": Action.RECORD_EXPORT_WITHDRAW,
    "remove": Action.RECORD_EXPORT_REMOVE,
}
_ACTIONS: Mapping[ExportSubject, Mapping[str, Action]] = {
    ExportSubject.ACCOUNT: {
        "ask": Action.ACCOUNT_EXPORT_ASK,
        "build": Action.ACCOUNT_EXPORT_BUILD,
        "fail": Action.ACCOUNT_EXPORT_FAIL,
        "remove": Action.ACCOUNT_EXPORT_REMOVE,
    },
    ExportSubject.RECORD: _OF_RECORDS,
    ExportSubject.SHARE: _OF_RECORDS,
}
_FOLDERS: Mapping[ExportSubject, str] = {
    ExportSubject.ACCOUNT: "exports",
    ExportSubject.RECORD: "exports",
    ExportSubject.SHARE: "shares",
}
"""Where files lie in the bucket, which takes them away by the folder if nobody else has."""

_SEALED = "jose"


def _build_account(_export: Export, account: Account, progress: Callable[[int], None]) -> Document:
    return account_exports.build(account, progress)


def _build_record(export: Export, account: Account, progress: Callable[[int], None]) -> Document:
    from chalicelib.services import record_exports  # noqa: PLC0415  The API, which loads this module, builds none.

    return record_exports.build(export, account, progress)


_BUILDERS: Mapping[ExportSubject, Callable[[Export, Account, Callable[[int], None]], Document]] = {
    ExportSubject.ACCOUNT: _build_account,
    ExportSubject.RECORD: _build_record,
    ExportSubject.SHARE: _build_record,
}


def request(actor: Actor, once: Once) -> ExportView:
    """Ask for a copy of one's account. Raises as `_ask`."""
    buckets = {f"export:{ExportSubject.ACCOUNT}:{actor.id}": REQUESTS}
    return _view(actor, _ask(actor, Subject(ExportSubject.ACCOUNT), once, buckets, {}))


def request_record(actor: Actor, reach: Reach, wanted: Wanted, once: Once) -> ExportView:
    """Ask for a copy of a patient's record. Raises NotFound for a category that is hidden; else as `_ask`."""
    if not set(wanted.categories) <= sight_of(reach).categories:
        raise NotFound
    buckets = {
        f"export:{ExportSubject.RECORD}:{actor.id}:{reach.patient_id}": RECORD_REQUESTS,
        f"export:{ExportSubject.RECORD}:{actor.id}": ALL_RECORD_REQUESTS,
    }
    about: dict[str, object] = {"format": wanted.format, "by": reach.by}
    return _view(actor, _ask(actor, Subject(ExportSubject.RECORD, reach.patient_id, wanted), once, buckets, about))


def _ask(
    actor: Actor, subject: Subject, once: Once, buckets: Mapping[str, Limit], about: Mapping[str, object]
) -> Export:
    """Raises TooManyRequests, and Conflict where the caller asked twice at the same moment."""
    replayed, windows = once.find_or_room(buckets)

    def change(tx: Transaction) -> dict[str, str]:
        for window in windows:
            limits.spend_in(tx, window, error=Conflict())
        export = storage.create(tx, actor.id, subject)
        outbox.post_export(tx, actor.id, export.export_id, subject=subject.kind)
        audit.record(tx, _entry(actor, "ask", export, about))
        return {"export_id": export.export_id}

    served = replayed or once.commit(change)
    found = storage.find(actor.id, served["export_id"])
    if found is None:
        raise NotFound
    return found


def find_latest(actor: Actor) -> ExportView:
    """The copy of their account that the caller asked for last. Raises NotFound where there is none, or none any more.

    Whoever has proved just now that it is them gets the address of its download.
    """
    mine = (one for one in storage.find_all(actor.id) if one.subject == ExportSubject.ACCOUNT and not one.is_over)
    found = next(mine, None)
    if found is None:
        raise NotFound
    return _view(actor, found, with_url=True)


def find_page(actor: Actor, reach: Reach, *, limit: int, before: str | None) -> tuple[list[ExportView], str | None]:
    """Copies of a patient's record that the caller asked for and may have, the newest first, and where the next begin.

    They are those of before an export's id, where one is given.
    """
    mine = [one for one in storage.find_all(actor.id) if _may_have(reach, one)]
    older = [one for one in mine if before is None or one.export_id < before]
    shown = [_view(actor, one) for one in older[:limit]]
    return shown, shown[-1].export_id if len(older) > limit else None


def find_record(actor: Actor, reach: Reach, export_id: str) -> ExportView:
    """One copy of a patient's record that the caller asked for.

    Raises NotFound where there is none any more, and where there is more in it than the caller sees now. Whoever has
    proved just now that it is them gets the address of its download, and the history says so.
    """
    view = _view(actor, _record(actor, reach, export_id), with_url=True)
    if view.download_url is not None:
        about: dict[str, object] = {"export_id": export_id, "by": reach.by}
        audit.record_alone(Entry(actor, Action.RECORD_EXPORT_DOWNLOAD, patient_id=reach.patient_id, about=about))
    return view


def withdraw_record(actor: Actor, reach: Reach, export_id: str) -> None:
    """Have a copy of a patient's record removed that the caller asked for, or never made. Raises NotFound.

    It is gone for its holder at once; its file, which `build_exports` takes away, a moment later.
    """
    found = _record(actor, reach, export_id)
    with transaction() as tx:
        now = storage.withdraw(tx, found)
        outbox.post_export(tx, found.pk, found.export_id, subject=found.subject, remove_at=now)
        audit.record(tx, _entry(actor, "withdraw", found, {"by": reach.by}))


def _record(actor: Actor, reach: Reach, export_id: str) -> Export:
    found = storage.find(actor.id, export_id) if ids.has_prefix(export_id, storage.PREFIX) else None
    if found is None or not _may_have(reach, found):
        raise NotFound
    return found


def _may_have(reach: Reach, export: Export) -> bool:
    if export.subject != ExportSubject.RECORD or export.patient_id != reach.patient_id or export.is_over:
        return False
    return export.seen is None or export.seen.may_be_had_by(reach.patient_ids, sight_of(reach))


def work(row_id: str) -> None:
    """Build the export that an outbox row asks for, or remove it once it was kept for long enough."""
    jobs.run(row_id, _work)


def remove_file(export: Export) -> None:
    """Take an export's files away, if it has any."""
    for file_key in filter(None, (export.file_key, export.sealed_key)):
        files.remove_export(file_key)


def _view(actor: Actor, export: Export, *, with_url: bool = False) -> ExportView:
    is_given = with_url and export.status == ExportStatus.READY and access.is_stepped_up(actor)
    return ExportView(
        export_id=export.export_id,
        status=ExportStatus(export.status),
        progress=int(export.progress),
        requested_at=clock.read_stamp(export.requested_at),
        ready_at=clock.read_stamp(export.ready_at) if export.ready_at else None,
        expires_at=clock.read_stamp(export.expires_at) if export.expires_at else None,
        download_url=_download_url(export) if is_given else None,
        manifest=export.manifest,
        wanted=export.wanted,
    )


def _download_url(export: Export) -> str:
    """Its name says nothing of whose it is."""
    key = export.file_key or ""
    name = f"portal-{export.subject}.{key.rpartition('.')[2]}"
    return files.download_url(key, name, round(DOWNLOAD_LASTS.total_seconds()))


def _work(row: OutboxRow) -> None:
    export = storage.find(row.account_id or "", row.ids()["export_id"])
    if row.not_before:
        _remove(row, export)
        return
    account = accounts.find_account(row.account_id or "")
    if export is None or account is None or not export.is_open:
        outbox.settle(row, OutboxStatus.DROPPED)
    elif account.disabled:
        _give_up(row, export)
    elif row.attempts >= TRIES or clock.now() >= clock.read_stamp(export.requested_at) + TRIED_FOR:
        observability.count("ExportFailed")
        _give_up(row, export)
    else:
        _build(row, export, account)


def _build(row: OutboxRow, export: Export, account: Account) -> None:
    storage.note_progress(export, 0)

    def progress(percent: int) -> None:
        jobs.go_on(row)
        storage.note_progress(export, percent)

    try:
        built = _BUILDERS[ExportSubject(export.subject)](export, account, progress)
    except Superseded:
        return
    except NotFound:
        # Its holder may see nothing of it any more.
        _give_up(row, export)
        return
    with built.file:
        _store(row, export, built)


def _store(row: OutboxRow, export: Export, built: Document) -> None:
    digest, size = _measure(built.file)
    # A name that says nothing of whose it is.
    place = f"{_FOLDERS[ExportSubject(export.subject)]}/{export.export_id}/{ids.new_id('fil')}"
    made = Made(f"{place}.{built.suffix}", Manifest(built.counts, digest, size), clock.now(), built.seen)
    files.put_export(made.file_key, built.file, built.media_type)
    if export.share_id and export.wanted and export.wanted.format is ExportFormat.FHIR:
        made = replace(made, sealed_key=f"{place}.{_SEALED}", sealed_size=_put_sealed(export.share_id, place, built))
    try:
        _note_ready(row, export, made)
    except Conflict:
        # Another worker was faster, or the account was removed meanwhile: of this try nothing may be left.
        for file_key in filter(None, (made.file_key, made.sealed_key)):
            files.remove_export(file_key)
        outbox.settle(row, OutboxStatus.DROPPED)


def _put_sealed(share_id: str, place: str, built: Document) -> int:
    """Keep a file once more, encrypted for whoever has the share's SMART Health Link; returns its size in bytes."""
    built.file.seek(0)
    with TemporaryFile() as sealed:
        jose.encrypt(built.file, sealed, share_secrets.file_key(share_id), built.media_type)
        size = sealed.tell()
        sealed.seek(0)
        files.put_export(f"{place}.{_SEALED}", cast("BinaryIO", sealed), jose.MEDIA_TYPE)
    return size


def _measure(file: BinaryIO) -> tuple[str, int]:
    """SHA-256 in hexadecimal and bytes of a file, which is at its beginning then."""
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    size = file.tell()
    file.seek(0)
    return digest.hexdigest(), size


def _note_ready(row: OutboxRow, export: Export, made: Made) -> None:
    with transaction() as tx:
        storage.finish(tx, export, made)
        outbox.settle_in(tx, row, OutboxStatus.DONE)
        outbox.post_export(
            tx, export.pk, export.export_id, subject=export.subject, remove_at=export.remove_at(made.ready_at)
        )
        if export.subject is not ExportSubject.SHARE:
            outbox.post(tx, Notice(NoticeKind.EXPORT_READY, export.pk, {"export_id": export.export_id}))
        audit.record(tx, _entry(SYSTEM, "build", export))
    observability.event("export.built", account_id=export.pk, export_id=export.export_id)


def _give_up(row: OutboxRow, export: Export) -> None:
    with suppress(Conflict), transaction() as tx:
        storage.fail(tx, export)
        outbox.settle_in(tx, row, OutboxStatus.FAILED)
        audit.record(tx, _entry(SYSTEM, "fail", export))
    observability.event("export.failed", account_id=export.pk, export_id=export.export_id)


def _remove(row: OutboxRow, export: Export | None) -> None:
    if export is not None:
        remove_file(export)
    with suppress(Conflict), transaction() as tx:
        outbox.settle_in(tx, row, OutboxStatus.DONE)
        if export is not None:
            storage.remove(tx, export)
            audit.record(tx, _entry(SYSTEM, "remove", export))


def _entry(actor: Actor, what: str, export: Export, about: Mapping[str, object] | None = None) -> Entry:
    """Of an account's copy in the account's history; of a record's in the patient's, naming whose copy it is."""
    known: dict[str, object] = {"export_id": export.export_id, **(about or {})}
    if export.patient_id is not None:
        known["account_id"] = export.pk
    action = _ACTIONS[ExportSubject(export.subject)][what]
    return Entry(actor, action, patient_id=export.patient_id, account_id=export.pk, about=known)
