"""GET /v1/patients/{pid}/summary: what a patient wants to know first."""

from datetime import timedelta

from chalicelib import clock
from chalicelib.domain.caregivers import Scope
from chalicelib.domain.notices import Channel
from chalicelib.domain.suppressions import Reason
from chalicelib.models.transaction import transaction
from chalicelib.services import suppressions
from tests.support import amendments, fhir
from tests.support.caregivers import ask_to_act
from tests.support.changing import Chart
from tests.support.fhir import Json
from tests.support.people import new_caregiver, token_of
from tests.support.portal import Person, Portal


def with_record(portal: Portal, *resources: Json) -> tuple[Person, Json]:
    """Somebody with these records, whose subjects are filled in, and their summary."""
    person = portal.register()
    own = [{**one, "subject": fhir.about({"id": person.patient.resource_id})} for one in resources]
    renamed = [
        {
            ("patient" if name == "subject" and one["resourceType"] == "AllergyIntolerance" else name): value
            for name, value in one.items()
        }
        for one in own
    ]
    done = portal.import_fhir(fhir.bundle(*renamed)).json
    assert (done["created"], done["refused"]) == (len(resources), [])
    summary: Json = person.get("/v1/patients/me/summary").json
    return person, summary


def test_somebody_without_a_record_has_an_empty_summary(portal: Portal) -> None:
    person, summary = with_record(portal)
    assert summary["patient"] == {
        "patient_id": person.patient.patient_id,
        "clinic_number": person.patient.clinic_number,
        "name": "Ingrid Mae Solberg",
        "birth_date": "1961-04-12",
        "gender": None,
    }
    (alert,) = summary["alerts"]
    assert (alert["code"], alert["target"]["kind"]) == ("email_unconfirmed", "account")
    rest = {name: value for name, value in summary.items() if name not in {"patient", "alerts"}}
    assert all(value in ([], 0, None) for value in rest.values())
    assert {"new_results", "medications", "conditions", "allergies", "next_appointments", "balance"} <= rest.keys()


def test_new_results_are_the_ten_newest_laboratory_results(portal: Portal) -> None:
    results = [fhir.lab("", effectiveDateTime=f"2024-01-{day:02}", code={"text": f"Day {day}"}) for day in range(1, 15)]
    vital = {**fhir.lab("", effectiveDateTime="2025-01-01"), "category": [{"coding": [{"code": "vital-signs"}]}]}
    _, summary = with_record(portal, *results, vital)
    assert [row["title"] for row in summary["new_results"]] == [f"Day {day}" for day in range(14, 4, -1)]


def test_a_result_is_new_for_ninety_days_and_again_when_it_is_corrected(portal: Portal) -> None:
    first, second = fhir.lab("", code={"text": "First"}), fhir.lab("", code={"text": "Second"})
    chart = Chart(portal, first, second)

    def new() -> list[str]:
        token = token_of(chart.person.session["account"]["account_id"])
        summary = portal.call("GET", "/v1/patients/me/summary", token=token).json
        home = portal.call("GET", "/v1/me/home", token=token).json
        assert home["items"][0]["new_results"] == len(summary["new_results"])
        return [row["title"] for row in summary["new_results"]]

    assert sorted(new()) == ["First", "Second"]
    chart.later(days=91)
    assert new() == []
    chart.take({**first, "status": "corrected", "valueQuantity": {"value": 6.7, "unit": "%"}})
    assert new() == ["First"]


def test_the_next_visits_are_those_that_are_planned_the_earliest_first(portal: Portal) -> None:
    def visit(days: float, title: str, status: str = "planned") -> Json:
        start = f"{clock.now() + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"
        return fhir.encounter("", type=[{"text": title}], period={"start": start}, status=status)

    _, summary = with_record(
        portal,
        visit(40, "Second"),
        visit(2, "First"),
        visit(1, "Cancelled", "cancelled"),
        visit(-1, "Missed"),
        visit(500, "Far off"),
    )
    assert [one["title"] for one in summary["next_appointments"]] == ["First", "Second", "Far off"]
    assert {one["kind"] for one in summary["next_appointments"]} == {"visit"}


