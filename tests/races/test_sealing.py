"""Sealed by many at once, chains never fork and no entry is sealed twice."""

import itertools
import random
from collections import Counter

import pytest

from chalicelib.domain import sealing
from chalicelib.models import seals
from chalicelib.services import sealing as service
from tests.support.crowd import at_once
from tests.support.portal import Portal
from tests.support.promises import Promise
from tests.support.sealing import entries_of, partition_of, put_entries, verify

pytestmark = pytest.mark.race

WORKERS, ENTRIES = 8, 60
CHAIN = 1


@pytest.mark.promise
def test_workers_who_seal_one_chain_at_once_leave_one_chain(portal: Portal, promise: Promise) -> None:
    """AC 5. Each worker has its own entries and some of another one's, as a stream that delivers again would have."""
    entries = entries_of(put_entries(ENTRIES, partition_of(CHAIN)))

    def seal(worker: int) -> int:
        mine = entries[worker::WORKERS] + entries[(worker + 1) % WORKERS :: WORKERS]
        random.Random(worker).shuffle(mine)
        # In batches of three, so that there are many links to fight for.
        return sum(len(service.seal(mine[start : start + 3])) for start in range(0, len(mine), 3))

    failed = at_once(WORKERS, seal)
    links = [row.link() for row in seals.find_links(CHAIN)]
    times = Counter(entry for link in links for entry in link.entries)
    forks = sum(
        link.previous != before.hash or link.sequence != before.sequence + 1
        for before, link in itertools.pairwise(links)
    )
    what = f"{WORKERS} workers sealing {ENTRIES} entries of one chain, each given to two of them"
    wrong = sum(times[entry] != 1 for entry in entries)
    promise("AC 5", f"{what}: not sealed exactly once", asked=0, measured=wrong)
    promise("AC 5", f"{what}: forks in {len(links)} links", asked=0, measured=forks)
    assert failed == [0] * WORKERS


def test_the_stream_and_the_schedule_at_once_seal_each_entry_once(portal: Portal) -> None:
    entries = entries_of(put_entries(40))
    portal.advance(hours=2)
    acts = [lambda: service.sweep(10), lambda: len(service.seal(entries)), service.lock_heads, service.lock_heads]
    at_once(len(acts), lambda number: acts[number]())
    portal.drain()
    service.lock_heads()
    sealed = Counter(
        entry for chain in range(sealing.CHAINS) for row in seals.find_links(chain) for entry in row.link().entries
    )
    assert {sealed[entry] for entry in entries} == {1}
    assert verify(portal) == []
