"""How audit entries are sealed (AC 5): each in one link of one chain, and each link with the hash of the one before it.

Whoever changes an entry changes its digest; whoever changes a digest changes the link's hash and all after it; and some
of those hashes lie where nobody can change them.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

CHAINS = 8
"""How many chains there are. It stays so for ever: a partition's entries are looked for in one of them."""

LINK_ENTRIES = 90
"""Entries of one link at most: it and a mark for each of them fit into one transaction."""

SETTLED = timedelta(minutes=2)
"""An entry that is older and in no chain was missed by the stream, or did not come by the portal."""

GENESIS = "0" * 64
"""What stands for the hash before the first link of a chain."""

_VERSION = 1
_SETS = frozenset({"SS", "NS", "BS"})

Item: TypeAlias = Mapping[str, Mapping[str, Any]]
"""An item as DynamoDB's own API has it, in a stream or a table."""


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """An entry as its chain knows it: the keys of its item, and the digest of all that the item says."""

    partition: str
    place: str
    digest: str

    @property
    def key(self) -> tuple[str, str]:
        """The item's partition and sort key."""
        return self.partition, self.place


@dataclass(frozen=True, slots=True)
class Link:
    """One link of a chain; the first has the sequence number 1. `sealed_at` is as `clock.stamp` writes it."""

    chain: int
    sequence: int
    previous: str
    sealed_at: str
    entries: tuple[Entry, ...]

    @property
    def hash(self) -> str:
        """SHA-256 over everything that the link says, the hash of the link before it first."""
        told = [[entry.partition, entry.place, entry.digest] for entry in self.entries]
        return _sha256(_json([_VERSION, self.previous, self.chain, self.sequence, self.sealed_at, told]))


@dataclass(frozen=True, slots=True)
class Head:
    """How far a chain had come when its head was locked away."""

    chain: int
    sequence: int
    hash: str

    @property
    def name(self) -> str:
        """The name of the object that is locked: a list of names, which is in order, says all of a chain's heads."""
        return f"{head_prefix(self.chain)}{self.sequence:012d}-{self.hash}"


def head_prefix(chain: int) -> str:
    """What the names of all heads of a chain begin with."""
    return f"heads/{chain:02d}/"


def read_head(name: str) -> Head | None:
    """The head that a name says; None for a name that says none."""
    folder, _, rest = name.removeprefix("heads/").partition("/")
    sequence, _, digest = rest.partition("-")
    if not (folder.isdecimal() and sequence.isdecimal()):
        return None
    head = Head(int(folder), int(sequence), digest)
    return head if head.name == name else None


def chain_of(partition: str) -> int:
    """The chain of a partition's entries."""
    return int.from_bytes(hashlib.sha256(partition.encode()).digest()[:8], "big") % CHAINS


def read_entry(item: Item) -> Entry:
    """An item of the audit table, whatever it holds."""
    return Entry(item["pk"]["S"], item["sk"]["S"], _sha256(canonical(item)))


def canonical(item: Item) -> bytes:
    """All that an item says, as the same bytes whichever way it was read: from a stream, a table, or a copy of one."""
    return _json({name: _value(value) for name, value in item.items()})


def by_chain(entries: Iterable[Entry]) -> dict[int, list[Entry]]:
    """Entries by their chain, each key once: of two that claim one, the first is the one that was put."""
    found: dict[int, dict[tuple[str, str], Entry]] = {}
    for entry in entries:
        found.setdefault(chain_of(entry.partition), {}).setdefault(entry.key, entry)
    return {chain: list(members.values()) for chain, members in found.items()}


def dump(entries: Sequence[Entry]) -> str:
    """The entries of a link as text to keep."""
    return _json([[entry.partition, entry.place, entry.digest] for entry in entries]).decode()


def load(text: str) -> tuple[Entry, ...]:
    """The entries that `dump` wrote. Raises ValueError for what it did not write."""
    try:
        return tuple(Entry(str(partition), str(place), str(digest)) for partition, place, digest in json.loads(text))
    except (TypeError, ValueError) as wrong:
        raise ValueError("not the entries of a link") from wrong


def _value(value: Mapping[str, Any]) -> Any:
    """A typed value; sets, which have no order, in one, and bytes as a stream's event has them."""
    ((kind, content),) = value.items()
    if kind == "M":
        content = {name: _value(inner) for name, inner in content.items()}
    elif kind == "L":
        content = [_value(inner) for inner in content]
    elif kind in _SETS:
        content = sorted(map(_text, content))
    return {kind: _text(content)}


def _text(content: Any) -> Any:
    return base64.b64encode(content).decode() if isinstance(content, bytes) else content


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
