"""What SES, SNS and End User Messaging tell of messages, in the forms that AWS documents."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.domain import feedback, sns
from chalicelib.domain.feedback import DeadEndpoint, Failure, Reply, Unreadable
from chalicelib.domain.keywords import Command, Keyword
from chalicelib.domain.notices import Channel
from chalicelib.domain.sns import NotANotification
from chalicelib.domain.suppressions import Reason

ROW = "out_" + "0" * 26
SENT_AT = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
TOPIC = "arn:aws:sns:us-east-1:123456789012:feedback"
CERTIFICATE = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"


def _email(kind: str, part: dict[str, Any], **mail: Any) -> dict[str, Any]:
    told = {"messageId": "EXAMPLE-1", "destination": ["ana@example.com"], "tags": {"row_id": [ROW]}, **mail}
    return {"eventType": kind, kind.lower(): part, "mail": told}


def _bounce(**changes: Any) -> dict[str, Any]:
    recipient = {"emailAddress": "forwarded@elsewhere.example", "action": "failed", "status": "5.1.1"}
    part = {
        "bounceType": "Permanent",
        "bounceSubType": "General",
        "bouncedRecipients": [recipient],
        "timestamp": "2026-07-01T11:59:02.669Z",
        "feedbackId": "feedback-1",
        **changes,
    }
    return _email("Bounce", part)


def _read(told: Any) -> feedback.Feedback | None:
    return feedback.read(json.dumps(told), SENT_AT)


def test_a_permanent_bounce_speaks_of_the_address_that_was_sent_to() -> None:
    at = datetime(2026, 7, 1, 11, 59, 2, 669000, tzinfo=UTC)
    expected = Failure("email:feedback-1", Channel.EMAIL, at, ROW, "ana@example.com", Reason.BOUNCE)
    assert _read(_bounce()) == expected


@pytest.mark.parametrize("kind", ["Transient", "Undetermined"])
def test_a_full_mailbox_loses_the_message_and_not_the_address(kind: str) -> None:
    told = _read(_bounce(bounceType=kind))
    assert isinstance(told, Failure)
    assert (told.row_id, told.reason) == (ROW, None)


def test_a_complaint_speaks_of_the_address_whatever_it_was_about() -> None:
    part = {"complainedRecipients": [{"emailAddress": "ana@example.com"}], "feedbackId": "f", "timestamp": None}
    told = _read(_email("Complaint", {**part, "complaintFeedbackType": "abuse"}))
    assert isinstance(told, Failure)
    assert (told.reason, told.at) == (Reason.COMPLAINT, SENT_AT)


def test_a_message_taken_out_of_the_spam_folder_is_no_complaint() -> None:
    part = {"complainedRecipients": [], "feedbackId": "f", "complaintFeedbackType": "not-spam"}
    assert _read(_email("Complaint", part)) is None


def test_a_rejected_message_goes_to_the_next_channel_and_says_nothing_of_the_address() -> None:
    told = _read(_email("Reject", {"reason": "Bad content"}))
    assert isinstance(told, Failure)
    assert (told.event_id, told.row_id, told.reason) == ("email:EXAMPLE-1", ROW, None)


def test_a_notification_of_an_identity_reads_like_an_event() -> None:
    told = _bounce()
    told["notificationType"] = told.pop("eventType")
    del told["mail"]["tags"]
    read = _read(told)
    assert isinstance(read, Failure)
    assert (read.row_id, read.reason) == (None, Reason.BOUNCE)


@pytest.mark.parametrize("tag", ["", "12", "out_1", "acc_" + "0" * 26, "../../etc"])
def test_a_tag_that_is_no_row_id_names_no_row(tag: str) -> None:
    told = _bounce()
    told["mail"]["tags"]["row_id"] = [tag]
    read = _read(told)
    assert isinstance(read, Failure)
    assert read.row_id is None


@pytest.mark.parametrize("kind", ["Send", "Delivery", "Open", "Click", "DeliveryDelay", "Subscription"])
def test_what_went_well_asks_for_nothing(kind: str) -> None:
    assert _read(_email(kind, {})) is None


def _sms(kind: str, **changes: Any) -> dict[str, Any]:
    return {
        "eventType": kind,
        "eventTimestamp": 1782907200000,
        "isFinal": True,
        "destinationPhoneNumber": "+13125550147",
        "messageId": "sms-1",
        "context": {"row_id": ROW},
        **changes,
    }


def test_a_number_that_does_not_exist_is_suppressed() -> None:
    expected = Failure("sms:sms-1", Channel.SMS, SENT_AT, ROW, "+13125550147", Reason.BOUNCE)
    assert _read(_sms("TEXT_INVALID")) == expected


@pytest.mark.parametrize("kind", ["TEXT_UNREACHABLE", "TEXT_BLOCKED", "TEXT_CARRIER_BLOCKED", "TEXT_TTL_EXPIRED"])
def test_a_phone_that_is_off_loses_the_message_and_not_the_number(kind: str) -> None:
    told = _read(_sms(kind))
    assert isinstance(told, Failure)
    assert (told.row_id, told.reason) == (ROW, None)


@pytest.mark.parametrize("kind", ["TEXT_DELIVERED", "TEXT_SUCCESSFUL", "TEXT_QUEUED", "TEXT_PENDING", "TEXT_UNKNOWN"])
def test_a_text_message_under_way_or_there_asks_for_nothing(kind: str) -> None:
    assert _read(_sms(kind)) is None


def test_a_failure_that_is_not_final_asks_for_nothing() -> None:
    assert _read(_sms("TEXT_UNREACHABLE", isFinal=False)) is None


@pytest.mark.parametrize("kind", ["EndpointDisabled", "InvalidPlatformToken"])
def test_a_dead_token_names_its_endpoint_and_the_message(kind: str) -> None:
    told = {"EventType": "DeliveryFailure", "FailureType": kind, "EndpointArn": "arn:e", "MessageId": "push-1"}
    assert _read(told) == DeadEndpoint("push:push-1", "arn:e", "push-1")


@pytest.mark.parametrize("kind", ["PlatformCredentialsInvalid", "ServerError", ""])
def test_a_push_service_that_refuses_the_portal_says_nothing_of_the_device(kind: str) -> None:
    told = {"EventType": "DeliveryFailure", "FailureType": kind, "EndpointArn": "arn:e", "MessageId": "push-1"}
    assert _read(told) is None


def test_a_reply_is_read_for_its_keyword_alone() -> None:
    told = {"originationNumber": "+13125550147", "messageBody": "Alto.", "inboundMessageId": "in-1"}
    assert _read(told) == Reply("reply:in-1", "+13125550147", SENT_AT, Keyword(Command.STOP, "es"))
    other = _read({**told, "messageBody": "My arm hurts"})
    assert other == Reply("reply:in-1", "+13125550147", SENT_AT, None)


@pytest.mark.parametrize(
    "message", ["Successfully validated SNS topic", "", "[]", "null", '"x"', "{}", '{"eventType": 7}']
)
def test_what_is_of_no_known_kind_asks_for_nothing(message: str) -> None:
    assert feedback.read(message, SENT_AT) is None


@pytest.mark.parametrize(
    "told",
    [
        {"eventType": "Bounce"},
        {"eventType": "TEXT_INVALID"},
        {"eventType": "Complaint", "mail": 1},
        {"eventType": "TEXT_INVALID", "messageId": "m", "eventTimestamp": "soon"},
        {"eventType": "Bounce", "mail": {"destination": []}, "bounce": {"feedbackId": "f"}},
        {"EventType": "DeliveryFailure", "FailureType": "EndpointDisabled"},
        {"originationNumber": "+13125550147", "messageBody": "STOP"},
    ],
)
def test_what_is_of_a_known_kind_in_an_unknown_form_is_for_a_person(told: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        _read(told)


def _envelope(**changes: Any) -> dict[str, Any]:
    return {
        "Type": "Notification",
        "MessageId": "m-1",
        "TopicArn": TOPIC,
        "Message": "a message\nof two lines",
        "Timestamp": "2026-07-01T12:00:00.000Z",
        "SignatureVersion": "2",
        "Signature": "c2lnbmVk",
        "SigningCertURL": CERTIFICATE,
        **changes,
    }


def test_the_signed_text_is_the_fields_in_their_order_and_the_subject_only_where_there_is_one() -> None:
    bare = sns.read(json.dumps(_envelope()))
    assert bare.signed_text.decode() == (
        "Message\na message\nof two lines\nMessageId\nm-1\nTimestamp\n2026-07-01T12:00:00.000Z\n"
        f"TopicArn\n{TOPIC}\nType\nNotification\n"
    )
    told = sns.read(json.dumps(_envelope(Subject="News")))
    assert b"MessageId\nm-1\nSubject\nNews\nTimestamp\n" in told.signed_text
    assert (told.sent_at, told.signature) == (SENT_AT, b"signed")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "nonsense",
        '{"id": "out_1"}',
        json.dumps(_envelope(Type="SubscriptionConfirmation")),
        json.dumps(_envelope(Signature="no base64 at all!")),
        json.dumps(_envelope(Timestamp="yesterday")),
        json.dumps(_envelope(Message="\ud800")),
        json.dumps({name: value for name, value in _envelope().items() if name != "SigningCertURL"}),
    ],
)
def test_what_is_no_notification_is_refused(text: str) -> None:
    with pytest.raises(NotANotification):
        sns.read(text)


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.us-east-1.amazonaws.com/SimpleNotificationService-01.pem",
        "https://sns.us-east-1.amazonaws.com.evil.example/SimpleNotificationService-01.pem",
        "https://sns.us-east-1.amazonaws.com@evil.example/SimpleNotificationService-01.pem",
        "https://evil.example/sns.us-east-1.amazonaws.com/SimpleNotificationService-01.pem",
        "https://sns.us-east-1.amazonaws.com:8443/SimpleNotificationService-01.pem",
        "https://sns.us-east-1.amazonaws.com/?Action=GetSubscriptionAttributes&x=.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-01.pem?x=1",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-01.pem\n",
        "https://sns.us-east-1.amazonaws.com/../SimpleNotificationService-01.pem",
        "https://bucket.s3.us-east-1.amazonaws.com/SimpleNotificationService-01.pem",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-01.pem",
        "https://SNS.us-east-1.amazonaws.com/SimpleNotificationService-01.pem",
        "",
    ],
)
def test_a_certificate_comes_from_sns_in_the_topics_region_and_from_nowhere_else(url: str) -> None:
    assert not sns.is_certificate_url(url, TOPIC)


def test_the_certificates_of_every_partition_are_known() -> None:
    assert sns.is_certificate_url(CERTIFICATE, TOPIC)
    chinese = "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-01ab.pem"
    assert sns.is_certificate_url(chinese, "arn:aws-cn:sns:cn-north-1:123456789012:feedback")
    assert not sns.is_certificate_url(CERTIFICATE, "no arn")
