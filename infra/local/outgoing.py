"""What left through SES and SNS: whole emails (moto keeps one of a simple email's two bodies), texts and pushes."""

import base64
import email
import email.message
import email.policy
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import getaddresses
from functools import wraps
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.sesv2.responses import SESV2Response
from moto.sns.models import PlatformEndpoint, sns_backends


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
    tags: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    configuration_set: str | None = None


@dataclass(frozen=True)
class SentSms:
    """One text message that SNS took, to a number in E.164."""

    order: int
    message_id: str
    to: str
    text: str


@dataclass(frozen=True)
class SentPush:
    """One push that SNS took for a device.

    `platform` is SNS's own name for it (APNS, GCM, ADM), and `payload` is what that platform gets.
    """

    order: int
    message_id: str
    endpoint_arn: str
    platform: str
    token: str
    payload: Mapping[str, Any]

    @property
    def alert(self) -> str:
        """What the device's owner reads before they open the app; empty where nothing is to be read."""
        return _alert(self.payload)


_emails: list[SentEmail] = []
_pushes: list[SentPush] = []


def install() -> None:
    """Has SES remember whole emails and SNS what goes to devices; calling it again changes nothing."""
    if not hasattr(SESV2Response.send_email, "__wrapped__"):
        patches: list[tuple[type, str, Callable[..., Any]]] = [
            (SESV2Response, "send_email", _remembering(SESV2Response.send_email)),
            (PlatformEndpoint, "publish", _remembering_pushes(PlatformEndpoint.publish)),
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


def sent_pushes() -> list[SentPush]:
    """The pushes that SNS took for devices, oldest first."""
    return list(_pushes)


@contextmanager
def empty_mailbox() -> Iterator[None]:
    """An empty mailbox for one embedded AWS; what was there before comes back at the end."""
    before = list(_emails), list(_pushes)
    _emails.clear()
    _pushes.clear()
    try:
        yield
    finally:
        _emails[:], _pushes[:] = before


def forget(region: str) -> None:
    """Empties the mailbox: emails, text messages and pushes."""
    _emails.clear()
    _pushes.clear()
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


def _remembering_pushes(
    moto_publish: Callable[[PlatformEndpoint, str], str],
) -> Callable[[PlatformEndpoint, str], str]:
    @wraps(moto_publish)
    def publish(endpoint: PlatformEndpoint, message: str) -> str:
        message_id = moto_publish(endpoint, message)
        platform = endpoint.application.platform
        payload = _payload(message, platform)
        _pushes.append(SentPush(len(_pushes) + 1, message_id, endpoint.arn, platform, endpoint.token, payload))
        return message_id

    return publish


def _payload(message: str, platform: str) -> dict[str, Any]:
    """A message of the structure "json" holds a payload for each platform, itself JSON; any other is plain text."""
    try:
        payload: dict[str, Any] = json.loads(json.loads(message)[platform])
    except (ValueError, TypeError, KeyError):
        return {"default": message}
    return payload


def _alert(payload: Mapping[str, Any]) -> str:
    """Apple's `aps.alert`, Google's `notification` (in its message of the API's version 1), Amazon's `data`."""
    google = payload.get("fcmV1Message", {}).get("message", payload)
    found = payload.get("aps", {}).get("alert") or google.get("notification") or payload.get("data") or payload
    if isinstance(found, str):
        return found
    parts = (found.get(name) for name in ("title", "body", "message", "alert", "default"))
    return "\n".join(part for part in parts if part)


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
        tags={tag["Name"]: tag["Value"] for tag in request.get("EmailTags", [])},
        headers={header["Name"]: header["Value"] for header in simple.get("Headers", [])},
        configuration_set=request.get("ConfigurationSetName"),
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
