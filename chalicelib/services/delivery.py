"""From outbox to channel: relay what was written, send what is still true, and take up what was left (mechanism 5)."""

from chalicelib import clock, observability
from chalicelib.clients import email, queues
from chalicelib.clients.aws import Permanent
from chalicelib.domain.notices import NoticeKind, OutboxStatus, Topic
from chalicelib.models import accounts, links, outbox
from chalicelib.models.accounts import Account
from chalicelib.models.outbox import OutboxRow
from chalicelib.services import links as link_service
from chalicelib.services import rendering
from chalicelib.settings import settings

_TOPICS = frozenset(Topic)


def relay(rows: list[tuple[str, Topic]]) -> list[str]:
    """Queue outbox rows for their workers; returns the ids that could not be queued."""
    left: list[str] = []
    for topic in Topic:
        ids = [row_id for row_id, of in rows if of is topic]
        left += queues.send_ids(_queue(topic), ids) if ids else []
    return left


def _queue(topic: Topic) -> str:
    return {Topic.EMAIL: settings().queue_email_url, Topic.REFERENCES: settings().queue_references_url}[topic]


def sweep() -> int:
    """Queue again what has been pending for over two minutes; returns how many rows."""
    # A row of no known topic has no queue: it is in the relay's dead-letter queue, with an alarm.
    due = [row for row in outbox.find_due() if row.topic in _TOPICS]
    left = set(relay([(row.pk, Topic(row.topic)) for row in due]))
    queued = [row for row in due if row.pk not in left]
    for row in queued:
        outbox.postpone(row)
    return len(queued)


def deliver_email(row_id: str) -> None:
    """Send one notice, if it is still pending and still true.

    Raises Retryable; what can never be sent is dropped and logged.
    """
    row = outbox.find(row_id)
    if row is None or row.status != OutboxStatus.PENDING or not outbox.claim(row):
        return
    try:
        status = _send(row)
    except Exception:
        outbox.release(row)
        raise
    outbox.settle(row, status)


def _send(row: OutboxRow) -> OutboxStatus:
    message = _message(row)
    if message is None:
        return OutboxStatus.DROPPED
    try:
        email.send(message)
    except Permanent as refused:
        observability.fault("notice.refused", refused, notice_id=row.pk, notice_kind=row.notice_kind)
        observability.count("NoticeRefused")
        return OutboxStatus.DROPPED
    observability.event("notice.sent", notice_id=row.pk, notice_kind=row.notice_kind)
    return OutboxStatus.DONE


def _message(row: OutboxRow) -> email.Email | None:
    """The email as things are now, or None where there is nothing to tell any more."""
    notice = row.notice()
    account = accounts.find_account(notice.account_id)
    if account is None or account.disabled:
        return None
    if notice.kind is NoticeKind.EMAIL_CONFIRMATION:
        return _confirmation(account, notice.about["link_id"])
    return _email_in_use(account)


def _confirmation(account: Account, link_id: str) -> email.Email | None:
    link = links.find(link_id)
    if link is None or link.is_over or account.pending_email is None:
        return None
    values = {"link": link_service.url(link_id), "expires_at": clock.read_stamp(link.expires_at)}
    return rendering.email(
        NoticeKind.EMAIL_CONFIRMATION, account.pending_email, account.language, account.time_zone, values
    )


def _email_in_use(account: Account) -> email.Email | None:
    if not account.email:
        return None
    return rendering.email(NoticeKind.EMAIL_IN_USE, account.email, account.language, account.time_zone, {})
