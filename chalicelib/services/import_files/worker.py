"""Taking a file in, stage by stage and batch by batch, so that whoever goes on after a crash counts nothing twice.

An import is leased to one worker, and every transaction asks for that lease: whoever lost it stores nothing more. After
each batch the import says where to go on. Before its function's time is over a worker stops and queues the import anew.
"""

import json
import time
from collections import Counter
from urllib.parse import unquote_plus

from chalicelib import ids, observability
from chalicelib.clients import import_files as files
from chalicelib.clients import queues
from chalicelib.clients.import_files import Uploaded
from chalicelib.domain.access import SYSTEM, Actor, ActorKind, ClientScope
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.fhir.pieces import Broken, Place
from chalicelib.domain.import_files import PAUSES, TRIES, FileFormat, ImportStatus, Stage, look_at
from chalicelib.domain.staff import Permission
from chalicelib.errors import Unavailable
from chalicelib.models import accounts, audit
from chalicelib.models import import_files as storage
from chalicelib.models.import_files import Counted, ImportFile, Step, TakenOver
from chalicelib.models.transaction import transaction
from chalicelib.services.import_files import batches, numbers, reading, rejects
from chalicelib.services.import_files.batches import Batch
from chalicelib.services.import_files.keys import import_of, numbers_key, upload_key
from chalicelib.services.import_files.reading import Source
from chalicelib.services.import_files.rejects import Rejects
from chalicelib.settings import settings

RUN_SECONDS = 240
"""After so long a worker begins no batch more: its function has 300 seconds."""

_BUSY_SECONDS = 400
"""Longer than a dead worker's lease lasts."""
_FIRST_PAUSE, _LONGEST_PAUSE = 15, 900


def receive(body: str) -> None:
    """Work the imports that a message names: S3's own word of an upload, or the one to go on."""
    for import_id in _named(json.loads(body)):
        work(import_id)


def _named(message: dict[str, object]) -> list[str]:
    if "id" in message:
        return [str(message["id"])]
    records = message.get("Records")
    # The word that S3 sends when it is told of the queue has none.
    listed = records if isinstance(records, list) else []
    return [import_of(unquote_plus(record["s3"]["object"]["key"])) for record in listed]


def work(import_id: str, seconds: float = RUN_SECONDS) -> None:
    """Take in as much of an import's file as there is time for. Safe to run any number of times, and at once."""
    if not ids.has_prefix(import_id, storage.PREFIX):
        return
    row = storage.find(import_id)
    if row is None or not row.is_open:
        _tidy(import_id, row)
        return
    lease = ids.new_id("lse")
    try:
        is_over = _take(row, lease, seconds)
    except TakenOver:
        _tidy(import_id, storage.find(import_id))
    except Unavailable as failed:
        observability.count("JobRetried")
        observability.fault("import.retried", failed, import_id=import_id, attempt=int(row.pauses) + 1)
        storage.give_back(row, lease, is_passing=True)
        _queue(import_id, min(_FIRST_PAUSE * 2 ** min(int(row.pauses), 6), _LONGEST_PAUSE))
    except Exception:
        storage.give_back(row, lease)
        raise
    else:
        if not is_over:
            storage.give_back(row, lease)
            _queue(import_id)


def _take(row: ImportFile, lease: str, seconds: float) -> bool:
    """Whether there is nothing left to do for now."""
    until = time.monotonic() + seconds
    uploaded = files.find(upload_key(row.import_id))
    if uploaded is None and not row.etag:
        return True
    if not storage.take(row, lease, uploaded.etag if uploaded else ""):
        # Who has it may be dead: its own message comes back, and this one all the more.
        _queue(row.import_id, _BUSY_SECONDS)
        return True
    try:
        if not _Run(row, lease, _source(row, uploaded), until).run():
            return False
    except Broken as broken:
        observability.count("ImportFailed")
        _finish(row, lease, ImportStatus.FAILED, broken.reason)
    else:
        _finish(row, lease, ImportStatus.DONE)
    return True


def _queue(import_id: str, delay: int = 0) -> None:
    if queues.send_ids(settings().queue_url("imports"), [import_id], delay=delay):
        raise Unavailable


def _source(row: ImportFile, uploaded: Uploaded | None) -> Source:
    """The file that an import began with. Raises Broken where it is gone, was tried too often, or may not be read."""
    if uploaded is None or uploaded.etag != row.etag:
        raise Broken("the file was replaced or removed while it was read")
    if row.attempts > TRIES or row.pauses > PAUSES:
        raise Broken("the portal came no further with it, however often it tried; its operators were told")
    if not _may_still(row):
        raise Broken("whoever asked for it may import no more")
    return Source(upload_key(row.import_id), uploaded)


