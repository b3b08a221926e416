from typing import Any

import pytest

from chalicelib.domain.fhir import text
from chalicelib.domain.fhir.references import Reference
from chalicelib.domain.records import check
from chalicelib.domain.records.dosage import dosage_words
from chalicelib.domain.records.elements import Known
from chalicelib.domain.records.view import is_withdrawn, row_order_key, view

SUBJECT = {"subject": {"reference": "Patient/1"}}
PATIENT = {"patient": {"reference": "Patient/1"}}
CODE = {"code": {"text": "Something"}}
LAB = {"category": [{"coding": [{"code": "laboratory"}]}]}

KNOWN = {
    "Practitioner/1": Known("Dr. Ann Ek"),
    "Encounter/1": Known("Check-up", "rec_visit"),
    "Observation/1": Known("Glucose", "rec_glucose"),
    "Condition/1": Known("Diabetes", "rec_diabetes"),
    "Medication/1": Known("A drug 5 MG", code={"text": "A drug 5 MG", "coding": [{"system": "rx", "code": "5"}]}),
}


def _names(reference: Reference) -> Known | None:
    return KNOWN.get(reference.text)


def _row(resource: dict[str, Any]) -> dict[str, Any]:
    read = text.parse(text.dump(resource))
    assert check.problems(read) == []
    return dict(view(read, _names, "rec_1"))


def _observation(**more: Any) -> dict[str, Any]:
    return _row({"resourceType": "Observation", "status": "final", **CODE, **SUBJECT, **LAB, **more})


def test_the_common_fields_always_stand_in_a_row() -> None:
    row = _row({"resourceType": "Goal", "lifecycleStatus": "active", "description": {}, **SUBJECT})
    assert row == {
        "record_id": "rec_1",
        "resource_type": "Goal",
        "category": "goal",
        "title": "Goal",
        "status": "active",
        "code": None,
        "occurred_at": None,
        "recorded_at": None,
    }


def test_a_result_has_its_number_as_sent_its_range_and_what_it_means() -> None:
    resource = text.parse(
        b'{"resourceType": "Observation", "status": "final", "subject": {"reference": "Patient/1"},'
        b' "code": {"coding": [{"system": "http://loinc.org", "code": "4548-4", "display": "Hemoglobin A1c/x"}]},'
        b' "category": [{"coding": [{"code": "laboratory"}]}], "encounter": {"reference": "Encounter/1"},'
        b' "valueQuantity": {"value": 6.50, "unit": "%", "comparator": "<"},'
        b' "referenceRange": [{"low": {"value": 4.0, "unit": "%"}, "high": {"value": 5.60}, "text": "4-5.6"}],'
        b' "interpretation": [{"coding": [{"code": "H", "display": "H"}]}], "note": [{"text": "fasting"}]}'
    )
    row = view(resource, _names)
    assert row["title"] == "Hemoglobin A1c"
    assert row["encounter_id"] == "rec_visit"
    assert row["interpretation"] == {"code": "H", "text": "High"}
    assert (row["unit"], row["comparator"], row["notes"]) == ("%", "<", ["fasting"])
    written = text.dump(row)
    assert b'"value":6.50' in written
    assert b'"reference_range":{"low":4.0,"high":5.60,"text":"4-5.6","unit":"%"}' in written


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"valueQuantity": {"value": 0}}, 0),
        ({"valueQuantity": {"unit": "mg"}}, None),
        ({"valueString": "Clear\nlungs"}, "Clear\nlungs"),
        ({"valueBoolean": False}, False),
        ({"valueInteger": 3}, 3),
        ({"valueCodeableConcept": {"text": "Cloudy urine (finding)"}}, "Cloudy urine (finding)"),
        ({"valueCodeableConcept": {"coding": [{"code": "1"}, {"code": "2", "display": "Two"}]}}, "Two"),
        ({"valueCodeableConcept": {"coding": [{"code": "POS"}]}}, "POS"),
        ({"valueRange": {"low": {"value": 1, "unit": "d"}}}, {"low": {"value": 1, "unit": "d"}}),
        (
            {"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 128}}},
            {"numerator": {"value": 1, "unit": None}, "denominator": {"value": 128, "unit": None}},
        ),
        ({"valueTime": "10:30:00"}, "10:30:00"),
        ({"valueDateTime": "2020-01-01T01:00:00+01:00"}, "2020-01-01T00:00:00Z"),
        ({"valuePeriod": {"start": "2020"}}, {"start": "2020"}),
        ({}, None),
    ],
)
def test_a_value_is_the_bundles(value: dict[str, Any], shown: Any) -> None:
    row = _observation(**value)
    assert row["value"] == shown
    assert type(row["value"]) is type(shown)


