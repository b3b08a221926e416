"""What the channels tell of messages after they took them: what came back, who complained, and what phones answer.

The forms are those of SES's event publishing, of SNS's application events, and of End User Messaging's events and
two-way messages; SNS brings them all.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from chalicelib import ids
from chalicelib.domain import keywords
from chalicelib.domain.keywords import Keyword
from chalicelib.domain.notices import Channel
from chalicelib.domain.suppressions import Reason


@dataclass(frozen=True, slots=True)
class Failure:
    """A message did not reach its reader, or was not wanted.

    `row_id` is the outbox row's, where it is known; `address` what the message was sent to. `reason` is there where
    nothing shall be sent to that address any more.
    """

    event_id: str
    channel: Channel
    at: datetime
    row_id: str | None
    address: str | None
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class DeadEndpoint:
    """A device's push service does not know its token any more; `message_id` is the push message's that failed."""

    event_id: str
    arn: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What somebody texted to the clinic's number, as far as the portal understands it."""

    event_id: str
    number: str
    at: datetime
    keyword: Keyword | None


class Unreadable(ValueError):
    """A message of a known kind in an unknown form."""


Feedback: TypeAlias = Failure | DeadEndpoint | Reply
_Told: TypeAlias = Mapping[str, Any]


def read(message: str, sent_at: datetime) -> Feedback | None:
    """What a message tells, or None where it is nothing to act on; `sent_at` is when its topic had it.

    Raises Unreadable.
    """
    try:
        told = json.loads(message)
    except ValueError:
        # SES writes a line of plain text to a topic when it is set up.
        return None
    try:
        return _read(told, sent_at) if isinstance(told, dict) else None
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as unknown:
        raise Unreadable("A known kind in an unknown form.") from unknown


def _read(told: _Told, sent_at: datetime) -> Feedback | None:
    kind = str(told.get("eventType") or told.get("notificationType") or "")
    if kind in _EMAIL_EVENTS:
        return _email_event(kind, told, sent_at)
    if kind.startswith("TEXT_"):
        return _sms_event(kind, told)
    if told.get("EventType") == "DeliveryFailure":
        return _push_event(told)
    return _reply(told, sent_at) if "originationNumber" in told and "messageBody" in told else None


# https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
_EMAIL_EVENTS = frozenset({"Bounce", "Complaint", "Reject"})


def _email_event(kind: str, told: _Told, sent_at: datetime) -> Failure | None:
    mail, part = told["mail"], told.get(kind.lower(), {})
    if part.get("complaintFeedbackType") == "not-spam":
        # Whoever reads it took it out of their spam folder.
        return None
    tags = mail.get("tags", {}).get("row_id", [None])
    # What came back may name an address that the mailbox forwards to; what the portal sent to is the one to suppress.
    return Failure(
        event_id=f"email:{part.get('feedbackId') or mail['messageId']}",
        channel=Channel.EMAIL,
        at=_time(part.get("timestamp")) or sent_at,
        row_id=_row_id(tags[0]),
        address=str(mail["destination"][0]),
        reason=_email_reason(kind, part),
    )


def _email_reason(kind: str, part: _Told) -> Reason | None:
    """A mailbox that is full or away for a while keeps its mail: only a permanent bounce speaks of the address."""
    if kind == "Complaint":
        return Reason.COMPLAINT
    return Reason.BOUNCE if part.get("bounceType") == "Permanent" else None


# https://docs.aws.amazon.com/sms-voice/latest/userguide/configuration-sets-event-types.html
_SMS_FAILURES = frozenset(
    {
        "TEXT_BLOCKED",
        "TEXT_CARRIER_BLOCKED",
        "TEXT_CARRIER_UNREACHABLE",
        "TEXT_INVALID",
        "TEXT_INVALID_MESSAGE",
        "TEXT_PROTECT_BLOCKED",
        "TEXT_SPAM",
        "TEXT_TTL_EXPIRED",
        "TEXT_UNREACHABLE",
    }
)


def _sms_event(kind: str, told: _Told) -> Failure | None:
    if kind not in _SMS_FAILURES or told.get("isFinal") is False:
        return None
    return Failure(
        event_id=f"sms:{told['messageId']}",
        channel=Channel.SMS,
        at=datetime.fromtimestamp(int(told["eventTimestamp"]) / 1000, UTC),
        row_id=_row_id(told.get("context", {}).get("row_id")),
        address=told.get("destinationPhoneNumber"),
        # A phone that is off, or a carrier that filters, may take the next message.
        reason=Reason.BOUNCE if kind == "TEXT_INVALID" else None,
    )


# Of what fails, only these speak of the device; the rest is a person's to mend.
_DEAD = frozenset({"EndpointDisabled", "InvalidPlatformToken"})


def _push_event(told: _Told) -> DeadEndpoint | None:
    if told.get("FailureType") not in _DEAD:
        return None
    return DeadEndpoint(f"push:{told['MessageId']}", str(told["EndpointArn"]), str(told["MessageId"]))


def _reply(told: _Told, sent_at: datetime) -> Reply:
    return Reply(
        event_id=f"reply:{told['inboundMessageId']}",
        number=str(told["originationNumber"]),
        at=sent_at,
        keyword=keywords.read(str(told["messageBody"])),
    )


def _row_id(text: object) -> str | None:
    return text if isinstance(text, str) and ids.has_prefix(text, "out") else None


def _time(text: object) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if isinstance(text, str) else None
