"""Imports of files: what was asked for, how far each is, and who works on it at the moment."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib import clock, ids
from chalicelib.domain.access import Actor, ActorKind
from chalicelib.domain.fhir.pieces import Place
from chalicelib.domain.import_files import OPEN, REMEMBERED, UPLOAD_LASTS, FileFormat, ImportStatus, Stage
from chalicelib.domain.imports import Outcome
from chalicelib.errors import ImportOver, Unavailable
from chalicelib.models.accounts import AccountsTable
from chalicelib.models.base import storage_errors
from chalicelib.models.transaction import Precedence, Transaction

PREFIX = "imp"

LEASED = timedelta(minutes=6)
"""How long a worker has an import for itself: longer than its function may run, shorter than its message is hidden."""

_LIST = "imports"
_NOT_YET = "."
_LETTERS = {
    Outcome.CREATED: "c",
    Outcome.UPDATED: "u",
    Outcome.UNCHANGED: "n",
    Outcome.KEPT_RAW: "k",
}


class TakenOver(Unavailable):
    """Another worker has the import now, or it was cancelled."""


class ImportFile(AccountsTable, discriminator="import_file"):
    """One import; all are one partition, whose sort key is the import's id, which sorts by time.

    Its place says how far its stage is: `offset` bytes and `position` resources of the file. `tally` has a letter for
    each resource of the batch behind that place: what became of it, or that it is not stored yet. It is written by the
    very transactions that store them, so that whoever goes on counts each of them once.
    """

    client_id = UnicodeAttribute()
    actor_kind = UnicodeAttribute()
    actor_id = UnicodeAttribute()
    format = UnicodeAttribute()
    size = NumberAttribute(null=True)
    status = UnicodeAttribute()
    created_at = UnicodeAttribute()
    started_at = UnicodeAttribute(null=True)
    finished_at = UnicodeAttribute(null=True)
    failure = UnicodeAttribute(null=True)
    etag = UnicodeAttribute(null=True)
    stage = NumberAttribute(default=0)
    offset = NumberAttribute(default=0)
    position = NumberAttribute(default=0)
    head = UnicodeAttribute(default="{}")
    entries_at = NumberAttribute(default=0)
    stages = NumberAttribute(default=0)
    total = NumberAttribute(default=0)
    has_numbers = BooleanAttribute(default=False)
    tally = UnicodeAttribute(default="")
    created = NumberAttribute(default=0)
    updated = NumberAttribute(default=0)
    unchanged = NumberAttribute(default=0)
    kept_raw = NumberAttribute(default=0)
    refused = NumberAttribute(default=0)
    reject_parts = NumberAttribute(default=0)
    reject_bytes = NumberAttribute(default=0)
    rejects_key = UnicodeAttribute(null=True)
    lease = UnicodeAttribute(null=True)
    leased_until = UnicodeAttribute(null=True)
    attempts = NumberAttribute(default=0)
    pauses = NumberAttribute(default=0)

    @property
    def import_id(self) -> str:
        """Its id."""
        return self.sk

    @property
    def is_open(self) -> bool:
        """Whether it is not over."""
        return self.status in OPEN

    @property
    def place(self) -> Place:
        """Where its stage goes on."""
        return Place(int(self.offset), int(self.position))

    @property
    def actor(self) -> Actor:
        """Who asked for it, and whose doing it is."""
        return Actor(ActorKind(self.actor_kind), self.actor_id)

    @property
    def expires_at(self) -> datetime:
        """Until when its file may be uploaded."""
        return clock.read_stamp(self.created_at) + UPLOAD_LASTS

    @property
    def resources_read(self) -> int:
        """How many resources it is done with."""
        return int(self.created + self.updated + self.unchanged + self.kept_raw + self.refused)

    def done(self) -> dict[int, Outcome]:
        """What is stored already of the batch behind its place, by the resource's number in the batch."""
        outcomes = {letter: outcome for outcome, letter in _LETTERS.items()}
        return {number: outcomes[letter] for number, letter in enumerate(self.tally) if letter != _NOT_YET}