@pytest.mark.parametrize(
    ("absent", "words"),
    [
        ({"dataAbsentReason": {"coding": [{"code": "asked-declined"}]}}, "Declined to answer"),
        ({"dataAbsentReason": {"text": "Sample was lost"}}, "Sample was lost"),
        (
            {
                "valueCodeableConcept": {
                    "coding": [
                        {"system": "http://terminology.hl7.org/CodeSystem/data-absent-reason", "code": "not-performed"}
                    ]
                }
            },
            "Not done",
        ),
    ],
)
def test_why_there_is_no_value_is_said_in_words(absent: dict[str, Any], words: str) -> None:
    row = _observation(**absent)
    assert (row["value"], row["data_absent_reason"]) == (None, words)
    assert "value_code" not in row


def test_a_panel_has_components_and_members() -> None:
    row = _observation(
        component=[
            {"code": {"text": "Systolic"}, "valueQuantity": {"value": 120, "unit": "mmHg"}},
            {"code": {"coding": [{"code": "8462-4"}]}, "dataAbsentReason": {"coding": [{"code": "unknown"}]}},
        ],
        hasMember=[{"reference": "Observation/1"}, {"reference": "Observation/2", "display": "SODIUM"}],
    )
    assert row["components"] == [
        {"title": "Systolic", "code": None, "value": 120, "unit": "mmHg"},
        {
            "title": "Value",
            "code": {"system": None, "code": "8462-4", "display": None},
            "value": None,
            "unit": None,
            "data_absent_reason": "Unknown",
        },
    ]
    assert row["members"] == [
        {"record_id": "rec_glucose", "title": "Glucose"},
        {"record_id": None, "title": "Sodium"},
    ]


MEDICATION = {"resourceType": "MedicationRequest", "status": "active", "intent": "order", **SUBJECT}


@pytest.mark.parametrize(
    ("medication", "title", "code"),
    [
        ({"medicationCodeableConcept": {"text": "Aspirin 81 MG", "coding": [{"code": "9"}]}}, "Aspirin 81 MG", "9"),
        ({"medicationReference": {"reference": "Medication/1"}}, "A drug 5 MG", "5"),
        ({"medicationReference": {"reference": "Medication/2", "display": "Another drug"}}, "Another drug", None),
        (
            {
                "medicationReference": {"reference": "#m"},
                "contained": [
                    {"resourceType": "Medication", "id": "m", "code": {"coding": [{"code": "7"}], "text": "In"}}
                ],
            },
            "In",
            "7",
        ),
        ({"medicationReference": {"reference": "Medication/3"}}, "Medication", None),
        ({"medicationCodeableConcept": {"text": "Aspirin"}, "doNotPerform": True}, "Do not take: Aspirin", None),
    ],
)
def test_a_drug_is_named_wherever_its_name_stands(medication: dict[str, Any], title: str, code: str | None) -> None:
    row = _row({**MEDICATION, **medication})
    assert row["title"] == title
    assert (row["code"] or {}).get("code") == code


def test_a_prescription_says_who_why_and_how_much() -> None:
    row = _row(
        {
            **MEDICATION,
            "medicationCodeableConcept": {"text": "A drug"},
            "authoredOn": "2020-05-01",
            "requester": {"reference": "Practitioner/1", "display": "Someone"},
            "reasonCode": [{"text": "Headache"}],
            "reasonReference": [{"reference": "Condition/1"}],
            "dosageInstruction": [{"asNeededBoolean": True}],
            "dispenseRequest": {"numberOfRepeatsAllowed": 0, "quantity": {"value": 30, "unit": "tablets"}},
        }
    )
    assert (row["prescriber"], row["reasons"]) == ("Dr. Ann Ek", ["Headache", "Diabetes"])
    assert (row["dosage"], row["as_needed"], row["refills_allowed"]) == ("As needed", True, 0)
    assert row["quantity"] == {"value": 30, "unit": "tablets"}
    assert (row["occurred_at"], row["recorded_at"]) == ("2020-05-01", "2020-05-01")


