"""From outbox to channel: relay what was written, send what is still true, and take up what was left (mechanism 5)."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from chalicelib import clock, observability
from chalicelib.clients import email, push, queues, sms
from chalicelib.clients.aws import Permanent
from chalicelib.domain import deliveries
from chalicelib.domain.deliveries import Address, Contacts
from chalicelib.domain.notices import RULES, Channel, DeliveryStatus, Notice, NoticeKind, OutboxStatus, Topic
from chalicelib.errors import Conflict, Unavailable
from chalicelib.models import accounts, feedback, notices, outbox, preferences, push_devices
from chalicelib.models.accounts import Account
from chalicelib.models.outbox import OutboxRow
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.services import addressing, composing, rendering, suppressions
from chalicelib.services import contacts as contact_service
from chalicelib.settings import settings

_TOPICS = frozenset(Topic)
_SWEEP_SECONDS = 40
"""How long one sweep goes on at most: its function has 55 seconds."""

_ENDED = {DeliveryStatus.FAILED, DeliveryStatus.BOUNCED, DeliveryStatus.DROPPED}


def relay(rows: list[tuple[str, Topic]]) -> list[str]:
    """Queue outbox rows for their workers; returns the ids that could not be queued."""
    left: list[str] = []
    for topic in Topic:
        ids = [row_id for row_id, of in rows if of is topic]
        left += queues.send_ids(settings().queue_url(topic), ids) if ids else []
    return left


def is_for_later(not_before: str | None) -> bool:
    """Whether a row has to wait for a time that has not come."""
    return not_before is not None and not_before > clock.stamp(clock.now())


def sweep() -> int:
    """Queue again what is due: what was left for two minutes, what failed a while ago, what waited for the morning.

    Returns how many rows.
    """
    until, swept = time.monotonic() + _SWEEP_SECONDS, 0
    while time.monotonic() < until:
        due = outbox.find_due()
        # A row of no known topic has no queue: it is in the relay's dead-letter queue, with an alarm. It waits like the
        # others, so that the rows behind it have their turn.
        left = set(relay([(row.pk, Topic(row.topic)) for row in due if row.topic in _TOPICS]))
        done = [row for row in due if row.pk not in left]
        for row in done:
            outbox.postpone(row)
        swept += len(done)
        if not done:
            break
    return swept


def deliver(row_id: str) -> None:
    """Send one message, if it is still pending, still true and still has somewhere to go.

    What its channel cannot take now is tried again later, what it will never take goes to the next channel. Anything
    else that goes wrong is raised, and the row given back.
    """
    row = outbox.find(row_id)
    if row is None or row.status != OutboxStatus.PENDING or not outbox.claim(row):
        return
    try:
        _deliver(row)
    except Unavailable as failed:
        observability.count("DeliveryRetried")
        observability.fault("delivery.retried", failed, notice_id=row.pk, notice_kind=row.notice_kind)
        outbox.retry_later(row)
    except Exception:
        outbox.release(row)
        raise


def _deliver(row: OutboxRow) -> None:
    account = accounts.find_account(row.account_id or "")
    contacts = contact_service.find(account) if account and not account.disabled else Contacts()
    address = contacts.resolve(row.address or "")
    if account is None or address is None:
        _settle(row, OutboxStatus.DROPPED, DeliveryStatus.DROPPED)
    elif suppressions.is_suppressed(address.channel, address.value):
        _fail(row, address, "suppressed")
    else:
        _send(row, account, address)


def _send(row: OutboxRow, account: Account, address: Address) -> None:
    values = composing.compose(NoticeKind(row.notice_kind or ""), account, row)
    if values is None:
        _settle(row, OutboxStatus.DROPPED, DeliveryStatus.DROPPED)
        return
    try:
        _SENDERS[address.channel](row, account, address, values)
    except Permanent as refused:
        _fail(row, address, refused.code)
        return
    observability.event("notice.sent", notice_id=row.pk, notice_kind=row.notice_kind)
    _settle(row, OutboxStatus.DONE, DeliveryStatus.SENT)


def _send_email(row: OutboxRow, account: Account, address: Address, values: composing.Values) -> None:
    reader = rendering.Reader.of(account)
    if not address.is_confirmed:
        # The phrase is between the clinic and the holder: who has a mistyped mailbox must not learn it.
        reader = replace(reader, phrase=None)
    email.send(rendering.email(NoticeKind(row.notice_kind or ""), address.value, reader, values), row.pk)


def _send_sms(row: OutboxRow, account: Account, address: Address, values: composing.Values) -> None:
    message = rendering.sms(NoticeKind(row.notice_kind or ""), address.value, rendering.Reader.of(account), values)
    sms.send(message, row.pk)


def _send_push(row: OutboxRow, account: Account, address: Address, _values: composing.Values) -> None:
    device = push_devices.find(account.pk, address.value)
    if device is None:
        raise Permanent("no_device")
    arn = device.endpoint_arn or push.create_endpoint(device.platform, device.push_token)
    if arn != device.endpoint_arn:
        push_devices.note_endpoint(device, arn)
    message_id = push.send(arn, device.platform, row.notice_id or "", rendering.push(account.language))
    feedback.note_push(message_id, row.pk)


_SENDERS: Mapping[Channel, Callable[[OutboxRow, Account, Address, composing.Values], None]] = {
    Channel.EMAIL: _send_email,
    Channel.SMS: _send_sms,
    Channel.PUSH: _send_push,
}


def _settle(row: OutboxRow, status: OutboxStatus, shown: DeliveryStatus) -> None:
    with _first_to_settle(), transaction() as tx:
        outbox.settle_in(tx, row, status)
        notices.note_statuses(tx, row.account_id or "", row.notice_id or "", {Channel(row.topic): shown})


def _fail(row: OutboxRow, address: Address, code: str) -> None:
    observability.event("notice.refused", notice_id=row.pk, notice_kind=row.notice_kind, code=code)
    observability.count("NoticeRefused")
    with _first_to_settle(), transaction() as tx:
        outbox.settle_in(tx, row, OutboxStatus.FAILED)
        suppressions.learn(tx, address, code, row.account_id or "")
        give_up(tx, row, DeliveryStatus.FAILED)


class _first_to_settle:  # noqa: N801  A context manager that reads as a word of the sentence it stands in.
    """Another worker who settled the row meanwhile has done what had to be done."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        return isinstance(error, Conflict)


