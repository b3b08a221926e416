"""What SES and SNS tell of messages, as the embedded AWS tells it: their JSON, and a signature that can be verified."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from chalicelib import clock
from chalicelib.settings import settings
from infra.local.aws import EmbeddedAws
from infra.local.feedback import Feedback, NotSentError
from infra.local.mailbox import Mailbox

_TOKENS = iter(range(1_000_000))


@pytest.fixture(scope="module")
def running() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as aws:
        yield aws


@pytest.fixture
def aws(running: EmbeddedAws) -> EmbeddedAws:
    running.wipe()
    return running


@pytest.fixture
def feedback(aws: EmbeddedAws) -> Feedback:
    return Feedback(aws)


def _send_email(aws: EmbeddedAws, **more: Any) -> str:
    simple = {"Subject": {"Data": "News"}, "Body": {"Text": {"Data": "text"}, "Html": {"Data": "<p>html</p>"}}}
    sent: str = aws.client("sesv2").send_email(
        FromEmailAddress="portal@sample-clinic.example",
        Destination={"ToAddresses": ["ana@example.com"]},
        Content={"Simple": {**simple, "Headers": [{"Name": "List-Unsubscribe", "Value": "<https://x.example/l/1>"}]}},
        ConfigurationSetName=aws.deployed.outputs["EmailConfigurationSet"],
        EmailTags=[{"Name": "row_id", "Value": "out_1"}],
        **more,
    )["MessageId"]
    return sent


def _endpoint(aws: EmbeddedAws, platform: str = "ios") -> str:
    arn: str = aws.client("sns").create_platform_endpoint(
        PlatformApplicationArn=settings().push_applications[platform], Token=f"token-{next(_TOKENS)}"
    )["EndpointArn"]
    return arn


def _push(aws: EmbeddedAws, endpoint: str, payloads: dict[str, Any]) -> str:
    message = json.dumps({name: json.dumps(payload) for name, payload in payloads.items()})
    sent: str = aws.client("sns").publish(TargetArn=endpoint, Message=message, MessageStructure="json")["MessageId"]
    return sent


def _notification(aws: EmbeddedAws) -> dict[str, Any]:
    queue = aws.deployed.resources["FeedbackQueue"].ref
    (received,) = aws.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    notification: dict[str, Any] = json.loads(received["Body"])
    return notification


def _verify(notification: dict[str, Any]) -> None:
    """As "Verifying the signatures of Amazon SNS messages" says, on its own; raises InvalidSignature."""
    names = [
        "Message",
        "MessageId",
        *(["Subject"] if "Subject" in notification else []),
        "Timestamp",
        "TopicArn",
        "Type",
    ]
    signed = "".join(f"{name}\n{notification[name]}\n" for name in names)
    key = x509.load_pem_x509_certificate((settings().sns_signing_certificate or "").encode()).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(base64.b64decode(notification["Signature"]), signed.encode(), padding.PKCS1v15(), hashes.SHA256())


def test_a_bounce_is_told_as_ses_tells_it_with_the_tags_of_the_email(aws: EmbeddedAws, feedback: Feedback) -> None:
    message_id = _send_email(aws)
    feedback.bounce(message_id)
    notification = _notification(aws)
    event = json.loads(notification["Message"])
    assert notification["Subject"] == "Amazon SES Email Event Notification"
    assert (event["eventType"], event["bounce"]["bounceType"]) == ("Bounce", "Permanent")
    assert [one["emailAddress"] for one in event["bounce"]["bouncedRecipients"]] == ["ana@example.com"]
    assert (event["mail"]["messageId"], event["mail"]["destination"]) == (message_id, ["ana@example.com"])
    assert event["mail"]["tags"]["row_id"] == ["out_1"]
    assert event["mail"]["tags"]["ses:configuration-set"] == [settings().email_configuration_set]


def test_a_full_mailbox_is_told_as_transient(aws: EmbeddedAws, feedback: Feedback) -> None:
    feedback.bounce(_send_email(aws), bounce_type="Transient")
    assert json.loads(_notification(aws)["Message"])["bounce"]["bounceType"] == "Transient"


def test_a_complaint_is_told_as_ses_tells_it(aws: EmbeddedAws, feedback: Feedback) -> None:
    feedback.complain(_send_email(aws))
    event = json.loads(_notification(aws)["Message"])
    assert event["eventType"] == "Complaint"
    assert [one["emailAddress"] for one in event["complaint"]["complainedRecipients"]] == ["ana@example.com"]
    assert event["mail"]["tags"]["row_id"] == ["out_1"]


def test_a_reply_is_told_as_end_user_messaging_tells_it(aws: EmbeddedAws, feedback: Feedback) -> None:
    message_id = aws.client("sns").publish(PhoneNumber="+13125550147", Message="x")["MessageId"]
    feedback.reply(message_id, "Stop, please")
    notification = _notification(aws)
    told = json.loads(notification["Message"])
    assert "Subject" not in notification
    assert (told["originationNumber"], told["messageBody"]) == ("+13125550147", "Stop, please")
    assert told["previousPublishedMessageId"] == message_id
    _verify(notification)


def test_a_dead_token_is_told_as_sns_tells_it_and_its_endpoint_takes_no_more(
    aws: EmbeddedAws, feedback: Feedback
) -> None:
    endpoint = _endpoint(aws)
    feedback.end_token(_push(aws, endpoint, {"APNS": {"aps": {"alert": "x"}}}))
    told = json.loads(_notification(aws)["Message"])
    assert (told["EventType"], told["FailureType"]) == ("DeliveryFailure", "InvalidPlatformToken")
    assert (told["EndpointArn"], told["Resource"]) == (endpoint, settings().push_applications["ios"])
    with pytest.raises(ClientError, match="disabled"):
        _push(aws, endpoint, {"APNS": {"aps": {"alert": "x"}}})


@pytest.mark.parametrize("method", ["bounce", "complain", "end_token"])
def test_what_was_never_sent_brings_no_feedback(aws: EmbeddedAws, feedback: Feedback, method: str) -> None:
    sms = aws.client("sns").publish(PhoneNumber="+13125550147", Message="x")["MessageId"]
    with pytest.raises(NotSentError):
        getattr(feedback, method)(sms)
    with pytest.raises(NotSentError):
        feedback.reply("nothing", "STOP")


def test_every_notification_is_signed_by_the_certificate_of_the_settings(aws: EmbeddedAws, feedback: Feedback) -> None:
    feedback.bounce(_send_email(aws))
    notification = _notification(aws)
    assert notification["SignatureVersion"] == "2"
    assert notification["SigningCertURL"].startswith("https://sns.us-east-1.amazonaws.com/")
    assert notification["TopicArn"] == settings().feedback_topic_arn
    _verify(notification)


@pytest.mark.parametrize("name", ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"])
def test_a_notification_that_was_altered_does_not_verify(aws: EmbeddedAws, feedback: Feedback, name: str) -> None:
    feedback.bounce(_send_email(aws))
    notification = _notification(aws)
    with pytest.raises(InvalidSignature):
        _verify({**notification, name: notification[name] + "x"})


def test_a_notification_has_the_portals_time(aws: EmbeddedAws, feedback: Feedback) -> None:
    with clock.frozen(datetime(2030, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)):
        feedback.bounce(_send_email(aws))
    assert _notification(aws)["Timestamp"] == "2030-01-02T03:04:05.678Z"


def test_the_certificate_outlives_the_clock_of_the_console() -> None:
    certificate = x509.load_pem_x509_certificate((settings().sns_signing_certificate or "").encode())
    assert certificate.not_valid_before_utc < datetime.now(UTC)
    assert certificate.not_valid_after_utc > datetime.now(UTC) + timedelta(days=20 * 365)


def test_an_email_is_kept_with_its_tags_headers_and_configuration_set(aws: EmbeddedAws) -> None:
    _send_email(aws)
    (sent,) = aws.sent_emails()
    assert sent.tags == {"row_id": "out_1"}
    assert sent.headers == {"List-Unsubscribe": "<https://x.example/l/1>"}
    assert sent.configuration_set == settings().email_configuration_set


_APPLE = {"aps": {"alert": {"title": "Clinic", "body": "There is news"}}, "notice_id": "ntc_1"}
_GOOGLE = {"fcmV1Message": {"message": {"notification": {"body": "There is news"}, "data": {"notice_id": "ntc_1"}}}}
_AMAZON = {"data": {"message": "There is news", "notice_id": "ntc_1"}}


@pytest.mark.parametrize(
    ("platform", "name", "payload", "alert"),
    [
        ("ios", "APNS", _APPLE, "Clinic\nThere is news"),
        ("ios", "APNS", {"aps": {"alert": "There is news"}}, "There is news"),
        ("android", "GCM", _GOOGLE, "There is news"),
        ("android", "GCM", {"notification": {"body": "There is news"}}, "There is news"),
        ("fire", "ADM", _AMAZON, "There is news"),
    ],
)
def test_a_push_is_kept_with_its_platforms_payload_and_what_is_read_of_it(
    aws: EmbeddedAws, platform: str, name: str, payload: dict[str, Any], alert: str
) -> None:
    endpoint = _endpoint(aws, platform)
    message_id = _push(aws, endpoint, {"APNS": {}, "GCM": {}, "ADM": {}} | {name: payload})
    (sent,) = aws.sent_pushes()
    assert (sent.message_id, sent.endpoint_arn, sent.platform) == (message_id, endpoint, name)
    assert (sent.payload, sent.alert) == (payload, alert)
    assert sent.token.startswith("token-")
    aws.wipe()
    assert aws.sent_pushes() == []


def test_a_push_in_plain_text_is_kept_too(aws: EmbeddedAws) -> None:
    aws.client("sns").publish(TargetArn=_endpoint(aws), Message="There is news")
    assert aws.sent_pushes()[0].alert == "There is news"


def test_a_push_is_listed_for_programs_with_the_token_that_the_device_registered(aws: EmbeddedAws) -> None:
    _push(aws, _endpoint(aws), {"APNS": _APPLE})
    (item,) = Mailbox(aws).as_json()
    assert (item["channel"], item["to"]) == ("push", aws.sent_pushes()[0].token)
    assert (item["text"], item["subject"], item["html"]) == ("Clinic\nThere is news", None, None)
    assert item["payload"] == _APPLE


def test_an_endpoint_that_was_disabled_comes_back_by_its_token_and_can_be_enabled(aws: EmbeddedAws) -> None:
    sns, application = aws.client("sns"), settings().push_applications["ios"]
    made = sns.create_platform_endpoint(PlatformApplicationArn=application, Token="again")["EndpointArn"]
    sns.set_endpoint_attributes(EndpointArn=made, Attributes={"Enabled": "false"})
    again = sns.create_platform_endpoint(PlatformApplicationArn=application, Token="again")["EndpointArn"]
    attributes = sns.get_endpoint_attributes(EndpointArn=again)["Attributes"]
    assert (again, attributes["Enabled"].lower()) == (made, "false")
    sns.set_endpoint_attributes(EndpointArn=again, Attributes={"Enabled": "true", "Token": "other"})
    _push(aws, again, {"APNS": _APPLE})
    assert aws.sent_pushes()[0].token == "other"


def test_every_platform_has_an_application_whose_failures_go_to_the_topic(aws: EmbeddedAws) -> None:
    assert {name: arn.rpartition(":")[2] for name, arn in settings().push_applications.items()} == {
        "ios": "app/APNS/portal-local-ios",
        "android": "app/GCM/portal-local-android",
        "fire": "app/ADM/portal-local-fire",
    }
    for arn in settings().push_applications.values():
        made = aws.client("sns").get_platform_application_attributes(PlatformApplicationArn=arn)["Attributes"]
        assert made["EventDeliveryFailure"] == settings().feedback_topic_arn
