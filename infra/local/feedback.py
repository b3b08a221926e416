"""What comes back about messages: bounces, complaints, replies and dead push tokens, as SES and SNS tell of them.

The embedded AWS delivers everything, so what would come from mailboxes and phones is said here, on the same topic, in
the same JSON and with a signature that can be verified.
"""

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from chalicelib import clock
from infra.local import moto_ses
from infra.local.aws import REGION, Aws
from infra.local.outgoing import SentEmail, SentPush, SentSms

CLINIC_NUMBER = "+13125550100"
"""The number that text messages seem to come from."""


class NotSentError(Exception):
    """No such message went out."""


class Feedback:
    """Publishes what became of a message; each method takes the message's id and raises NotSentError."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._sns = aws.client("sns")
        self._topic = aws.deployed.outputs["FeedbackTopicArn"]

    def bounce(self, message_id: str, *, bounce_type: str = "Permanent") -> None:
        """The mailbox does not exist; with "Transient" it is full, or away for a while."""
        email = self._email(message_id)
        if bounce_type == "Permanent":
            moto_ses.suppressed.update(email.to)
        recipients = [
            {
                "emailAddress": to,
                "action": "failed",
                "status": "5.1.1",
                "diagnosticCode": "smtp; 550 5.1.1 user unknown",
            }
            for to in email.to
        ]
        self._tell_of_email(
            email,
            "Bounce",
            {
                "bounceType": bounce_type,
                "bounceSubType": "General",
                "bouncedRecipients": recipients,
                "reportingMTA": "dsn; mta.example.com",
            },
        )

    def complain(self, message_id: str) -> None:
        """The reader called the email unwanted."""
        email = self._email(message_id)
        recipients = [{"emailAddress": to} for to in email.to]
        what = {"complainedRecipients": recipients, "complaintFeedbackType": "abuse", "userAgent": "mailbox"}
        self._tell_of_email(email, "Complaint", what)

    def reply(self, message_id: str, text: str) -> None:
        """The reader answered a text message."""
        sms = self._sms(message_id)
        self._publish(
            {
                "originationNumber": sms.to,
                "destinationNumber": CLINIC_NUMBER,
                "messageKeyword": "KEYWORD_000000000000",
                "messageBody": text,
                "inboundMessageId": str(uuid4()),
                "previousPublishedMessageId": sms.message_id,
            }
        )

    def end_token(self, message_id: str) -> None:
        """The app was removed from the device: its platform refuses the token, and SNS disables the endpoint."""
        push = self._push(message_id)
        application = push.endpoint_arn.replace(":endpoint/", ":app/").rpartition("/")[0]
        self._sns.set_endpoint_attributes(EndpointArn=push.endpoint_arn, Attributes={"Enabled": "false"})
        failure = {
            "DeliveryAttempts": 1,
            "EndpointArn": push.endpoint_arn,
            "EventType": "DeliveryFailure",
            "FailureMessage": "Platform token associated with the endpoint is not valid",
            "FailureType": "InvalidPlatformToken",
            "MessageId": push.message_id,
            "Resource": application,
            "Service": "SNS",
            "Time": clock.stamp(clock.now()),
        }
        name = application.rpartition("/")[2]
        self._publish(failure, f"DeliveryFailure event for app {name} ({push.platform})")

    def _tell_of_email(self, email: SentEmail, kind: str, what: Mapping[str, Any]) -> None:
        about = {**what, "timestamp": clock.stamp(clock.now()), "feedbackId": f"{uuid4()}-000000"}
        event = {"eventType": kind, kind.lower(): about, "mail": _mail(email)}
        self._publish(event, "Amazon SES Email Event Notification")

    def _publish(self, message: Mapping[str, Any], subject: str | None = None) -> None:
        more = {"Subject": subject} if subject else {}
        self._sns.publish(TopicArn=self._topic, Message=json.dumps(message), **more)

    def _email(self, message_id: str) -> SentEmail:
        for email in self._aws.sent_emails():
            if email.message_id == message_id:
                return email
        raise NotSentError(message_id)

    def _sms(self, message_id: str) -> SentSms:
        for sms in self._aws.sent_sms():
            if sms.message_id == message_id:
                return sms
        raise NotSentError(message_id)

    def _push(self, message_id: str) -> SentPush:
        for push in self._aws.sent_pushes():
            if push.message_id == message_id:
                return push
        raise NotSentError(message_id)


def _mail(email: SentEmail) -> dict[str, Any]:
    # https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
    own = {"ses:configuration-set": [email.configuration_set], "ses:from-domain": [email.sender.rpartition("@")[2]]}
    return {
        "timestamp": clock.stamp(clock.now()),
        "source": email.sender,
        "sourceArn": f"arn:aws:ses:{REGION}:123456789012:identity/{email.sender}",
        "sendingAccountId": "123456789012",
        "messageId": email.message_id,
        "destination": list(email.to),
        "headersTruncated": False,
        "headers": [],
        "commonHeaders": {"from": [email.sender], "to": list(email.to), "subject": email.subject},
        "tags": {**own, **{name: [value] for name, value in email.tags.items()}},
    }
