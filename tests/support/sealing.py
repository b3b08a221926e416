"""Audit entries to seal, what became of them, and the command that verifies it."""

import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chalicelib.clients.aws import client
from chalicelib.domain import sealing
from chalicelib.domain.access import SYSTEM
from chalicelib.domain.audit import Action, Entry
from chalicelib.models import audit, seals
from chalicelib.models.base import connection
from infra.audit import Trouble, Verifier
from tests.support.portal import Portal

Row = dict[str, Any]
Keys = list[tuple[str, str]]


def partition_of(chain: int) -> str:
    """The id of an account whose entries are sealed in a chain."""
    while sealing.chain_of(f"account#{(found := f'acc_{uuid.uuid4().hex}')}") != chain:
        pass
    return found


def put_entries(count: int, account_id: str | None = None) -> Keys:
    """New entries, of one account or of as many: their keys."""
    whose = [account_id or f"acc_{uuid.uuid4().hex}" for _ in range(count)]
    known = set(_keys(whose))
    for one in whose:
        audit.record_alone(Entry(SYSTEM, Action.SESSION_END, account_id=one, about={"try": uuid.uuid4().hex}))
    return [key for key in _keys(whose) if key not in known]


def _keys(whose: list[str]) -> Keys:
    return [row.key for one in sorted(set(whose)) for row in audit.find_entries(f"account#{one}")]


def entries_of(keys: Keys) -> list[sealing.Entry]:
    """Entries as the stream's function reads them."""
    items = audit.find_items(keys)
    return [sealing.read_entry(items[key]) for key in keys]


def times_sealed() -> Counter[tuple[str, str]]:
    """How often each entry is in a link."""
    links = [row.link() for chain in range(sealing.CHAINS) for row in seals.find_links(chain)]
    return Counter(entry.key for link in links for entry in link.entries)


def verify(portal: Portal) -> list[str]:
    """The findings of a verification, without its progress."""
    said: list[str] = []
    number = Verifier(portal.aws.client("s3"), said.append).run(range(sealing.CHAINS))
    found = [line for line in said if line.partition(":")[0].lower() in set(Trouble)]
    assert len(found) == number, said
    return found


def troubles(portal: Portal) -> list[str]:
    """The names of what a verification finds."""
    return sorted(line.partition(":")[0].lower() for line in verify(portal))


def settle(portal: Portal) -> None:
    """Seal what waits, lock every head, and let so much time pass that all of it has to be so."""
    portal.drain()
    portal.advance(minutes=4)
    portal.drain()


def locked(portal: Portal) -> list[str]:
    """The names of all heads in the locked bucket."""
    bucket = portal.aws.deployed.outputs["SealsBucketName"]
    found = portal.aws.client("s3").list_object_versions(Bucket=bucket).get("Versions", [])
    return [version["Key"] for version in found]


class Crashed(BaseException):
    """The process ends here: nothing of the portal catches it."""


@contextmanager
def ending_at(last: int | None) -> Iterator[list[str]]:
    """Ends at a numbered step: just before a call of AWS is sent, or just after its answer came. Collects the steps."""
    steps: list[str] = []

    def step(event_name: str, **_rest: Any) -> None:
        steps.append(event_name)
        if len(steps) == last:
            raise Crashed

    events = [one.meta.events for one in (connection().client, client("s3"))]
    for one in events:
        one.register("before-call", step, f"{id(steps)}-before")
        one.register("after-call", step, f"{id(steps)}-after")
    try:
        yield steps
    finally:
        for one in events:
            one.unregister("before-call", step, f"{id(steps)}-before")
            one.unregister("after-call", step, f"{id(steps)}-after")