def give_up(tx: Transaction, row: OutboxRow, status: DeliveryStatus) -> None:
    """Note in a transaction that a message does not reach its reader, and try the next channel.

    The next is tried only where every other has ended in vain. A Conflict means that it was tried before.
    """
    channel = Channel(row.topic)
    copy, account = notices.find(row.account_id or "", row.notice_id or ""), accounts.find_account(row.account_id or "")
    if copy is None or account is None:
        return
    statuses = copy.statuses
    if status is DeliveryStatus.FAILED and statuses.get(channel) is DeliveryStatus.SENT:
        # Another device or mailbox of the same channel has it.
        return
    statuses[channel] = status
    if set(statuses.values()) <= _ENDED:
        statuses |= _try_next(tx, row, account, set(statuses))
    notices.note_statuses(tx, account.pk, copy.notice_id, statuses)


def _try_next(tx: Transaction, row: OutboxRow, account: Account, tried: set[Channel]) -> dict[Channel, DeliveryStatus]:
    kind = NoticeKind(row.notice_kind or "")
    rule, chosen = RULES[kind], preferences.find(account.pk)
    statuses: dict[Channel, DeliveryStatus] = {}
    found = deliveries.following(contact_service.find(account), rule, tried)
    notice = Notice(kind, account.pk, row.ids(), row.patient_id)
    for message in addressing.messages(row.notice_id or "", notice, account, found):
        not_before = addressing.quiet_until(message.address.channel, rule, chosen, account)
        outbox.post_delivery(tx, message, not_before)
        statuses[message.address.channel] = DeliveryStatus.HELD if not_before else DeliveryStatus.QUEUED
    return statuses
