"""From outbox to channel: relay what was written, send what is still true, and take up what was left (mechanism 5)."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from chalicelib import clock, observability
from chalicelib.clients import email, push, queues, sms
from chalicelib.clients.aws import Permanent
from chalicelib.domain import deliveries
from chalicelib.domain.deliveries import Address
from chalicelib.domain.notices import RULES, Channel, DeliveryStatus, Notice, NoticeKind, OutboxStatus, Topic
from chalicelib.errors import Conflict, Unavailable
from chalicelib.models import accounts, feedback, notices, outbox, preferences, push_devices
from chalicelib.models.accounts import Account
from chalicelib.models.notices import NoticeCopy, Progress
from chalicelib.models.outbox import OutboxRow
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.services import addressing, composing, rendering, strangers, suppressions
from chalicelib.services import contacts as contact_service
from chalicelib.services.rendering import Reader
from chalicelib.settings import settings

_TOPICS = frozenset(Topic)
_SWEEP_SECONDS = 40
"""How long one sweep goes on at most: its function has 55 seconds."""

_TRIES = 10
"""How often somebody who is overtaken begins again."""

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
    while time.monotonic() < until and (due := outbox.find_due()):
        # A row of no known topic has no queue: it is in the relay's dead-letter queue, with an alarm. It waits like the
        # others, so that the rows behind it have their turn.
        left = set(relay([(row.pk, Topic(row.topic)) for row in due if row.topic in _TOPICS]))
        for row in due:
            outbox.postpone(row, is_queued=row.pk not in left)
        swept += len(due) - len(left)
    return swept


@dataclass(frozen=True, slots=True)
class _Receipt:
    """A channel took a message; `push_id` is what SNS calls it in what it tells later."""

    push_id: str | None = None


def deliver(row_id: str) -> None:
    """Send one message, if it is still pending, still true, still wanted, and still has somewhere to go.

    What its channel cannot take now is tried again later, what it will never take goes to the next channel. Anything
    else that goes wrong is raised, and the row given back.
    """
    row = outbox.find(row_id)
    if row is None or row.status != OutboxStatus.PENDING or not outbox.claim(row):
        return
    try:
        receipt = _deliver(row)
    except Unavailable as failed:
        observability.count("DeliveryRetried")
        observability.fault("delivery.retried", failed, notice_id=row.pk, notice_kind=row.notice_kind)
        outbox.retry_later(row)
        return
    except Exception:
        outbox.release(row)
        raise
    # From here on the channel has the message: whatever fails now must not send it again while there is another way.
    if receipt is not None:
        _note_sent(row, receipt)


def _deliver(row: OutboxRow) -> _Receipt | None:
    """Hand a message to its channel. None where nothing is to be sent, or not now, which is noted then."""
    if not row.account_id:
        return _deliver_to_stranger(row)
    account = accounts.find_account(row.account_id)
    if account is None or not addressing.may_be_told(account, RULES[NoticeKind(row.notice_kind or "")]):
        outbox.settle(row, OutboxStatus.DROPPED)
        return None
    address = contact_service.find(account, row.ids()).resolve(row.address or "")
    if address is None:
        _give_up(row, OutboxStatus.DROPPED, DeliveryStatus.DROPPED)
    elif suppressions.is_suppressed(address.channel, address.value):
        _refuse(row, address, "suppressed")
    elif _is_wanted(row, account, address.channel):
        return _send(row, account, address)
    return None


def _is_wanted(row: OutboxRow, account: Account, channel: Channel) -> bool:
    """Whether a message that waited may still go out, and now: choices, grants and the time of day may have changed."""
    rule = RULES[NoticeKind(row.notice_kind or "")]
    if rule.is_urgent:
        return True
    chosen = preferences.find(account.pk)
    channels = chosen.channels(rule.type)
    is_chosen = channel in channels or (bool(channels) and addressing.FALLBACK in row.ids())
    if not is_chosen or not addressing.may_read(account, row.patient_id, rule, row.ids()):
        _give_up(row, OutboxStatus.DROPPED, DeliveryStatus.DROPPED)
        return False
    until = addressing.quiet_until(rule, chosen, account)
    if until is not None:
        outbox.hold(row, until)
        _note(row, DeliveryStatus.HELD)
    return until is None


def _send(row: OutboxRow, account: Account, address: Address) -> _Receipt | None:
    values = composing.compose(NoticeKind(row.notice_kind or ""), account, row)
    if values is None:
        outbox.settle(row, OutboxStatus.DROPPED)
        _note(row, DeliveryStatus.DROPPED)
        return None
    return _hand_over(row, rendering.Reader.of(account), address, values)


def _deliver_to_stranger(row: OutboxRow) -> _Receipt | None:
    ref = row.address or ""
    stranger = strangers.find(ref)
    address = stranger.through(Channel(row.topic), ref) if stranger else None
    if stranger is None or address is None:
        outbox.settle(row, OutboxStatus.DROPPED)
        return None
    if suppressions.is_suppressed(address.channel, address.value):
        _refuse(row, address, "suppressed")
        return None
    return _hand_over(row, rendering.Reader(stranger.language, stranger.zone), address, stranger.values)


def _hand_over(row: OutboxRow, reader: Reader, address: Address, values: composing.Values) -> _Receipt | None:
    try:
        return _SENDERS[address.channel](row, reader, address, values)
    except Permanent as refused:
        _refuse(row, address, refused.code)
        return None


def _note_sent(row: OutboxRow, receipt: _Receipt) -> None:
    """Settle the row together with the portal's copy; where that cannot be, the row alone, which must not go again."""
    observability.event("notice.sent", notice_id=row.pk, notice_kind=row.notice_kind)
    for _ in range(_TRIES):
        with suppress(Conflict, Unavailable):
            _settle_sent(row)
            break
    else:
        outbox.settle(row, OutboxStatus.DONE)
    if receipt.push_id:
        feedback.note_push(receipt.push_id, row.pk)


