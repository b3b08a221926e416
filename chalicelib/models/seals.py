"""The chains that seal the audit table, in a table of their own: links, the entries that are in one, and two notes.

Links and marks are put once. A link's key is its number in its chain, so that of two writers one has it and no chain
ever forks; an entry's mark has the entry's own keys, so that no entry is sealed twice.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition

from chalicelib import clock
from chalicelib.domain import sealing
from chalicelib.domain.audit import KEPT
from chalicelib.domain.sealing import Entry, Link
from chalicelib.errors import Conflict
from chalicelib.models.base import AreaMeta, Key, RawItem, Row, storage_errors
from chalicelib.models.transaction import Transaction

_NOTES, _LOCKED, _SWEEP = "notes", "locked", "sweep"
_MARK = "mark#"
_LAST = "\uffff"
# An entry that is about to expire must not lose its mark first, or it would be sealed again.
_LONGER = timedelta(days=30)
_LINKS_AT_ONCE = 25


class SealsTable(Row, discriminator="seals"):
    """Everything of the table."""

    class Meta(metaclass=AreaMeta):
        area = "seals"

    ttl = NumberAttribute(null=True)


class SealLink(SealsTable, discriminator="seal_link"):
    """One link; partition key is its chain, sort key its number."""

    hash = UnicodeAttribute()
    previous = UnicodeAttribute()
    sealed_at = UnicodeAttribute()
    entries = UnicodeAttribute()

    @property
    def sequence(self) -> int:
        """Its number in its chain."""
        return int(self.sk.partition("#")[2])

    @property
    def is_in_order(self) -> bool:
        """Whether it stands where a link stands."""
        return self.sk.partition("#")[2].isdecimal() and self.sk == _sk(self.sequence)

    def link(self) -> Link:
        """What it says. Raises ValueError where it can have been written by nobody here."""
        chain = int(self.pk.partition("#")[2])
        clock.read_stamp(str(self.sealed_at))
        return Link(chain, self.sequence, self.previous, self.sealed_at, sealing.load(self.entries))


class SealMark(SealsTable, discriminator="seal_mark"):
    """That an entry is sealed, and in which link.

    Its keys are the entry's, behind a word that no other row begins with.
    """

    link = UnicodeAttribute()

    @property
    def link_key(self) -> Key:
        """The keys of the link."""
        chain, _, number = self.link.partition("/")
        return chain, number


class SealNote(SealsTable, discriminator="seal_note"):
    """What the schedule remembers from minute to minute."""

    about = JSONAttribute()


@dataclass(frozen=True, slots=True)
class Sweep:
    """How far the round over all entries has come; `after` is None where it begins, and again where it is done."""

    began_at: datetime | None = None
    after: RawItem | None = None

    @property
    def is_done(self) -> bool:
        """Whether there is no round under way."""
        return self.after is None


def find_last(chain: int) -> SealLink | None:
    """The link at the end of a chain."""
    with storage_errors():
        rows = SealLink.query(_pk(chain), _links(), consistent_read=True, scan_index_forward=False, limit=1)
        return next(iter(rows), None)


def find_links(chain: int) -> Iterator[SealLink]:
    """Every link of a chain from its start, a few in memory at a time."""
    rows = SealLink.query(_pk(chain), _links(), consistent_read=True, page_size=_LINKS_AT_ONCE)
    with storage_errors():
        yield from rows


def find_link(chain: int, sequence: int) -> SealLink | None:
    """One link."""
    return SealLink.find(_pk(chain), _sk(sequence))


def find_links_of(marks: Iterable[SealMark]) -> dict[Key, SealLink]:
    """The links that marks name, by their keys."""
    return SealLink.find_all({mark.link_key for mark in marks})


def find_marks(keys: Iterable[Key]) -> dict[Key, SealMark]:
    """The marks of those of the entries that are sealed, by the entry's keys."""
    marks = SealMark.find_all([_mark_key(key) for key in keys])
    return {(pk.removeprefix(_MARK), sk): mark for (pk, sk), mark in marks.items()}


def append(tx: Transaction, last: SealLink | None, chain: int, entries: Sequence[Entry]) -> Link:
    """Put entries into a new link behind the last one.

    Raises Conflict where another writer had the place or one of the entries.
    """
    sequence = last.sequence + 1 if last else 1
    link = Link(chain, sequence, last.hash if last else sealing.GENESIS, clock.stamp(clock.now()), tuple(entries))
    row = SealLink(
        _pk(chain),
        _sk(sequence),
        hash=link.hash,
        previous=link.previous,
        sealed_at=link.sealed_at,
        entries=sealing.dump(entries),
    )
    tx.create(row, error=Conflict())
    expires_at = clock.epoch(clock.now() + KEPT + _LONGER)
    for entry in entries:
        mark = SealMark(*_mark_key(entry.key), link=f"{row.pk}/{row.sk}", ttl=expires_at)
        tx.create(mark, error=Conflict())
    return link


def find_locked() -> dict[int, int]:
    """By chain, the number of the link whose hash was locked away last."""
    return {int(chain): int(number) for chain, number in _note(_LOCKED).items()}


def note_locked(locked: dict[int, int]) -> None:
    """Remember which heads are locked away."""
    _put_note(_LOCKED, {str(chain): number for chain, number in locked.items()})


def find_sweep() -> Sweep:
    """How far the schedule's round over all entries has come."""
    about = _note(_SWEEP)
    if not about.get("began_at"):
        return Sweep()
    after: RawItem | None = orjson.loads(about["after"])
    return Sweep(clock.read_stamp(about["began_at"]), after)


def note_sweep(sweep: Sweep) -> None:
    """Remember how far the round has come."""
    began_at = clock.stamp(sweep.began_at) if sweep.began_at else None
    _put_note(_SWEEP, {"began_at": began_at, "after": orjson.dumps(sweep.after).decode()})


def _note(name: str) -> dict[str, str]:
    row = SealNote.find(_NOTES, name)
    return dict(row.about) if row else {}


def _put_note(name: str, about: object) -> None:
    with storage_errors():
        SealNote(_NOTES, name, about=about).save()


def _mark_key(key: Key) -> Key:
    return f"{_MARK}{key[0]}", key[1]


def _links() -> Condition:
    condition: Condition = SealLink.sk.between("link#", f"link#{_LAST}")
    return condition


def _pk(chain: int) -> str:
    return f"chain#{chain:02d}"


def _sk(sequence: int) -> str:
    return f"link#{sequence:012d}"
