"""What the channels tell of messages, from SNS's queue to what the patient sees (DL 5, and the first half of DL 6)."""

import itertools
import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib import clock
from chalicelib.domain.notices import Channel, NoticeKind
from chalicelib.services import suppressions
from infra.local.feedback import Feedback
from infra.local.lambda_proxy import LambdaContext
from infra.local.outgoing import SentEmail, SentSms
from tests.support.aws_calls import AwsCall, failing, recorded, refused, unreachable
from tests.support.notices import tell, told
from tests.support.portal import Person, Portal
from tests.support.promises import Promise
from tests.support.setting import setting
from tests.support.sns import Signer

_numbers = itertools.count(1)
_ALL_DONE: dict[str, Any] = {"batchItemFailures": []}


def _person(portal: Portal, **settings_of: Any) -> Person:
    """Somebody with a mailbox and a phone that nobody else has."""
    number = next(_numbers)
    telecom = [
        {"system": "email", "value": f"feedback-{uuid.uuid4().hex}@example.org"},
        {"system": "phone", "value": f"+1312556{number:04d}"},
    ]
    patient = portal.new_patient(telecom=telecom)
    person = portal.register(patient, email=None, **settings_of)
    portal.drain()
    return person


def _on_file(person: Person) -> tuple[str, str]:
    """The email address and the number of `_person`, as the clinic's record has them."""
    from chalicelib.models import patients

    patient = patients.find(person.patient.patient_id)
    assert patient is not None
    return json.loads(patient.emails)[0], json.loads(patient.phones)[0]


def _emails(person: Person) -> list[SentEmail]:
    return person.portal.emails(_on_file(person)[0])


def _texts(person: Person) -> list[SentSms]:
    person.portal.drain()
    return [sms for sms in person.portal.aws.sent_sms() if sms.to == _on_file(person)[1]]


def _addresses(person: Person) -> dict[str, str]:
    """What the portal shows: status by channel."""
    items = person.get("/v1/me/addresses").json["items"]
    return {item["channel"]: item["status"] for item in items}


def _channels(person: Person, notice_id: str) -> dict[str, str]:
    shown = person.get(f"/v1/me/notices/{notice_id}").json["channels"]
    return {one["channel"]: one["status"] for one in shown}


def _notices(person: Person) -> list[str]:
    return [item["title"] for item in person.get("/v1/me/notices").json["items"]]


def _account_id(person: Person) -> str:
    account_id: str = person.session["account"]["account_id"]
    return account_id


def _audited(portal: Portal, action: str, address_id: str) -> list[dict[str, Any]]:
    entries = [row for row in portal.rows("audit") if row["action"]["S"] == action]
    return [row for row in entries if json.loads(row["about"]["S"])["address_id"] == address_id]


def _email_id(person: Person) -> str:
    return suppressions.address_id(Channel.EMAIL, _on_file(person)[0])


def _phone_id(person: Person) -> str:
    return suppressions.address_id(Channel.SMS, _on_file(person)[1])


