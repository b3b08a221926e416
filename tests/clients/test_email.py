"""Email: what SES is given, and what its refusals mean."""

import pytest

from chalicelib.clients import email
from chalicelib.clients.aws import Permanent, Retryable
from chalicelib.clients.email import Email
from chalicelib.settings import settings
from infra.local import moto_ses
from tests.support.aws_calls import failing, recorded, refused
from tests.support.portal import Portal
from tests.support.setting import setting

ROW = "out_" + "0" * 26
MESSAGE = Email("ana@example.com", "News", "You have news.", "<p>You have news.</p>")


def test_an_email_names_its_row_and_goes_through_the_configuration_that_tells_of_bounces(portal: Portal) -> None:
    email.send(MESSAGE, ROW)
    sent = portal.aws.sent_emails()[-1]
    assert (sent.to, sent.subject, sent.text, sent.html) == (
        (MESSAGE.to,),
        MESSAGE.subject,
        MESSAGE.text,
        MESSAGE.html,
    )
    assert (sent.tags, sent.headers) == ({"row_id": ROW}, {})
    assert sent.configuration_set == settings().email_configuration_set is not None


def test_a_message_that_can_be_stopped_says_where_and_stops_nothing_by_one_click(portal: Portal) -> None:
    url = "https://portal.example/l/01ARZ"
    email.send(Email(MESSAGE.to, "News", "text", "<p>html</p>", unsubscribe_url=url), ROW)
    assert portal.aws.sent_emails()[-1].headers == {"List-Unsubscribe": f"<{url}>"}


def test_without_a_configuration_set_none_is_named(portal: Portal) -> None:
    with setting("EMAIL_CONFIGURATION_SET", ""), recorded() as calls:
        email.send(MESSAGE, ROW)
    (call,) = calls
    assert "ConfigurationSetName" not in call.params
    assert "ReplyToAddresses" not in call.params


def test_only_what_lies_in_the_request_is_permanent(portal: Portal) -> None:
    with failing(lambda call: call.service == "sesv2", refused("BadRequestException")), pytest.raises(Permanent) as bad:
        email.send(MESSAGE, ROW)
    assert bad.value.code == "BadRequestException"


@pytest.mark.parametrize(
    "code",
    [
        "TooManyRequestsException",
        "LimitExceededException",
        "AccountSuspendedException",
        "SendingPausedException",
        "MailFromDomainNotVerifiedException",
        "NotFoundException",
        "MessageRejected",
        "AccessDeniedException",
    ],
)
def test_what_time_or_a_person_mends_is_retryable(portal: Portal, code: str) -> None:
    with failing(lambda call: call.service == "sesv2", refused(code)), pytest.raises(Retryable) as later:
        email.send(MESSAGE, ROW)
    assert later.value.reason == code


def test_an_address_is_taken_off_the_list_that_ses_keeps_itself(portal: Portal) -> None:
    moto_ses.suppressed.add("b+c@example.com")
    email.forget_suppression("b+c@example.com")
    assert "b+c@example.com" not in moto_ses.suppressed
    email.forget_suppression("b+c@example.com")


def test_an_address_that_ses_cannot_look_up_now_is_tried_again(portal: Portal) -> None:
    busy = refused("TooManyRequestsException")
    with failing(lambda call: call.operation == "DeleteSuppressedDestination", busy), pytest.raises(Retryable):
        email.forget_suppression("ana@example.com")
    wrong = refused("BadRequestException")
    with failing(lambda call: call.operation == "DeleteSuppressedDestination", wrong), pytest.raises(Permanent):
        email.forget_suppression("ana@example.com")
