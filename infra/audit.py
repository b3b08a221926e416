"""Verifies the seals of a deployment's audit: `python -m infra.audit --verify [--chain N]`.

It walks every chain from its start, computes each hash anew, holds the chain against the heads in the locked bucket,
and looks for entries that are in no chain. It needs the deployment's settings (STACK, SEALS_BUCKET) and AWS credentials
that may read both tables and list the bucket; it writes nothing. What each finding means is in infra/runbook.md.

Exit status: 0 where all is well, 1 for any finding, 2 where it could not read to the end.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import clock
from chalicelib.domain import sealing
from chalicelib.domain.audit import KEPT
from chalicelib.domain.sealing import Entry, Head, Item, Link
from chalicelib.errors import Unavailable
from chalicelib.models import audit, seals
from chalicelib.models.seals import SealLink
from chalicelib.services.sealing import is_older
from chalicelib.settings import settings

LOCKED_WITHIN = timedelta(minutes=3)
"""A link that is older and under no locked head is a finding: the schedule locks once a minute."""

LATE = timedelta(hours=1)
"""An entry that was sealed so long after its time was missed by the stream, or tells another time than its own."""

_AT_ONCE = 100
_TELL_EVERY = 10_000


class Trouble(StrEnum):
    """What can be wrong, as the runbook names it."""

    ALTERED = "altered"
    REMOVED = "removed"
    UNSEALED = "unsealed"
    UNMARKED = "unmarked"
    LINK_ALTERED = "link-altered"
    LINK_REMOVED = "link-removed"
    FORKED = "forked"
    REWRITTEN = "rewritten"
    CUT = "cut"
    UNLOCKED = "unlocked"
    HEAD_HIDDEN = "head-hidden"
    HEAD_STRANGE = "head-strange"
    BUCKET_OPEN = "bucket-open"


@dataclass
class _Span:
    """Heads that something is wrong with: how many, and the links of the first and the last."""

    number: int = 0
    first: int = 0
    last: int = 0

    def add(self, head: Head) -> None:
        self.first = self.first or head.sequence
        self.last, self.number = head.sequence, self.number + 1


@dataclass
class _Walk:
    """How far the walk over one chain has come; `agreed` is the last link whose locked head is the chain's."""

    chain: int
    heads: Iterator[Head]
    head: Head | None = None
    sequence: int = 0
    hash: str = sealing.GENESIS
    began_at: str = ""
    unlocked_since: str = ""
    entries: int = 0
    locked: int = 0
    agreed: int = 0
    rewritten: _Span = field(default_factory=_Span)
    cut: _Span = field(default_factory=_Span)

    def take_head(self) -> None:
        self.head = next(self.heads, None)