def _settle_sent(row: OutboxRow) -> None:
    copy = _find_copy(row)
    with transaction() as tx:
        outbox.settle_in(tx, row, OutboxStatus.DONE)
        if copy is not None:
            notices.note_progress(tx, copy, {_place(row): DeliveryStatus.SENT})


def _find_copy(row: OutboxRow) -> NoticeCopy | None:
    """The portal's own copy, which only people with an account have."""
    return notices.find(row.account_id, row.notice_id or "") if row.account_id else None


def _send_email(row: OutboxRow, reader: Reader, address: Address, values: composing.Values) -> _Receipt:
    if not address.is_confirmed:
        # The phrase is between the clinic and the holder: who has a mistyped address must not learn it.
        reader = replace(reader, phrase=None)
    email.send(rendering.email(NoticeKind(row.notice_kind or ""), address.value, reader, values), row.pk)
    return _Receipt()


def _send_sms(row: OutboxRow, reader: Reader, address: Address, values: composing.Values) -> _Receipt:
    reader = reader if address.is_confirmed else replace(reader, phrase=None)
    message = rendering.sms(NoticeKind(row.notice_kind or ""), address.value, reader, values)
    sms.send(message, row.pk)
    return _Receipt()


def _send_push(row: OutboxRow, reader: Reader, address: Address, _values: composing.Values) -> _Receipt:
    device = push_devices.find(row.account_id or "", address.value)
    if device is None:
        raise Permanent("no_device")
    arn = device.endpoint_arn or push.create_endpoint(device.platform, device.push_token)
    if arn != device.endpoint_arn:
        push_devices.note_endpoint(device, arn)
    return _Receipt(push.send(arn, device.platform, row.notice_id or "", rendering.push(reader.language)))


_SENDERS: Mapping[Channel, Callable[[OutboxRow, Reader, Address, composing.Values], _Receipt]] = {
    Channel.EMAIL: _send_email,
    Channel.SMS: _send_sms,
    Channel.PUSH: _send_push,
}


def _note(row: OutboxRow, status: DeliveryStatus) -> None:
    """Show in the portal's copy how far a message is."""
    for _ in range(_TRIES):
        copy = _find_copy(row)
        if copy is None:
            return
        with suppress(Conflict), transaction() as tx:
            notices.note_progress(tx, copy, {_place(row): status})
            return


def _place(row: OutboxRow) -> tuple[Channel, str]:
    return Channel(row.topic), row.address or ""


def _refuse(row: OutboxRow, address: Address, code: str) -> None:
    """The channel will never take the message: learn of its address what there is to learn, and try the next."""
    observability.event("notice.refused", notice_id=row.pk, notice_kind=row.notice_kind, code=code)
    observability.count("NoticeRefused")
    _give_up(
        row,
        OutboxStatus.FAILED,
        DeliveryStatus.FAILED,
        lambda tx: suppressions.learn(tx, address, code, row.account_id),
    )


def _give_up(
    row: OutboxRow,
    status: OutboxStatus,
    shown: DeliveryStatus,
    besides: Callable[[Transaction], None] = lambda _tx: None,
) -> None:
    """Settle a message that was not sent, again from the start where somebody else was faster. Raises Unavailable."""
    for _ in range(_TRIES):
        try:
            with transaction() as tx:
                outbox.settle_in(tx, row, status)
                besides(tx)
                give_up(tx, row, shown)
        except Conflict:
            now = outbox.find(row.pk)
            if now is None or now.status != OutboxStatus.PENDING:
                return
        else:
            return
    raise Unavailable(retry_after=1)


def give_up(tx: Transaction, row: OutboxRow, status: DeliveryStatus) -> None:
    """Note in a transaction that a message does not reach its reader, and try the next channel.

    The next is tried only where every other message of the notice has ended in vain. Raises Conflict at the commit
    where anything of the notice was noted meanwhile.
    """
    if not row.account_id:
        _try_next_of_stranger(tx, row)
        return
    copy, account = _find_copy(row), accounts.find_account(row.account_id)
    if copy is None or account is None:
        return
    progress = {**copy.progress(), _place(row): status}
    if set(progress.values()) <= _ENDED:
        progress |= _try_next(tx, row, account, {channel for channel, _ in progress})
    notices.note_progress(tx, copy, progress)


def _try_next_of_stranger(tx: Transaction, row: OutboxRow) -> None:
    """What did not arrive by email goes as a text, where there is a number; what went so was the last try."""
    kind, ref = NoticeKind(row.notice_kind or ""), row.address or ""
    channels = RULES[kind].channels
    tried = channels[: channels.index(Channel(row.topic)) + 1]
    stranger = strangers.find(ref)
    found = strangers.first_address(stranger, ref, RULES[kind], tried) if stranger else None
    if found is not None:
        notice = Notice(kind, None, row.ids(), row.patient_id, stranger=ref)
        outbox.post_delivery(tx, addressing.to_stranger(row.notice_id or "", notice, found))


def _try_next(tx: Transaction, row: OutboxRow, account: Account, tried: set[Channel]) -> Progress:
    kind = NoticeKind(row.notice_kind or "")
    rule, chosen = RULES[kind], preferences.find(account.pk)
    if not chosen.channels(rule.type):
        return {}
    found = deliveries.following(contact_service.find(account), rule, tried)
    notice = Notice(kind, account.pk, {**row.ids(), addressing.FALLBACK: row.pk}, row.patient_id)
    return addressing.post(tx, addressing.messages(row.notice_id or "", notice, account, found), chosen, account)
