"""What was told of messages and has been acted on, and which messages push services know by ids of their own."""

from datetime import timedelta

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute
from pynamodb.exceptions import UpdateError

from chalicelib import clock
from chalicelib.errors import Conflict
from chalicelib.models.accounts import AccountsTable
from chalicelib.models.base import storage_errors
from chalicelib.models.transaction import Transaction

# A queue keeps a message for 14 days at most, and may bring it again until then.
_REMEMBERED = timedelta(days=15)
# How long a worker has an answer for itself: longer than its function may run.
_CLAIMED = timedelta(seconds=90)


class HandledFeedback(AccountsTable, discriminator="feedback"):
    """One event that was acted on; partition key `feedback#<its id>`."""

    reply_due = BooleanAttribute(default=False)
    claimed_until = UnicodeAttribute(null=True)


class SentPush(AccountsTable, discriminator="sent_push"):
    """Whose a push message is; partition key `sent_push#<the push service's id>`."""

    row_id = UnicodeAttribute()


def _row(event_id: str) -> HandledFeedback:
    return HandledFeedback(f"feedback#{event_id}", "feedback")


def find(event_id: str) -> HandledFeedback | None:
    """An event, if it was acted on."""
    return HandledFeedback.find(f"feedback#{event_id}", "feedback")


def note(tx: Transaction, event_id: str, *, reply_due: bool) -> None:
    """Note an event in the transaction of what it does. Another who was first is a Conflict."""
    ttl = clock.epoch(clock.now() + _REMEMBERED)
    tx.create(HandledFeedback(f"feedback#{event_id}", "feedback", reply_due=reply_due, ttl=ttl), error=Conflict())


def claim_reply(event_id: str) -> bool:
    """Take an answer that is due for this worker alone. False where another has it. Delivery state is written alone."""
    now = clock.now()
    free = HandledFeedback.claimed_until.does_not_exist() | (HandledFeedback.claimed_until <= clock.stamp(now))
    claimed = HandledFeedback.claimed_until.set(clock.stamp(now + _CLAIMED))
    with storage_errors():
        try:
            _row(event_id).update([claimed], condition=free & (HandledFeedback.reply_due == True))  # noqa: E712  A condition, no comparison.
        except UpdateError as refused:
            if refused.cause_response_code == "ConditionalCheckFailedException":
                return False
            raise
    return True


def release_reply(event_id: str) -> None:
    """Give a claimed answer back, unsent."""
    with storage_errors():
        _row(event_id).update([HandledFeedback.claimed_until.remove()])


def note_replied(event_id: str) -> None:
    """The event was answered."""
    with storage_errors():
        _row(event_id).update([HandledFeedback.reply_due.set(False)])


def note_push(message_id: str, row_id: str) -> None:
    """Note which outbox row a push message is of: SNS tells of its failure by its own id. Written alone."""
    ttl = clock.epoch(clock.now() + _REMEMBERED)
    with storage_errors():
        SentPush(f"sent_push#{message_id}", "sent_push", row_id=row_id, ttl=ttl).save()


def find_push_row_id(message_id: str) -> str | None:
    """The outbox row of a push message."""
    found = SentPush.find(f"sent_push#{message_id}", "sent_push")
    return found.row_id if found else None
