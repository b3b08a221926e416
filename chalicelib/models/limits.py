"""Attempt counters: how many tries a bucket has seen in its window, exact under any race.

Written alone, outside the changes they guard.
"""

import json
from typing import NamedTuple

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import UpdateError

from chalicelib.models.accounts import AccountsTable
from chalicelib.models.base import storage_errors


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
    row = Attempts.find(f"limit#{bucket}", "attempts")
    return ([Attempt(*stored) for stored in json.loads(row.tries)], int(row.revision)) if row else ([], 0)


def store_attempts(bucket: str, tries: list[Attempt], *, revision: int, ttl: int) -> bool:
    """Write a bucket's tries if its revision is still the one that was read. False where another was faster."""
    row = Attempts(f"limit#{bucket}", "attempts")
    text = json.dumps(tries)
    unchanged = Attempts.revision == revision if revision else Attempts.pk.does_not_exist()
    try:
        row.update(
            [Attempts.tries.set(text), Attempts.revision.set(revision + 1), Attempts.ttl.set(ttl)], condition=unchanged
        )
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