def _dose(**quantity: Any) -> dict[str, Any]:
    return {"doseAndRate": [{"doseQuantity": quantity}]}


def _repeat(**repeat: Any) -> dict[str, Any]:
    return {"timing": {"repeat": repeat}}


@pytest.mark.parametrize(
    ("dosage", "words"),
    [
        ({"text": "10 mL bid", "asNeededBoolean": True}, "10 mL bid"),
        ({**_dose(value=1), **_repeat(frequency=1, period=6, periodUnit="h")}, "1 every 6 hours"),
        ({**_dose(value=1), **_repeat(frequency=1, period=1, periodUnit="d")}, "1 once a day"),
        ({**_dose(value=5, unit="mL"), "route": {"text": "Oral"}}, "5 mL by mouth"),
        ({"doseAndRate": [{"doseRange": {"low": {"value": 1}, "high": {"value": 2, "unit": "mL"}}}]}, "1 to 2 mL"),
        (_repeat(frequency=2, period=1, periodUnit="d"), "Twice a day"),
        (_repeat(frequency=3, period=1, periodUnit="wk"), "3 times a week"),
        (_repeat(frequency=1, period=1, periodUnit="h"), "Every hour"),
        (_repeat(frequency=1, period=2, periodUnit="d"), "Every 2 days"),
        (_repeat(frequency=2, period=3, periodUnit="d"), "Twice every 3 days"),
        (_repeat(frequency=1, frequencyMax=3, period=1, periodUnit="d"), "1 to 3 times a day"),
        (_repeat(period=4, periodMax=6, periodUnit="h"), "Every 4 to 6 hours"),
        (_repeat(when=["HS"], boundsDuration={"value": 5, "code": "d"}), "At bedtime for 5 days"),
        (_repeat(dayOfWeek=["mon", "thu"], timeOfDay=["08:00:00"]), "On Monday and Thursday at 08:00"),
        (_repeat(period=1, periodUnit="d", boundsPeriod={"end": "2020-05-01"}), "Once a day until 2020-05-01"),
        ({"timing": {"code": {"coding": [{"code": "BID"}]}}}, "Twice a day"),
        ({"asNeededCodeableConcept": {"text": "Pain"}, **_dose(value=1)}, "1, as needed for pain"),
        ({"asNeededBoolean": False}, None),
    ],
)  # fmt: skip
def test_how_to_take_it_is_said_in_plain_words(dosage: dict[str, Any], words: str | None) -> None:
    assert dosage_words([text.parse(text.dump(dosage))]) == words


def test_several_instructions_come_in_their_sequence() -> None:
    assert dosage_words([{"sequence": 2, "text": "then 1"}, {"sequence": 1, "text": "first 2"}]) == "first 2; then 1"


