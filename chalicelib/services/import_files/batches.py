"""Taking in one batch of a file's lines or entries: what can be read is stored, each other one is refused alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from chalicelib import observability
from chalicelib.domain.fhir import ssn, text
from chalicelib.domain.fhir.bundle import Entry, Refusal, read_located
from chalicelib.domain.fhir.pieces import MAX_PIECE, Piece
from chalicelib.domain.import_files import FileFormat
from chalicelib.domain.imports import Outcome
from chalicelib.errors import PortalError
from chalicelib.models import import_files as storage
from chalicelib.models.import_files import ImportFile
from chalicelib.models.transaction import Transaction
from chalicelib.services.import_files.numbers import Numbers
from chalicelib.services.imports.news import Memory
from chalicelib.services.imports.take_in import Progress, take_in_entries

MAX_RESOURCES = 500
MAX_BYTES = 2 * 1024 * 1024
"""After so many a batch is full: what is in memory at once."""

_MOST_BROKEN = 20
"""Resources of one batch that break the import before it is the import that is taken for broken."""

_TOO_LONG = f"over {MAX_PIECE // 1024 // 1024} MB"
_BREAKS = "the portal could not store this resource; its operators were told"


class _InTables(Memory):
    """What an import of several parts remembers: looked up, so that nothing grows with the file.

    Its notes of what is stored are made on condition that the import is leased to this worker still.
    """

    def __init__(self, row: ImportFile, lease: str, size: int) -> None:
        super().__init__()
        self._import_id, self._lease, self._size = row.import_id, lease, size
        self.done = {number: outcome for number, outcome in row.done().items() if number < size}

    def __contains__(self, name: object) -> bool:
        return bool(storage.find_told(self._import_id, [str(name)]))

    def note_told(self, tx: Transaction, name: str) -> None:
        storage.note_told(tx, self._import_id, name)

    def note_stored(self, tx: Transaction, became: dict[int, Outcome]) -> None:
        storage.note_tally(tx, self._import_id, self._lease, {**self.done, **became}, self._size)

    def update(self, *names: object) -> None:
        """Nothing: the transaction has noted it."""


@dataclass(slots=True)
class Batch:
    """Pieces of a file that are taken in together."""

    pieces: list[Piece] = field(default_factory=list)
    bytes: int = 0

    def add(self, piece: Piece) -> None:
        """One piece more."""
        self.pieces.append(piece)
        self.bytes += len(piece.raw or b"")

    @property
    def is_full(self) -> bool:
        """Whether it is time to take it in."""
        return len(self.pieces) >= MAX_RESOURCES or self.bytes >= MAX_BYTES


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch's pieces, and why some were refused, by their numbers in it."""

    became: Mapping[int, Outcome]
    refused: Mapping[int, str]


def take_in(row: ImportFile, lease: str, batch: Batch, numbers: Numbers) -> Taken:
    """Take a batch in. What the import's tally says is stored already is not stored, nor counted, again.

    Raises TakenOver, Unavailable.
    """
    values: list[Any] = []
    refused: dict[int, str] = {}
    for number, piece in enumerate(batch.pieces):
        try:
            values.append(_read(row, piece))
        except text.MalformedJson as wrong:
            values.append(None)
            refused[number] = str(wrong)
    masked = ssn.mask({"resourceType": "Bundle", "entry": values}, numbers.is_known if numbers else None)
    entries = masked.payload["entry"]
    reading = read_located(
        (number, _where(row, piece), entries[number])
        for number, piece in enumerate(batch.pieces)
        if number not in refused
    )
    memory = _InTables(row, lease, len(batch.pieces))
    part = Progress(row.actor, row.client_id, memory, memory.done, is_part=True)
    refusals = [*reading.refused, *_store(part, reading.entries, masked.last_four, _Broken(row.import_id))]
    refused |= {refusal.index: refusal.reason for refusal in refusals if refusal.index not in part.done}
    return Taken(part.done, refused)


def _read(row: ImportFile, piece: Piece) -> Any:
    """A piece as an entry of a Bundle."""
    if piece.raw is None:
        raise text.MalformedJson(_TOO_LONG)
    value = text.parse(piece.raw)
    return value if row.format == FileFormat.BUNDLE else {"resource": value}


def _where(row: ImportFile, piece: Piece) -> str:
    """What reasons call the place of a piece."""
    count = piece.place.number
    return f"Bundle.entry[{count - 1}]" if row.format == FileFormat.BUNDLE else f"line {count}"


def reject_lines(row: ImportFile, batch: Batch, refused: Mapping[int, str]) -> bytes:
    """What was refused and why, as NDJSON: `line` from 1, or `index` from 0. Never the resource itself."""
    return b"".join(_reject_lines(row, batch, refused))


def _reject_lines(row: ImportFile, batch: Batch, refused: Mapping[int, str]) -> Iterator[bytes]:
    for number in sorted(refused):
        count = batch.pieces[number].place.number
        place = {"index": count - 1} if row.format == FileFormat.BUNDLE else {"line": count}
        yield orjson.dumps({**place, "reason": refused[number]}, option=orjson.OPT_APPEND_NEWLINE)


@dataclass(slots=True)
class _Broken:
    """How many resources of a batch break an import."""

    import_id: str
    count: int = 0

    def refuse(self, entry: Entry, failed: Exception) -> Refusal:
        observability.fault("import.resource_failed", failed, import_id=self.import_id)
        self.count += 1
        return Refusal(entry.index, _BREAKS)


def _store(part: Progress, entries: list[Entry], last_four: dict[int, str], broken: _Broken) -> list[Refusal]:
    """Store entries; one that breaks the import is found by halves, and refused alone.

    Raises whatever breaks it, where that is more than a few.
    """
    try:
        return take_in_entries(part, entries, last_four)
    except PortalError:
        raise
    except Exception as failed:
        left = [entry for entry in entries if entry.index not in part.done]
        if not left or broken.count >= _MOST_BROKEN:
            raise
        if len(left) == 1:
            return [broken.refuse(left[0], failed)]
    middle = len(left) // 2
    halves = (left[:middle], left[middle:])
    return [refusal for half in halves for refusal in _store(part, half, last_four, broken)]
