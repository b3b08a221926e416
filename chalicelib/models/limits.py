"""Attempt counters: how many tries a bucket has seen in its window, exact under any race.

Tries are written alone, before what they guard; what is only counted where it is done, in the transaction that does it.
"""

import json
from typing import NamedTuple

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.errors import PortalError
from chalicelib.models.accounts import AccountsTable
from chalicelib.models.base import storage_errors
from chalicelib.models.transaction import Transaction


class Attempt(NamedTuple):
    """One try: when, in milliseconds, and whether it is known to be wrong; until then it is under way."""

    at: int
    is_wrong: bool


class Attempts(AccountsTable, discriminator="attempts"):
    """The latest tries of one bucket; `revision` settles races."""

    tries = UnicodeAttribute(default="[]")
    revision = NumberAttribute(default=0)


class Tally(AccountsTable, discriminator="tally"):
    """How much happened in one minute, for limits so wide that one minute's grain does."""

    number = NumberAttribute(default=0)


def find_attempts(bucket: str) -> tuple[list[Attempt], int]:
    """The tries in a bucket, oldest first, and its revision."""
    return _read(Attempts.find(f"limit#{bucket}", "attempts"))


def find_all(buckets: list[str]) -> dict[str, tuple[list[Attempt], int]]:
    """The tries in each of some buckets, oldest first, and its revision: one round trip."""
    rows = Attempts.find_all([(f"limit#{bucket}", "attempts") for bucket in buckets])
    found = {bucket: rows.get((f"limit#{bucket}", "attempts")) for bucket in buckets}
    return {bucket: _read(row) for bucket, row in found.items()}


def _read(row: Attempts | None) -> tuple[list[Attempt], int]:
    return ([Attempt(*stored) for stored in json.loads(row.tries)], int(row.revision)) if row else ([], 0)


def store_in(
    tx: Transaction, bucket: str, tries: list[Attempt], *, revision: int, ttl: int, error: PortalError
) -> None:
    """Write a bucket's tries in the transaction of what they count, if its revision is still the one that was read."""
    row = Attempts(f"limit#{bucket}", "attempts")
    tx.update(row, _actions(tries, revision, ttl), condition=_unchanged(revision), error=error)


def _actions(tries: list[Attempt], revision: int, ttl: int) -> list[Action]:
    return [Attempts.tries.set(json.dumps(tries)), Attempts.revision.set(revision + 1), Attempts.ttl.set(ttl)]


def _unchanged(revision: int) -> Condition:
    return Attempts.revision == revision if revision else Attempts.pk.does_not_exist()


def store_attempts(bucket: str, tries: list[Attempt], *, revision: int, ttl: int) -> bool:
    """Write a bucket's tries if its revision is still the one that was read. False where another was faster."""
    row = Attempts(f"limit#{bucket}", "attempts")
    try:
        row.update(_actions(tries, revision, ttl), condition=_unchanged(revision))
    except UpdateError as refused:
        if refused.cause_response_code == "ConditionalCheckFailedException":
            return False
        with storage_errors():
            raise
    return True


def sum_tally(name: str, minutes: list[int]) -> int:
    """How much happened in these minutes (since 1970): one round trip."""
    rows = Tally.find_all([(f"tally#{name}", f"minute#{minute}") for minute in minutes])
    return sum(int(row.number) for row in rows.values())


def add_to_tally(name: str, minute: int, *, ttl: int) -> None:
    """One more in this minute."""
    with storage_errors():
        Tally(f"tally#{name}", f"minute#{minute}").update([Tally.number.add(1), Tally.ttl.set(ttl)])