@pytest.mark.parametrize(
    ("resource", "fields"),
    [
        (
            {
                "resourceType": "Condition",
                **SUBJECT,
                **CODE,
                "clinicalStatus": {"coding": [{"code": "resolved"}]},
                "onsetAge": {"value": 30, "code": "a"},
                "abatementString": "last spring",
                "severity": {"text": "mild"},
            },
            {"status": "resolved", "onset": "Age 30 years", "abatement": "last spring", "severity": "Mild"},
        ),
        (
            {
                "resourceType": "AllergyIntolerance",
                **PATIENT,
                "criticality": "high",
                "reaction": [{"manifestation": [{"text": "Hives"}], "severity": "mild"}, {}],
            },
            {
                "title": "Allergy",
                "criticality": "high",
                "reactions": [{"manifestations": ["Hives"], "severity": "mild"}],
            },
        ),
        (
            {
                "resourceType": "Immunization",
                "status": "completed",
                **PATIENT,
                "vaccineCode": {"coding": [{"system": "http://hl7.org/fhir/sid/cvx", "code": "10"}]},
                "occurrenceString": "as a child",
                "lotNumber": "A1",
                "protocolApplied": [{"doseNumberPositiveInt": 2}],
            },
            {
                "title": "Polio (IPV)",
                "occurrence": "as a child",
                "lot_number": "A1",
                "dose_number": "2",
                "occurred_at": None,
            },
        ),
        (
            {
                "resourceType": "Encounter",
                "status": "finished",
                **SUBJECT,
                "class": {"code": "AMB"},
                "type": [{"text": "Unknown (qualifier value)"}],
                "period": {"start": "2020-01-01", "end": "2020-01-02"},
                "participant": [{"individual": {"reference": "Practitioner/1"}, "type": [{"text": "attender"}]}, {}],
                "location": [{"location": {"display": "Main"}}],
            },
            {
                "title": "Office visit",
                "encounter_class": {"code": "AMB", "text": "Office visit"},
                "practitioners": [{"name": "Dr. Ann Ek", "role": "Attender"}],
                "location": "Main",
                "period": {"start": "2020-01-01", "end": "2020-01-02"},
            },
        ),
        (
            {"resourceType": "Procedure", "status": "completed", **SUBJECT, **CODE, "performedString": "in 1990"},
            {"performed": "in 1990", "occurred_at": None},
        ),
        (
            {
                "resourceType": "DiagnosticReport",
                "status": "final",
                **SUBJECT,
                **CODE,
                "result": [{"reference": "Observation/1"}],
                "conclusion": "All well",
                "presentedForm": [{"contentType": "text/plain", "data": "eA=="}],
            },
            {
                "results": [{"record_id": "rec_glucose", "title": "Glucose"}],
                "conclusion": "All well",
                "attachments": [{"content_type": "text/plain"}],
            },
        ),
        (
            {
                "resourceType": "DocumentReference",
                "status": "current",
                **SUBJECT,
                "content": [{"attachment": {"title": "Letter"}}],
                "author": [{"display": "Dr. Roe"}],
            },
            {"title": "Letter", "authors": ["Dr. Roe"], "attachments": [{"title": "Letter"}]},
        ),
        (
            {
                "resourceType": "ImagingStudy",
                "status": "available",
                **SUBJECT,
                "series": [
                    {"modality": {"code": "DX", "display": "Digital Radiography"}, "bodySite": {"display": "Clavicle"}}
                ],
                "numberOfInstances": 1,
            },
            {"title": "Digital Radiography: Clavicle", "series_count": 1, "image_count": 1},
        ),
        (
            {"resourceType": "Media", "status": "completed", **SUBJECT, "content": {"contentType": "image/png"}},
            {"title": "Imaging", "attachments": [{"content_type": "image/png"}]},
        ),
        (
            {
                "resourceType": "CarePlan",
                "status": "active",
                "intent": "plan",
                **SUBJECT,
                "category": [{"coding": [{"code": "assess-plan"}]}, {"text": "Diabetes care"}],
                "activity": [
                    {"detail": {"code": {"text": "Walk"}, "status": "in-progress", "scheduledString": "daily"}}
                ],
                "addresses": [{"reference": "Condition/1"}],
            },
            {
                "title": "Diabetes care",
                "activities": [{"title": "Walk", "status": "in-progress", "scheduled": "daily"}],
                "conditions": [{"record_id": "rec_diabetes", "title": "Diabetes"}],
            },
        ),
        (
            {
                "resourceType": "Goal",
                "lifecycleStatus": "active",
                **SUBJECT,
                "description": {"text": "Walk more"},
                "target": [{"measure": {"text": "Steps"}, "detailQuantity": {"value": 5000}, "dueDate": "2021-01-01"}],
            },
            {"title": "Walk more", "targets": [{"measure": "Steps", "detail": "5000", "due_on": "2021-01-01"}]},
        ),
        (
            {
                "resourceType": "CareTeam",
                **SUBJECT,
                "participant": [{"member": {"reference": "Practitioner/1"}, "role": [{"text": "unknown"}]}],
            },
            {"title": "Care team", "status": None, "participants": [{"name": "Dr. Ann Ek"}]},
        ),
        (
            {
                "resourceType": "FamilyMemberHistory",
                "status": "completed",
                **PATIENT,
                "relationship": {"coding": [{"code": "FTH", "display": "father"}]},
                "deceasedAge": {"value": 70, "unit": "years"},
                "name": "John Roe",
                "condition": [{"code": {"text": "Stroke"}}],
            },
            {
                "title": "Father: Stroke",
                "relationship": "Father",
                "deceased": "Age 70 years",
                "conditions": [{"title": "Stroke"}],
            },
        ),
        (
            {
                "resourceType": "Device",
                **PATIENT,
                "deviceName": [{"name": "Pump 2000", "type": "model-name"}],
                "udiCarrier": [{"carrierHRF": "(01)99"}],
            },
            {"title": "Pump 2000", "udi": "(01)99", "device_names": ["Pump 2000"]},
        ),
        (
            {
                "resourceType": "ServiceRequest",
                "status": "active",
                "intent": "order",
                **SUBJECT,
                **CODE,
                "priority": "urgent",
                "doNotPerform": True,
                "occurrencePeriod": {"start": "2021-01-01", "end": "2021-02-01"},
            },
            {"title": "Do not do: Something", "priority": "urgent", "occurrence": "2021-01-01/2021-02-01"},
        ),
        (
            {
                "resourceType": "QuestionnaireResponse",
                "status": "completed",
                "questionnaire": "http://example.org/Questionnaire/PHQ-9|1",
                "item": [
                    {
                        "linkId": "1",
                        "text": "Group",
                        "item": [
                            {"linkId": "1.1", "text": "How often?", "answer": [{"valueCoding": {"display": "Never"}}]},
                            {
                                "linkId": "1.2",
                                "answer": [{"valueDecimal": 2}, {"valueQuantity": {"value": 3, "unit": "d"}}],
                            },
                        ],
                    }
                ],
            },
            {
                "title": "Depression screening (PHQ-9)",
                "items": [
                    {
                        "question": "Group",
                        "answers": [],
                        "items": [
                            {"question": "How often?", "answers": ["Never"]},
                            {"question": None, "answers": [2, "3 d"]},
                        ],
                    }
                ],
            },
        ),
    ],
    ids=lambda value: value.get("resourceType", "") if isinstance(value, dict) else None,
)
def test_each_category_shows_what_a_client_needs(resource: dict[str, Any], fields: dict[str, Any]) -> None:
    row = _row(resource)
    assert {name: row.get(name, "absent") for name in fields} == fields


