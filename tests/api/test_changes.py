"""GET /v1/patients/{pid}/changes: what has changed since a moment, each record once, in words."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from chalicelib import clock
from chalicelib.domain.caregivers import Scope
from chalicelib.domain.staff import Role
from chalicelib.services.changes import SETTLES
from tests.support import fhir
from tests.support.changing import Chart
from tests.support.fhir import Json
from tests.support.merging import merged, undo
from tests.support.people import new_caregiver, new_staff, token_of
from tests.support.portal import Portal

SENSITIVE = {"meta": {"security": [{"code": "R"}]}}
ERROR = {"status": "entered-in-error"}


def metformin(milligrams: int, **changes: Any) -> Json:
    return fhir.prescription(
        "",
        **{
            "id": fhir.fresh("m"),
            "medicationCodeableConcept": {"text": "Metformin"},
            "dosageInstruction": [{"text": f"{milligrams} mg twice a day"}],
            "requester": {"display": "Dr. Grace Hopper"},
            **changes,
        },
    )


def kinds(items: list[Json]) -> dict[str, str]:
    return {item["title"]: item["kind"] for item in items}


# --- what is told ----------------------------------------------------------------------------------------------------


def test_a_dose_that_changed_is_told_in_one_sentence(portal: Portal) -> None:
    drug = metformin(500)
    chart = Chart(portal, drug, fhir.lab(""))
    moment = chart.later()
    chart.take({**drug, "dosageInstruction": [{"text": "1000 mg twice a day"}]})
    change = chart.one(moment)
    day = re.escape(f"{clock.now():%B} ") + r"\d+, \d{4}"
    assert re.fullmatch(
        rf"Metformin: 500 mg became 1,000 mg on {day}, ordered by Dr\. Grace Hopper\.", change["text"]
    ), change["text"]
    assert change["differences"] == [
        {"field": "dosage", "before": "500 mg twice a day", "after": "1000 mg twice a day"}
    ]
    assert (change["kind"], change["category"], change["title"]) == ("changed", "medication", "Metformin")
    assert change["record"] == chart.records()[change["record_id"]]
    assert change["changed_at"] > moment
    spanish = chart.one(moment, language="es")["text"]
    assert spanish.startswith("Metformin: 500 mg pasó a 1,000 mg el ")
    assert ", recetado por Dr. Grace Hopper." in spanish


def test_medications_plans_procedures_and_diagnoses_are_told_alike(portal: Portal) -> None:
    plan: Json = {
        "resourceType": "CarePlan",
        "id": fhir.fresh("cp"),
        "status": "active",
        "intent": "plan",
        "title": "Diabetes plan",
        "activity": [{"detail": {"code": {"text": "Walking"}, "status": "in-progress"}}],
    }
    procedure = {
        "resourceType": "Procedure",
        "id": fhir.fresh("pr"),
        "status": "in-progress",
        "code": {"text": "Hip replacement"},
        "performedDateTime": "2026-01-02",
    }
    diagnosis = fhir.condition("", "Asthma")
    chart = Chart(portal, metformin(500), plan, procedure, diagnosis)
    moment = chart.later()
    chart.take(
        {**plan, "activity": [{"detail": {"code": {"text": "Walking"}, "status": "completed"}}]},
        {**procedure, "status": "completed", "outcome": {"text": "It went well"}},
        {**diagnosis, "clinicalStatus": {"coding": [{"code": "resolved"}]}, "abatementDateTime": "2026-05-01"},
    )
    texts = {item["title"]: item["text"] for item in chart.since(moment)}
    assert texts.keys() == {"Diabetes plan", "Hip replacement", "Asthma"}
    assert "steps: Walking: status: under way became completed" in texts["Diabetes plan"]
    assert "status: under way became completed; result: now It went well" in texts["Hip replacement"]
    assert "status: active became over; ended: now May 1, 2026" in texts["Asthma"]


def test_what_came_is_added_and_tells_its_value(portal: Portal) -> None:
    chart = Chart(portal, fhir.condition("", "Asthma"))
    moment = chart.later()
    body = fhir.json_text(chart.of(fhir.lab(""))).replace("6.5", "1206.50")
    chart.take(raw=body)
    change = chart.one(moment)
    assert (change["kind"], change["differences"]) == ("added", [])
    assert change["text"].startswith("Hemoglobin A1c: new on ")
    assert change["text"].endswith("It says: 1,206.50 %.")
    assert '"value":1206.50' in chart.ask(f"?since={moment}").text


def test_without_a_moment_the_whole_record_is_told_as_added(portal: Portal) -> None:
    drug = metformin(500)
    chart = Chart(portal, drug, fhir.lab(""), fhir.condition("", "Never was", **_wrong()))
    chart.later()
    chart.take({**drug, "status": "stopped"})
    assert kinds(chart.since(None)) == {"Metformin": "added", "Hemoglobin A1c": "added"}


def _wrong() -> Json:
    return {"verificationStatus": {"coding": [{"code": "entered-in-error"}]}, "clinicalStatus": None}


def test_an_app_that_was_offline_catches_up_and_has_what_the_lists_have(portal: Portal) -> None:
    """Added, changed, entered in error, moved to another patient, named by what came late; one page at a time."""
    dr = fhir.fresh("dr")
    drug = metformin(500, requester={"reference": f"Practitioner/{dr}"})
    kept, wrong, moving = fhir.condition("", "Asthma"), fhir.condition("", "Gout"), fhir.lab("")
    chart = Chart(portal, drug, kept, wrong, moving)
    app = {item["record_id"]: item["record"] for item in chart.since(None)}
    assert app == chart.records()
    moment = chart.later()
    chart.take({**drug, "status": "on-hold"}, {**wrong, **_withdrawn()}, fhir.condition("", "Hay fever"))
    other = portal.new_patient()
    assert portal.import_fhir({**moving, "subject": {"reference": f"Patient/{other.resource_id}"}}).status == 200
    portal.import_fhir(fhir.practitioner("Hopper", id=dr))
    portal.drain()
    changes = chart.since(moment, limit=1)
    assert len(changes) == len({one["record_id"] for one in changes}) == 4
    for one in changes:
        if one["kind"] == "removed":
            assert one["record"] is None
            del app[one["record_id"]]
        else:
            app[one["record_id"]] = one["record"]
    listed = chart.records()
    assert app == {id: row for id, row in listed.items() if row.get("verification_status") != "entered-in-error"}
    (prescribed,) = [row for row in app.values() if row["category"] == "medication"]
    assert prescribed["prescriber"] == "Dr. Grace Hopper"


def _withdrawn() -> Json:
    return {"clinicalStatus": {}, "verificationStatus": {"coding": [{"code": "entered-in-error"}]}}


# --- what is no change -----------------------------------------------------------------------------------------------


def test_what_people_do_not_see_is_no_change(portal: Portal) -> None:
    drug, goal = metformin(500), _goal()
    chart = Chart(portal, drug, goal)
    moment = chart.later()
    narrative = {"text": {"status": "generated", "div": "<div xmlns='http://www.w3.org/1999/xhtml'>Twice</div>"}}
    stated = {"meta": {"lastUpdated": "2026-06-01T00:00:00Z", "versionId": "7", "profile": ["http://x.example"]}}
    assert chart.take({**drug, **narrative, **stated}, {**goal, **narrative, **stated})["updated"] == 2
    assert chart.since(moment) == []


def _goal() -> Json:
    """Of a goal without a date of its status, it was written down when its sender last changed it."""
    return {
        "resourceType": "Goal",
        "id": fhir.fresh("g"),
        "lifecycleStatus": "active",
        "description": {"text": "Walk every day"},
        "meta": {"lastUpdated": "2026-01-01T00:00:00Z"},
    }


def test_what_went_and_came_back_is_no_change_and_what_came_and_went_is_none_either(portal: Portal) -> None:
    drug = metformin(500)
    chart = Chart(portal, drug)
    first = chart.later()
    chart.take({**drug, "status": "on-hold"})
    second = chart.later()
    gone = fhir.condition("", "Gout")
    chart.take(drug, gone)
    chart.take({**gone, **_withdrawn()})
    assert chart.since(first) == []
    change = chart.one(second)
    assert [(d["before"], d["after"]) for d in change["differences"]] == [("on-hold", "active")]


def test_added_and_then_changed_since_is_added_and_changed_twice_is_one_change(portal: Portal) -> None:
    drug, result = metformin(500), fhir.lab("")
    chart = Chart(portal, drug)
    moment = chart.later()
    chart.take(result, {**drug, "dosageInstruction": [{"text": "750 mg twice a day"}]})
    between = chart.later()
    chart.take({**result, "status": "corrected"}, {**drug, "dosageInstruction": [{"text": "1000 mg twice a day"}]})
    assert kinds(chart.since(moment)) == {"Hemoglobin A1c": "added", "Metformin": "changed"}
    texts = [item["text"] for item in chart.since(moment, "&category=medication")]
    assert "500 mg became 1,000 mg" in texts[0]
    assert "750 mg became 1,000 mg" in chart.since(between, "&category=medication")[0]["text"]
    assert kinds(chart.since(between)) == {"Hemoglobin A1c": "changed", "Metformin": "changed"}


def test_a_record_that_changed_more_often_than_its_row_remembers_is_told_right(portal: Portal) -> None:
    drug = metformin(1)
    chart = Chart(portal, drug)
    moments, token = [], portal.client_token()
    for milligrams in range(2, 58):
        moments.append(chart.later(seconds=1))
        dosage = {"dosageInstruction": [{"text": f"{milligrams} mg twice a day"}]}
        assert portal.import_fhir(chart.of({**drug, **dosage}), token=token).json["updated"] == 1
    for place in (0, 3, 8, 30, 55):
        (difference,) = chart.one(moments[place])["differences"]
        assert difference["before"] == f"{place + 1} mg twice a day"


def test_two_versions_in_one_moment_are_two_versions(portal: Portal) -> None:
    drug = metformin(500)
    chart = Chart(portal, drug)
    moment = chart.later()
    with clock.frozen(clock.now()):
        for milligrams in (600, 700, 800):
            chart.take({**drug, "dosageInstruction": [{"text": f"{milligrams} mg twice a day"}]})
    (difference,) = chart.one(moment)["differences"]
    assert (difference["before"], difference["after"]) == ("500 mg twice a day", "800 mg twice a day")


# --- what is gone ----------------------------------------------------------------------------------------------------


def test_what_was_entered_in_error_is_removed_and_added_again_where_that_was_the_error(portal: Portal) -> None:
    gout = fhir.condition("", "Gout")
    chart = Chart(portal, gout)
    first = chart.later()
    chart.take({**gout, **_withdrawn()})
    removed = chart.one(first)
    assert (removed["kind"], removed["title"], removed["record"]) == ("removed", "Gout", None)
    assert removed["text"].endswith("It was entered by mistake.")
    second = chart.later()
    chart.take(gout)
    assert chart.one(second)["kind"] == "added"
    assert chart.since(first) == []


def test_a_record_that_was_another_patients_is_removed_without_a_word_of_it(portal: Portal) -> None:
    result = fhir.lab("", code={"text": "Syphilis antibody"})
    chart = Chart(portal, result)
    first = chart.later()
    other = Chart(portal)
    portal.import_fhir(other.of(result))
    (removed,) = chart.since(first)
    assert (removed["kind"], removed["title"], removed["category"]) == ("removed", "Lab result", "lab")
    assert "Syphilis" not in chart.ask(f"?since={first}").text
    assert other.one(first)["kind"] == "added"
    rows = [row for row in portal.rows("patients") if row["pk"]["S"] == chart.patient_id]
    assert not [row for row in rows if "Syphilis" in str(row)]
    second = chart.later()
    assert chart.since(second) == []
    assert chart.since(None) == []
    portal.import_fhir(chart.of(result))
    assert chart.one(second)["kind"] == "added"
    assert len(chart.records()) == 1
    (left,) = other.since(second)
    assert left["kind"] == "removed"


def test_what_came_and_left_since_is_told_to_nobody_who_never_had_it(portal: Portal) -> None:
    chart, other = Chart(portal), Chart(portal)
    moment = chart.later()
    result = fhir.lab("")
    chart.take(result)
    portal.import_fhir(other.of(result))
    assert chart.since(moment) == []


# --- since when ------------------------------------------------------------------------------------------------------


def test_since_the_last_visit_is_since_the_end_of_the_latest_that_is_over(portal: Portal) -> None:
    drug = metformin(500)
    chart = Chart(portal, drug)
    chart.take({**drug, "status": "on-hold"})
    assert chart.ask("?since=last_visit").json["since"] is None
    start, end = chart.later(hours=2), chart.later(hours=1)
    future = clock.stamp(clock.now() + timedelta(days=30))
    chart.take(
        fhir.encounter("", period={"start": start, "end": end}),
        fhir.encounter("", period={"start": end}, status="planned"),
        fhir.encounter("", period={"start": future}),
    )
    asked = chart.ask("?since=last_visit").json
    assert asked["since"] == end
    assert {item["category"] for item in asked["items"]} == {"encounter"}
    chart.take({**drug, "status": "stopped"})
    items = chart.since("last_visit", "&category=medication")
    assert [(item["kind"], item["differences"][0]["before"]) for item in items] == [("changed", "on-hold")]


def test_a_day_begins_in_the_clinics_zone_and_a_time_has_a_zone(portal: Portal) -> None:
    chart = Chart(portal, fhir.lab(""))
    assert chart.ask("?since=2026-01-01").json["since"] == "2026-01-01T06:00:00.000Z"
    assert chart.ask("?since=2026-01-01T00:00:00%2B02:00").json["since"] == "2025-12-31T22:00:00.000Z"
    for wrong in ("2026-01-01T00:00:00", "yesterday", "2026-02-30", "last visit"):
        answer = chart.ask(f"?since={quote(wrong)}")
        assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "?since")
    for edge in ("0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00", "9999-12-31", "0001-01-01"):
        assert chart.ask(f"?since={edge}").status == 200
    assert chart.ask("?since=9999-12-31T23:59:59-14:00").json["since"] == "9999-12-31T23:59:59.999Z"


def test_who_asks_again_with_the_moment_of_the_answer_misses_nothing_that_was_on_its_way(portal: Portal) -> None:
    """A change is stamped before it is stored: one of a minute ago may be stored now."""
    chart = Chart(portal, fhir.condition("", "Asthma"))
    chart.later()
    with clock.frozen(clock.now()) as _:
        stamped = clock.now()
        as_of = chart.ask().json["as_of"]
    assert clock.read_stamp(as_of) == clock.read_stamp(clock.stamp(stamped - SETTLES))
    with clock.frozen(stamped - SETTLES + timedelta(seconds=1)):
        chart.take(fhir.lab(""))
    assert kinds(chart.since(as_of)) == {"Hemoglobin A1c": "added"}


def test_every_page_of_a_walk_says_the_same_moment_and_has_the_latest_first(portal: Portal) -> None:
    chart = Chart(portal)
    moment = chart.later()
    for place in range(7):
        chart.take(fhir.condition("", f"Cold {place}"), fhir.lab(""))
        portal.advance(minutes=1)
    first = chart.ask(f"?since={moment}&limit=3").json
    portal.advance(minutes=30)
    second = chart.ask(f"?since={moment}&limit=3&cursor={quote(first['next_cursor'])}").json
    assert first["as_of"] == second["as_of"]
    items = chart.since(moment, limit=3)
    assert len({one["record_id"] for one in items}) == len(items) == 14
    times = [one["changed_at"] for one in items]
    assert times == sorted(times, reverse=True)


def test_a_cursor_belongs_to_its_moment_its_category_and_its_caller(portal: Portal) -> None:
    chart = Chart(portal, *(fhir.lab("") for _ in range(3)))
    moment = "2020-01-01"
    token = chart.person.token
    page = chart.ask(f"?since={moment}&limit=1", token=token).json
    cursor = quote(page["next_cursor"])
    assert chart.ask(f"?since={moment}&limit=2&cursor={cursor}", token=token).status == 200
    for query in (
        f"?cursor={cursor}",
        f"?since=2021-01-01&cursor={cursor}",
        f"?since={moment}&category=lab&cursor={cursor}",
    ):
        assert chart.ask(query, token=token).status == 400


# --- who sees what ---------------------------------------------------------------------------------------------------


def test_a_caregiver_is_told_of_nothing_that_is_hidden_from_them(portal: Portal) -> None:
    secret = fhir.condition("", "Opioid use", **SENSITIVE)
    plain = fhir.condition("", "Asthma")
    chart = Chart(portal, secret, plain, metformin(500))
    caregiver = new_caregiver(chart.patient_id, Scope.EVERYTHING)
    moment = chart.later()
    chart.take(
        {**secret, "note": [{"text": "worse"}]}, {**plain, "note": [{"text": "better"}]}, fhir.lab("", **SENSITIVE)
    )
    assert set(kinds(chart.since(moment))) == {"Opioid use", "Asthma", "Hemoglobin A1c"}
    assert kinds(chart.since(moment, token=token_of(caregiver))) == {"Asthma": "changed"}
    assert set(kinds(chart.since(None, token=token_of(caregiver)))) == {"Asthma", "Metformin"}


def test_a_caregiver_of_some_categories_is_told_of_those(portal: Portal) -> None:
    drug, asthma = metformin(500), fhir.condition("", "Asthma")
    chart = Chart(portal, drug, asthma)
    caregiver = new_caregiver(chart.patient_id, Scope.MEDICATIONS, sees_sensitive=True)
    moment = chart.later()
    chart.take({**drug, "status": "stopped"}, {**asthma, "note": [{"text": "better"}]}, fhir.encounter(""))
    token = token_of(caregiver)
    assert kinds(chart.since(moment, token=token)) == {"Metformin": "changed"}
    assert chart.ask("?category=condition", token=token).status == 404
    assert chart.ask("?since=last_visit", token=token).json["since"] is None


@pytest.mark.parametrize("scope", [Scope.APPOINTMENTS, Scope.MESSAGES, Scope.BILLING])
def test_a_caregiver_whose_scope_opens_no_record_is_told_of_nothing(portal: Portal, scope: Scope) -> None:
    chart = Chart(portal, metformin(500))
    token = token_of(new_caregiver(chart.patient_id, scope))
    assert chart.since("2020-01-01", token=token) == chart.since(None, token=token) == []


def test_what_became_sensitive_goes_without_a_word_and_what_is_so_no_more_comes(portal: Portal) -> None:
    now_secret, secret_once = fhir.condition("", "Opioid use"), fhir.condition("", "Old secret", **SENSITIVE)
    chart = Chart(portal, now_secret, secret_once)
    caregiver = new_caregiver(chart.patient_id, Scope.EVERYTHING)
    moment = chart.later()
    chart.take({**now_secret, **SENSITIVE}, {name: value for name, value in secret_once.items() if name != "meta"})
    token = token_of(caregiver)
    assert kinds(chart.since(moment, token=token)) == {"Health condition": "removed", "Old secret": "added"}
    assert "Opioid" not in chart.ask(f"?since={moment}", token=token).text
    assert chart.since(moment) == []


def test_differences_name_no_record_that_is_hidden(portal: Portal) -> None:
    secret = fhir.condition("", "Opioid use", **SENSITIVE)
    drug = metformin(500)
    chart = Chart(portal, secret, drug)
    caregiver = new_caregiver(chart.patient_id, Scope.EVERYTHING)
    moment = chart.later()
    chart.take({**drug, "status": "stopped", "reasonReference": [fhir.about(f"Condition/{secret['id']}")]})
    assert "Opioid use" in chart.one(moment)["text"]
    answer = chart.ask(f"?since={moment}", token=token_of(caregiver))
    assert "Opioid" not in answer.text
    (change,) = answer.json["items"]
    assert [one["field"] for one in change["differences"]] == ["status"]


def test_a_patient_sees_what_a_caregiver_would_and_staff_what_they_care_for(portal: Portal) -> None:
    chart = Chart(portal, metformin(500), fhir.condition("", "Asthma"))
    clinician = token_of(new_staff(Role.CLINICIAN, cares_for=chart.patient_id))
    assert len(chart.since(None, token=clinician)) == 2
    assert chart.ask(token=token_of(new_staff(Role.CLINICIAN))).json["code"] == "not_in_care_team"


# --- merged ----------------------------------------------------------------------------------------------------------


def test_a_file_that_was_merged_since_is_new_as_a_whole_and_later_changes_of_it_are_told(portal: Portal) -> None:
    chart = Chart(portal, metformin(500))
    drug = metformin(20, medicationCodeableConcept={"text": "Lisinopril"})
    other_file = portal.new_patient()
    portal.import_fhir({**drug, "subject": {"reference": f"Patient/{other_file.resource_id}"}})
    before = chart.later()
    merge_id = merged(portal, chart.patient_id, other_file.patient_id)
    added = chart.one(before)
    assert (added["title"], added["kind"]) == ("Lisinopril", "added")
    assert added["changed_at"] > before
    after = chart.later(days=3)
    assert chart.since(after) == []
    stopped = {**drug, "status": "stopped", "subject": {"reference": f"Patient/{other_file.resource_id}"}}
    portal.import_fhir(stopped)
    assert kinds(chart.since(after)) == {"Lisinopril": "changed"}
    assert kinds(chart.since(before, limit=1)) == {"Lisinopril": "added"}
    assert set(kinds(chart.since(None, limit=1))) == {"Lisinopril", "Metformin"}
    assert undo(portal, chart.patient_id, merge_id).status == 200
    assert set(kinds(chart.since(None))) == {"Metformin"}


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_the_changes_of_both_files_are_one_list(portal: Portal, limit: int) -> None:
    chart, other = Chart(portal), portal.new_patient()
    merged(portal, chart.patient_id, other.patient_id)
    moment = chart.later()
    for place in range(4):
        chart.take(fhir.condition("", f"Mine {place}"))
        portal.advance(seconds=1)
        portal.import_fhir(fhir.condition(f"Patient/{other.resource_id}", f"Other {place}"))
        portal.advance(seconds=1)
    items = chart.since(moment, limit=limit)
    assert [one["title"] for one in items] == [f"{whose} {n}" for n in (3, 2, 1, 0) for whose in ("Other", "Mine")]
