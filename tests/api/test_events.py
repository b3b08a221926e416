"""GET /v1/clinic/events: what happened, in one order, for 30 days, none missed and none twice."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib import ids
from chalicelib.domain.access import ClientScope
from chalicelib.domain.events import event_id
from chalicelib.domain.links import LinkPurpose
from chalicelib.models import events, outbox
from chalicelib.services import events as service
from infra.local.lambda_proxy import LambdaContext
from tests.support import links
from tests.support.aws_calls import failing, recorded, unreachable
from tests.support.clinic_system import ClinicSystem, clinic_system, end_of_log, happen, let_the_log_expire
from tests.support.faults import before
from tests.support.forged import altered
from tests.support.portal import Person, Portal
from tests.support.routes import Somebody, link_of


@pytest.fixture
def system(portal: Portal) -> Iterator[ClinicSystem]:
    with clinic_system(portal) as made:
        yield made


def _account_id(person: Person) -> str:
    account_id: str = person.session["account"]["account_id"]
    return account_id


def test_an_account_that_is_made_and_its_email_that_is_confirmed_are_events(
    portal: Portal, system: ClinicSystem
) -> None:
    start = end_of_log()
    person = portal.register()
    asked = {"token": link_of(portal, Somebody(person, "")), "date_of_birth": person.patient.date_of_birth}
    assert portal.call("POST", "/v1/email-verifications", asked).status == 204
    portal.drain()
    created, confirmed = system.events_after(start)
    assert [created["type"], confirmed["type"]] == ["account.created", "contact.email.confirmed"]
    for event in (created, confirmed):
        assert event["patient_id"] == person.patient.patient_id
        assert event["about"] == {"account_id": _account_id(person)}
    assert created["occurred_at"] < confirmed["occurred_at"]


def test_an_email_that_is_disowned_is_an_event_where_it_had_been_one(portal: Portal, system: ClinicSystem) -> None:
    start = end_of_log()
    for is_confirmed in (True, False):
        person = portal.register()
        disown = links.path_of(portal, person, LinkPurpose.DISOWN_EMAIL)
        if is_confirmed:
            confirm = links.path_of(portal, person, LinkPurpose.VERIFY_EMAIL)
            assert links.post(portal, confirm, date_of_birth=person.patient.date_of_birth).status == 200
        assert links.post(portal, disown).status == 200
    portal.drain()
    types = [event["type"] for event in system.events_after(start)]
    assert types == ["account.created", "contact.email.confirmed", "contact.email.removed", "account.created"]


def test_a_change_that_is_refused_is_no_event(portal: Portal, system: ClinicSystem) -> None:
    person = portal.register()
    portal.drain()
    start = end_of_log()
    asked = {"token": link_of(portal, Somebody(person, "")), "date_of_birth": "1950-01-01"}
    assert portal.call("POST", "/v1/email-verifications", asked).status == 422
    portal.drain()
    assert system.events_after(start) == []


def test_places_follow_each_other_without_a_gap(portal: Portal, system: ClinicSystem) -> None:
    start = end_of_log()
    happen(7)
    portal.drain()
    found = system.events_after(start)
    first = ids.number_of(start) + 1
    assert [event["event_id"] for event in found] == [event_id(place) for place in range(first, first + 7)]


def test_a_poller_goes_on_behind_the_last_event_and_then_has_none(portal: Portal, system: ClinicSystem) -> None:
    start = end_of_log()
    happen(3)
    portal.drain()
    one, two = system.events(f"?limit=2&after={start}")
    (three,) = system.events(f"?limit=2&after={two['event_id']}")
    assert one["event_id"] < two["event_id"] < three["event_id"]
    assert system.events(f"?after={three['event_id']}") == []
    happen()
    portal.drain()
    (four,) = system.events(f"?after={three['event_id']}")
    assert ids.number_of(four["event_id"]) == ids.number_of(three["event_id"]) + 1


def test_pages_by_cursor_show_each_event_once(portal: Portal, system: ClinicSystem) -> None:
    start = end_of_log()
    happen(5)
    portal.drain()
    seen: list[str] = []
    path = f"/v1/clinic/events?limit=2&after={start}"
    answer = system.get(path)
    for _ in range(2):
        assert len(answer.json["items"]) == 2
        seen += [event["event_id"] for event in answer.json["items"]]
        answer = system.get(f"{path}&cursor={answer.json['next_cursor']}")
    assert answer.json["next_cursor"] is None
    seen += [event["event_id"] for event in answer.json["items"]]
    assert seen == [event["event_id"] for event in system.events_after(start)]


def test_a_cursor_belongs_to_its_list_and_its_reader(portal: Portal, system: ClinicSystem) -> None:
    start = end_of_log()
    happen(3)
    portal.drain()
    path = f"/v1/clinic/events?limit=2&after={start}"
    cursor = system.get(path).json["next_cursor"]
    other = f"/v1/clinic/events?limit=2&after={event_id(0)}&cursor={cursor}"
    stranger = portal.client_token(portal.new_client("events.read"))
    for answer in (
        system.get(f"{path}&cursor={altered(cursor)}"),
        system.get(other),
        portal.call("GET", f"{path}&cursor={cursor}", token=stranger),
    ):
        assert (answer.status, answer.json["code"]) == (400, "invalid_cursor")


@pytest.mark.parametrize(
    "after", ["evt_1", "x", "evt_" + "U" * 26, "EVT_" + "0" * 26, "evt_" + "0" * 27, " ", "pat_" + "0" * 26]
)
def test_what_is_no_id_of_an_event_is_refused(system: ClinicSystem, after: str) -> None:
    answer = system.get(f"/v1/clinic/events?after={after}")
    assert answer.status == 422
    assert [wrong["pointer"] for wrong in answer.json["errors"]] == ["?after"]


@pytest.mark.parametrize("place", [None, 2**64, 2**130 - 1])
def test_an_event_that_there_is_not_yet_is_refused(system: ClinicSystem, place: int | None) -> None:
    place = place if place is not None else ids.number_of(end_of_log()) + 1
    answer = system.get(f"/v1/clinic/events?after={event_id(place)}")
    assert answer.status == 422
    assert answer.json["errors"][0]["code"] == "event_unknown"


def test_events_are_kept_thirty_days_to_the_second(portal: Portal, system: ClinicSystem) -> None:
    before = end_of_log()
    happen(2)
    portal.drain()
    let_the_log_expire(portal)
    portal.advance(seconds=-2)
    system.renew()
    first, second = system.events_after(before)
    portal.advance(seconds=2)
    for after in (before, first["event_id"]):
        answer = system.get(f"/v1/clinic/events?after={after}")
        assert (answer.status, answer.json["code"]) == (410, "events_expired")
    # Nothing that comes next is lost to this reader: it need not take stock anew.
    assert system.events(f"?after={second['event_id']}") == []
    assert system.events() == []
    happen()
    portal.drain()
    (third,) = system.events(f"?after={second['event_id']}")
    assert system.events() == [third]
    assert system.get(f"/v1/clinic/events?after={first['event_id']}").status == 410


def test_rows_that_the_tables_own_expiry_removed_are_gone_too(portal: Portal, system: ClinicSystem) -> None:
    before = end_of_log()
    happen(3)
    portal.drain()
    first, second, third = system.events_after(before)
    table = portal.aws.deployed.outputs["AccountsTableName"]
    for event in (first, second):
        key = {"pk": {"S": events.LOG}, "sk": {"S": event["event_id"]}}
        portal.aws.client("dynamodb").delete_item(TableName=table, Key=key)
    for after in (before, first["event_id"]):
        assert system.get(f"/v1/clinic/events?after={after}").status == 410
    assert system.events(f"?after={second['event_id']}") == [third]


def test_an_event_that_a_query_saw_before_the_one_ahead_of_it_waits_its_turn(
    portal: Portal, system: ClinicSystem
) -> None:
    start = end_of_log()
    happen(3)
    portal.drain()
    one, two, three = system.events_after(start)
    # What DynamoDB's queries may do: they are not isolated from transactions that commit while they run.
    row = events.find(ids.number_of(two["event_id"]))
    assert row is not None
    row.delete()
    assert system.events(f"?after={start}") == [one]
    row.save()
    assert system.events(f"?after={start}") == [one, two, three]


def test_recording_again_changes_nothing(portal: Portal, system: ClinicSystem) -> None:
    start = end_of_log()
    (row_id,) = happen()
    record = {"Records": [{"messageId": "m", "body": json.dumps({"id": row_id})}] * 3}
    for _ in range(3):
        answer = portal.app.record_events(record, LambdaContext("record_events"))
        assert answer == {"batchItemFailures": []}
    portal.drain()
    assert len(system.events_after(start)) == 1
    row = outbox.find(row_id)
    assert row is not None
    assert row.status == "done"


def test_a_crash_while_an_event_is_recorded_loses_and_invents_none(portal: Portal, system: ClinicSystem) -> None:
    start = end_of_log()
    (row_id,) = happen()
    with failing(lambda call: call.operation == "TransactWriteItems", unreachable()) as failed:
        answer = portal.app.record_events(
            {"Records": [{"messageId": "m", "body": json.dumps({"id": row_id})}]}, LambdaContext("record_events")
        )
    assert failed
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m"}]}
    assert system.events_after(start) == []
    portal.drain()
    assert len(system.events_after(start)) == 1


def test_an_event_of_a_later_version_is_recorded_as_it_is(portal: Portal, system: ClinicSystem) -> None:
    start = end_of_log()
    (row_id,) = happen()
    row = outbox.find(row_id)
    assert row is not None
    row.about = json.dumps({"type": "visit.booked", "appointment_id": "apt_1"})
    row.save()
    portal.drain()
    (event,) = system.events_after(start)
    assert (event["type"], event["about"]) == ("visit.booked", {"appointment_id": "apt_1"})


def test_who_read_of_a_patient_is_in_the_audit_before_the_answer(portal: Portal, system: ClinicSystem) -> None:
    start = end_of_log()
    patients = [ids.new_id("pat") for _ in range(2)]
    for patient_id in (*patients, patients[0]):
        happen(patient_id=patient_id)
    portal.drain()
    with recorded() as calls:
        found = system.events(f"?after={start}")
    puts = [item["Item"] for call in calls for kind, item in call.items if kind == "Put" and call.writes_to("audit")]
    entries = {entry["pk"]["S"]: entry for entry in puts}
    assert len(puts) == 2
    for patient_id in patients:
        entry = entries[f"patient#{patient_id}"]
        assert (entry["action"]["S"], entry["actor_id"]["S"]) == ("events:read", system.client_id)
        theirs = [event["event_id"] for event in found if event["patient_id"] == patient_id]
        assert json.loads(entry["about"]["S"])["event_ids"] == theirs
    # Where the entry cannot be stored, nothing is told.
    with failing(lambda call: call.writes_to("audit"), unreachable()):
        assert system.get(f"/v1/clinic/events?after={start}").status == 503


def test_a_poll_that_finds_nothing_writes_nothing(system: ClinicSystem) -> None:
    with recorded() as calls:
        assert system.events(f"?after={end_of_log()}") == []
    assert [call.operation for call in calls if call.is_write] == []


def test_a_full_page_of_as_many_patients_fits_the_audit(portal: Portal, system: ClinicSystem) -> None:
    start = end_of_log()
    happen(100)
    portal.drain()
    assert len(system.events(f"?limit=100&after={start}")) == 100


def test_only_who_may_read_events_reads_them(portal: Portal) -> None:
    others = portal.client_token(portal.new_client(*(scope for scope in ClientScope if scope != "events.read")))
    assert portal.call("GET", "/v1/clinic/events", token=others).status == 403
    assert portal.call("GET", "/v1/clinic/events", token=portal.register().token).status == 403
    assert portal.call("GET", "/v1/clinic/events").status == 401


def test_an_event_whose_place_others_always_take_goes_back_to_the_queue(portal: Portal, system: ClinicSystem) -> None:
    start = end_of_log()
    (row_id,) = happen()
    others = happen(50)
    overtaking: list[None] = []

    def overtake(_request: dict[str, Any]) -> None:
        if not overtaking:
            overtaking.append(None)
            service.record(others.pop())
            overtaking.clear()

    with before("TransactWriteItems", overtake):
        answer = portal.app.record_events(
            {"Records": [{"messageId": "m", "body": json.dumps({"id": row_id})}]}, LambdaContext("record_events")
        )
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m"}]}
    assert 0 < len(others) < 40
    portal.drain()
    assert len(system.events_after(start)) == 51
