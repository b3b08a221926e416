"""What differs between two views of a record, and how it is said."""

from datetime import UTC, datetime
from typing import Any, get_type_hints
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib import words
from chalicelib.domain.fhir import text
from chalicelib.domain.records import change_words
from chalicelib.domain.records.categories import Category
from chalicelib.domain.records.changes import ChangeKind, differences, differs, kind_of, seen
from chalicelib.domain.records.definitions import VALUE_SETS
from chalicelib.domain.records.rows import Activity, Attachment, Component, Item, Person, Reaction, Row, Target
from chalicelib.domain.records.value_words import Reader
from chalicelib.domain.records.view import view
from tests.support import fhir
from tests.support.fhir import Json

AT = datetime(2026, 5, 3, 15, tzinfo=UTC)
ENGLISH, SPANISH = (Reader(language, ZoneInfo("America/Chicago")) for language in ("en", "es"))
UNSEEN = {"record_id", "resource_type", "unit_code", "truncated"}


def row(resource: Json) -> dict[str, Any]:
    shown: dict[str, Any] = dict(view(text.parse(text.dump(resource))))
    return shown


def told(before: Json, after: Json, reader: Reader = ENGLISH) -> str:
    was, is_now = row(before), row(after)
    return change_words.changed(was, is_now, differences(seen(was, None), seen(is_now, None)), AT, reader)


def fields(before: Json, after: Json) -> list[str]:
    return [one.field for one in differences(seen(row(before), None), seen(row(after), None))]


# --- what differs ----------------------------------------------------------------------------------------------------


def test_precision_is_a_difference_and_the_order_of_a_list_is_none() -> None:
    base = row(fhir.lab("Patient/1"))
    finer = base | {"value": text.FhirDecimal("6.50")}
    assert [(one.field, str(one.before), str(one.after)) for one in differences(base, finer)] == [
        ("value", "6.5", "6.50")
    ]
    one, other = base | {"performers": ["A", "B"]}, base | {"performers": ["B", "A"]}
    assert not differs(one, other)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"onsetDateTime": "2020-01-01", "recordedDate": "2021-01-01"}, ["recorded_at", "onset"]),
        ({"recordedDate": "2021-01-01"}, ["occurred_at"]),
        ({"clinicalStatus": {"coding": [{"code": "resolved"}]}}, ["status"]),
        ({"code": {"text": "Gout", "coding": [{"system": "s", "code": "1"}]}}, ["title"]),
        ({"code": {"text": "Asthma", "coding": [{"system": "s", "code": "1"}]}}, ["code"]),
        ({"meta": {"lastUpdated": "2026-01-01T00:00:00Z"}, "text": {"div": "x"}, "language": "en"}, []),
    ],
)
def test_each_thing_is_a_difference_once(changes: Json, expected: list[str]) -> None:
    before = fhir.condition("Patient/1", "Asthma")
    assert fields(before, {**before, **changes}) == expected


def test_a_visits_start_is_told_as_its_time_and_no_second_time() -> None:
    before = fhir.encounter("Patient/1")
    assert fields(before, {**before, "period": {"start": "2024-05-06T08:00:00Z"}}) == ["period"]


def test_when_the_sender_last_changed_it_is_no_time_of_writing_down() -> None:
    stated = "2026-01-01T00:00:00Z"
    goal = {
        "resourceType": "Goal",
        "lifecycleStatus": "active",
        "description": {"text": "Walk"},
        "subject": {"reference": "Patient/1"},
        "meta": {"lastUpdated": stated},
    }
    was, is_now = row(goal), row({**goal, "meta": {"lastUpdated": "2026-02-02T00:00:00Z"}})
    assert was["recorded_at"] != is_now["recorded_at"]
    assert not differs(seen(was, stated), seen(is_now, "2026-02-02T00:00:00Z"))
    dated = row({**goal, "statusDate": "2026-01-01"}), row({**goal, "statusDate": "2026-02-01"})
    assert [one.field for one in differences(*(seen(one, stated) for one in dated))] == ["occurred_at"]


