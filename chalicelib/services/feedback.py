"""What the channels tell of messages after they took them: believed only where SNS signed it, and acted on once."""

from collections.abc import Callable

from chalicelib import observability, words
from chalicelib.auth import limits
from chalicelib.auth.limits import Limit
from chalicelib.clients import certificates, sms
from chalicelib.clients.aws import Permanent
from chalicelib.domain import feedback, identity, sns
from chalicelib.domain.feedback import DeadEndpoint, Failure, Feedback, Reply
from chalicelib.domain.keywords import Command
from chalicelib.domain.notices import Channel, DeliveryStatus, Notice, NoticeKind, OutboxStatus
from chalicelib.domain.sns import NotANotification, Notification
from chalicelib.domain.suppressions import Reason
from chalicelib.errors import Conflict, TooManyRequests, Unavailable
from chalicelib.models import accounts, outbox, push_devices
from chalicelib.models import feedback as storage
from chalicelib.models.outbox import OutboxRow
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.services import delivery, suppressions
from chalicelib.settings import settings

_TRIES = 5
_REPLIES = Limit(tries=10, seconds=86_400)
"""Answers to one number: two machines that answer each other must come to an end."""

_SENT = {OutboxStatus.PENDING, OutboxStatus.DONE}


def receive(body: str) -> None:
    """Act on one message of the feedback queue.

    What SNS did not sign is dropped, counted and logged without a word of it: it would be refused for ever. Raises
    Unavailable where it has to come again, and ValueError for what is signed and not understood, which a person has to
    look at.
    """
    try:
        notification = _verified(body)
    except (NotANotification, Permanent) as refused:
        observability.fault("feedback.refused", refused)
        observability.count("FeedbackRefused")
        return
    told = feedback.read(notification.message, notification.sent_at)
    if told is None:
        observability.event("feedback.passed_by")
        return
    _settle(told)
    if isinstance(told, Reply) and told.keyword is not None:
        _answer(told, told.keyword.command, told.keyword.language)


def _verified(body: str) -> Notification:
    """A notification that SNS signed for the portal's topic.

    Its age says nothing: a queue may hold it for days, and what it does is done once. Raises NotANotification,
    Permanent and Retryable.
    """
    notification = sns.read(body)
    rules = settings()
    if not rules.feedback_topic_arn or notification.topic_arn != rules.feedback_topic_arn:
        raise NotANotification("Another topic's.")
    if not sns.is_certificate_url(notification.certificate_url, notification.topic_arn):
        raise NotANotification("Signed by somebody else.")
    _verify(notification, rules.sns_signing_certificate)
    return notification


def _verify(notification: Notification, certificate: str | None) -> None:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  app.py loads this module for the API too.
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415  As above.
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415  As above.

    algorithms: dict[str, hashes.HashAlgorithm] = {
        "1": hashes.SHA1(),  # noqa: S303  SNS signs so wherever a topic was not told otherwise.
        "2": hashes.SHA256(),
    }
    algorithm = algorithms.get(notification.signature_version)
    if algorithm is None:
        raise NotANotification("An unknown version of signature.")
    url = notification.certificate_url
    key = certificates.read(certificate.encode()) if certificate else certificates.public_key(url)
    try:
        key.verify(notification.signature, notification.signed_text, PKCS1v15(), algorithm)
    except InvalidSignature as wrong:
        raise NotANotification("Signed wrongly.") from wrong


def _settle(told: Feedback) -> None:
    """Do what an event asks for, once, in one transaction; again from the start where somebody else was faster."""
    for _ in range(_TRIES):
        if storage.find(told.event_id) is not None:
            return
        try:
            with transaction() as tx:
                reply_due = _take(tx, told)
                storage.note(tx, told.event_id, reply_due=reply_due)
        except Conflict:
            continue
        observability.count("FeedbackTaken")
        return
    raise Unavailable


