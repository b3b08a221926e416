"""Idempotency-Key on a route that creates (AP 3): one effect, one answer, for 24 hours, for one caller and route."""

import uuid
from datetime import timedelta

import pytest

from chalicelib import clock
from tests.support.portal import Answer, Patient, Portal
from tests.support.times import NOON


def issue(portal: Portal, patient: Patient, key: str, body: object = None, token: str | None = None) -> Answer:
    path = f"/v1/clinic/patients/{patient.patient_id}/activation-codes"
    sent = {"Idempotency-Key": key}
    return portal.call("POST", path, body or {}, headers=sent, token=token or portal.client_token())


@pytest.fixture
def key() -> str:
    return str(uuid.uuid4())


def test_a_replay_gets_the_same_status_and_ids(portal: Portal, key: str) -> None:
    patient = portal.new_patient()
    first, again = issue(portal, patient, key), issue(portal, patient, key)
    assert (first.status, again.status) == (201, 201)
    assert first.json == again.json
    assert portal.start_registration(patient, first.json["activation_code"]).status == 201


def test_another_key_has_another_effect(portal: Portal, key: str) -> None:
    patient = portal.new_patient()
    first, other = issue(portal, patient, key), issue(portal, patient, key + "x")
    assert first.json["activation_code"] != other.json["activation_code"]


def test_another_body_or_another_patient_under_the_same_key_is_refused(portal: Portal, key: str) -> None:
    patient, other = portal.new_patient(), portal.new_patient()
    assert issue(portal, patient, key).status == 201
    for refused in (issue(portal, patient, key, {"deliver": "print"}), issue(portal, other, key)):
        assert (refused.status, refused.json["code"]) == (422, "idempotency_key_reused")


def test_keys_belong_to_their_caller(portal: Portal, key: str) -> None:
    patient = portal.new_patient()
    stranger = portal.client_token(portal.new_client("activation_codes.write"))
    first, other = issue(portal, patient, key), issue(portal, patient, key, token=stranger)
    assert (first.status, other.status) == (201, 201)
    assert first.json["activation_code"] != other.json["activation_code"]


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": ""}, {"Idempotency-Key": "k" * 256}])
def test_without_a_usable_key_nothing_is_created(portal: Portal, headers: dict[str, str]) -> None:
    patient = portal.new_patient()
    path = f"/v1/clinic/patients/{patient.patient_id}/activation-codes"
    refused = portal.call("POST", path, {}, headers=headers, token=portal.client_token())
    assert (refused.status, refused.json["code"]) == (400, "idempotency_key_missing")


def test_a_key_is_kept_for_24_hours_by_the_portals_clock(portal: Portal, key: str) -> None:
    """SE 5: the row is still there and does not count."""
    with clock.frozen(NOON):
        patient = portal.new_patient()
        first = issue(portal, patient, key).json
        clock.advance(timedelta(hours=24) - timedelta(milliseconds=1))
        assert issue(portal, patient, key).json == first
        clock.advance(timedelta(milliseconds=1))
        after = issue(portal, patient, key, {"deliver": "print"})
    assert after.status == 201
    assert after.json["activation_code"] != first["activation_code"]


def test_a_replay_answers_after_the_code_was_used_replaced_or_could_not_be_issued_any_more(
    portal: Portal, key: str
) -> None:
    """A rule would refuse what already happened; the replay changes nothing."""
    patient = portal.new_patient()
    replaced = issue(portal, patient, key).json
    used = issue(portal, patient, key + "2").json
    person = portal.finish_registration(portal.start_registration(patient, used["activation_code"]).json)
    assert person.status == 201
    assert issue(portal, patient, key).json == replaced
    assert issue(portal, patient, key + "2").json == used
    fresh = issue(portal, patient, key + "3")
    assert (fresh.status, fresh.json["code"]) == (409, "account_exists")


def test_a_refusal_is_not_remembered(portal: Portal, key: str) -> None:
    patient = portal.new_patient(deceasedBoolean=True, meta={"lastUpdated": "2026-11-19T10:00:00Z"})
    assert issue(portal, patient, key).status == 409
    portal.new_patient(id=patient.resource_id, deceasedBoolean=False, meta={"lastUpdated": "2026-11-20T10:00:00Z"})
    assert issue(portal, patient, key).status == 201


def test_nothing_of_the_request_or_the_code_is_in_the_row(portal: Portal, key: str) -> None:
    """AC 4."""
    patient = portal.new_patient()
    answer = issue(portal, patient, key).json
    rows = [repr(row) for row in portal.rows("accounts") if row["pk"]["S"].startswith("once#")]
    told = (key, answer["activation_code"], patient.clinic_number, patient.patient_id)
    assert not any(text in row for row in rows for text in told)
