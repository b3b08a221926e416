"""Seals audit entries: each in its chain once, the chains' heads locked away, and what the stream missed picked up.

Nothing here can change an entry, and whatever is done twice is done once: an entry has one mark, a place in a chain one
link.
"""

import random
import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from chalicelib import clock, observability
from chalicelib.clients import files
from chalicelib.domain import sealing
from chalicelib.domain.sealing import Entry, Head, Item
from chalicelib.errors import Conflict, Unavailable
from chalicelib.models import audit, seals
from chalicelib.models.base import Key, in_chunks
from chalicelib.models.seals import Sweep
from chalicelib.models.transaction import transaction

PROMISED = timedelta(minutes=1)
"""How soon an entry is sealed (AC 5)."""

SWEPT_AT_ONCE, SWEPT_IN_ALL = 500, 5_000
"""How many entries a minute's sweep reads at once, and in all."""

ROUND = timedelta(hours=1)
"""A round over all entries begins no sooner than so long after the one before."""

# As many writers as there are shards of the stream, and the schedule, each lose a few times.
_TRIES = 30
_STAMP_LENGTH = 24


def seal(entries: Sequence[Entry]) -> set[Key]:
    """Put each entry that is in no link yet into one of its chain; the keys of those that could not be sealed."""
    failed: set[Key] = set()
    for chain, members in sealing.by_chain(entries).items():
        try:
            _seal_in(chain, members)
        except Unavailable:
            failed |= {entry.key for entry in members}
    _count_late(entries)
    return failed


def _seal_in(chain: int, entries: list[Entry]) -> None:
    """Raises Unavailable where others were faster over and over, or storage does not answer."""
    for attempt in range(_TRIES):
        try:
            for links_entries in in_chunks(entries, sealing.LINK_ENTRIES):
                with transaction() as tx:
                    seals.append(tx, seals.find_last(chain), chain, links_entries)
        except Conflict:
            # Another writer had the place, or some of these entries: which of them, the marks say.
            time.sleep(random.uniform(0, 0.005 * (attempt + 1)))  # noqa: S311  It spreads load, it keeps no secret.
            entries = _unsealed(entries)
        else:
            return
    raise Unavailable


def _unsealed(entries: Sequence[Entry]) -> list[Entry]:
    marks = seals.find_marks([entry.key for entry in entries])
    return [entry for entry in entries if entry.key not in marks]


def _count_late(entries: Sequence[Entry]) -> None:
    promised = clock.now() - PROMISED
    if late := sum(1 for entry in entries if is_older(entry.place, promised)):
        observability.count("SealLate", late)


def is_older(place: str, than: datetime) -> bool:
    """Whether an entry was made before a time. What does not say when it was made is old."""
    return not place.startswith("2") or place[:_STAMP_LENGTH] < clock.stamp(than)


def lock_heads() -> int:
    """Lock the head of every chain away that has grown; how many there were. A chain that has shrunk is told of.

    Where this ends half-way, the next minute locks the rest, and some a second time: the same name, the same content.
    """
    locked = seals.find_locked()
    heads = [_head(chain) for chain in range(sealing.CHAINS)]
    if any(head.sequence < locked.get(head.chain, 0) for head in heads):
        observability.count("AuditTampered")
    grown = [head for head in heads if head.sequence > locked.get(head.chain, 0)]
    for head in grown:
        files.lock_away(head.name)
    if grown:
        seals.note_locked(locked | {head.chain: head.sequence for head in grown})
    return len(grown)


def _head(chain: int) -> Head:
    last = seals.find_last(chain)
    return Head(chain, last.sequence, last.hash) if last else Head(chain, 0, sealing.GENESIS)


def sweep(seconds: float) -> int:
    """Seal what is in no chain though it has been there for minutes: what the stream missed, and what is older than it.

    It reads on where it stopped, for so long, and so many entries at most; returns how many it sealed.
    """
    place, missed, until = seals.find_sweep(), 0, time.monotonic() + seconds
    if place.is_done:
        if place.began_at and clock.now() < place.began_at + ROUND:
            return 0
        place = Sweep(clock.now())
    for _ in range(SWEPT_IN_ALL // SWEPT_AT_ONCE):
        items, after = audit.scan(place.after, SWEPT_AT_ONCE)
        missed += _seal_missed(items)
        place = Sweep(place.began_at, after)
        seals.note_sweep(place)
        if place.is_done or time.monotonic() > until:
            break
    return missed


def _seal_missed(items: Iterable[Item]) -> int:
    settled = clock.now() - sealing.SETTLED
    missed = _unsealed([entry for item in items if is_older((entry := sealing.read_entry(item)).place, settled)])
    if not missed:
        return 0
    if seal(missed):
        raise Unavailable
    observability.count("SealMissed", len(missed))
    return len(missed)
