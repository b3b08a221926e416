"""From a change to the messages of its readers: copies, caregivers, quiet hours, the next channel (DL 1, 2, 5, 6)."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib import clock
from chalicelib.domain.caregivers import Grant, Scope
from chalicelib.models import caregivers
from chalicelib.models.transaction import transaction
from infra.local.lambda_proxy import LambdaContext
from tests.support.aws_calls import AwsCall, failing, refused, unreachable
from tests.support.portal import Answer, Patient, Person, Portal

# Noon in Chicago, and ten in the evening there.
NOON, EVENING = datetime(2027, 3, 1, 18, tzinfo=UTC), datetime(2027, 3, 2, 4, tzinfo=UTC)
# Eight in the morning there.
MORNING = datetime(2027, 3, 2, 14, tzinfo=UTC)


def _result(patient: Patient, **changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": f"result-{uuid.uuid4().hex[:10]}",
        "status": "final",
        "category": [{"coding": [{"code": "laboratory"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "718-7", "display": "Hemoglobin"}]},
        "subject": {"reference": f"Patient/{patient.resource_id}"},
        "effectiveDateTime": clock.now().date().isoformat(),
        "valueQuantity": {"value": 13.1, "unit": "g/dL"},
        **changes,
    }


def _import(portal: Portal, *resources: dict[str, Any]) -> Answer:
    entries = [{"resource": one} for one in resources]
    answer = portal.import_fhir({"resourceType": "Bundle", "type": "collection", "entry": entries})
    assert answer.json["refused"] == [], answer.text
    return answer


def _notices(person: Person, kind: str = "New results") -> list[dict[str, Any]]:
    return [one for one in person.get("/v1/me/notices").json["items"] if one["title"] == kind]


def _channels(person: Person) -> dict[str, str]:
    (notice,) = _notices(person)
    return {one["channel"]: one["status"] for one in notice["channels"]}


def _subjects(portal: Portal, email: str) -> list[str]:
    return [one.subject for one in portal.emails(email) if one.subject == "You have new results"]


def _texts(portal: Portal, number: str) -> list[str]:
    portal.drain()
    return [one.text for one in portal.aws.sent_sms() if one.to == number]


def _number() -> str:
    return f"+1312555{uuid.uuid4().int % 10000:04d}"


def _person(portal: Portal, *, phone: str | None = None, email: str | None = None) -> Person:
    """Somebody with these contacts on file."""
    telecom = [{"system": "email", "value": email or f"{uuid.uuid4().hex[:12]}@example.org"}]
    telecom += [{"system": "phone", "value": phone}] if phone else []
    return portal.register(portal.new_patient(telecom=telecom), email=telecom[0]["value"])


def _address_of(person: Person) -> str:
    email: str = person.session["account"]["email"]
    return email


def _choose(person: Person, channels: dict[str, bool], quiet: dict[str, str] | None = None) -> None:
    answer = person.get("/v1/me/notification-preferences")
    rows = [
        {"notice_type": row["notice_type"], "lead_time": row["lead_time"], "channels": channels}
        for row in answer.json["rows"]
        if not row["locked"]
    ]
    tag = {"If-Match": answer.header("etag") or ""}
    body = {"rows": rows, "quiet_hours": quiet}
    done = person.call("PUT", "/v1/me/notification-preferences", body, headers=tag)
    assert done.status == 200, done.text


def _grant(portal: Portal, patient: Patient, caregiver: Person, *scopes: Scope, **terms: Any) -> None:
    with transaction() as tx:
        account_id = caregiver.session["account"]["account_id"]
        caregivers.put_grant(tx, patient.patient_id, Grant(account_id, frozenset(scopes), **terms))


def test_new_results_are_told_once_an_import_and_say_nothing_of_themselves(portal: Portal) -> None:
    person = _person(portal)
    _import(portal, *(_result(person.patient) for _ in range(60)))
    assert _subjects(portal, _address_of(person)) == ["You have new results"]
    (notice,) = _notices(person)
    assert (notice["patient_id"], notice["target"]["kind"]) == (person.patient.patient_id, "records")
    email = portal.emails(_address_of(person))[-1]
    assert "emoglobin" not in f"{email.subject}{email.text}{email.html}{json.dumps(notice)}"


@pytest.mark.parametrize(
    "changes",
    [
        {"effectiveDateTime": "2011-05-05"},
        {"effectiveDateTime": None},
        {"status": "entered-in-error"},
        {"status": "registered"},
        {"status": "preliminary"},
        {"category": [{"coding": [{"code": "vital-signs"}]}]},
    ],
    ids=["old", "undated", "withdrawn", "awaited", "preliminary", "no result"],
)
def test_what_is_no_news_is_not_told(portal: Portal, changes: dict[str, Any]) -> None:
    person = _person(portal)
    result = {name: value for name, value in _result(person.patient, **changes).items() if value is not None}
    _import(portal, result)
    assert _subjects(portal, _address_of(person)) == []
    assert _notices(person) == []


def test_a_result_is_told_when_it_is_final_and_when_it_is_corrected(portal: Portal) -> None:
    person = _person(portal)
    result = _result(person.patient, status="preliminary")
    told = []
    for status in ("preliminary", "final", "final", "corrected"):
        _import(portal, {**result, "status": status})
        told.append(len(_subjects(portal, _address_of(person))))
    assert told == [0, 1, 1, 2]


def test_caregivers_whose_scope_covers_it_have_copies_of_their_own(portal: Portal) -> None:
    patient_account = _person(portal)
    sees_results, sees_all, sees_bills = (_person(portal) for _ in range(3))
    patient = patient_account.patient
    _grant(portal, patient, sees_results, Scope.RESULTS)
    _grant(portal, patient, sees_all, Scope.EVERYTHING)
    _grant(portal, patient, sees_bills, Scope.BILLING)
    _choose(sees_all, {"push": True, "email": False, "sms": False})
    _import(portal, _result(patient))
    portal.drain()
    assert [len(_notices(one)) for one in (patient_account, sees_results, sees_all, sees_bills)] == [1, 1, 1, 0]
    assert len(_subjects(portal, _address_of(sees_results))) == 1
    assert "someone you care for" in (portal.emails(_address_of(sees_results))[-1].text or "")
    (copy,) = _notices(sees_results)
    assert copy["patient_id"] == patient.patient_id
    assert _subjects(portal, _address_of(sees_bills)) == []


SECRET: dict[str, Any] = {"meta": {"security": [{"code": "HIV"}]}}


def _family(portal: Portal) -> tuple[Person, Person, Person]:
    """A patient, a caregiver who sees all results, and one who sees those that are not sensitive."""
    patient, trusted, other = (_person(portal) for _ in range(3))
    _grant(portal, patient.patient, trusted, Scope.RESULTS, sees_sensitive=True)
    _grant(portal, patient.patient, other, Scope.RESULTS)
    return patient, trusted, other


def test_a_sensitive_result_is_told_to_whom_the_grant_opens_it(portal: Portal) -> None:
    family = _family(portal)
    patient = family[0].patient
    _import(portal, _result(patient, **SECRET))
    portal.drain()
    assert [len(_notices(one)) for one in family] == [1, 1, 0]
    assert [len(_subjects(portal, _address_of(one))) for one in family] == [1, 1, 0]
    seen = [one.get(f"/v1/patients/{patient.patient_id}/records").json["items"] for one in family[1:]]
    assert [len(items) for items in seen] == [1, 0]


def test_everybody_hears_of_an_import_with_results_of_both_kinds(portal: Portal) -> None:
    family = _family(portal)
    patient = family[0].patient
    _import(portal, _result(patient, **SECRET), _result(patient))
    portal.drain()
    assert [len(_notices(one)) for one in family] == [1, 1, 1]


def test_whom_the_first_sensitive_results_were_not_told_hears_of_later_ones_and_the_others_once(portal: Portal) -> None:
    family = _family(portal)
    patient = family[0].patient
    _import(portal, *(_result(patient, **SECRET) for _ in range(50)), *(_result(patient) for _ in range(100)))
    portal.drain()
    assert [len(_notices(one)) for one in family] == [1, 1, 1]


def test_a_result_that_became_sensitive_while_a_message_waited_is_not_told(portal: Portal) -> None:
    caregiver, number = _with_quiet_nights(portal)
    patient = portal.new_patient(telecom=[])
    _grant(portal, patient, caregiver, Scope.RESULTS)
    result = _result(patient)
    with clock.frozen(EVENING):
        _import(portal, {**result, "effectiveDateTime": EVENING.date().isoformat()})
        portal.drain()
        _import(portal, {**result, "effectiveDateTime": EVENING.date().isoformat(), **SECRET})
    _sweep_at(portal, MORNING + timedelta(minutes=1))
    assert (_texts(portal, number), _subjects(portal, _address_of(caregiver))) == ([], [])


def test_a_childs_notices_go_to_the_caregivers_alone_until_the_birthday(portal: Portal) -> None:
    with clock.frozen(NOON):
        child = portal.new_patient(birthDate="2009-03-02", telecom=[])
        parent = _person(portal)
        _grant(portal, child, parent, Scope.EVERYTHING)
        _import(portal, _result(child))
        portal.drain()
        assert len(_notices(parent)) == 1


def test_a_grant_that_is_over_or_withdrawn_tells_nothing(portal: Portal) -> None:
    patient, gone, expired = portal.new_patient(), _person(portal), _person(portal)
    _grant(portal, patient, gone, Scope.EVERYTHING)
    _grant(portal, patient, expired, Scope.EVERYTHING, expires_at=clock.now() - timedelta(seconds=1))
    with transaction() as tx:
        caregivers.remove_grant(tx, patient.patient_id, gone.session["account"]["account_id"])
    _import(portal, _result(patient))
    portal.drain()
    assert [_notices(one) for one in (gone, expired)] == [[], []]


def test_what_is_not_urgent_waits_for_the_end_of_quiet_hours_on_every_channel(portal: Portal) -> None:
    person, number = _with_quiet_nights(portal)
    with clock.frozen(EVENING):
        person = _again(portal, person)
        _import(portal, _result(person.patient))
        assert (_texts(portal, number), _subjects(portal, _address_of(person))) == ([], [])
        assert _channels(person) == {"email": "held", "sms": "held"}
    _sweep_at(portal, MORNING - timedelta(minutes=1))
    assert (_texts(portal, number), _subjects(portal, _address_of(person))) == ([], [])
    _sweep_at(portal, MORNING + timedelta(minutes=1))
    assert (len(_texts(portal, number)), len(_subjects(portal, _address_of(person)))) == (1, 1)
    with clock.frozen(MORNING + timedelta(minutes=2)):
        assert _channels(_again(portal, person)) == {"email": "sent", "sms": "sent"}


def test_what_failed_in_the_evening_is_not_tried_again_at_night(portal: Portal) -> None:
    person, number = _with_quiet_nights(portal)
    with clock.frozen(EVENING - timedelta(hours=1, minutes=5)), failing(_is_sending, unreachable()):
        _import(portal, _result(person.patient))
        portal.drain()
    _sweep_at(portal, EVENING)
    assert (_texts(portal, number), _subjects(portal, _address_of(person))) == ([], [])
    with clock.frozen(EVENING):
        assert _channels(_again(portal, person)) == {"email": "held", "sms": "held"}
    _sweep_at(portal, MORNING + timedelta(minutes=1))
    assert (len(_texts(portal, number)), len(_subjects(portal, _address_of(person)))) == (1, 1)


def test_who_may_not_read_it_any_more_in_the_morning_is_not_told(portal: Portal) -> None:
    caregiver, number = _with_quiet_nights(portal)
    patient = portal.new_patient(telecom=[])
    _grant(portal, patient, caregiver, Scope.RESULTS)
    with clock.frozen(EVENING):
        _import(portal, _result(patient))
        portal.drain()
    with transaction() as tx:
        caregivers.remove_grant(tx, patient.patient_id, caregiver.session["account"]["account_id"])
    _sweep_at(portal, MORNING + timedelta(minutes=1))
    assert (_texts(portal, number), _subjects(portal, _address_of(caregiver))) == ([], [])


def _is_sending(call: AwsCall) -> bool:
    return call.service in {"sesv2", "sns"}


def _with_quiet_nights(portal: Portal) -> tuple[Person, str]:
    """Somebody who wants emails and texts, and none between nine and eight on the clock of Chicago."""
    number = _number()
    with clock.frozen(NOON):
        person = _person(portal, phone=number)
        _choose(person, {"push": False, "email": True, "sms": True}, {"starts": "21:00", "ends": "08:00"})
    return person, number


def _sweep_at(portal: Portal, at: datetime) -> None:
    with clock.frozen(at):
        portal.app.sweep_outbox(_tick(), LambdaContext("sweep_outbox"))
        portal.drain()


def _again(portal: Portal, person: Person) -> Person:
    """Their next session, on the device that they have, of which nobody needs to be told."""
    headers = {"X-Device-Token": person.session["device_token"]}
    session = portal.sign_in(person.username, person.password, headers=headers)
    return Person(portal, person.patient, person.username, person.password, {**person.session, **session.json})


def _tick() -> dict[str, Any]:
    names = ("version", "account", "region", "detail-type", "source", "time", "id")
    return {**dict.fromkeys(names, ""), "detail": {}, "resources": []}


def test_what_a_channel_refuses_for_good_goes_to_the_next(portal: Portal) -> None:
    number = _number()
    person = _person(portal, phone=number)
    with failing(lambda call: call.service == "sesv2", refused("BadRequestException")):
        _import(portal, _result(person.patient))
        assert len(_texts(portal, number)) == 1
    assert _channels(person) == {"email": "failed", "sms": "sent"}


def test_who_switched_a_type_off_finds_it_in_the_portal_alone(portal: Portal) -> None:
    number = _number()
    person = _person(portal, phone=number)
    _choose(person, {"push": False, "email": False, "sms": False})
    _import(portal, _result(person.patient))
    assert (_texts(portal, number), _subjects(portal, _address_of(person))) == ([], [])
    assert _channels(person) == {}


def test_a_notice_that_is_addressed_twice_is_told_once(portal: Portal) -> None:
    person = _person(portal)
    portal.drain()
    _import(portal, _result(person.patient))
    event = _event_about(portal, person.patient)
    message = {"Records": [{"messageId": "m", "body": json.dumps({"id": event["pk"]["S"]})}] * 2}
    # The worker is gone before it can say that it is done.
    with failing(lambda call: call.operation == "UpdateItem", unreachable()):
        assert len(portal.app.address_notices(message, LambdaContext("address_notices"))["batchItemFailures"]) == 2
    portal.app.address_notices(message, LambdaContext("address_notices"))
    assert len(_subjects(portal, _address_of(person))) == 1
    assert len(_notices(person)) == 1


def test_a_reader_who_was_told_before_the_worker_died_is_not_told_again_and_the_others_are(portal: Portal) -> None:
    patient, readers = portal.new_patient(telecom=[]), [_person(portal) for _ in range(3)]
    for reader in readers:
        _grant(portal, patient, reader, Scope.RESULTS)
    portal.drain()
    _import(portal, _result(patient))
    written: list[None] = []

    def after_the_first(call: Any) -> bool:
        if call.operation == "TransactWriteItems" and call.is_write:
            written.append(None)
        return len(written) > 1

    with failing(after_the_first, unreachable()):
        portal.pump.step()
        portal.pump.step()
    assert sum(len(_notices(reader)) for reader in readers) == 1
    portal.drain()
    assert [len(_notices(reader)) for reader in readers] == [1, 1, 1]
    assert [len(_subjects(portal, _address_of(reader))) for reader in readers] == [1, 1, 1]


def _event_about(portal: Portal, patient: Patient) -> dict[str, Any]:
    (event,) = [
        row
        for row in portal.rows("outbox")
        if row.get("patient_id", {}).get("S") == patient.patient_id and row["topic"]["S"] == "notices"
    ]
    return event


def test_nobody_reads_about_a_patient_without_an_account_or_caregivers(portal: Portal) -> None:
    patient = portal.new_patient()
    _import(portal, _result(patient))
    portal.drain()
    event = _event_about(portal, patient)
    assert event["status"]["S"] == "dropped"
    assert portal.emails(patient.email) == []
