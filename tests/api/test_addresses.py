"""The addresses that one's messages go to: what the portal shows of them, and trying one again."""

import json
import uuid
from typing import Any

import pytest

from chalicelib import clock
from chalicelib.domain.notices import Channel
from chalicelib.domain.suppressions import Reason
from chalicelib.models.transaction import transaction
from chalicelib.services import suppressions
from infra.local import moto_ses
from tests.support.aws_calls import failing, recorded, unreachable
from tests.support.notices import told
from tests.support.portal import Person, Portal
from tests.support.setting import setting

PATH = "/v1/me/addresses"


def _email() -> str:
    return f"a{uuid.uuid4().hex}@example.org"


def _phone() -> str:
    return f"+1312{2_000_000 + uuid.uuid4().int % 7_000_000}"


def _person(portal: Portal, *on_file: str, **chosen: Any) -> Person:
    """Somebody with these addresses on file, and those that they name in registering."""
    telecom = [{"system": "email" if "@" in value else "phone", "value": value} for value in on_file]
    # Without a phone on file, nobody can have an account without an email: the phone is gone later.
    phone = [] if any(one["system"] == "phone" for one in telecom) else [{"system": "phone", "value": _phone()}]
    patient = portal.new_patient(telecom=[*telecom, *phone])
    person = portal.register(patient, **{"email": None, **chosen})
    if phone:
        portal.new_patient(id=patient.resource_id, telecom=telecom)
    portal.drain()
    return person


def _suppress(channel: Channel, value: str, reason: Reason) -> None:
    with transaction() as tx:
        assert suppressions.suppress(tx, channel, value, reason, at=clock.now()).is_changed


def _shown(person: Person) -> list[tuple[str, str, str]]:
    items = person.get(PATH).json["items"]
    return sorted((item["channel"], item["address"], item["status"]) for item in items)


def _id(channel: Channel, value: str) -> str:
    return suppressions.address_id(channel, value)


def _restore(person: Person, channel: Channel, value: str) -> Any:
    return person.call("POST", f"{PATH}/{_id(channel, value)}/restore")


def test_every_address_is_shown_masked_with_whether_it_works(portal: Portal) -> None:
    on_file, phone, typed = _email(), _phone(), _email()
    person = _person(portal, on_file, phone, email=typed)
    assert _shown(person) == [
        ("email", "a***@e***.org", "ok"),
        ("email", "a***@e***.org", "unconfirmed"),
        ("sms", f"***-***-**{phone[-2:]}", "ok"),
    ]
    answer = person.get(PATH)
    assert [secret for secret in (on_file, phone, typed) if secret in answer.text] == []
    assert {item["address_id"] for item in answer.json["items"]} == {
        _id(Channel.EMAIL, on_file),
        _id(Channel.EMAIL, typed),
        _id(Channel.SMS, phone),
    }


def test_an_address_that_stands_twice_is_shown_once_and_confirmed_where_it_is_so_once(portal: Portal) -> None:
    on_file = _email()
    person = _person(portal, on_file, email=on_file.upper())
    assert [status for _, _, status in _shown(person)] == ["ok"]


def test_a_number_that_only_its_holder_named_is_not_confirmed(portal: Portal) -> None:
    patient = portal.new_patient(telecom=[])
    code, named = portal.issue_code(patient).json["activation_code"], _phone()
    started = portal.start_registration(patient, code, mobile_phone=named).json
    finished = portal.finish_registration(started, email=_email())
    answer = portal.call("GET", PATH, token=finished.json["access_token"])
    shown = [(item["channel"], item["status"]) for item in answer.json["items"]]
    assert sorted(shown) == [("email", "unconfirmed"), ("sms", "unconfirmed")]


@pytest.mark.parametrize(
    ("reason", "status"),
    [(Reason.BOUNCE, "bounced"), (Reason.COMPLAINT, "complained"), (Reason.STOP, "stopped")],
)
def test_what_keeps_messages_from_an_address_is_shown_with_since_when(
    portal: Portal, reason: Reason, status: str
) -> None:
    phone = _phone()
    person = _person(portal, phone)
    with clock.frozen(clock.now().replace(microsecond=0)):
        since = clock.now()
        _suppress(Channel.SMS, phone, reason)
    (item,) = person.get(PATH).json["items"]
    assert (item["status"], item["since"]) == (status, since.strftime("%Y-%m-%dT%H:%M:%SZ"))


def test_a_list_of_addresses_is_paged(portal: Portal) -> None:
    person = _person(portal, _email(), _email(), _phone(), email=_email())
    pages = [person.get(f"{PATH}?limit=1").json]
    for _ in range(3):
        pages.append(person.get(f"{PATH}?limit=1&cursor={pages[-1]['next_cursor']}").json)
    assert len({item["address_id"] for page in pages for item in page["items"]}) == 4
    assert pages[-1]["next_cursor"] is None


