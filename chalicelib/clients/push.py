"""Push messages through Amazon SNS: one platform application for each kind of device, one endpoint for each device."""

import json
import re
from typing import Any

from chalicelib.clients.aws import Permanent, Refusal, client, translated
from chalicelib.settings import settings

DEAD = "dead_endpoint"
"""The device's push service does not know its token any more; `Permanent.code`."""

NO_PLATFORM = "no_platform"
"""This deployment has no platform application for such devices; `Permanent.code`."""

_EXISTS = re.compile(r"Endpoint (arn:\S+) already exists")


def create_endpoint(platform: str, token: str) -> str:
    """The ARN of the endpoint of a device's token, which can be sent to from now on. Raises Retryable or Permanent."""
    application = settings().push_applications.get(platform)
    if application is None:
        raise Permanent(NO_PLATFORM)
    with translated(_never_an_endpoint):
        arn = _create(application, token)
        # SNS switched off what once failed, and keeps it so when a device comes back with the same token:
        # https://docs.aws.amazon.com/sns/latest/dg/mobile-push-send-register.html
        client("sns").set_endpoint_attributes(EndpointArn=arn, Attributes={"Enabled": "true", "Token": token})
    return arn


def _create(application: str, token: str) -> str:
    sns = client("sns")
    try:
        made: str = sns.create_platform_endpoint(PlatformApplicationArn=application, Token=token)["EndpointArn"]
    except sns.exceptions.InvalidParameterException as refused:
        # The endpoint's name is told nowhere else.
        known = _EXISTS.search(Refusal(refused).message)
        if known is None:
            raise
        return known[1]
    return made


def send(arn: str, platform: str, notice_id: str, text: str) -> str:
    """Tell a device that there is news: `text` says no more, and the app reads the notice by its id.

    Returns the message's id, by which SNS tells of its failure. Raises Retryable or Permanent.
    """
    payloads = {
        "default": text,
        **{name: json.dumps(one) for name, one in _payloads(platform, notice_id, text).items()},
    }
    with translated(_never_to_an_endpoint):
        sent = client("sns").publish(TargetArn=arn, Message=json.dumps(payloads), MessageStructure="json")
    message_id: str = sent["MessageId"]
    return message_id


def _payloads(platform: str, notice_id: str, text: str) -> dict[str, Any]:
    """The message in the form of the platform's push service."""
    data = {"notice_id": notice_id}
    match platform:
        case "ios":
            # Development builds of the app listen to Apple's sandbox.
            payload = {"aps": {"alert": {"body": text}, "sound": "default"}, **data}
            return {"APNS": payload, "APNS_SANDBOX": payload}
        case "android":
            # The form of FCM's first version, which SNS sends on as it is.
            message = {"notification": {"body": text}, "data": data, "android": {"priority": "high"}}
            return {"GCM": {"fcmV1Message": {"message": message}}}
        case _:
            return {"ADM": {"data": {"message": text, **data}}}


def _never_an_endpoint(refusal: Refusal) -> str | None:
    is_token = refusal.code == "InvalidParameter" and "Token" in refusal.message
    return DEAD if is_token else None


_GONE = frozenset({"EndpointDisabled", "NotFound"})


def _never_to_an_endpoint(refusal: Refusal) -> str | None:
    names_endpoint = refusal.code == "InvalidParameter" and "TargetArn" in refusal.message
    return DEAD if refusal.code in _GONE or names_endpoint else None
