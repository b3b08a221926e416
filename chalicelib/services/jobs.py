"""Work that an outbox row asks for and that may take a while: claimed, done, and tried again until it is settled."""

from collections.abc import Callable

from chalicelib import clock, observability
from chalicelib.domain.notices import OutboxStatus
from chalicelib.errors import Unavailable
from chalicelib.models import outbox
from chalicelib.models.outbox import OutboxRow


class Superseded(Exception):
    """Another worker has the row by now: this one has nothing more to do with it."""


def run(row_id: str, work: Callable[[OutboxRow], None]) -> None:
    """Do what a row asks for, if it is pending and due and nobody else does it; `work` settles the row.

    What failed for a passing reason is tried again after a pause, which doubles. Whatever else went wrong is raised,
    and counts as a try as well.
    """
    row = outbox.find(row_id)
    if row is None or row.status != OutboxStatus.PENDING or _is_for_later(row) or not outbox.claim(row):
        return
    try:
        work(row)
    except Unavailable as failed:
        observability.count("JobRetried")
        observability.fault("job.retried", failed, account_id=row.account_id, attempt=int(row.attempts) + 1)
        outbox.retry_later(row)
    except Exception:
        outbox.retry_later(row)
        raise


def go_on(row: OutboxRow) -> None:
    """Keep a row through work that takes longer than a claim lasts. Raises Superseded."""
    if not outbox.keep_claim(row):
        raise Superseded


def _is_for_later(row: OutboxRow) -> bool:
    return bool(row.not_before) and row.not_before > clock.stamp(clock.now())