def _logged(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> str:
    return capfd.readouterr().out + repr([vars(record) for record in caplog.records])


@pytest.fixture
def signer() -> Iterator[Signer]:
    """SNS, whose certificate the portal has."""
    made = Signer()
    with setting("SNS_SIGNING_CERTIFICATE", made.certificate):
        yield made


def _receive(portal: Portal, *notifications: dict[str, Any] | str) -> list[int]:
    """Hand messages to the function; returns which of them come again."""
    bodies = [one if isinstance(one, str) else json.dumps(one) for one in notifications]
    records = [{"messageId": f"m-{place}", "body": body} for place, body in enumerate(bodies)]
    answer = portal.app.receive_feedback({"Records": records}, LambdaContext("receive_feedback"))
    return [int(failed["itemIdentifier"].removeprefix("m-")) for failed in answer["batchItemFailures"]]


def _bounce(address: str, row_id: str | None = None, **changes: Any) -> dict[str, Any]:
    part = {
        "bounceType": "Permanent",
        "bouncedRecipients": [{"emailAddress": address}],
        "timestamp": clock.stamp(clock.now()),
        "feedbackId": str(uuid.uuid4()),
        **changes,
    }
    tags = {"row_id": [row_id]} if row_id else {}
    return {"eventType": "Bounce", "bounce": part, "mail": {"messageId": "x", "destination": [address], "tags": tags}}


def _text(number: str, body: str) -> dict[str, Any]:
    return {
        "originationNumber": number,
        "destinationNumber": "+13125550100",
        "messageKeyword": "KEYWORD",
        "messageBody": body,
        "inboundMessageId": str(uuid.uuid4()),
    }


@pytest.mark.promise
@pytest.mark.parametrize(("how", "shown"), [("bounce", "bounced"), ("complain", "complained")])
def test_a_bounce_or_complaint_suppresses_is_shown_and_tries_the_next_channel(
    portal: Portal, promise: Promise, how: str, shown: str
) -> None:
    """DL 5."""
    person = _person(portal)
    notice_id = told(person, NoticeKind.NEW_RESULTS)
    (email,) = _emails(person)
    assert (_addresses(person), _texts(person)) == ({"email": "ok", "sms": "ok"}, [])
    began = time.monotonic()
    getattr(Feedback(portal.aws), how)(email.message_id)
    portal.drain()
    took = time.monotonic() - began
    promise("DL 5", f"{how}: seconds until suppressed", asked="under 60", measured=round(took, 2), passed=took < 60)
    promise("DL 5", f"{how}: what the portal shows", asked=shown, measured=_addresses(person)["email"])
    news = [sms for sms in _texts(person) if "new results" in sms.text]
    promise("DL 5", f"{how}: sent through the next channel", asked=1, measured=len(news))
    assert _channels(person, notice_id) == {"email": "bounced", "sms": "sent"}


def test_an_address_that_bounced_is_told_of_once_and_gets_nothing_more(portal: Portal) -> None:
    person = _person(portal)
    told(person, NoticeKind.NEW_RESULTS)
    (email,) = _emails(person)
    Feedback(portal.aws).bounce(email.message_id)
    portal.drain()
    assert [title for title in _notices(person) if title == "We cannot reach you by email"] != []
    stopped = [sms for sms in _texts(person) if "can not reach you by email" in sms.text]
    notice_id = told(person, NoticeKind.NEW_RESULTS)
    assert (len(_emails(person)), len(stopped)) == (1, 1)
    assert _channels(person, notice_id) == {"email": "failed", "sms": "sent"}
    Feedback(portal.aws).complain(email.message_id)
    portal.drain()
    assert _addresses(person)["email"] == "complained"
    assert _notices(person).count("We cannot reach you by email") == 1


def test_suppressing_is_one_transaction_with_its_audit_entry_and_its_notice(portal: Portal, signer: Signer) -> None:
    person = _person(portal)
    told(person, NoticeKind.NEW_RESULTS)
    (email,) = _emails(person)
    with recorded() as calls:
        assert _receive(portal, signer.notification(_bounce(email.to[0], email.tags["row_id"]))) == []
    writes = [call for call in calls if call.is_write]
    (write,) = writes
    assert write.operation == "TransactWriteItems"
    assert [area for area in ("accounts", "audit", "outbox") if write.writes_to(area)] == [
        "accounts",
        "audit",
        "outbox",
    ]
    (entry,) = _audited(portal, "address:suppress", _email_id(person))
    assert entry["pk"]["S"] == f"account#{_account_id(person)}"
    assert json.loads(entry["about"]["S"]) == {
        "channel": "email",
        "address_id": _email_id(person),
        "reason": "bounce",
    }
    assert email.to[0] not in json.dumps([row for area in ("audit", "outbox") for row in portal.rows(area)])
    kept = [row for row in portal.rows("accounts") if row["pk"]["S"].startswith(("suppressed#", "feedback#"))]
    assert kept
    assert email.to[0] not in json.dumps(kept)


@pytest.mark.parametrize("kind", ["Transient", "Undetermined"])
def test_a_full_mailbox_sends_one_message_by_the_next_channel_and_suppresses_nothing(portal: Portal, kind: str) -> None:
    person = _person(portal)
    notice_id = told(person, NoticeKind.NEW_RESULTS)
    (email,) = _emails(person)
    Feedback(portal.aws).bounce(email.message_id, bounce_type=kind)
    assert len(_texts(person)) == 1
    assert _channels(person, notice_id) == {"email": "bounced", "sms": "sent"}
    assert _addresses(person) == {"email": "ok", "sms": "ok"}
    told(person, NoticeKind.NEW_RESULTS)
    assert len(_emails(person)) == 2


def test_feedback_that_comes_a_hundred_times_acts_once(portal: Portal, signer: Signer) -> None:
    person = _person(portal)
    told(person, NoticeKind.NEW_RESULTS)
    (email,) = _emails(person)
    event = _bounce(email.to[0], email.tags["row_id"])
    same = signer.notification(event)
    for _ in range(10):
        again = [signer.notification(event) for _ in range(5)]
        assert _receive(portal, *[same] * 5, *again) == []
    assert len([sms for sms in _texts(person) if "new results" in sms.text]) == 1
    assert len(_audited(portal, "address:suppress", _email_id(person))) == 1
    assert _notices(person).count("We cannot reach you by email") == 1


def test_a_bounce_without_its_tag_is_its_mailboxs_all_the_same(portal: Portal, signer: Signer) -> None:
    person = _person(portal)
    address = _on_file(person)[0]
    assert _receive(portal, signer.notification(_bounce(address.upper()))) == []
    assert _addresses(person)["email"] == "bounced"


def test_a_row_of_another_channel_is_not_given_up(portal: Portal, signer: Signer) -> None:
    person = _person(portal)
    told(person, NoticeKind.NEW_RESULTS)
    told(person, NoticeKind.NEW_RESULTS)
    rows = [row["pk"]["S"] for row in portal.rows("outbox") if row["topic"]["S"] == "notices"]
    assert _receive(portal, *[signer.notification(_bounce(_on_file(person)[0], row)) for row in rows]) == []
    assert [sms for sms in _texts(person) if "new results" in sms.text] == []


def test_what_bounced_before_its_worker_noted_that_it_was_sent_is_not_sent_again(
    portal: Portal, signer: Signer
) -> None:
    person = _person(portal)
    notice_id = tell(person, NoticeKind.NEW_RESULTS)
    event = {"Records": [{"messageId": "m", "body": json.dumps({"id": f"out_{notice_id.partition('_')[2]}"})}]}
    assert portal.app.address_notices(event, LambdaContext("address_notices")) == _ALL_DONE
    (row,) = [one for one in portal.rows("outbox") if one.get("notice_id", {}).get("S") == notice_id]
    assert (row["topic"]["S"], row["status"]["S"]) == ("email", "pending")
    bounce = _bounce(_on_file(person)[0], row["pk"]["S"], bounceType="Transient")
    assert _receive(portal, signer.notification(bounce)) == []
    assert (_emails(person), len(_texts(person))) == ([], 1)
    assert _channels(person, notice_id) == {"email": "bounced", "sms": "sent"}


def test_old_news_of_an_address_does_not_undo_what_came_after_it(portal: Portal, signer: Signer) -> None:
    person = _person(portal)
    address, before = _on_file(person)[0], clock.stamp(clock.now())
    portal.advance(minutes=1)
    assert _receive(portal, signer.notification(_bounce(address))) == []
    portal.advance(minutes=1)
    path = f"/v1/me/addresses/{_email_id(person)}/restore"
    assert person.call("POST", path).status == 204
    assert _receive(portal, signer.notification(_bounce(address, timestamp=before))) == []
    assert _addresses(person)["email"] == "ok"
    portal.advance(minutes=1)
    assert _receive(portal, signer.notification(_bounce(address))) == []
    assert _addresses(person)["email"] == "bounced"


def test_news_from_the_future_holds_nothing_up(portal: Portal, signer: Signer) -> None:
    person = _person(portal)
    address = _on_file(person)[0]
    assert _receive(portal, signer.notification(_bounce(address, timestamp="2199-01-01T00:00:00.000Z"))) == []
    assert _addresses(person)["email"] == "bounced"
    portal.advance(seconds=1)
    assert person.call("POST", f"/v1/me/addresses/{_email_id(person)}/restore").status == 204
    assert _addresses(person)["email"] == "ok"


@pytest.mark.promise
@pytest.mark.parametrize(("text", "confirmed"), [("Stop!", "no more texts"), ("ALTO", "No enviaremos más mensajes")])
def test_stop_is_honoured_at_once_and_confirmed_once(
    portal: Portal, signer: Signer, promise: Promise, text: str, confirmed: str
) -> None:
    """DL 6."""
    person = _person(portal)
    number = _on_file(person)[1]
    stop = signer.notification(_text(number, text))
    with recorded() as calls:
        assert _receive(portal, stop) == []
    first = next(call for call in calls if call.is_write)
    promise(
        "DL 6",
        f"{text}: in the first write of the message itself",
        asked="suppression and audit entry",
        measured="suppression and audit entry" if first.writes_to("accounts") and first.writes_to("audit") else "none",
    )
    assert _addresses(person)["sms"] == "stopped"
    assert _receive(portal, stop, signer.notification(_text(number, text))) == []
    promise("DL 6", f"{text}: confirmations of three messages", asked=1, measured=len(_texts(person)))
    (reply,) = _texts(person)
    assert confirmed in reply.text
    notice_id = told(person, NoticeKind.PASSWORD_CHANGED)
    promise("DL 6", f"{text}: texts after it", asked=0, measured=len(_texts(person)) - 1)
    assert _channels(person, notice_id)["sms"] == "failed"


def test_start_takes_stop_back_with_sns_too(portal: Portal, signer: Signer) -> None:
    person = _person(portal)
    number = _on_file(person)[1]
    assert _receive(portal, signer.notification(_text(number, "STOP"))) == []
    portal.advance(minutes=1)
    with recorded() as calls:
        assert _receive(portal, signer.notification(_text(number, "Start"))) == []
    assert [call.params for call in calls if call.operation == "OptInPhoneNumber"] == [{"phoneNumber": number}]
    assert _addresses(person)["sms"] == "ok"
    assert len(_audited(portal, "address:restore", _phone_id(person))) == 1
    told(person, NoticeKind.PASSWORD_CHANGED)
    texts = [sms.text for sms in _texts(person)]
    assert ["no more texts" in texts[0], "texts again" in texts[1], "password" in texts[2]] == [True, True, True]


def test_a_stop_that_comes_after_the_start_that_followed_it_changes_nothing(portal: Portal, signer: Signer) -> None:
    person = _person(portal)
    number = _on_file(person)[1]
    stop = signer.notification(_text(number, "STOP"))
    portal.advance(minutes=1)
    start = signer.notification(_text(number, "START"))
    portal.advance(minutes=1)
    assert _receive(portal, start, stop) == []
    assert _addresses(person)["sms"] == "ok"
    (reply,) = _texts(person)
    assert "texts again" in reply.text


def test_help_tells_who_writes_and_whom_to_call_also_after_stop(portal: Portal, signer: Signer) -> None:
    person = _person(portal)
    number = _on_file(person)[1]
    with setting("CLINIC_NAME", "Sample Clinic"), setting("CLINIC_PHONE", "+1 312 555 0100"):
        assert _receive(portal, signer.notification(_text(number, "help"))) == []
        assert _receive(portal, signer.notification(_text(number, "stop"))) == []
        assert _receive(portal, signer.notification(_text(number, "Ayuda"))) == []
    texts = [sms.text for sms in _texts(person)]
    assert len(texts) == 3
    for text in (texts[0], texts[2]):
        assert "Sample Clinic" in text
        assert "+1 312 555 0100" in text
    assert "llame" in texts[2]
    assert _addresses(person)["sms"] == "stopped"


def test_two_machines_that_answer_each_other_come_to_an_end(portal: Portal, signer: Signer) -> None:
    person = _person(portal)
    number = _on_file(person)[1]
    for _ in range(13):
        assert _receive(portal, signer.notification(_text(number, "HELP"))) == []
    assert len(_texts(person)) == 10
    portal.advance(days=1)
    assert _receive(portal, signer.notification(_text(number, "HELP"))) == []
    assert len(_texts(person)) == 11


def test_a_text_that_commands_nothing_is_not_kept_nor_answered(
    portal: Portal, signer: Signer, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    person = _person(portal)
    number = _on_file(person)[1]
    capfd.readouterr()
    assert _receive(portal, signer.notification(_text(number, "My canary rash is back"))) == []
    assert _texts(person) == []
    kept = json.dumps([row for area in ("accounts", "audit", "outbox") for row in portal.rows(area)])
    assert "canary" not in kept + _logged(capfd, caplog)


def test_an_answer_that_could_not_be_sent_is_sent_when_the_message_comes_again(portal: Portal, signer: Signer) -> None:
    person = _person(portal)
    stop = signer.notification(_text(_on_file(person)[1], "STOP"))
    with failing(lambda call: call.operation == "Publish", unreachable()):
        assert _receive(portal, stop) == [0]
    assert _addresses(person)["sms"] == "stopped"
    assert _texts(person) == []
    assert _receive(portal, stop, stop) == []
    assert len(_texts(person)) == 1


def _push_only(person: Person, token: str) -> None:
    path = "/v1/me/notification-preferences"
    tag = person.get(path).header("etag")
    channels = {"push": True, "email": False, "sms": False}
    rows = [{"notice_type": "results", "channels": channels}]
    assert person.call("PUT", path, {"rows": rows, "quiet_hours": None}, headers={"If-Match": str(tag)}).status == 200
    headers = {"Idempotency-Key": token}
    body = {"platform": "ios", "push_token": token}
    assert person.call("POST", "/v1/me/devices", body, headers=headers).status == 201


def test_a_dead_token_removes_its_device_and_the_next_channel_is_tried(portal: Portal) -> None:
    person, token = _person(portal), uuid.uuid4().hex
    _push_only(person, token)
    notice_id = told(person, NoticeKind.NEW_RESULTS)
    (push,) = [one for one in portal.aws.sent_pushes() if one.token == token]
    assert _emails(person) == []
    Feedback(portal.aws).end_token(push.message_id)
    portal.drain()
    assert person.get("/v1/me/devices").json["items"] == []
    assert len(_emails(person)) == 1
    assert _channels(person, notice_id) == {"push": "bounced", "email": "sent"}
    removed = [row for row in portal.rows("audit") if row["action"]["S"] == "push_device:remove"]
    assert [row for row in removed if row["pk"]["S"] == f"account#{_account_id(person)}"] != []


def test_one_dead_device_of_two_is_removed_and_nothing_is_said_twice(portal: Portal) -> None:
    person, dead, alive = _person(portal), uuid.uuid4().hex, uuid.uuid4().hex
    _push_only(person, dead)
    body = {"platform": "android", "push_token": alive}
    assert person.call("POST", "/v1/me/devices", body, headers={"Idempotency-Key": alive}).status == 201
    told(person, NoticeKind.NEW_RESULTS)
    (push,) = [one for one in portal.aws.sent_pushes() if one.token == dead]
    Feedback(portal.aws).end_token(push.message_id)
    portal.drain()
    assert [item["platform"] for item in person.get("/v1/me/devices").json["items"]] == ["android"]
    assert _emails(person) == []


def test_a_device_whose_endpoint_was_switched_off_is_removed_when_it_is_sent_to(portal: Portal) -> None:
    person, token = _person(portal), uuid.uuid4().hex
    _push_only(person, token)
    told(person, NoticeKind.NEW_RESULTS)
    (push,) = [one for one in portal.aws.sent_pushes() if one.token == token]
    portal.aws.client("sns").set_endpoint_attributes(EndpointArn=push.endpoint_arn, Attributes={"Enabled": "false"})
    notice_id = told(person, NoticeKind.NEW_RESULTS)
    assert person.get("/v1/me/devices").json["items"] == []
    assert _channels(person, notice_id) == {"push": "failed", "email": "sent"}
    Feedback(portal.aws).end_token(push.message_id)
    portal.drain()


@pytest.mark.parametrize("version", ["1", "2"])
def test_both_versions_of_signature_are_believed(portal: Portal, signer: Signer, version: str) -> None:
    person = _person(portal)
    notification = signer.notification(_bounce(_on_file(person)[0]), version=version, Subject="Amazon SES")
    assert _receive(portal, notification) == []
    assert _addresses(person)["email"] == "bounced"


def _forged(signer: Signer, message: dict[str, Any]) -> dict[str, Any]:
    """Every way in which a message is not SNS's, by name."""
    good = signer.notification(message)
    other_topic = "arn:aws:sns:us-east-1:123456789012:another"
    elsewhere = "https://sns.us-east-1.amazonaws.com.evil.example/SimpleNotificationService-01.pem"
    api = "https://sns.us-east-1.amazonaws.com/?Action=GetSubscriptionAttributes&SubscriptionArn=x.pem"
    return {
        "signed by somebody else": Signer().notification(message),
        "altered": {**good, "Message": json.dumps({**message, "altered": True})},
        "another time": {**good, "Timestamp": "2026-01-01T00:00:00.000Z"},
        "another id": {**good, "MessageId": "m-2"},
        "a subject put in": {**good, "Subject": "News"},
        "another version": {**good, "SignatureVersion": "1"},
        "an unknown version": {**good, "SignatureVersion": "3"},
        "no signature": {**good, "Signature": ""},
        "no base64": {**good, "Signature": "%%%"},
        "another topic": signer.notification(message, TopicArn=other_topic),
        "another host": signer.notification(message, SigningCertURL=elsewhere),
        "the api of the right host": signer.notification(message, SigningCertURL=api),
        "over http": signer.notification(message, SigningCertURL=good["SigningCertURL"].replace("https", "http")),
        "a confirmation": signer.notification(message, Type="SubscriptionConfirmation"),
        "the bare message": message,
        "no json": f"no json {json.dumps(message)}",
    }


_FORGERIES = tuple(_forged(Signer(), {}))


@pytest.mark.parametrize("how", _FORGERIES)
def test_what_sns_did_not_sign_does_nothing_and_comes_not_again(
    portal: Portal, signer: Signer, how: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    person = _person(portal)
    address = _on_file(person)[0]
    capfd.readouterr()
    caplog.clear()
    with recorded() as calls:
        assert _receive(portal, _forged(signer, _bounce(address))[how]) == []
    assert calls == []
    logged = _logged(capfd, caplog)
    assert ("feedback.refused" in logged, '"FeedbackRefused":[1.0]' in logged) == (True, True)
    assert [part for part in (address, "Permanent", "SimpleNotification", "evil") if part in logged] == []
    assert _addresses(person)["email"] == "ok"


def test_without_a_topic_of_its_own_the_portal_believes_nobody(portal: Portal, signer: Signer) -> None:
    person = _person(portal)
    with setting("FEEDBACK_TOPIC_ARN", ""):
        assert _receive(portal, signer.notification(_bounce(_on_file(person)[0]))) == []
    assert _addresses(person)["email"] == "ok"


def test_a_certificate_that_cannot_be_fetched_now_brings_the_message_again(portal: Portal, signer: Signer) -> None:
    person = _person(portal)
    notification = signer.notification(_bounce(_on_file(person)[0]))
    with setting("SNS_SIGNING_CERTIFICATE", ""):
        assert _receive(portal, notification) == [0]
    assert _addresses(person)["email"] == "ok"
    assert _receive(portal, notification) == []
    assert _addresses(person)["email"] == "bounced"


def test_a_signed_message_that_nobody_understands_goes_back_alone(portal: Portal, signer: Signer) -> None:
    person = _person(portal)
    strange = signer.notification({"eventType": "Bounce", "mail": {}})
    plain = signer.notification("Successfully validated SNS topic for Amazon SES event publishing.")
    good = signer.notification(_bounce(_on_file(person)[0]))
    assert _receive(portal, strange, plain, good) == [0]
    assert _addresses(person)["email"] == "bounced"


def test_while_storage_is_away_feedback_comes_again(portal: Portal, signer: Signer) -> None:
    person = _person(portal)
    notification = signer.notification(_bounce(_on_file(person)[0]))

    def is_write(call: AwsCall) -> bool:
        return call.operation == "TransactWriteItems"

    with failing(is_write, unreachable()):
        assert _receive(portal, notification) == [0]
    assert _addresses(person)["email"] == "ok"
    assert _receive(portal, notification) == []
    assert _addresses(person)["email"] == "bounced"


def test_a_request_that_ses_refuses_says_nothing_of_the_address_and_the_next_channel_is_tried(portal: Portal) -> None:
    person = _person(portal)
    wrong = refused("BadRequestException")
    with failing(lambda call: call.operation == "SendEmail", wrong) as failed:
        notice_id = told(person, NoticeKind.NEW_RESULTS)
    assert len(failed) == 1
    assert _channels(person, notice_id) == {"email": "failed", "sms": "sent"}
    assert _addresses(person) == {"email": "ok", "sms": "ok"}


@pytest.mark.parametrize(("words", "status"), [("is opted out", "stopped"), ("is not valid to publish to", "bounced")])
def test_a_number_that_sns_refuses_is_suppressed(portal: Portal, words: str, status: str) -> None:
    person = _person(portal)
    wrong = refused("InvalidParameter", "Publish", f"Invalid parameter: PhoneNumber Reason: it {words}")
    with failing(lambda call: call.operation == "Publish", wrong) as failed:
        notice_id = told(person)
    assert len(failed) == 1
    assert _channels(person, notice_id)["sms"] == "failed"
    assert _addresses(person) == {"email": "ok", "sms": status}


@pytest.mark.parametrize(("kind", "status"), [("TEXT_INVALID", "bounced"), ("TEXT_CARRIER_BLOCKED", "ok")])
def test_end_user_messaging_tells_of_numbers_that_do_not_exist(
    portal: Portal, signer: Signer, kind: str, status: str
) -> None:
    person = _person(portal)
    notice_id = told(person)
    (row,) = [
        one
        for one in portal.rows("outbox")
        if one.get("notice_id", {}).get("S") == notice_id and one["topic"]["S"] == "sms"
    ]
    event = {
        "eventType": kind,
        "eventTimestamp": int(clock.now().timestamp() * 1000),
        "isFinal": True,
        "destinationPhoneNumber": _on_file(person)[1],
        "messageId": str(uuid.uuid4()),
        "context": {"row_id": row["pk"]["S"]},
    }
    assert _receive(portal, signer.notification(event)) == []
    assert _channels(person, notice_id) == {"email": "sent", "sms": "bounced"}
    assert _addresses(person)["sms"] == status
