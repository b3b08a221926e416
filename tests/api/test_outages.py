"""One dependency down, or two: what does not need them goes on (AP 5)."""

from collections.abc import Callable

import pytest

from tests.support.aws_calls import AwsCall, failing, refused, unreachable
from tests.support.crowd import fresh_address
from tests.support.notices import tell
from tests.support.portal import Person, Portal
from tests.support.promises import Promise
from tests.support.routes import somebody


def _is_sending(call: AwsCall) -> bool:
    return call.service in {"sesv2", "sns"}


def _reading(person: Person, record_id: str) -> list[str]:
    return [
        "/v1/me",
        "/v1/me/addresses",
        "/v1/me/devices",
        "/v1/me/notices",
        "/v1/me/notification-preferences",
        "/v1/patients/me/summary",
        "/v1/patients/me/records",
        f"/v1/patients/me/records/{record_id}",
    ]


@pytest.mark.promise
@pytest.mark.parametrize("error", [unreachable, lambda: refused("InternalError")], ids=["unreachable", "failing"])
def test_with_ses_and_sns_down_people_sign_in_read_register_and_change_their_password(
    portal: Portal, promise: Promise, error: Callable[[], Exception]
) -> None:
    me = somebody(portal)
    person = me.person
    portal.drain()
    with failing(_is_sending, error()) as failed:
        signed_in = portal.sign_in(person.username, source_ip=fresh_address())
        promise("AP 5", "SES and SNS down: status of signing in", asked=201, measured=signed_in.status)
        reading = {person.get(path).status for path in _reading(person, me.record_id)}
        promise("AP 5", "SES and SNS down: statuses of reading", asked="{200}", measured=str(reading))
        newcomer = portal.register()
        changed = newcomer.call(
            "PUT",
            "/v1/me/password",
            {"current_password": newcomer.password, "new_password": "nine violet harbors wait"},
        )
        promise("AP 5", "SES and SNS down: status of a new password", asked=200, measured=changed.status)
        assert failed == []
        portal.drain()
        assert {call.service for call in failed} == {"sesv2", "sns"}
        assert portal.emails(newcomer.patient.email) == []
    portal.advance(minutes=1)
    portal.drain()
    _sweep(portal)
    subjects = sorted(email.subject for email in portal.emails(newcomer.patient.email))
    promise("AP 5", "SES and SNS back: emails that arrive", asked=2, measured=len(subjects))


def _sweep(portal: Portal) -> None:
    from chalicelib.services import delivery

    delivery.sweep()
    portal.drain()


def test_with_ses_down_what_goes_by_text_goes(portal: Portal) -> None:
    person = portal.register()
    portal.drain()
    before = len(portal.aws.sent_sms())
    with failing(lambda call: call.service == "sesv2", unreachable()):
        tell(person)
        portal.drain()
        assert len(portal.aws.sent_sms()) == before + 1
