"""What must not go wrong between channels: races, devices that leave, storage that fails at the wrong moment."""

import json
import uuid

from chalicelib.domain.notices import Channel, DeliveryStatus, NoticeKind
from chalicelib.models import notices, outbox
from chalicelib.models.transaction import transaction
from chalicelib.services import delivery
from tests.support.aws_calls import AwsCall, failing, refused, unreachable
from tests.support.faults import overtaken_by
from tests.support.portal import Person, Portal


def _person(portal: Portal) -> Person:
    email, number = f"{uuid.uuid4().hex[:12]}@example.org", f"+1312555{uuid.uuid4().int % 10000:04d}"
    telecom = [{"system": "email", "value": email}, {"system": "phone", "value": number}]
    person = portal.register(portal.new_patient(telecom=telecom), email=email)
    asked = {"platform": "ios", "push_token": f"token:{uuid.uuid4().hex}"}
    key = {"Idempotency-Key": str(uuid.uuid4())}
    assert person.call("POST", "/v1/me/devices", asked, headers=key).status == 201
    portal.drain()
    return person


def _account_id(person: Person) -> str:
    account_id: str = person.session["account"]["account_id"]
    return account_id


def _told(portal: Portal, person: Person) -> str:
    """A notice of new results, addressed and not yet sent; its id."""
    result = {
        "resourceType": "Observation",
        "id": f"result-{uuid.uuid4().hex[:10]}",
        "status": "final",
        "category": [{"coding": [{"code": "laboratory"}]}],
        "code": {"text": "Hemoglobin"},
        "subject": {"reference": f"Patient/{person.patient.resource_id}"},
        "effectiveDateTime": _today(),
    }
    assert portal.import_fhir(result).json["created"] == 1
    with failing(_is_sending, unreachable()):
        portal.drain()
    copy = notices.find_page(_account_id(person), 1)[0]
    assert copy.notice_kind == NoticeKind.NEW_RESULTS
    return copy.notice_id


def _today() -> str:
    from chalicelib import clock

    return clock.now().date().isoformat()


def _is_sending(call: AwsCall) -> bool:
    return call.service in {"sesv2", "sns"}


def _rows(portal: Portal, notice_id: str) -> dict[Channel, str]:
    """The ids of a notice's messages."""
    own = [row for row in portal.rows("outbox") if row.get("notice_id", {}).get("S") == notice_id]
    return {Channel(row["topic"]["S"]): row["pk"]["S"] for row in own}


def _channels(person: Person, notice_id: str) -> dict[str, str]:
    copy = notices.find(_account_id(person), notice_id)
    assert copy is not None
    return {str(channel): str(status) for channel, status in copy.statuses.items()}


def _later(portal: Portal) -> None:
    portal.advance(minutes=20)
    delivery.sweep()
    portal.drain()


def test_where_two_channels_fail_at_the_same_moment_the_third_is_tried(portal: Portal) -> None:
    person = _person(portal)
    notice_id = _told(portal, person)
    rows = _rows(portal, notice_id)

    def fail_email() -> None:
        portal.advance(minutes=20)
        delivery.deliver(rows[Channel.EMAIL])

    with (
        failing(lambda call: call.service == "sesv2", refused("BadRequestException")),
        failing(lambda call: "TargetArn" in call.params, refused("EndpointDisabled")),
        overtaken_by(fail_email),
    ):
        portal.advance(minutes=20)
        delivery.deliver(rows[Channel.PUSH])
    _later(portal)
    assert _channels(person, notice_id) == {"push": "failed", "email": "failed", "sms": "sent"}


def test_a_device_that_left_before_its_message_went_out_makes_room_for_the_next_channel(portal: Portal) -> None:
    person = _person(portal)
    tag = {"If-Match": person.get("/v1/me/notification-preferences").header("etag") or ""}
    row = {"notice_type": "results", "channels": {"push": True, "email": False, "sms": False}}
    choice = {"rows": [row], "quiet_hours": None}
    assert person.call("PUT", "/v1/me/notification-preferences", choice, headers=tag).status == 200
    notice_id = _told(portal, person)
    (device,) = person.get("/v1/me/devices").json["items"]
    assert person.call("DELETE", f"/v1/me/devices/{device['device_id']}").status == 204
    _later(portal)
    assert _channels(person, notice_id) == {"push": "dropped", "email": "sent"}


def test_a_message_that_its_channel_took_is_not_sent_again_for_a_fault_of_storage(portal: Portal) -> None:
    person = _person(portal)
    notice_id = _told(portal, person)
    before = len(portal.aws.sent_emails())

    def after_sending(call: AwsCall) -> bool:
        return call.service == "dynamodb" and len(portal.aws.sent_emails()) > before

    portal.advance(minutes=20)
    with failing(after_sending, unreachable(), times=1):
        delivery.deliver(_rows(portal, notice_id)[Channel.EMAIL])
    _later(portal)
    assert len([one for one in portal.aws.sent_emails()[before:] if "You have new results" in one.subject]) == 1


def test_of_two_devices_one_that_is_dead_starts_no_other_channel(portal: Portal) -> None:
    person = _person(portal)
    notice_id = _told(portal, person)
    copy = notices.find(_account_id(person), notice_id)
    assert copy is not None
    with transaction() as tx:
        notices.note_progress(tx, copy, {(Channel.PUSH, "device:another"): DeliveryStatus.QUEUED})
    row = outbox.find(_rows(portal, notice_id)[Channel.PUSH])
    assert row is not None
    with transaction() as tx:
        delivery.give_up(tx, row, DeliveryStatus.FAILED)
    after = notices.find(_account_id(person), notice_id)
    assert after is not None
    assert after.statuses[Channel.PUSH] is DeliveryStatus.QUEUED
    assert Channel.SMS not in after.statuses
    portal.drain()


def test_the_schedule_does_not_put_off_what_a_worker_has_just_put_off(portal: Portal) -> None:
    person = _person(portal)
    row_id = _rows(portal, _told(portal, person))[Channel.EMAIL]
    row, as_the_schedule_read_it = outbox.find(row_id), outbox.find(row_id)
    assert row is not None
    assert as_the_schedule_read_it is not None
    portal.advance(seconds=1)
    outbox.retry_later(row)
    worker_says = outbox.find(row_id)
    outbox.postpone(as_the_schedule_read_it, is_queued=True)
    after = outbox.find(row_id)
    assert worker_says is not None
    assert after is not None
    assert (after.due_at, after.sweeps) == (worker_says.due_at, worker_says.sweeps)
    portal.drain()


def test_a_queue_that_takes_nothing_does_not_hold_up_the_others(portal: Portal) -> None:
    person = _person(portal)
    row_id = _rows(portal, _told(portal, person))[Channel.EMAIL]
    portal.advance(minutes=20)
    with failing(lambda call: call.service == "sqs" and row_id in json.dumps(call.params), unreachable()):
        delivery.sweep()
    row = outbox.find(row_id)
    assert row is not None
    # It waits its two minutes like the rest, and no longer.
    assert row_id not in [due.pk for due in outbox.find_due()]
    portal.advance(minutes=2, seconds=1)
    assert row_id in [due.pk for due in outbox.find_due()]
    delivery.sweep()
    portal.drain()
