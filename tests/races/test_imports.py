"""The same new bundle imported by several at once gives one set of rows."""

import collections
from functools import partial
from typing import Any

import pytest

from tests.support import fhir
from tests.support.crowd import at_once
from tests.support.portal import Answer, Portal

pytestmark = pytest.mark.race


def _new_bundle() -> fhir.Json:
    patient = fhir.patient()
    doctor, visit = fhir.practitioner("Hopper"), fhir.encounter(patient)
    by = [{"reference": f"Practitioner/{doctor['id']}"}]
    results = [fhir.lab(patient, performer=by, encounter=fhir.about(f"Encounter/{visit['id']}")) for _ in range(60)]
    return fhir.bundle(patient, doctor, visit, *results)


def _found(portal: Portal, identifier: str) -> list[Any]:
    path = f"/v1/clinic/patients?identifier={identifier}"
    items: list[Any] = portal.call("GET", path, token=portal.client_token()).json["items"]
    return items


def _import_one(portal: Portal, token: str, sent: list[fhir.Json], at: int) -> Answer:
    return portal.import_fhir(sent[at], token=token)


def test_a_new_bundle_imported_by_several_at_once_gives_one_set_of_rows(portal: Portal) -> None:
    bundle, token = _new_bundle(), portal.client_token()
    before = collections.Counter(row["kind"]["S"] for row in portal.rows("patients"))
    answers = at_once(4, lambda _: portal.import_fhir(bundle, token=token))
    assert [answer.status for answer in answers] == [200] * 4
    assert sum(answer.json["created"] for answer in answers) == len(bundle["entry"])
    for answer in answers:
        assert answer.json["created"] + answer.json["unchanged"] == len(bundle["entry"])
        assert answer.json["refused"] == []
    after = collections.Counter(row["kind"]["S"] for row in portal.rows("patients"))
    added = after - before
    assert (added["patient"], added["record"], added["directory"]) == (1, 61, 1)
    assert added["raw"] == len(bundle["entry"])
    (found,) = _found(portal, bundle["entry"][0]["resource"]["id"])
    rows = [row for row in portal.rows("patients") if row["pk"]["S"] == found["patient_id"]]
    assert sum(row["sk"]["S"].startswith("record#") for row in rows) == 61


def test_a_clinic_number_that_two_clients_bring_at_once_is_one_patient(portal: Portal) -> None:
    number = fhir.fresh("N").upper()
    tokens = [portal.client_token(portal.new_client("records.write")) for _ in range(4)]
    identifier = [{"system": fhir.CLINIC_NUMBER, "value": number}]
    patients = [fhir.patient(identifier=identifier) for _ in tokens]
    answers = at_once(4, lambda at: portal.import_fhir(fhir.bundle(patients[at]), token=tokens[at]))
    assert [(answer.status, answer.json["refused"]) for answer in answers] == [(200, [])] * 4
    assert len(_found(portal, number)) == 1


def test_a_record_and_what_it_waits_for_that_arrive_at_once_find_each_other(portal: Portal) -> None:
    token = portal.client_token()
    for _ in range(6):
        person = portal.new_patient()
        subject = {"id": person.resource_id}
        doctor, visit = fhir.practitioner("Hopper"), fhir.encounter(subject)
        performer = [{"reference": f"Practitioner/{doctor['id']}"}]
        result = fhir.lab(subject, performer=performer, encounter=fhir.about(f"Encounter/{visit['id']}"))
        answers = at_once(3, partial(_import_one, portal, token, [result, doctor, visit]))
        assert [answer.json["created"] for answer in answers] == [1] * 3
        portal.drain()
        rows = [row for row in portal.rows("patients") if row["pk"]["S"] == person.patient_id]
        shown = [row["view"]["S"] for row in rows if '"lab"' in row.get("view", {}).get("S", "")]
        assert len(shown) == 1
        assert "Dr. Grace Hopper" in shown[0]
        assert '"encounter_id":"rec_' in shown[0]


def test_newer_versions_sent_at_once_are_each_kept_once(portal: Portal) -> None:
    person, token = portal.new_patient(), portal.client_token()
    result = fhir.lab({"id": person.resource_id})
    portal.import_fhir(result, token=token)
    newer = [{**result, "valueQuantity": {"value": value, "unit": "%"}} for value in range(5)]
    answers = at_once(5, lambda at: portal.import_fhir(newer[at], token=token))
    assert [answer.json["updated"] for answer in answers] == [1] * 5
    row = next(row for row in portal.rows("patients") if row["pk"]["S"] == person.patient_id and "record_id" in row)
    kept = [raw["sk"]["S"] for raw in portal.rows("patients") if raw["pk"]["S"] == f"raw#{row['record_id']['S']}"]
    assert sorted(kept) == [f"v{number:06}" for number in range(1, 7)]
    assert row["version"]["N"] == "6"