class Verifier:
    """One verification; what is found is told by `say` at once, and counted."""

    def __init__(self, s3: Any, say: Callable[[str], None] = print) -> None:
        self._s3, self._say, self._bucket = s3, say, settings().seals_bucket
        self.findings = 0
        self.sealed = self.listed = 0

    def run(self, chains: Sequence[int]) -> int:
        """Verify these chains; the number of findings."""
        self._check_bucket()
        for chain in chains:
            self._walk(_Walk(chain, self._heads(chain)))
        self._look_for_unsealed(frozenset(chains))
        self._say(f"{self.sealed} sealed entries, {self.listed} entries of the table, {self.findings} findings")
        return self.findings

    def _find(self, trouble: Trouble, where: str) -> None:
        self.findings += 1
        self._say(f"{trouble.upper()}: {where}")

    def _check_bucket(self) -> None:
        try:
            found = self._s3.get_object_lock_configuration(Bucket=self._bucket)["ObjectLockConfiguration"]
        except ClientError as refused:
            if refused.response["Error"]["Code"] != "ObjectLockConfigurationNotFoundError":
                raise
            found = {}
        rule = found.get("Rule", {}).get("DefaultRetention", {})
        if rule.get("Mode") != "COMPLIANCE" or rule.get("Days", 0) < KEPT.days:
            self._find(Trouble.BUCKET_OPEN, f"{self._bucket} does not lock what is put for {KEPT.days} days")

    def _heads(self, chain: int) -> Iterator[Head]:
        """The locked heads of a chain in their order, those, too, that a delete marker hides."""
        pages = self._s3.get_paginator("list_object_versions").paginate(
            Bucket=self._bucket, Prefix=sealing.head_prefix(chain)
        )
        for page in pages:
            for marker in page.get("DeleteMarkers", ()):
                self._find(Trouble.HEAD_HIDDEN, f"{marker['Key']} has a delete marker of {marker['LastModified']}")
            for version in page.get("Versions", ()):
                head = sealing.read_head(version["Key"])
                if head is None:
                    self._find(Trouble.HEAD_STRANGE, f"{version['Key']} is the name of no head")
                else:
                    yield head

    def _walk(self, walk: _Walk) -> None:
        walk.take_head()
        for row in seals.find_links(walk.chain):
            self._check_link(walk, row)
        self._check_end(walk)
        self._say(
            f"chain {walk.chain:02d}: {walk.sequence} links, {walk.entries} entries, {walk.locked} locked heads agree"
        )

    def _check_link(self, walk: _Walk, row: SealLink) -> None:
        if not row.is_in_order:
            self._find(Trouble.LINK_ALTERED, f"chain {walk.chain:02d}: {row.sk} is the place of no link")
            return
        where = f"chain {walk.chain:02d} link {row.sequence}"
        if row.sequence != walk.sequence + 1:
            self._find(Trouble.LINK_REMOVED, f"chain {walk.chain:02d} links {walk.sequence + 1} to {row.sequence - 1}")
        elif row.previous != walk.hash:
            self._find(Trouble.FORKED, f"{where} does not go on from link {walk.sequence}")
        walk.sequence = row.sequence
        try:
            link = row.link()
        except ValueError:
            self._find(Trouble.LINK_ALTERED, f"{where} cannot be read")
            walk.hash = row.hash
            return
        walk.hash, walk.began_at = link.hash, walk.began_at or link.sealed_at
        if row.hash != link.hash:
            self._find(Trouble.LINK_ALTERED, f"{where} is not what its hash says")
        self._check_heads(walk, link)
        self._check_entries(walk, row, link)

    def _check_heads(self, walk: _Walk, link: Link) -> None:
        walk.unlocked_since = walk.unlocked_since or link.sealed_at
        while walk.head is not None and walk.head.sequence <= link.sequence:
            if walk.head.sequence == link.sequence:
                walk.unlocked_since = ""
                self._check_head(walk, walk.head, link)
            walk.take_head()

    def _check_head(self, walk: _Walk, head: Head, link: Link) -> None:
        if head.hash != link.hash:
            walk.rewritten.add(head)
            return
        walk.locked += 1
        walk.agreed = walk.agreed if walk.rewritten.number else link.sequence

    def _check_entries(self, walk: _Walk, row: SealLink, link: Link) -> None:
        keys = [entry.key for entry in link.entries]
        items, marks = audit.find_items(keys), seals.find_marks(keys)
        where = f"sealed in chain {link.chain:02d} link {link.sequence}"
        for entry in link.entries:
            item = items.get(entry.key)
            if item is None and not is_older(entry.place, clock.now() - KEPT):
                self._find(Trouble.REMOVED, f"{_name(entry)}, {where}")
            if item is None:
                continue
            if sealing.read_entry(item) != entry:
                self._find(Trouble.ALTERED, f"{_name(entry)}, {where}")
            mark = marks.get(entry.key)
            if mark is None or mark.link_key != row.key:
                self._find(Trouble.UNMARKED, f"{_name(entry)}, {where}")
        walk.entries += len(keys)
        self.sealed = self._count("sealed entries", self.sealed, len(keys))
        self._tell_of_late(walk, link)

    def _tell_of_late(self, walk: _Walk, link: Link) -> None:
        promised = clock.stamp(clock.read_stamp(link.sealed_at) - LATE)
        # What was there before the chain began was sealed when it did, or with the first rounds after.
        late = [entry for entry in link.entries if walk.began_at <= entry.place < promised]
        for entry in late:
            self._say(f"note: {_name(entry)} was sealed at {link.sealed_at} only, in chain {link.chain:02d}")

    def _check_end(self, walk: _Walk) -> None:
        while walk.head is not None:
            self._check_head_behind(walk, walk.head)
            walk.take_head()
        chain, cut, rewritten = f"chain {walk.chain:02d}", walk.cut, walk.rewritten
        if cut.number:
            self._find(Trouble.CUT, f"{chain} ends at link {walk.sequence}; links {cut.first} to {cut.last} are locked")
        if rewritten.number:
            told = f"{chain} after link {walk.agreed}, up to {rewritten.last}: {rewritten.number} locked heads differ"
            self._find(Trouble.REWRITTEN, told)
        if walk.unlocked_since and is_older(walk.unlocked_since, clock.now() - LOCKED_WITHIN):
            self._find(Trouble.UNLOCKED, f"{chain}: nothing was locked since {walk.unlocked_since}")

    def _check_head_behind(self, walk: _Walk, head: Head) -> None:
        """A head behind the chain's end: its link has come while the chain was walked, or is gone."""
        link = seals.find_link(walk.chain, head.sequence)
        if link is None:
            walk.cut.add(head)
        elif link.hash != head.hash:
            walk.rewritten.add(head)

    def _look_for_unsealed(self, chains: frozenset[int]) -> None:
        after, more = None, True
        while more:
            items, after = audit.scan(after, _AT_ONCE)
            more = after is not None
            entries = [_as_listed(item) for item in items]
            self._check_sealed([entry for entry in entries if sealing.chain_of(entry.partition) in chains])

    def _check_sealed(self, entries: Sequence[Entry]) -> None:
        now = clock.now()
        marks = seals.find_marks([entry.key for entry in entries])
        links = {key: _keys_of(row) for key, row in seals.find_links_of(marks.values()).items()}
        for entry in entries:
            mark = marks.get(entry.key)
            if mark is not None and entry.key in links.get(mark.link_key, ()):
                continue
            if is_older(entry.place, now - sealing.SETTLED) or not is_older(entry.place, now + sealing.SETTLED):
                self._find(Trouble.UNSEALED, _name(entry))
        self.listed = self._count("entries of the table", self.listed, len(entries))

    def _count(self, what: str, before: int, more: int) -> int:
        after = before + more
        if before // _TELL_EVERY != after // _TELL_EVERY:
            self._say(f"{after} {what} so far")
        return after


def _as_listed(item: Item) -> Entry:
    """An entry by its keys alone: what it says has been held against its digest already."""
    return Entry(item["pk"]["S"], item["sk"]["S"], "")


def _keys_of(row: SealLink) -> frozenset[tuple[str, str]]:
    try:
        return frozenset(entry.key for entry in row.link().entries)
    except ValueError:
        return frozenset()


def _name(entry: Entry) -> str:
    return f"entry {entry.partition} {entry.place}"


def main(arguments: Sequence[str] | None = None, s3: Any = None) -> int:
    """Do what the command line says; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m infra.audit", description=__doc__)
    parser.add_argument("--verify", action="store_true", required=True, help="walk the chains and tell what is wrong")
    parser.add_argument("--chain", type=int, choices=range(sealing.CHAINS), help="this one alone")
    given = parser.parse_args(arguments)
    chains = range(sealing.CHAINS) if given.chain is None else [given.chain]
    try:
        return 1 if Verifier(s3 or boto3.client("s3")).run(chains) else 0
    except (BotoCoreError, ClientError, Unavailable) as failed:
        print(f"The seals could not be read to the end: {failed}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