def _take(tx: Transaction, told: Feedback) -> bool:
    """Put the effects of an event into a transaction; whether it asks for an answer."""
    match told:
        case Failure():
            _take_failure(tx, told)
        case DeadEndpoint():
            _take_dead_endpoint(tx, told)
        case Reply():
            return _take_reply(tx, told)
    return False


def _take_failure(tx: Transaction, told: Failure) -> None:
    row = outbox.find(told.row_id) if told.row_id else None
    if row is not None and row.topic == told.channel and row.status in _SENT:
        _give_up(tx, row)
    if told.reason is not None and told.address is not None:
        _suppress(tx, told.channel, told.address, told, row)


def _give_up(tx: Transaction, row: OutboxRow) -> None:
    """Try the next channel. A message may come back before its worker has noted that it was sent."""
    if row.status == OutboxStatus.PENDING:
        outbox.settle_in(tx, row, OutboxStatus.FAILED)
    delivery.give_up(tx, row, DeliveryStatus.BOUNCED)


def _suppress(tx: Transaction, channel: Channel, address: str, told: Failure, row: OutboxRow | None) -> None:
    """Send nothing to the address any more; its holder is told once, through what is left."""
    account_id = (row.account_id if row else None) or _holder(channel, address)
    reason = told.reason or Reason.BOUNCE
    done = suppressions.suppress(tx, channel, address, reason, at=told.at, account_id=account_id)
    if done.is_new and channel is Channel.EMAIL and account_id:
        about = {"address_id": suppressions.address_id(channel, address)}
        outbox.post(tx, Notice(NoticeKind.EMAIL_STOPPED, account_id, about))


def _holder(channel: Channel, address: str) -> str | None:
    if channel is not Channel.EMAIL:
        return None
    return accounts.find_email_owner_id(identity.canonical_email(address))


def _take_dead_endpoint(tx: Transaction, told: DeadEndpoint) -> None:
    device = push_devices.find_by_endpoint(told.arn)
    if device is not None:
        suppressions.remove_device(tx, device.pk, device.device_id)
    # Of several messages to one device each has its own report, and the first has removed the device.
    row_id = storage.find_push_row_id(told.message_id)
    row = outbox.find(row_id) if row_id else None
    if row is not None:
        _give_up(tx, row)


def _take_reply(tx: Transaction, told: Reply) -> bool:
    """STOP is honoured in this very transaction, and confirmed once; HELP and START are answered."""
    if told.keyword is None:
        return False
    number = identity.parse_phone(told.number)
    match told.keyword.command:
        case Command.STOP:
            return suppressions.suppress(tx, Channel.SMS, number, Reason.STOP, at=told.at).is_changed
        case Command.START:
            suppressions.restore(tx, Channel.SMS, number, at=told.at)
        case Command.HELP:
            pass
    return True


def _answer(told: Reply, command: Command, language: str) -> None:
    """Send the answer that is due, if it is. Raises Unavailable: the message comes again, to find or to send it."""
    handled = storage.find(told.event_id)
    if handled is None or not handled.reply_due:
        return
    if not storage.claim_reply(told.event_id):
        # Another worker has the same message, and may die over it.
        raise Unavailable
    number = identity.parse_phone(told.number)
    try:
        if command is Command.START:
            _try(lambda: sms.opt_in(number))
        _try(lambda: _send_reply(number, command, language))
    except Unavailable:
        storage.release_reply(told.event_id)
        raise
    storage.note_replied(told.event_id)


def _send_reply(number: str, command: Command, language: str) -> None:
    limits.spend(f"sms-reply:{suppressions.address_id(Channel.SMS, number)}", _REPLIES)
    sms.send(_words(number, command, language))


def _try(step: Callable[[], None]) -> None:
    """Take a step that may be refused for good. Raises Retryable."""
    try:
        step()
    except (Permanent, TooManyRequests) as refused:
        observability.event("feedback.not_answered", error_kind=type(refused).__name__)


def _words(number: str, command: Command, language: str) -> sms.Sms:
    rules = settings()
    text = words.say(f"sms_reply.{command}", language, clinic=rules.clinic_name, phone=rules.clinic_phone)
    return sms.Sms(number, text)