def test_what_somebody_asked_for_and_what_is_amiss_is_for_them_alone(portal: Portal) -> None:
    person = portal.register()
    token = token_of(person.session["account"]["account_id"])
    path = f"/v1/patients/{person.patient.patient_id}"
    on_file = portal.call("GET", path, token=token)
    etag = {"If-Match": on_file.header("etag") or ""}
    assert portal.call("PATCH", path, {"first_name": "Astrid"}, token=token, headers=etag).status == 202
    ask_to_act(person.session["account"]["account_id"])
    amended = amendments.asked_about(person.patient.patient_id)
    with transaction() as tx:
        suppressions.suppress(tx, Channel.EMAIL, person.patient.email, Reason.BOUNCE, at=clock.now())
    summary = portal.call("GET", f"{path}/summary", token=token).json
    asked = {one["kind"]: one for one in summary["requests_open"]}
    assert {kind: one["status"] for kind, one in asked.items()} == {
        "amendment": "waiting",
        "contact_change": "pending",
        "proxy_request": "pending",
    }
    assert asked["amendment"]["request_id"] == amended
    assert {one["code"] for one in summary["alerts"]} == {"email_unconfirmed", "address_bounced"}
    other = token_of(new_caregiver(person.patient.patient_id, Scope.EVERYTHING))
    theirs = portal.call("GET", f"{path}/summary", token=other).json
    assert (theirs["requests_open"], theirs["alerts"]) == ([], [])
    assert person.patient.email not in str(summary)


def test_only_what_is_active_is_among_conditions_medications_and_allergies(portal: Portal) -> None:
    def clinically(status: str) -> Json:
        return {"clinicalStatus": {"coding": [{"code": status}]}}

    wrong = {"verificationStatus": {"coding": [{"code": "entered-in-error"}]}}
    allergy = {"resourceType": "AllergyIntolerance", "code": {"text": "Penicillin"}, "subject": {}}
    _, summary = with_record(
        portal,
        fhir.condition("", "Asthma"),
        fhir.condition("", "Back again", **clinically("recurrence")),
        fhir.condition("", "Over", **clinically("resolved")),
        fhir.condition("", "Never was", clinicalStatus=None, **wrong),
        fhir.prescription("", medicationCodeableConcept={"text": "Taken now"}),
        fhir.prescription("", medicationCodeableConcept={"text": "Taken before"}, status="completed"),
        {**allergy, "id": fhir.fresh("a"), **clinically("active")},
        {**allergy, "id": fhir.fresh("a"), **clinically("inactive")},
    )
    assert {row["title"] for row in summary["conditions"]} == {"Asthma", "Back again"}
    assert [row["title"] for row in summary["medications"]] == ["Taken now"]
    assert [(row["title"], row["status"]) for row in summary["allergies"]] == [("Penicillin", "active")]


def test_medication_changes_are_those_of_the_last_months_and_not_a_chart_that_moved_in(portal: Portal) -> None:
    def drug(name: str, **changes: str) -> Json:
        return fhir.prescription("", medicationCodeableConcept={"text": name}, **changes)

    today = f"{clock.now():%Y-%m-%d}"
    old, stopped, again = drug("Old"), drug("Stopped"), drug("Changed long ago")
    chart = Chart(portal, old, stopped, again, drug("New", authoredOn=today))

    def changes() -> list[tuple[str, str]]:
        token = token_of(chart.person.session["account"]["account_id"])
        summary = portal.call("GET", "/v1/patients/me/summary", token=token).json
        return [(one["title"], one["kind"]) for one in summary["medication_changes"]]

    assert changes() == [("New", "added")]
    chart.take({**again, "status": "on-hold"})
    chart.later(days=89)
    chart.take({**stopped, "status": "stopped"})
    assert changes() == [("Stopped", "changed"), ("Changed long ago", "changed"), ("New", "added")]
    chart.later(days=30)
    assert changes() == [("Stopped", "changed")]


def test_an_old_condition_that_is_still_active_is_not_lost_behind_a_hundred_newer_ones(portal: Portal) -> None:
    old = fhir.condition("", "Asthma since childhood", recordedDate="1980-01-01")
    resolved = {"clinicalStatus": {"coding": [{"code": "resolved"}]}}
    newer = [fhir.condition("", f"Cold {place}", recordedDate="2020-01-01", **resolved) for place in range(130)]
    _, summary = with_record(portal, old, *newer)
    assert [row["title"] for row in summary["conditions"]] == ["Asthma since childhood"]


def test_numbers_are_written_as_they_were_sent(portal: Portal) -> None:
    person = portal.register()
    result = fhir.json_text(fhir.lab({"id": person.patient.resource_id})).replace("6.5", "6.500")
    assert portal.import_fhir(result).json["created"] == 1
    assert '"value":6.500' in person.get("/v1/patients/me/summary").text
