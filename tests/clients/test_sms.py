"""Text messages through both services: what is sent, and what each of their refusals means."""

from typing import Any

import pytest

from chalicelib.clients import sms
from chalicelib.clients.aws import Permanent, Retryable
from chalicelib.clients.sms import Sms
from tests.support.aws_answers import answering, query_refusal, refusal
from tests.support.aws_calls import failing, recorded, unreachable
from tests.support.portal import Portal
from tests.support.setting import setting

MESSAGE = Sms("+13125550147", "Sample Clinic: You have news.")
ROW = "out_" + "0" * 26
END_USER_MESSAGING = "pinpoint-sms-voice-v2"


def test_sns_is_the_default_and_sends_what_matters_at_once(portal: Portal) -> None:
    with recorded() as calls:
        sms.send(MESSAGE, ROW)
    (call,) = calls
    kind = call.params["MessageAttributes"]["AWS.SNS.SMS.SMSType"]["StringValue"]
    assert (call.service, call.operation, kind) == ("sns", "Publish", "Transactional")
    sent = portal.aws.sent_sms()[-1]
    assert (sent.to, sent.text) == (MESSAGE.to, MESSAGE.text)


def test_end_user_messaging_sends_from_the_clinics_number_and_names_the_row(portal: Portal) -> None:
    with (
        setting("SMS_PROVIDER", "end_user_messaging"),
        setting("SMS_ORIGINATION", "+13125550100"),
        setting("SMS_CONFIGURATION_SET", "portal-sms"),
        answering(END_USER_MESSAGING, {"MessageId": "m-1"}) as requests,
    ):
        sms.send(MESSAGE, ROW)
    assert requests == [
        {
            "DestinationPhoneNumber": MESSAGE.to,
            "OriginationIdentity": "+13125550100",
            "MessageBody": MESSAGE.text,
            "MessageType": "TRANSACTIONAL",
            "ConfigurationSetName": "portal-sms",
            "Context": {"row_id": ROW},
        }
    ]


def test_end_user_messaging_needs_neither_a_number_nor_a_row(portal: Portal) -> None:
    with (
        setting("SMS_PROVIDER", "end_user_messaging"),
        answering(END_USER_MESSAGING, {"MessageId": "m-1"}) as requests,
    ):
        sms.send(MESSAGE)
    (request,) = requests
    assert set(request) == {"DestinationPhoneNumber", "MessageBody", "MessageType"}


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        (
            "InvalidParameter",
            "Invalid parameter: PhoneNumber Reason: +1312 is not valid to publish to",
            "invalid_number",
        ),
        ("InvalidParameter", "Invalid parameter: PhoneNumber Reason: +13125550147 is opted out", "opted_out"),
        ("OptedOut", "", "opted_out"),
        ("InvalidParameter", "Invalid parameter: Message Reason: too long", "refused"),
        ("ParameterValueInvalid", "Invalid parameter: Message", "refused"),
    ],
)
def test_what_sns_will_never_send_is_permanent(portal: Portal, code: str, message: str, expected: str) -> None:
    with answering("sns", query_refusal(code, message), 400), pytest.raises(Permanent) as refused:
        sms.send(MESSAGE)
    assert refused.value.code == expected


@pytest.mark.parametrize("code", ["Throttling", "AuthorizationError", "InternalError", "KMSDisabled"])
def test_what_sns_may_send_later_is_retryable(portal: Portal, code: str) -> None:
    with answering("sns", query_refusal(code), 400), pytest.raises(Retryable) as refused:
        sms.send(MESSAGE)
    assert refused.value.reason == code


