"""Text messages: a small port, and the two services of AWS that fit it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from chalicelib.clients.aws import Permanent, Refusal, client, translated
from chalicelib.settings import settings

OPTED_OUT = "opted_out"
"""The phone's owner told the service itself to stop; `Permanent.code`."""

INVALID_NUMBER = "invalid_number"
"""No message can be sent to such a number; `Permanent.code`."""

REFUSED = "refused"
"""The service will not send this message, for a reason of its own; `Permanent.code`."""

ROW_CONTEXT = "row_id"
"""What End User Messaging repeats of a message in its events: the outbox row's id."""

_OPT_OUT_LIST = "Default"
"""Every account of End User Messaging has this list, which numbers use that are not given another."""


@dataclass(frozen=True, slots=True)
class Sms:
    """One message to one number in E.164."""

    to: str
    text: str


class Provider(Protocol):
    """What can send text messages. Each raises Retryable, or Permanent with one of the codes above."""

    def send(self, sms: Sms, row_id: str | None) -> None:
        """Hand over a message; `row_id` comes back in what the service tells of it, where it tells anything."""

    def opt_in(self, number: str) -> None:
        """Send to a number again that told the service itself to stop; one that did not is no error."""


class Sns:
    """Amazon SNS. It tells nothing of a message afterwards but in CloudWatch's logs."""

    def send(self, sms: Sms, row_id: str | None) -> None:  # noqa: ARG002  SNS has no place for it.
        """Publish to a number, as what matters at once."""
        kind = {"DataType": "String", "StringValue": "Transactional"}
        with translated(_never_by_sns):
            client("sns").publish(PhoneNumber=sms.to, Message=sms.text, MessageAttributes={"AWS.SNS.SMS.SMSType": kind})

    def opt_in(self, number: str) -> None:
        """Take a number off SNS's own list, which it allows once in 30 days."""
        with translated(_never_by_sns):
            client("sns").opt_in_phone_number(phoneNumber=number)


class EndUserMessaging:
    """AWS End User Messaging SMS, from a number or pool of the clinic's own."""

    def send(self, sms: Sms, row_id: str | None) -> None:
        """Send a transactional message."""
        rules = settings()
        origination = {"OriginationIdentity": rules.sms_origination} if rules.sms_origination else {}
        context = {"Context": {ROW_CONTEXT: row_id}} if row_id else {}
        events = {"ConfigurationSetName": rules.sms_configuration_set} if rules.sms_configuration_set else {}
        with translated(_never_by_end_user_messaging):
            client("pinpoint-sms-voice-v2").send_text_message(
                DestinationPhoneNumber=sms.to,
                MessageBody=sms.text,
                MessageType="TRANSACTIONAL",
                **origination,
                **context,
                **events,
            )

    def opt_in(self, number: str) -> None:
        """Take a number off the account's list of those who said stop."""
        try:
            with translated(_never_on_the_list):
                client("pinpoint-sms-voice-v2").delete_opted_out_number(
                    OptOutListName=_OPT_OUT_LIST, OptedOutNumber=number
                )
        except Permanent as refused:
            if refused.code != _NOT_ON_THE_LIST:
                raise


_PROVIDERS: Mapping[str, Callable[[], Provider]] = {"sns": Sns, "end_user_messaging": EndUserMessaging}


def provider() -> Provider:
    """What this deployment sends text messages through."""
    return _PROVIDERS[settings().sms_provider]()


def send(sms: Sms, row_id: str | None = None) -> None:
    """Hand over a message, of an outbox row or of none. Raises Retryable or Permanent."""
    provider().send(sms, row_id)


def opt_in(number: str) -> None:
    """Send to a number again that told the service itself to stop. Raises Retryable or Permanent."""
    provider().opt_in(number)


# Codes of the Query protocol, not of the classes that SDKs make of them.
_SNS_INVALID = frozenset({"InvalidParameter", "ParameterValueInvalid"})


def _never_by_sns(refusal: Refusal) -> str | None:
    if "opted out" in refusal.message or refusal.code == "OptedOut":
        return OPTED_OUT
    if refusal.code in _SNS_INVALID:
        return INVALID_NUMBER if "phone" in refusal.message.lower() else REFUSED
    return None


# What lies in the message or its receiver. A spend limit, a number that is not registered or a missing pool is mended
# by a person, and what waited for it then goes out.
_OF_THE_COUNTRY = frozenset(
    {
        "DESTINATION_COUNTRY_BLOCKED",
        "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION",
        "DESTINATION_PHONE_NUMBER_BLOCKED_BY_PROTECT_NUMBER_OVERRIDE",
        "INTERNATIONAL_SENDING_NOT_SUPPORTED",
        "PRICE_OVER_THRESHOLD",
    }
)


def _never_by_end_user_messaging(refusal: Refusal) -> str | None:
    if refusal.reason == "DESTINATION_PHONE_NUMBER_OPTED_OUT":
        return OPTED_OUT
    if "DestinationPhoneNumber" in refusal.fields:
        return INVALID_NUMBER
    is_refused = refusal.reason in _OF_THE_COUNTRY or "MessageBody" in refusal.fields
    return REFUSED if is_refused else None


_NOT_ON_THE_LIST = "not_on_the_list"


def _never_on_the_list(refusal: Refusal) -> str | None:
    return _NOT_ON_THE_LIST if refusal.code == "ResourceNotFoundException" else _never_by_end_user_messaging(refusal)
