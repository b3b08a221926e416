"""Email through Amazon SES (API v2)."""

from dataclasses import dataclass
from typing import Any

from chalicelib.clients.aws import Permanent, Refusal, client, translated
from chalicelib.settings import settings

ROW_TAG = "row_id"
"""The message tag that names the outbox row; SES repeats it in what it tells of the message."""

_CHARSET = "UTF-8"


@dataclass(frozen=True, slots=True)
class Email:
    """One message to one mailbox, in plain text and HTML.

    `unsubscribe_url` is a page that stops messages of this type; mail programs show it beside the message.
    """

    to: str
    subject: str
    text: str
    html: str
    unsubscribe_url: str | None = None


def send(email: Email, row_id: str) -> None:
    """Hand the message of an outbox row to SES. Raises Retryable or Permanent."""
    configuration_set = settings().email_configuration_set
    configuration = {"ConfigurationSetName": configuration_set} if configuration_set else {}
    with translated():
        client("sesv2").send_email(
            FromEmailAddress=settings().email_sender,
            Destination={"ToAddresses": [email.to]},
            Content={"Simple": _content(email)},
            EmailTags=[{"Name": ROW_TAG, "Value": row_id}],
            **configuration,
        )


def _content(email: Email) -> dict[str, Any]:
    parts = {"Text": email.text, "Html": email.html}
    content: dict[str, Any] = {
        "Subject": {"Data": email.subject, "Charset": _CHARSET},
        "Body": {kind: {"Data": data, "Charset": _CHARSET} for kind, data in parts.items()},
    }
    if email.unsubscribe_url:
        # Without RFC 8058's List-Unsubscribe-Post: the link leads to a page, whose form alone acts.
        content["Headers"] = [{"Name": "List-Unsubscribe", "Value": f"<{email.unsubscribe_url}>"}]
    return content


def forget_suppression(address: str) -> None:
    """Let SES send to an address again that it suppresses itself since it bounced. Raises Retryable or Permanent."""
    try:
        with translated(_not_suppressed):
            client("sesv2").delete_suppressed_destination(EmailAddress=address)
    except Permanent as refused:
        if refused.code != _NOT_SUPPRESSED:
            raise


_NOT_SUPPRESSED = "not_suppressed"


def _not_suppressed(refusal: Refusal) -> str | None:
    known = {"NotFoundException": _NOT_SUPPRESSED, "BadRequestException": "invalid_address"}
    return known.get(refusal.code)