@pytest.mark.parametrize("reason", [Reason.BOUNCE, Reason.COMPLAINT])
def test_an_address_is_tried_again_when_its_reader_says_so(portal: Portal, reason: Reason) -> None:
    email = _email()
    person = _person(portal, email)
    _suppress(Channel.EMAIL, email, reason)
    moto_ses.suppressed.add(email)
    told(person)
    assert portal.emails(email) == []
    with recorded() as calls:
        assert _restore(person, Channel.EMAIL, email).status == 204
    assert email not in moto_ses.suppressed
    assert [status for _, _, status in _shown(person)] == ["ok"]
    (write,) = [call for call in calls if call.is_write and call.operation == "TransactWriteItems"]
    assert (write.writes_to("accounts"), write.writes_to("audit")) == (True, True)
    told(person)
    assert len(portal.emails(email)) == 1
    entries = [row for row in portal.rows("audit") if row["action"]["S"] == "address:restore"]
    (entry,) = [row for row in entries if row["pk"]["S"] == f"account#{person.session['account']['account_id']}"]
    assert entry["actor_kind"]["S"] == "account"
    assert json.loads(entry["about"]["S"]) == {"channel": "email", "address_id": _id(Channel.EMAIL, email)}


def test_an_address_that_works_is_left_as_it_is(portal: Portal) -> None:
    email = _email()
    person = _person(portal, email)
    with recorded() as calls:
        assert _restore(person, Channel.EMAIL, email).status == 204
    assert [call.operation for call in calls if call.is_write or call.service == "sesv2"] == []


def test_stop_can_be_taken_back_by_the_phone_alone(portal: Portal) -> None:
    phone = _phone()
    person = _person(portal, phone)
    _suppress(Channel.SMS, phone, Reason.BOUNCE)
    portal.advance(seconds=1)
    _suppress(Channel.SMS, phone, Reason.STOP)
    refused = _restore(person, Channel.SMS, phone)
    assert (refused.status, refused.json["code"]) == (409, "messages_stopped")
    assert "text START to the number that they come from." in refused.json["detail"]
    assert [status for _, _, status in _shown(person)] == ["stopped"]


def test_the_way_back_names_the_number_where_it_is_one(portal: Portal) -> None:
    phone = _phone()
    person = _person(portal, phone)
    _suppress(Channel.SMS, phone, Reason.STOP)
    with setting("SMS_ORIGINATION", "+13125550100"):
        assert "come from: +13125550100." in _restore(person, Channel.SMS, phone).json["detail"]
    with setting("SMS_ORIGINATION", "arn:aws:sms-voice:us-east-1:123456789012:pool/pool-1"):
        assert "come from." in _restore(person, Channel.SMS, phone).json["detail"]
    headers = {"Accept-Language": "es"}
    path = f"{PATH}/{_id(Channel.SMS, phone)}/restore"
    assert "envíe START" in person.call("POST", path, headers=headers).json["detail"]


def test_a_bounce_does_not_take_the_place_of_stop(portal: Portal) -> None:
    phone = _phone()
    person = _person(portal, phone)
    _suppress(Channel.SMS, phone, Reason.STOP)
    portal.advance(seconds=1)
    with transaction() as tx:
        outcome = suppressions.suppress(tx, Channel.SMS, phone, Reason.BOUNCE, at=clock.now())
    assert (outcome.is_changed, outcome.is_new) == (False, False)
    assert _restore(person, Channel.SMS, phone).status == 409


def test_anothers_address_and_none_at_all_are_the_same_404(portal: Portal) -> None:
    mine, theirs = _email(), _email()
    me, them = _person(portal, mine), _person(portal, theirs)
    _suppress(Channel.EMAIL, theirs, Reason.BOUNCE)
    another, missing = _restore(me, Channel.EMAIL, theirs), _restore(me, Channel.EMAIL, _email())
    assert (another.status, another.json["code"]) == (missing.status, missing.json["code"]) == (404, "not_found")
    assert [status for _, _, status in _shown(them)] == ["bounced"]


def test_while_ses_is_down_an_address_is_not_restored_by_half(portal: Portal) -> None:
    email = _email()
    person = _person(portal, email)
    _suppress(Channel.EMAIL, email, Reason.BOUNCE)
    with failing(lambda call: call.service == "sesv2", unreachable()):
        answer = _restore(person, Channel.EMAIL, email)
    assert answer.status == 503
    assert answer.header("retry-after")
    assert [status for _, _, status in _shown(person)] == ["bounced"]
    assert _restore(person, Channel.EMAIL, email).status == 204


def test_an_address_that_does_not_exist_is_not_tried_for_ever(portal: Portal) -> None:
    email = _email()
    person = _person(portal, email)
    for _ in range(5):
        portal.advance(seconds=1)
        _suppress(Channel.EMAIL, email, Reason.BOUNCE)
        portal.advance(seconds=1)
        assert _restore(person, Channel.EMAIL, email).status == 204
    portal.advance(seconds=1)
    _suppress(Channel.EMAIL, email, Reason.BOUNCE)
    refused = _restore(person, Channel.EMAIL, email)
    assert (refused.status, refused.json["code"]) == (429, "too_many_requests")
    assert [status for _, _, status in _shown(person)] == ["bounced"]