def test_a_record_that_was_entered_in_error_is_not_there() -> None:
    there, again = row(fhir.prescription("Patient/1")), row(fhir.prescription("Patient/1", status="stopped"))
    wrong = row(fhir.prescription("Patient/1", status="entered-in-error"))
    assert kind_of(there, again) is ChangeKind.CHANGED
    assert kind_of(None, there) is kind_of(wrong, there) is ChangeKind.ADDED
    assert kind_of(there, None) is kind_of(there, wrong) is ChangeKind.REMOVED
    assert kind_of(there, there) is kind_of(None, wrong) is kind_of(wrong, None) is kind_of(None, None) is None


_VALUES = st.sampled_from([None, 0, 1, "", "1", "a"])


@given(
    st.dictionaries(st.sampled_from(["status", "notes", "value", "unit", "dosage"]), _VALUES),
    st.dictionaries(st.sampled_from(["status", "notes", "value", "unit", "dosage"]), _VALUES),
)
def test_whatever_differs_is_among_the_differences_and_nothing_else(one: Json, other: Json) -> None:
    found = {d.field: (d.before, d.after) for d in differences(one, other)}
    unlike = {name: (one.get(name), other.get(name)) for name in {*one, *other} if one.get(name) != other.get(name)}
    assert found == unlike
    assert differs(one, other) == bool(unlike)


# --- in words --------------------------------------------------------------------------------------------------------


def drug(name: str, dosage: str, **changes: Any) -> Json:
    concept = {"medicationCodeableConcept": {"text": name}, "dosageInstruction": [{"text": dosage}]}
    return fhir.prescription("Patient/1", **concept, **changes)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            ("Metformin 500 MG Oral Tablet", "x"),
            ("Metformin 1000 MG Oral Tablet", "x"),
            "Metformin: 500 MG became 1,000 MG",
        ),
        (("Metformin", "500mg daily"), ("Metformin", "1250.50mg daily"), "Metformin: 500 mg became 1,250.50 mg"),
        (("Metformin 500 mg", "500 mg daily"), ("Metformin 850 mg", "850 mg daily"), "Metformin: 500 mg became 850 mg"),
        (("Insulin", "10 units at 8"), ("Insulin", "12 units at 8"), "Insulin: 10 units became 12 units"),
        (("Advil", "x"), ("Ibuprofen", "x"), "Advil: is now called Ibuprofen"),
    ],
)
def test_of_a_dose_the_amounts_are_told(before: tuple[str, str], after: tuple[str, str], said: str) -> None:
    assert told(drug(*before), drug(*after)) == f"{said} on May 3, 2026."


def test_what_is_more_than_an_amount_is_told_as_it_stands() -> None:
    said = told(drug("Metformin", "1 tablet in 2026"), drug("Metformin", "2 tablets in 2027", status="stopped"))
    assert said == (
        "Metformin, on May 3, 2026: how to take it: 1 tablet in 2026 became 2 tablets in 2027; "
        "status: active became stopped."
    )


def test_a_value_is_told_with_its_unit_and_why_there_is_none() -> None:
    before = fhir.lab("Patient/1", performer=[{"display": "Lab North"}])
    after = {**before, "valueQuantity": {"value": 1207, "unit": "mg/dL", "comparator": ">"}}
    assert told(before, after) == "Hemoglobin A1c: 6.5 % became > 1,207 mg/dL on May 3, 2026, done by Lab North."
    none = {**before, "dataAbsentReason": {"coding": [{"code": "not-performed"}]}}
    del none["valueQuantity"]
    assert told(before, none).startswith("Hemoglobin A1c: 6.5 % became no value (Not done) on")