def _may_still(row: ImportFile) -> bool:
    client = accounts.find_client(row.client_id)
    if client is None:
        return False
    if row.actor_kind == ActorKind.CLIENT:
        return not client.disabled and ClientScope.RECORDS_WRITE in json.loads(client.scopes)
    account = accounts.find_account(row.actor_id)
    if account is None or account.disabled:
        return False
    return Actor(ActorKind.ACCOUNT, account.pk, roles=account.staff_roles).has(Permission.RECORDS_IMPORT)


class _Run:
    """What one worker does with one import."""

    def __init__(self, row: ImportFile, lease: str, source: Source, until: float) -> None:
        self._row, self._lease, self._source, self._until = row, lease, source, until
        self._numbers, self._rejects = numbers.load(row), Rejects(row)

    def run(self) -> bool:
        """Whether the file is done. Raises Broken, TakenOver, Unavailable."""
        while True:
            stage = Stage(int(self._row.stage))
            if not (self._count() if stage is Stage.COUNT else self._take_in(stage)):
                return False
            later = [one for one in Stage if one > stage and int(self._row.stages) >> one & 1]
            if not later:
                return True
            storage.note_step(self._row, self._lease, self._next(later[0]))

    def _next(self, stage: Stage) -> Step:
        return Step(stage, Place(int(self._row.entries_at)), reject_bytes=int(self._row.reject_bytes))

    def _is_late(self) -> bool:
        return time.monotonic() > self._until

    def _count(self) -> bool:
        """Read the file to its end, which what is broken does not have, and note which stages have resources."""
        row, file, is_late = self._row, reading.open_file(self._source, self._row), False
        total, stages, place = int(row.total), int(row.stages), row.place
        for piece in file.whole():
            look = look_at(piece.raw, FileFormat(row.format))
            total, stages, place = total + 1, stages | 1 << look.stage, piece.place
            if look.stage is Stage.PATIENTS:
                self._numbers.note(look.resource)
            if is_late := self._is_late():
                break
        has_numbers = numbers.save(row, self._numbers)
        entries_at = int(row.entries_at) or file.begins_at.offset
        storage.note_count(row, self._lease, Counted(place, total, stages, file.head, entries_at, has_numbers))
        return not is_late

    def _take_in(self, stage: Stage) -> bool:
        batch = Batch()
        for piece in reading.open_file(self._source, self._row).entries():
            if look_at(piece.raw, FileFormat(self._row.format)).stage is stage:
                batch.add(piece)
            is_late = self._is_late()
            if batch.is_full or is_late:
                self._store(stage, batch, piece.place)
                batch = Batch()
            if is_late:
                return False
        if batch.pieces:
            self._store(stage, batch, batch.pieces[-1].place)
        return True

    def _store(self, stage: Stage, batch: Batch, place: Place) -> None:
        taken = batches.take_in(self._row, self._lease, batch, self._numbers)
        kept = 0, int(self._row.reject_bytes)
        if taken.refused:
            kept = self._rejects.add(batches.reject_lines(self._row, batch, taken.refused))
        became = Counter(taken.became.values())
        storage.note_step(self._row, self._lease, Step(stage, place, became, len(taken.refused), *kept))


def _finish(row: ImportFile, lease: str, status: ImportStatus, failure: str | None = None) -> None:
    key = rejects.join(row)
    with transaction() as tx:
        storage.finish(tx, row, lease, status, rejects_key=key, failure=failure)
        about: dict[str, object] = {"import_id": row.import_id, "status": status}
        audit.record(tx, Entry(SYSTEM, Action.IMPORT_FINISH, about=about))
    _remove(row.import_id)
    observability.event(
        "import.file_done",
        import_id=row.import_id,
        code=status,
        created_count=int(row.created),
        updated_count=int(row.updated),
        unchanged_count=int(row.unchanged),
        kept_raw_count=int(row.kept_raw),
        refused_count=int(row.refused),
    )


def _tidy(import_id: str, row: ImportFile | None) -> None:
    """Take away a file that nobody needs any more; what a cancelled import has refused is still to be had."""
    if row is not None and row.is_open:
        return
    _remove(import_id)
    if row is not None and row.status == ImportStatus.CANCELLED and not row.rejects_key and (key := rejects.join(row)):
        storage.note_rejects(row, key)


def _remove(import_id: str) -> None:
    files.remove(upload_key(import_id))
    files.remove(numbers_key(import_id))
