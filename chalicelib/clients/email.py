"""Email through Amazon SES (API v2)."""

from dataclasses import dataclass

from chalicelib.clients.aws import client, translated
from chalicelib.settings import settings


@dataclass(frozen=True, slots=True)
class Email:
    """One message to one mailbox, in plain text and HTML."""

    to: str
    subject: str
    text: str
    html: str


def send(email: Email) -> None:
    """Hand a message to SES. Raises Retryable or Permanent."""
    charset = "UTF-8"
    body = {"Text": {"Data": email.text, "Charset": charset}, "Html": {"Data": email.html, "Charset": charset}}
    with translated():
        client("sesv2").send_email(
            FromEmailAddress=settings().email_sender,
            Destination={"ToAddresses": [email.to]},
            Content={"Simple": {"Subject": {"Data": email.subject, "Charset": charset}, "Body": body}},
        )
