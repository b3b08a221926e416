"""Attempt counters: how many tries a bucket has seen in its window, exact under any race.

Written alone, outside the changes they guard.
"""

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import UpdateError

from chalicelib.models.accounts import AccountsTable
from chalicelib.models.base import storage_errors


class Attempts(AccountsTable, discriminator="attempts"):
    """The times of the latest tries of one bucket, in milliseconds, oldest first; `revision` settles races."""

    times = UnicodeAttribute(default="")
    revision = NumberAttribute(default=0)


class Tally(AccountsTable, discriminator="tally"):
    """How much happened in one minute, for limits so wide that one minute's grain does."""

    number = NumberAttribute(default=0)


def find_attempts(bucket: str) -> tuple[list[int], int]:
    """The times in a bucket and its revision."""
    row = Attempts.find(f"limit#{bucket}", "attempts")
    return ([int(time) for time in row.times.split(",") if time], int(row.revision)) if row else ([], 0)


def store_attempts(bucket: str, times: list[int], *, revision: int, ttl: int) -> bool:
    """Write a bucket's times if its revision is still the one that was read. False where another was faster."""
    row = Attempts(f"limit#{bucket}", "attempts")
    text = ",".join(str(time) for time in times)
    unchanged = Attempts.revision == revision if revision else Attempts.pk.does_not_exist()
    try:
        row.update(
            [Attempts.times.set(text), Attempts.revision.set(revision + 1), Attempts.ttl.set(ttl)], condition=unchanged
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
