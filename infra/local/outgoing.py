"""What left through SES and SNS: whole emails (moto keeps one of a simple email's two bodies) and text messages."""

import base64
import email
import email.message
import email.policy
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import getaddresses
from functools import wraps
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.sesv2.responses import SESV2Response
from moto.sns.models import sns_backends


@dataclass(frozen=True)
class SentEmail:
    """One email that SES took; `order` counts from 1 since the start or the last wipe."""

    order: int
    message_id: str
    sender: str
    to: tuple[str, ...]
    subject: str
    text: str | None
    html: str | None


@dataclass(frozen=True)
class SentSms:
    """One text message that SNS took, to a number in E.164."""

    order: int
    message_id: str
    to: str
    text: str


_emails: list[SentEmail] = []


def install() -> None:
    """Has SES's SendEmail remember whole emails; calling it again changes nothing."""
    if not hasattr(SESV2Response.send_email, "__wrapped__"):
        patches: list[tuple[type, str, Callable[..., Any]]] = [
            (SESV2Response, "send_email", _remembering(SESV2Response.send_email))
        ]
        for owner, name, function in patches:
            setattr(owner, name, function)


def sent_emails() -> list[SentEmail]:
    """The emails that SES took, oldest first."""
    return list(_emails)


def sent_sms(region: str) -> list[SentSms]:
    """The text messages that SNS took, oldest first."""
    messages = list(sns_backends[DEFAULT_ACCOUNT_ID][region].sms_messages.items())
    return [SentSms(order, key, number, text) for order, (key, (number, text)) in enumerate(messages, start=1)]


@contextmanager
def empty_mailbox() -> Iterator[None]:
    """An empty mailbox for one embedded AWS; what was there before comes back at the end."""
    before = list(_emails)
    _emails.clear()
    try:
        yield
    finally:
        _emails[:] = before


def forget(region: str) -> None:
    """Empties the mailbox and the text messages."""
    _emails.clear()
    backend = sns_backends[DEFAULT_ACCOUNT_ID][region]
    backend.sms_messages.clear()
    backend.sms_message_objects.clear()


def _remembering(moto_send: Callable[[SESV2Response], str]) -> Callable[[SESV2Response], str]:
    @wraps(moto_send)
    def send_email(response: SESV2Response) -> str:
        answer = moto_send(response)
        _emails.append(_read(json.loads(response.body), json.loads(answer)["MessageId"]))
        return answer

    return send_email


def _read(request: dict[str, Any], message_id: str) -> SentEmail:
    order = len(_emails) + 1
    to = tuple(address for kind in ("To", "Cc", "Bcc") for address in _addresses(request, kind))
    if "Raw" in request["Content"]:
        return _read_raw(base64.b64decode(request["Content"]["Raw"]["Data"]), order, message_id, to)
    simple = request["Content"]["Simple"]
    body = simple["Body"]
    return SentEmail(
        order=order,
        message_id=message_id,
        sender=request.get("FromEmailAddress", ""),
        to=to,
        subject=simple["Subject"]["Data"],
        text=body.get("Text", {}).get("Data"),
        html=body.get("Html", {}).get("Data"),
    )


def _addresses(request: dict[str, Any], kind: str) -> list[str]:
    found: list[str] = request.get("Destination", {}).get(f"{kind}Addresses", [])
    return found


def _read_raw(data: bytes, order: int, message_id: str, to: tuple[str, ...]) -> SentEmail:
    message = email.message_from_bytes(data, policy=email.policy.default)
    headers = [str(value) for name in ("To", "Cc", "Bcc") for value in message.get_all(name, [])]
    return SentEmail(
        order=order,
        message_id=message_id,
        sender=str(message["From"] or ""),
        to=to or tuple(address for _, address in getaddresses(headers)),
        subject=str(message["Subject"] or ""),
        text=_part(message, "plain"),
        html=_part(message, "html"),
    )


def _part(message: email.message.EmailMessage, kind: str) -> str | None:
    part = message.get_body(preferencelist=(kind,))
    if part is None:
        return None
    content: str = part.get_content()
    return content