_NUMBER = [{"Name": "DestinationPhoneNumber", "Message": "no"}]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (refusal("ConflictException", Reason="DESTINATION_PHONE_NUMBER_OPTED_OUT"), "opted_out"),
        (refusal("ValidationException", Reason="FIELD_VALIDATION_FAILED", Fields=_NUMBER), "invalid_number"),
        (refusal("ValidationException", Reason="INVALID_PARAMETER", Fields=_NUMBER), "invalid_number"),
        (refusal("ValidationException", Reason="DESTINATION_COUNTRY_BLOCKED"), "refused"),
        (refusal("ConflictException", Reason="DESTINATION_PHONE_NUMBER_BLOCKED_BY_PROTECT_NUMBER_OVERRIDE"), "refused"),
        (refusal("ValidationException", Reason="OTHER", Fields=[{"Name": "MessageBody", "Message": "x"}]), "refused"),
    ],
)
def test_what_end_user_messaging_will_never_send_is_permanent(
    portal: Portal, answer: dict[str, Any], expected: str
) -> None:
    with (
        setting("SMS_PROVIDER", "end_user_messaging"),
        answering(END_USER_MESSAGING, answer, 400),
        pytest.raises(Permanent) as refused,
    ):
        sms.send(MESSAGE)
    assert refused.value.code == expected


@pytest.mark.parametrize(
    "answer",
    [
        refusal("ServiceQuotaExceededException", Reason="MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT"),
        refusal("ValidationException", Reason="INVALID_PARAMETER", Fields=[{"Name": "OriginationIdentity"}]),
        refusal("ConflictException", Reason="NO_ORIGINATION_IDENTITIES_FOUND"),
        refusal("ResourceNotFoundException", ResourceType="phone-number", ResourceId="+1"),
        refusal("AccessDeniedException", Reason="ACCOUNT_DISABLED"),
    ],
)
def test_what_a_person_has_to_mend_waits_for_them(portal: Portal, answer: dict[str, Any]) -> None:
    with (
        setting("SMS_PROVIDER", "end_user_messaging"),
        answering(END_USER_MESSAGING, answer, 400),
        pytest.raises(Retryable) as refused,
    ):
        sms.send(MESSAGE)
    assert refused.value.reason == answer["__type"]


def test_a_number_that_no_request_can_hold_is_permanent(portal: Portal) -> None:
    with (
        setting("SMS_PROVIDER", "end_user_messaging"),
        answering(END_USER_MESSAGING, {"MessageId": "m-1"}) as requests,
        pytest.raises(Permanent) as refused,
    ):
        sms.send(Sms("", "news"))
    assert (refused.value.code, requests) == ("unsendable", [])


def test_a_service_that_does_not_answer_is_retryable(portal: Portal) -> None:
    with failing(lambda call: call.service == "sns", unreachable()), pytest.raises(Retryable):
        sms.send(MESSAGE)


def test_a_number_is_taken_off_the_services_own_list(portal: Portal) -> None:
    with recorded() as calls:
        sms.opt_in(MESSAGE.to)
    assert [(call.operation, call.params) for call in calls] == [("OptInPhoneNumber", {"phoneNumber": MESSAGE.to})]
    with (
        setting("SMS_PROVIDER", "end_user_messaging"),
        answering(END_USER_MESSAGING, {"OptedOutNumber": MESSAGE.to}) as requests,
    ):
        sms.opt_in(MESSAGE.to)
    assert requests == [{"OptOutListName": "Default", "OptedOutNumber": MESSAGE.to}]


def test_a_number_that_is_not_on_the_list_is_no_error(portal: Portal) -> None:
    absent = refusal("ResourceNotFoundException", ResourceType="opted-out-number", ResourceId="+1")
    with (
        setting("SMS_PROVIDER", "end_user_messaging"),
        answering(END_USER_MESSAGING, absent, 400) as requests,
    ):
        sms.opt_in(MESSAGE.to)
    assert len(requests) == 1
    with (
        setting("SMS_PROVIDER", "end_user_messaging"),
        answering(END_USER_MESSAGING, refusal("ThrottlingException"), 400),
        pytest.raises(Retryable),
    ):
        sms.opt_in(MESSAGE.to)