@dataclass(frozen=True, slots=True)
class Step:
    """What a worker has done since the place before: where it is now, and what became of the resources between."""

    stage: Stage
    place: Place
    became: Mapping[Outcome, int] = field(default_factory=dict)
    refused: int = 0
    reject_parts: int = 0
    reject_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Counted:
    """How far a file was read before anything is taken in: what it has up to a place, and where its entries begin.

    `stages` has the bit of each stage that has resources, `head` what the Bundle says of itself; `has_numbers` says
    that there are Social Security numbers to be known again.
    """

    place: Place
    total: int
    stages: int
    head: Mapping[str, str]
    entries_at: int
    has_numbers: bool


class ToldOf(AccountsTable, discriminator="told_of_import"):
    """Somebody has heard of an import's results; partition key `<import id>#told`."""


def create(tx: Transaction, actor: Actor, client_id: str, format: FileFormat, size: int | None) -> str:
    """An import whose file is to be uploaded; returns its id."""
    import_id, now = ids.new_id(PREFIX), clock.now()
    row = ImportFile(
        _LIST,
        import_id,
        client_id=client_id,
        actor_kind=actor.kind,
        actor_id=actor.id,
        format=format,
        size=size,
        status=ImportStatus.AWAITING_UPLOAD,
        created_at=clock.stamp(now),
        ttl=clock.epoch(now + REMEMBERED),
    )
    tx.create(row, error=None)
    return import_id


def find(import_id: str) -> ImportFile | None:
    """One import."""
    return ImportFile.find(_LIST, import_id)


def find_page(limit: int, after: str | None, client_id: str | None) -> list[ImportFile]:
    """At most `limit` imports, the newest first: all, or one client's. `after` is the last id of the page before."""
    last = {"pk": {"S": _LIST}, "sk": {"S": after}} if after else None
    with storage_errors():
        rows = ImportFile.query(
            _LIST,
            filter_condition=ImportFile.client_id == client_id if client_id else None,
            consistent_read=True,
            scan_index_forward=False,
            limit=limit,
            last_evaluated_key=last,
        )
        return list(rows)


def cancel(tx: Transaction, row: ImportFile) -> None:
    """End an import; whoever works on it stores nothing more. Raises ImportOver where it is over."""
    actions = [ImportFile.status.set(ImportStatus.CANCELLED), ImportFile.finished_at.set(clock.stamp(clock.now()))]
    tx.update(
        row,
        [*actions, ImportFile.lease.remove()],
        condition=ImportFile.status.is_in(*sorted(OPEN)),
        error=ImportOver(),
        precedence=Precedence.STATE,
    )


def take(row: ImportFile, lease: str, etag: str) -> bool:
    """Take an open import for this worker alone; False where another has it, or it is over. Written alone."""
    now = clock.now()
    actions: list[Action] = [
        ImportFile.status.set(ImportStatus.RUNNING),
        ImportFile.lease.set(lease),
        ImportFile.leased_until.set(clock.stamp(now + LEASED)),
        ImportFile.attempts.add(1),
    ]
    if not row.started_at:
        actions += [ImportFile.started_at.set(clock.stamp(now)), ImportFile.etag.set(etag)]
    free = ImportFile.lease.does_not_exist() | (ImportFile.leased_until <= clock.stamp(now))
    return _update(row, actions, ImportFile.status.is_in(*sorted(OPEN)) & free)


def give_back(row: ImportFile, lease: str, *, is_passing: bool = False) -> None:
    """Leave an import to whoever takes it next, unless somebody has it already.

    `is_passing` says that it failed for a reason that will pass: that is no try of the import's own.
    """
    actions: list[Action] = [
        ImportFile.status.set(ImportStatus.QUEUED),
        ImportFile.lease.remove(),
        ImportFile.leased_until.remove(),
        *([ImportFile.attempts.add(-1), ImportFile.pauses.add(1)] if is_passing else []),
    ]
    _update(row, actions, ImportFile.lease == lease)