def test_nothing_unknown_stands_in_a_row() -> None:
    row = _row({"resourceType": "Condition", **SUBJECT, "bodySite": [], "note": [{"text": " "}], "onsetString": ""})
    common = {"record_id", "resource_type", "category", "title", "status", "code", "occurred_at", "recorded_at"}
    assert set(row) == common


def test_a_record_entered_in_error_is_known_as_withdrawn() -> None:
    verification = {"coding": [{"code": "entered-in-error"}]}
    condition = {"resourceType": "Condition", **SUBJECT, **CODE}
    assert is_withdrawn(view({**condition, "verificationStatus": verification}))
    assert not is_withdrawn(view(condition))
    assert is_withdrawn(view({"resourceType": "Goal", "lifecycleStatus": "entered-in-error", "description": {}}))


def test_a_row_without_a_date_stands_before_all_dates() -> None:
    goal: dict[str, Any] = {"resourceType": "Goal", "lifecycleStatus": "active", "description": {}}
    assert row_order_key(view(goal), "UTC") < row_order_key(view({**goal, "startDate": "0001"}), "UTC")
    assert row_order_key(view({**goal, "startDate": "2020"}), "UTC") == "2020-01-01T00:00:00.000Z"


def test_what_is_no_record_has_no_row() -> None:
    with pytest.raises(ValueError, match="Claim is no record"):
        view({"resourceType": "Claim"})
