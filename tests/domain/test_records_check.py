from typing import Any

import pytest

from chalicelib.domain.fhir import text
from chalicelib.domain.records import check

SUBJECT = {"subject": {"reference": "Patient/1"}}
CODE = {"code": {"text": "Something"}}
OBSERVATION = {"resourceType": "Observation", "status": "final", **CODE, **SUBJECT}
REQUEST = {
    "resourceType": "MedicationRequest",
    "status": "active",
    "intent": "order",
    "medicationCodeableConcept": {"text": "A drug"},
    **SUBJECT,
}


def _problems(resource: dict[str, Any], **changes: Any) -> list[str]:
    changed = {name: value for name, value in {**resource, **changes}.items() if value is not ...}
    return check.problems(text.parse(text.dump(changed)))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"status": ...}, "Observation.status: a required element is missing"),
        ({"status": "finalised"}, "got finalised"),
        ({"category": [{"coding": [{"code": [5]}]}]}, "Observation.category[0].coding[0].code: a string was expected"),
        ({"status": ["final"]}, "Observation.status: a string was expected, got a list"),
        ({"code": ...}, "Observation.code: a required element is missing"),
        ({"code": "A1c"}, "Observation.code: an object (CodeableConcept) was expected, got a string"),
        ({"code": {"coding": {}}}, "Observation.code.coding: a list was expected, got an object"),
        ({"code": {"coding": [None]}}, "Observation.code.coding[0]: an object (Coding) was expected, got null"),
        ({"code": {"text": 5}}, "Observation.code.text: a string was expected, got a number"),
        ({"valueQuantity": {"value": "5"}}, "Observation.valueQuantity.value: a number was expected, got a string"),
        (
            {"valueQuantity": {"value": True}},
            "Observation.valueQuantity.value: a number was expected, got true or false",
        ),
        (
            {"valueQuantity": {"comparator": "~", "value": 1}},
            "Observation.valueQuantity.comparator: one of <, <=, >, >=",
        ),
        ({"valueString": "x", "valueInteger": 1}, "Observation.value[x]: one value was expected"),
        ({"valueMoney": {}}, "Observation.valueMoney: not a type that value[x] may have"),
        ({"valueInteger": 1.5}, "Observation.valueInteger: a whole number was expected"),
        ({"valueBoolean": "true"}, "Observation.valueBoolean: true or false was expected"),
        ({"valueTime": "25:00"}, "Observation.valueTime: a time of day"),
        ({"valueDateTime": "2020-01-01T10:00:00"}, "Observation.valueDateTime: a time needs its zone"),
        ({"effectiveDateTime": "2020-02-30"}, "Observation.effectiveDateTime: there is no such date"),
        ({"effectivePeriod": {"start": "yesterday"}}, "Observation.effectivePeriod.start: YYYY"),
        ({"issued": 20200101}, "Observation.issued: a date was expected, got a number"),
        ({"component": [{"valueInteger": 1}]}, "Observation.component[0].code: a required element is missing"),
        ({"referenceRange": [{"low": 1}]}, "Observation.referenceRange[0].low: an object (Quantity) was expected"),
        ({"modifierExtension": [{"url": "x"}]}, "Observation.modifierExtension: it changes the meaning"),
        ({"meta": {"lastUpdated": "now"}}, "Observation.meta.lastUpdated: YYYY"),
        ({"contained": [{"resourceType": "Patient", "name": "x"}]}, "Observation.contained[0].name: a list"),
        ({"contained": True}, "Observation.contained: a list was expected, got true or false"),
        ({"contained": [5]}, "Observation.contained[0]: a resource was expected"),
        ({"interpretation": {}}, "Observation.interpretation: a list was expected"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(changes: dict[str, Any], problem: str) -> None:
    assert _problems(OBSERVATION) == []
    (found,) = _problems(OBSERVATION, **changes)
    assert problem in found


@pytest.mark.parametrize(
    "changes",
    [
        {"status": ..., "_status": {"extension": [{"url": "x", "valueCode": "unknown"}]}},
        {"subject": ...},
        {"category": None},
        {"valueQuantity": {"unit": "mg"}},
        {"dataAbsentReason": {"text": "broken"}},
        {"effectiveDateTime": "2020-05"},
        {"anything": [{"else": 1}]},
        {"extension": [{"url": "x", "valueMoney": {}}]},
    ],
)
def test_what_real_systems_leave_out_or_add_is_taken(changes: dict[str, Any]) -> None:
    assert _problems(OBSERVATION, **changes) == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"medicationCodeableConcept": ...}, "MedicationRequest.medication[x]: a required element is missing"),
        ({"subject": ...}, "MedicationRequest.subject: a required element is missing"),
        ({"intent": ...}, "MedicationRequest.intent: a required element is missing"),
        ({"medicationReference": {"reference": "#m"}}, "MedicationRequest.medication[x]: one value"),
        (
            {"dosageInstruction": [{"timing": {"repeat": {"frequency": "x"}}}]},
            "timing.repeat.frequency: a whole number",
        ),
    ],
)
def test_a_prescription_needs_its_drug_and_its_patient(changes: dict[str, Any], problem: str) -> None:
    assert _problems(REQUEST) == []
    (found,) = _problems(REQUEST, **changes)
    assert problem in found


def test_hl7s_clinical_status_is_one_of_its_codes_and_a_clinics_own_may_be_anything() -> None:
    condition = {"resourceType": "Condition", **SUBJECT, **CODE}
    hl7 = "http://terminology.hl7.org/CodeSystem/condition-clinical"
    assert _problems(condition, clinicalStatus={"coding": [{"system": hl7, "code": "resolved"}]}) == []
    assert _problems(condition, clinicalStatus={"coding": [{"system": "http://local", "code": "gone"}]}) == []
    assert _problems(condition, clinicalStatus={"coding": [{"system": hl7, "code": "gone"}]})


def test_nulls_hold_the_place_of_names_that_have_extensions_only() -> None:
    patient = {"resourceType": "Patient", "name": [{"given": [None, "Ann"], "_given": [{"id": "x"}, None]}]}
    assert _problems(patient) == []
    assert _problems(patient, birthDate="1990-01-01T00:00:00Z") == [
        "Patient.birthDate: a date without a time was expected"
    ]


def test_a_reason_never_repeats_what_could_be_data() -> None:
    for status in ("Jane Roe", "219-09-9999", "x" * 50):
        assert status not in " ".join(_problems(OBSERVATION, status=status))


def test_at_most_10_problems_are_named() -> None:
    assert len(_problems(OBSERVATION, component=[{} for _ in range(50)])) == 10


def test_types_that_are_only_kept_raw_are_not_checked() -> None:
    assert check.problems({"resourceType": "Claim", "status": 5}) == []
    assert not check.is_known("Claim")
    assert check.is_known("Goal")