def note_count(row: ImportFile, lease: str, counted: Counted) -> None:
    """Note how far the counting is. Raises TakenOver."""
    actions = [
        ImportFile.offset.set(counted.place.offset),
        ImportFile.position.set(counted.place.number),
        ImportFile.total.set(counted.total),
        ImportFile.stages.set(counted.stages),
        ImportFile.head.set(json.dumps(dict(counted.head))),
        ImportFile.entries_at.set(counted.entries_at),
        ImportFile.has_numbers.set(counted.has_numbers),
        ImportFile.attempts.set(0),
        ImportFile.pauses.set(0),
    ]
    _require(_update(row, actions, ImportFile.lease == lease))


def note_step(row: ImportFile, lease: str, step: Step) -> None:
    """Note how far the taking in is, and count what became of what lies between. Raises TakenOver."""
    actions: list[Action] = [
        ImportFile.stage.set(step.stage),
        ImportFile.offset.set(step.place.offset),
        ImportFile.position.set(step.place.number),
        ImportFile.tally.set(""),
        ImportFile.attempts.set(0),
        ImportFile.refused.add(step.refused),
        ImportFile.reject_parts.add(step.reject_parts),
        ImportFile.reject_bytes.set(step.reject_bytes),
        ImportFile.pauses.set(0),
        *(getattr(ImportFile, outcome).add(count) for outcome, count in step.became.items()),
    ]
    _require(_update(row, actions, ImportFile.lease == lease))


def note_tally(tx: Transaction, import_id: str, lease: str, done: Mapping[int, Outcome], size: int) -> None:
    """Note what is stored of the batch, in the transaction that stores it.

    Raises TakenOver at the commit where another worker has the import, or it was cancelled: nothing is stored then.
    """
    tally = "".join(_LETTERS[done[number]] if number in done else _NOT_YET for number in range(size))
    tx.update(
        ImportFile(_LIST, import_id),
        [ImportFile.tally.set(tally)],
        condition=ImportFile.lease == lease,
        error=TakenOver(),
        precedence=Precedence.STATE,
    )


def finish(
    tx: Transaction, row: ImportFile, lease: str, status: ImportStatus, *, rejects_key: str | None, failure: str | None
) -> None:
    """The import is over. Raises TakenOver at the commit."""
    tx.update(
        row,
        [
            ImportFile.status.set(status),
            ImportFile.finished_at.set(clock.stamp(clock.now())),
            ImportFile.lease.remove(),
            *([ImportFile.rejects_key.set(rejects_key)] if rejects_key else []),
            *([ImportFile.failure.set(failure)] if failure else []),
        ],
        condition=ImportFile.lease == lease,
        error=TakenOver(),
        precedence=Precedence.STATE,
    )


def note_rejects(row: ImportFile, rejects_key: str) -> None:
    """What a cancelled import has refused until then lies in one file."""
    _update(row, [ImportFile.rejects_key.set(rejects_key)], ImportFile.rejects_key.does_not_exist())


def find_told(import_id: str, names: Iterable[str]) -> set[str]:
    """Which of these have heard of an import's results."""
    return {sk for _, sk in ToldOf.find_all([(f"{import_id}#told", name) for name in names])}


def note_told(tx: Transaction, import_id: str, name: str) -> None:
    """Somebody hears of an import's results with this transaction."""
    tx.put(ToldOf(f"{import_id}#told", name, ttl=clock.epoch(clock.now() + REMEMBERED)))


def _require(is_mine: bool) -> None:  # noqa: FBT001  One yes or no, from the call in it.
    if not is_mine:
        raise TakenOver


def _update(row: ImportFile, actions: Sequence[Action], condition: Condition) -> bool:
    """Change a row, and this copy of it, under a condition; False where that is not fulfilled."""
    with storage_errors():
        try:
            row.update(list(actions), condition=condition)
        except UpdateError as refused:
            if refused.cause_response_code == "ConditionalCheckFailedException":
                return False
            raise
    return True
