"""Searching as FHIR writes it: every parameter against the resources themselves, pages, and what is brought along."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from tests.support import fhir
from tests.support.fhir import Json
from tests.support.fhir_api import Reader, fhir_id
from tests.support.portal import Person, Portal
from tests.support.promises import Promise
from tests.support.sizes import size

CATEGORIES = "http://terminology.hl7.org/CodeSystem/observation-category"


def coded(*codes: str, system: str = fhir.LOINC) -> Json:
    return {"coding": [{"system": system, "code": code} for code in codes]}


def of(*categories: str) -> list[Json]:
    return [coded(one, system=CATEGORIES) for one in categories]


@pytest.fixture(scope="module")
def person(portal: Portal) -> Person:
    """Somebody with something for every parameter; each resource is named by its note."""
    person = portal.register()
    me = {"id": person.patient.resource_id}
    visit = fhir.encounter(
        me, id=fhir.fresh("e"), period={"start": "2023-05-01T09:00:00Z", "end": "2023-05-03T09:00:00Z"}
    )
    other_visit = fhir.encounter(me, status="planned", period={"start": "2024-01-01T09:00:00Z"})
    at_visit = {"encounter": {"reference": f"Encounter/{visit['id']}"}}
    drug = {"resourceType": "Medication", "id": fhir.fresh("drug"), "code": {"text": "Metformin"}}
    observations: dict[str, Json] = {
        "lab": {"effectiveDateTime": "2023-05-01T10:00:00Z", **at_visit},
        "lab two": {"category": of("laboratory"), "code": coded("2951-2"), "effectiveDateTime": "2023-05-02"},
        "two codes": {"category": of("laboratory"), "code": coded("1-1", "2951-2"), "effectiveDateTime": "2022"},
        "two categories": {"category": of("vital-signs", "laboratory"), "effectiveDateTime": "2021-07"},
        "vital": {
            "category": of("vital-signs"),
            "code": coded("8302-2"),
            "effectiveDateTime": "2023-05-02T00:30:00-05:00",
        },
        "long": {
            "category": of("vital-signs"),
            "effectiveDateTime": None,
            "effectivePeriod": {"start": "2019-01-01", "end": "2023-05-02"},
        },
        "open": {"category": of("exam"), "effectiveDateTime": None, "effectivePeriod": {"start": "2018-01-01"}},
        "ending": {"category": of("exam"), "effectiveDateTime": None, "effectivePeriod": {"end": "2024-06-01"}},
        "imaging": {"category": of("imaging"), "code": coded("2951-2", system="urn:other"), "status": "preliminary"},
        "survey": {"category": of("survey", "sdoh"), "effectiveDateTime": None},
    }
    resources = [visit, other_visit, drug]
    resources += [_named(fhir.lab(me, **told), name) for name, told in observations.items()]
    resources += [
        _named(fhir.condition(me, "Asthma", clinicalStatus={"coding": [{"code": "active"}]}, **at_visit), "active"),
        _named(fhir.condition(me, "Flu", clinicalStatus={"coding": [{"code": "resolved"}]}), "resolved"),
        _named(fhir.prescription(me, intent="order"), "order"),
        _named(
            fhir.prescription(
                me, intent="plan", status="stopped", medicationCodeableConcept=None,
                medicationReference={"reference": f"Medication/{drug['id']}"},
            ),
            "plan",
        ),
        _named({"resourceType": "Claim", "id": fhir.fresh("c"), "patient": fhir.about(me), "created": "2023"}, "claim"),
        {
            "resourceType": "DiagnosticReport", "id": fhir.fresh("dr"), "status": "final", "subject": fhir.about(me),
            "category": [coded("LAB", system="http://terminology.hl7.org/CodeSystem/v2-0074")],
            "code": coded("58410-2"), "effectiveDateTime": "2023-05-01", "conclusion": "report",
        },
    ]  # fmt: skip
    sent = [{name: value for name, value in one.items() if value is not None} for one in resources]
    done = portal.import_fhir(fhir.bundle(*sent)).json
    assert done["refused"] == [], done
    return person


def _named(resource: Json, name: str) -> Json:
    return {**resource, "note": [{"text": name}]}


@pytest.fixture(scope="module")
def me(portal: Portal, person: Person) -> Reader:
    return Reader(portal, person.token)


def names(me: Reader, query: str) -> set[str]:
    """The names of what a search finds, each found once, on pages of any size."""
    joined = "&" if "?" in query else "?"
    walks = [me.search(f"{query}{joined}_count={count}") for count in (100, 3, 1)]
    found = [[_name(one) for one in walk] for walk in walks]
    assert len(set(found[0])) == len(found[0])
    assert all(sorted(one) == sorted(found[0]) for one in found)
    return set(found[0])


def _name(resource: Json) -> str:
    return str(resource["note"][0]["text"]) if "note" in resource else str(resource.get("conclusion", resource["id"]))


ALL = {"lab", "lab two", "two codes", "two categories", "vital", "long", "open", "ending", "imaging", "survey"}


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", ALL),
        ("category=laboratory", {"lab", "lab two", "two codes", "two categories"}),
        (f"category={CATEGORIES}|laboratory", {"lab two", "two codes", "two categories"}),
        ("category=vital-signs", {"two categories", "vital", "long"}),
        ("category=sdoh", {"survey"}),
        ("category=survey,imaging", {"survey", "imaging"}),
        ("category=laboratory&category=vital-signs", {"two categories"}),
        ("category=nothing", set()),
        ("code=2951-2", {"lab two", "two codes", "imaging"}),
        ("code=http://loinc.org|2951-2", {"lab two", "two codes"}),
        ("code=http://loinc.org|1-1", {"two codes"}),
        ("code=http://loinc.org|1-1,urn:other|2951-2", {"two codes", "imaging"}),
        ("code=urn:other|", {"imaging"}),
        ("code=|2951-2", set()),
        ("status=preliminary", {"imaging"}),
        ("status=final,preliminary", ALL),
        ("category=laboratory&code=8302-2", set()),
        ("category=vital-signs&code=http://loinc.org|8302-2", {"vital"}),
    ],
)
def test_observations_by_their_codes(me: Reader, query: str, wanted: set[str]) -> None:
    assert names(me, f"Observation?{query}") == wanted


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("date=2023-05-02", {"lab two", "vital"}),
        ("date=eq2023-05", {"lab", "lab two", "vital"}),
        ("date=2023-05-01T10:00:00Z", {"lab"}),
        ("date=2023-05-01T05:00-05:00", {"lab"}),
        ("date=2022,2021-07", {"two codes", "two categories"}),
        ("date=ge2023-05-02", {"lab two", "vital", "long", "open", "ending", "imaging"}),
        ("date=gt2023-05-02", {"open", "ending", "imaging"}),
        ("date=ge2022-06", {"lab", "lab two", "vital", "two codes", "long", "open", "ending", "imaging"}),
        ("date=le2021-07", {"two categories", "long", "open", "ending"}),
        ("date=lt2018-01-01", {"ending"}),
        ("date=sa2023", {"imaging"}),
        ("date=eb2022", {"two categories"}),
        ("date=ge2023-05-01&date=lt2023-05-02", {"lab", "long", "open", "ending"}),
        ("date=ge2023-05-01&date=le2023-05-02&category=laboratory", {"lab", "lab two"}),
        ("date=ge2030&date=lt2020", {"open"}),
        ("date=9999-12-31", set()),
        ("date=ge0001", ALL - {"survey"}),
    ],
)
def test_observations_by_their_dates(me: Reader, query: str, wanted: set[str]) -> None:
    assert names(me, f"Observation?{query}") == wanted


def test_by_the_visit(me: Reader) -> None:
    (visit,) = me.search("Encounter?status=finished")
    for written in (visit["id"], f"Encounter/{visit['id']}", f"Encounter/{visit['id'].replace('-', '_', 1)}"):
        assert names(me, f"Observation?encounter={written}") == {"lab"}
        assert names(me, f"Condition?encounter={written}&clinical-status=active") == {"active"}
    assert names(me, f"Observation?encounter={visit['id']}&code=none") == set()
    assert names(me, "Observation?encounter=rec-01ARZ3NDEKTSV4RRFFQ69G5FAV") == set()
    assert me.ids("Encounter?date=2023-05") == [visit["id"]]
    assert me.ids("Encounter?date=ge2023-05-02&date=lt2023-06") == [visit["id"]]
    assert len(me.ids("Encounter?date=ge2023")) == 2


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("Condition?clinical-status=active", {"active"}),
        ("Condition?clinical-status=active,resolved", {"active", "resolved"}),
        ("MedicationRequest?intent=order", {"order"}),
        ("MedicationRequest?intent=order,plan&status=stopped", {"plan"}),
        ("MedicationRequest?authoredon=2024-05", {"order", "plan"}),
        ("DiagnosticReport?category=LAB", {"report"}),
        ("DiagnosticReport?category=LAB&date=ge2023-05-01", {"report"}),
        ("DiagnosticReport?code=http://loinc.org|58410-2", {"report"}),
        ("DiagnosticReport?code=58410-3", set()),
        ("Claim?created=2023", {"claim"}),
        ("Claim?created=lt2023", set()),
        ("Immunization", set()),
    ],
)
def test_other_types_by_what_us_core_asks_for(me: Reader, query: str, wanted: set[str]) -> None:
    assert names(me, query) == wanted


def test_by_when_the_portal_stored_it(portal: Portal, me: Reader) -> None:
    now = datetime.now(UTC)
    later, earlier = (f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (now + timedelta(hours=1), now - timedelta(hours=1)))
    assert names(me, f"Observation?_lastUpdated=ge{earlier}") == ALL
    assert names(me, f"Observation?_lastUpdated=ge{earlier}&category=survey") == {"survey"}
    assert names(me, f"Observation?_lastUpdated=gt{later}") == set()
    assert names(me, f"Observation?_lastUpdated=lt{later}&_lastUpdated=gt{earlier}&status=preliminary") == {"imaging"}
    assert names(me, f"Claim?_lastUpdated=ge{earlier}") == {"claim"}
    stamp = me.search("Observation?category=survey")[0]["meta"]["lastUpdated"]
    assert "survey" in names(me, f"Observation?_lastUpdated={stamp}")


def test_by_ids(me: Reader) -> None:
    ids = me.ids("Observation?_count=100")
    three = ",".join(ids[:3])
    assert me.ids(f"Observation?_id={three}&_count=2") == ids[:3]
    assert me.ids(f"Observation?_id={three}&category=nothing") == []
    assert me.ids(f"Condition?_id={three}") == []
    assert me.ids("Observation?_id=rec-01ARZ3NDEKTSV4RRFFQ69G5FAV,nonsense") == []
    assert me.read(f"Observation?_id={ids[0]}")["total"] == 1


def test_the_patient_may_be_written_in_every_way(portal: Portal, person: Person, me: Reader) -> None:
    id = person.patient.patient_id
    base = me.read("metadata")["implementation"]["url"]
    for written in (id, fhir_id(id), f"Patient/{id}", f"Patient/{fhir_id(id)}", f"{base}/Patient/{fhir_id(id)}"):
        for name in ("patient", "subject", "patient:Patient"):
            assert names(me, f"Observation?{name}={quote(written, safe='')}") == ALL
    clinic = Reader(portal, portal.client_token())
    assert names(clinic, f"Observation?patient={id}") == ALL
    assert clinic.get("Observation").status == 400
    assert me.get("Observation?patient=Practitioner/x").status == 404


def test_patients_by_what_is_known_of_them(person: Person, me: Reader) -> None:
    own = fhir_id(person.patient.patient_id)
    for query in (
        "",
        f"?_id={own}",
        "?name=solb",
        "?family=SOLBERG&given=ing",
        "?birthdate=1961-04-12",
        "?identifier=" + quote(f"{fhir.MRN}|MRN-{person.patient.resource_id}"),
    ):
        assert me.ids(f"Patient{query}") == [own], query
    for query in ("?name=other", "?birthdate=gt1961-04-12", "?_id=pat-01ARZ3NDEKTSV4RRFFQ69G5FAV"):
        assert me.ids(f"Patient{query}") == []


def test_a_drug_is_brought_along_where_it_is_asked_for(me: Reader) -> None:
    alone = me.entries("MedicationRequest?intent=plan")
    assert [entry["search"]["mode"] for entry in alone] == ["match"]
    request, drug = me.entries("MedicationRequest?intent=plan&_include=MedicationRequest:medication")
    assert (request["search"]["mode"], drug["search"]["mode"]) == ("match", "include")
    assert drug["resource"]["code"] == {"text": "Metformin"}
    assert request["resource"]["medicationReference"]["reference"] == f"Medication/{drug['resource']['id']}"
    assert drug["fullUrl"].endswith(f"/fhir/R4/Medication/{drug['resource']['id']}")
    assert me.read(f"Medication?_id={drug['resource']['id']}")["total"] == 1


# --- pages ------------------------------------------------------------------------------------------------------------


def test_a_page_says_how_it_was_asked_for_and_where_the_next_one_is(me: Reader) -> None:
    first = me.read("Observation?category=laboratory&_count=2&unheard=of")
    links = {link["relation"]: link["url"] for link in first["link"]}
    assert links.keys() == {"self", "next"}
    assert links["self"].endswith("/fhir/R4/Observation?category=laboratory&_count=2")
    assert "total" not in first
    assert me.read("Observation?category=laboratory&_count=50")["total"] == 4
    assert "entry" not in me.read("Observation?category=nothing")


def test_a_cursor_belongs_to_its_search_and_its_caller(portal: Portal, me: Reader) -> None:
    page = me.read("Observation?category=laboratory&_count=2")
    cursor = next(link["url"] for link in page["link"] if link["relation"] == "next").partition("_page=")[2]
    assert me.get(f"Observation?category=laboratory&_count=2&_page={cursor}").status == 200
    assert me.get(f"Observation?category=vital-signs&_count=2&_page={cursor}").status == 400
    assert me.get(f"Condition?category=laboratory&_count=2&_page={cursor}").status == 400
    assert (
        Reader(portal, portal.register().token).get(f"Observation?category=laboratory&_count=2&_page={cursor}").status
        == 400
    )


@pytest.mark.promise
def test_a_walk_while_others_insert_gives_every_row_that_was_there_once(portal: Portal, promise: Promise) -> None:
    person = portal.register()
    me, subject = Reader(portal, person.token), {"id": person.patient.resource_id}
    token = portal.client_token()

    def bring(count: int) -> None:
        labs = [fhir.lab(subject, effectiveDateTime=f"2024-05-{day:02d}") for day in range(1, count + 1)]
        assert portal.import_fhir(fhir.bundle(*labs), token=token).json["created"] == count

    bring(28)
    before = set(me.ids("Observation?_count=100"))
    stop = threading.Event()

    def insert() -> None:
        # So many and no more: what is inserted before a walk's place would keep it walking on a slow machine.
        for _ in range(size("AP 4") // 3):
            if stop.is_set():
                break
            bring(3)

    thread = threading.Thread(target=insert)
    thread.start()
    try:
        walks: list[list[str]] = [me.ids(f"Observation?{query}") for query in ("_count=3", "code=4548-4&_count=3")]
        walks.append(me.ids(f"Patient/{fhir_id(person.patient.patient_id)}/$everything?_count=3"))
    finally:
        stop.set()
        thread.join()
    wrong = sum(walk.count(id) != 1 for walk in walks for id in before)
    promise("AP 4", "rows of FHIR walks that were missed or came twice while others insert", asked=0, measured=wrong)


# --- everything -------------------------------------------------------------------------------------------------------


def test_everything_is_everything_page_by_page(person: Person, me: Reader) -> None:
    base = f"Patient/{fhir_id(person.patient.patient_id)}/$everything"
    found = me.entries(base)
    ids = [entry["resource"]["id"] for entry in found]
    assert len(set(ids)) == len(ids) == 19
    assert found[0]["resource"]["resourceType"] == "Patient"
    for count in (1, 7, 100):
        assert [entry["resource"]["id"] for entry in me.entries(f"{base}?_count={count}")] == ids
    assert {one["resourceType"] for one in me.search(f"{base}?_type=Condition,Claim")} == {"Condition", "Claim"}
    assert {_name(one) for one in me.search(f"{base}?_type=Observation&start=2023-05-02&end=2023-05-02")} == {
        "lab two",
        "vital",
    }
    assert len(me.search(f"{base}?_since=2020-01-01")) == 19
    assert me.search(f"{base}?_since=2999-01-01T00:00:00Z") == []
    assert {_name(one) for one in me.search(f"{base}?_since=2020-01-01&_type=Claim")} == {"claim"}


def test_everything_of_others_is_not_there(portal: Portal, me: Reader) -> None:
    other: Any = portal.new_patient().patient_id
    assert me.get(f"Patient/{other}/$everything").status == 404
    assert me.get(f"Patient/{other}/%24everything").status == 404
    assert me.get("Observation/rec-01ARZ3NDEKTSV4RRFFQ69G5FAV/$everything").status == 404