def test_members_of_lists_are_told_by_their_names() -> None:
    def plan(*steps: tuple[str, str]) -> Json:
        return {
            "resourceType": "CarePlan",
            "status": "active",
            "intent": "plan",
            "title": "Diabetes plan",
            "subject": {"reference": "Patient/1"},
            "author": {"display": "Dr. Hopper"},
            "activity": [{"detail": {"code": {"text": name}, "status": status}} for name, status in steps],
        }

    before, after = (
        plan(("Walk", "in-progress"), ("Diet", "in-progress")),
        plan(("Swim", "not-started"), ("Walk", "completed")),
    )
    assert told(before, after) == (
        "Diabetes plan, on May 3, 2026, written by Dr. Hopper: steps: Walk: status: under way became completed; "
        "new: Swim (not-started); no longer Diet (under way)."
    )
    assert told(before, after, SPANISH).startswith(
        "Diabetes plan, el 3 de mayo de 2026, escrito por Dr. Hopper: pasos: "
    )


def test_values_inside_of_a_result_are_told_by_their_names() -> None:
    def panel(high: int) -> Json:
        component = {"code": {"text": "Systolic"}, "valueQuantity": {"value": high, "unit": "mmHg"}}
        other = {"code": {"text": "Diastolic"}, "valueQuantity": {"value": 80, "unit": "mmHg"}}
        return {**fhir.lab("Patient/1", code={"text": "Blood pressure"}), "component": [component, other]}

    assert told(panel(120), panel(135)) == "Blood pressure, on May 3, 2026: Systolic: 120 mmHg became 135 mmHg."


@pytest.mark.parametrize(
    ("onset", "said"),
    [
        ("2020", "began: January 2, 2019 became 2020"),
        ("2019-05", "began: January 2, 2019 became May 2019"),
        ("2019-01-03T03:00:00Z", "began: January 2, 2019, 4:00 AM CST became January 2, 2019, 9:00 PM CST"),
        ("2019-03-03T03:00:00Z", "began: January 2, 2019 became March 2, 2019"),
    ],
)
def test_days_are_days_where_the_clinic_is(onset: str, said: str) -> None:
    before = fhir.condition("Patient/1", "Asthma", onsetDateTime="2019-01-02T10:00:00Z")
    assert said in told(before, {**before, "onsetDateTime": onset})


def test_what_came_and_what_went_is_told() -> None:
    result, drug_ = row(fhir.lab("Patient/1")), row(drug("Metformin", "500 mg daily."))
    assert change_words.added(result, AT, ENGLISH) == "Hemoglobin A1c: new on May 3, 2026. It says: 6.5 %."
    assert change_words.added(drug_, AT, ENGLISH) == "Metformin: new on May 3, 2026. It says: 500 mg daily."
    assert (
        change_words.added(row(fhir.condition("Patient/1", "Gout")), AT, SPANISH)
        == "Gout: es nuevo desde el 3 de mayo de 2026."
    )
    assert change_words.taken_out(Category.LAB, AT, ENGLISH) == "Lab result: taken out on May 3, 2026."


@pytest.mark.parametrize("language", words.languages())
def test_every_field_category_and_status_has_words(language: str) -> None:
    catalogue = words.catalogue(language)
    named = {
        name
        for shape in (Row, Component, Activity, Attachment, Item, Person, Reaction, Target)
        for name in get_type_hints(shape)
    }
    # What was measured is told without a name; a visit, and what is technical, have words of their own or none.
    named -= {*UNSEEN, "value", "unit", "comparator", "data_absent_reason", "value_code", "encounter_id"}
    assert {name for name in named if f"changes.field.{name}" not in catalogue} == set()
    assert {one for one in Category if f"changes.category.{one}" not in catalogue} == set()
    codes = {code for name, known in VALUE_SETS.items() if name not in {"comparator", "gender"} for code in known}
    assert {code for code in codes if f"changes.value.{code.replace('-', '_')}" not in catalogue} == set()
