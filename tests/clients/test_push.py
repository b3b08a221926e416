"""Push messages: endpoints, payloads for each platform, and what SNS's refusals mean."""

import itertools
import json
from typing import Any

import pytest

from chalicelib.clients import push
from chalicelib.clients.aws import Permanent, Retryable
from chalicelib.settings import settings
from tests.support.aws_answers import answering, query_refusal
from tests.support.aws_calls import recorded
from tests.support.portal import Portal
from tests.support.setting import setting

NOTICE = "ntc_" + "0" * 26
TEXT = "You have news in your patient portal."
_numbers = itertools.count(1)


def _token() -> str:
    return f"client-test-token-{next(_numbers)}"


def _payload(platform: str) -> dict[str, Any]:
    """What each push service would get."""
    with (
        recorded() as calls,
        answering("sns", "<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>"),
    ):
        assert push.send("arn:aws:sns:us-east-1:123456789012:endpoint/APNS/app/1", platform, NOTICE, TEXT) == "m"
    (call,) = calls
    assert call.params["MessageStructure"] == "json"
    message: dict[str, str] = json.loads(call.params["Message"])
    assert message.pop("default") == TEXT
    return {name: json.loads(payload) for name, payload in message.items()}


def test_an_iphone_gets_an_alert_and_the_notices_id(portal: Portal) -> None:
    payload = {"aps": {"alert": {"body": TEXT}, "sound": "default"}, "notice_id": NOTICE}
    assert _payload("ios") == {"APNS": payload, "APNS_SANDBOX": payload}


def test_an_android_phone_gets_it_in_the_form_of_fcms_first_version(portal: Portal) -> None:
    message = {"notification": {"body": TEXT}, "data": {"notice_id": NOTICE}, "android": {"priority": "high"}}
    assert _payload("android") == {"GCM": {"fcmV1Message": {"message": message}}}


def test_a_fire_tablet_gets_it_as_data(portal: Portal) -> None:
    assert _payload("fire") == {"ADM": {"data": {"message": TEXT, "notice_id": NOTICE}}}


@pytest.mark.parametrize("platform", ["ios", "android", "fire"])
def test_a_token_has_one_endpoint_however_often_it_is_asked_for(portal: Portal, platform: str) -> None:
    token = _token()
    arn = push.create_endpoint(platform, token)
    assert arn.startswith(settings().push_applications[platform].replace(":app/", ":endpoint/"))
    assert push.create_endpoint(platform, token) == arn
    push.send(arn, platform, NOTICE, TEXT)
    assert portal.aws.sent_pushes()[-1].token == token


def test_an_endpoint_that_exists_with_other_attributes_is_found_and_enabled_again(portal: Portal) -> None:
    sns, token = portal.aws.client("sns"), _token()
    application = settings().push_applications["ios"]
    arn = sns.create_platform_endpoint(
        PlatformApplicationArn=application, Token=token, CustomUserData="an older release"
    )["EndpointArn"]
    sns.set_endpoint_attributes(EndpointArn=arn, Attributes={"Enabled": "false"})
    assert push.create_endpoint("ios", token) == arn
    push.send(arn, "ios", NOTICE, TEXT)
    assert portal.aws.sent_pushes()[-1].endpoint_arn == arn


def test_a_device_that_comes_back_with_its_token_is_sent_to_again(portal: Portal) -> None:
    token = _token()
    arn = push.create_endpoint("ios", token)
    portal.aws.client("sns").set_endpoint_attributes(EndpointArn=arn, Attributes={"Enabled": "false"})
    with pytest.raises(Permanent) as dead:
        push.send(arn, "ios", NOTICE, TEXT)
    assert dead.value.code == push.DEAD
    assert push.create_endpoint("ios", token) == arn
    push.send(arn, "ios", NOTICE, TEXT)


def test_a_platform_without_an_application_is_permanent(portal: Portal) -> None:
    with setting("PUSH_FIRE_ARN", ""), recorded() as calls, pytest.raises(Permanent) as refused:
        push.create_endpoint("fire", _token())
    assert (refused.value.code, calls) == (push.NO_PLATFORM, [])


def test_a_token_that_is_none_is_permanent(portal: Portal) -> None:
    answer = query_refusal("InvalidParameter", "Invalid parameter: Token Reason: iOS device tokens must be 64 hex")
    with answering("sns", answer, 400), pytest.raises(Permanent) as refused:
        push.create_endpoint("ios", "short")
    assert refused.value.code == push.DEAD


@pytest.mark.parametrize(
    "answer",
    [
        query_refusal("NotFound", "PlatformApplication does not exist"),
        query_refusal("InvalidParameter", "Invalid parameter: PlatformApplicationArn Reason: Wrong number of slashes"),
        query_refusal("AuthorizationError"),
        query_refusal("InternalError"),
    ],
)
def test_what_is_wrong_with_the_application_is_mended_by_a_person(portal: Portal, answer: str) -> None:
    with answering("sns", answer, 400), pytest.raises(Retryable):
        push.create_endpoint("ios", _token())


@pytest.mark.parametrize(
    "answer",
    [
        query_refusal("EndpointDisabled", "Endpoint is disabled"),
        query_refusal("NotFound", "Endpoint does not exist"),
        query_refusal("InvalidParameter", "Invalid parameter: TargetArn Reason: No endpoint found for the target arn"),
    ],
)
def test_an_endpoint_that_is_gone_is_dead(portal: Portal, answer: str) -> None:
    with answering("sns", answer, 400), pytest.raises(Permanent) as refused:
        push.send("arn:aws:sns:us-east-1:123456789012:endpoint/APNS/app/1", "ios", NOTICE, TEXT)
    assert refused.value.code == push.DEAD


@pytest.mark.parametrize("code", ["PlatformApplicationDisabled", "Throttling", "InternalError", "AuthorizationError"])
def test_a_push_service_that_does_not_take_it_now_is_retryable(portal: Portal, code: str) -> None:
    with answering("sns", query_refusal(code), 400), pytest.raises(Retryable):
        push.send("arn:aws:sns:us-east-1:123456789012:endpoint/APNS/app/1", "ios", NOTICE, TEXT)
