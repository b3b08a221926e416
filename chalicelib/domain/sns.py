"""Notifications of Amazon SNS: their form, and what of them is signed.

See https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime

# In this order, those that are there, each name and each value on a line of its own.
_SIGNED = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")

# Other paths of the same hosts are SNS's API, which can be made to answer with what a stranger wrote.
_CERTIFICATE = re.compile(
    r"https://sns\.(?P<region>[a-z0-9-]{3,32})\.amazonaws\.com(?:\.cn)?/SimpleNotificationService-[0-9A-Za-z]+\.pem"
)


class NotANotification(ValueError):
    """The text is no notification of SNS."""


@dataclass(frozen=True, slots=True)
class Notification:
    """One message that a topic handed on, and who claims to have signed it."""

    message_id: str
    topic_arn: str
    message: str
    sent_at: datetime
    signed_text: bytes
    signature: bytes
    signature_version: str
    certificate_url: str


def read(text: str) -> Notification:
    """A notification as a queue holds it. Raises NotANotification."""
    try:
        fields = json.loads(text)
        if fields["Type"] != "Notification":
            raise NotANotification("Another type of message.")
        signed = "".join(f"{name}\n{fields[name]}\n" for name in _SIGNED if fields.get(name) is not None)
        return Notification(
            message_id=str(fields["MessageId"]),
            topic_arn=str(fields["TopicArn"]),
            message=str(fields["Message"]),
            sent_at=datetime.fromisoformat(fields["Timestamp"]).astimezone(UTC),
            signed_text=signed.encode(),
            signature=base64.b64decode(fields["Signature"], validate=True),
            signature_version=str(fields["SignatureVersion"]),
            certificate_url=str(fields["SigningCertURL"]),
        )
    except (KeyError, TypeError, UnicodeEncodeError, ValueError, binascii.Error) as wrong:
        raise NotANotification("No notification.") from wrong


def is_certificate_url(url: str, topic_arn: str) -> bool:
    """Whether a URL is where SNS itself keeps the certificates of the topic's region."""
    found = _CERTIFICATE.fullmatch(url)
    return found is not None and topic_arn.split(":")[3:4] == [found["region"]]
