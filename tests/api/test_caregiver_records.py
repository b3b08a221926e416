"""The record as caregivers read it: within their scopes, apart from what is sensitive, whole pages of it."""

from dataclasses import dataclass
from urllib.parse import quote

import pytest

from chalicelib.domain.caregivers import Scope
from chalicelib.domain.records.sight import OPENED
from tests.support import fhir
from tests.support.aws_calls import recorded
from tests.support.fhir import Json
from tests.support.people import new_caregiver, token_of
from tests.support.portal import Answer, Person, Portal
from tests.support.promises import Promise

SECRET = {"meta": {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HIV"}]}}
SENSITIVE = {"Secret test", "Secret drug"}


@dataclass
class Caregiver:
    """Somebody who reads another's record."""

    portal: Portal
    patient_id: str
    token: str

    def get(self, path: str) -> Answer:
        return self.portal.call("GET", f"/v1/patients/{self.patient_id}{path}", token=self.token)

    def walk(self, query: str = "", limit: int = 3) -> list[list[Json]]:
        """Every page of the record."""
        pages: list[list[Json]] = []
        cursor: str | None = ""
        while cursor is not None:
            answer = self.get(f"/records?limit={limit}&{query}{f'&cursor={quote(cursor)}' if cursor else ''}")
            assert answer.status == 200, answer.text
            pages.append(answer.json["items"])
            cursor = answer.json["next_cursor"]
        return pages


@pytest.fixture(scope="module")
def person(portal: Portal) -> Person:
    """Somebody with records of every scope, a sensitive one here and there, and a visit."""
    person = portal.register()
    me = {"id": person.patient.resource_id}
    visit = fhir.encounter(me, period={"start": "2023-03-01T09:00:00-06:00"})
    at_visit = {"encounter": fhir.about(f"Encounter/{visit['id']}")}
    secret_test = fhir.lab(me, code={"text": "Secret test"}, effectiveDateTime="2024-03-05", **SECRET, **at_visit)
    plain_test = fhir.lab(me, code={"text": "Plain test"}, effectiveDateTime="2024-03-04", **at_visit)
    diagnosis = fhir.condition(me, "Diagnosis", recordedDate="2024-01-01")
    resources = [visit, secret_test, plain_test, diagnosis]
    resources += [fhir.lab(me, effectiveDateTime=f"2024-02-{day:02}") for day in range(1, 8)]
    resources += [fhir.condition(me, f"Condition {day}", recordedDate=f"2024-02-{day:02}") for day in range(1, 12)]
    resources += [
        fhir.prescription(me, authoredOn="2024-02-05", reasonReference=[fhir.about(f"Condition/{diagnosis['id']}")]),
        fhir.prescription(me, medicationCodeableConcept={"text": "Secret drug"}, authoredOn="2024-02-06", **SECRET),
        fhir.prescription(me, authoredOn="2022-01-01", medicationCodeableConcept={"text": "Old drug"}),
        {
            "resourceType": "DiagnosticReport",
            "id": fhir.fresh("r"),
            "status": "final",
            "code": {"text": "Panel"},
            "subject": fhir.about(me),
            "effectiveDateTime": "2024-03-06",
            "result": [fhir.about(f"Observation/{one['id']}") for one in (secret_test, plain_test)],
        },
    ]
    done = portal.import_fhir(fhir.bundle(*resources)).json
    assert (done["created"], done["refused"]) == (len(resources), [])
    return person


def caregiver(person: Person, *scopes: Scope, sees_sensitive: bool = False) -> Caregiver:
    patient_id = person.patient.patient_id
    token = token_of(new_caregiver(patient_id, *scopes, sees_sensitive=sees_sensitive))
    return Caregiver(person.portal, patient_id, token)


def own_rows(person: Person, query: str = "") -> list[Json]:
    return [row for page in Caregiver(person.portal, "me", person.token).walk(query, limit=100) for row in page]


def ids_of(rows: list[Json]) -> list[str]:
    return [row["record_id"] for row in rows]


SIGHTS = [
    ((Scope.MEDICATIONS,), False),
    ((Scope.MEDICATIONS,), True),
    ((Scope.RESULTS,), False),
    ((Scope.RESULTS,), True),
    ((Scope.RESULTS, Scope.MEDICATIONS), False),
    ((Scope.EVERYTHING,), False),
    ((Scope.EVERYTHING,), True),
    ((Scope.APPOINTMENTS, Scope.MESSAGES, Scope.BILLING), True),
]
QUERIES = ["", "from=2024-02-03&to=2024-03-05", "from=2024-02-03", "to=2024-02-06"]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize(("scopes", "sees_sensitive"), SIGHTS)
def test_an_unfiltered_list_shows_what_is_inside_in_full_pages(
    person: Person, scopes: tuple[Scope, ...], query: str, *, sees_sensitive: bool
) -> None:
    opened = set().union(*(OPENED[scope] for scope in scopes))
    wanted = [
        row
        for row in own_rows(person, query)
        if row["category"] in opened and (sees_sensitive or row["title"] not in SENSITIVE)
    ]
    for limit in (1, 3, 20):
        pages = caregiver(person, *scopes, sees_sensitive=sees_sensitive).walk(query, limit)
        assert ids_of([row for page in pages for row in page]) == ids_of(wanted)
        assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
        assert pages[-1] or not wanted


@pytest.mark.parametrize("query", ["q=a", "code=http://loinc.org|4548-4"])
@pytest.mark.parametrize(("scopes", "sees_sensitive"), SIGHTS)
def test_a_search_finds_what_is_inside_and_each_once(
    person: Person, scopes: tuple[Scope, ...], query: str, *, sees_sensitive: bool
) -> None:
    opened = set().union(*(OPENED[scope] for scope in scopes))
    wanted = [
        row
        for row in own_rows(person, query)
        if row["category"] in opened and (sees_sensitive or row["title"] not in SENSITIVE)
    ]
    pages = caregiver(person, *scopes, sees_sensitive=sees_sensitive).walk(query, 2)
    assert ids_of([row for page in pages for row in page]) == ids_of(wanted)


@pytest.mark.parametrize(("scopes", "sees_sensitive"), SIGHTS)
def test_each_record_opens_within_the_scope_alone(
    person: Person, scopes: tuple[Scope, ...], *, sees_sensitive: bool
) -> None:
    opened = set().union(*(OPENED[scope] for scope in scopes))
    one = caregiver(person, *scopes, sees_sensitive=sees_sensitive)
    for row in own_rows(person):
        is_open = row["category"] in opened and (sees_sensitive or row["title"] not in SENSITIVE)
        for form in ("", "?format=fhir"):
            answer = one.get(f"/records/{row['record_id']}{form}")
            assert (answer.status, row["title"]) == (200 if is_open else 404, row["title"])


@pytest.mark.parametrize("category", ["lab", "condition", "medication", "encounter"])
@pytest.mark.parametrize(("scopes", "sees_sensitive"), SIGHTS)
def test_a_list_of_a_category_outside_the_scope_is_not_there(
    person: Person, scopes: tuple[Scope, ...], category: str, *, sees_sensitive: bool
) -> None:
    opened = set().union(*(OPENED[scope] for scope in scopes))
    answer = caregiver(person, *scopes, sees_sensitive=sees_sensitive).get(f"/records?category={category}")
    assert answer.status == (200 if category in opened else 404)


def test_a_visit_lists_what_shows_to_its_reader(person: Person) -> None:
    (visit,) = own_rows(person, "category=encounter")
    for sees_sensitive, titles in ((True, {"Secret test", "Plain test"}), (False, {"Plain test"})):
        one = caregiver(person, Scope.EVERYTHING, sees_sensitive=sees_sensitive)
        during = one.get(f"/records/{visit['record_id']}").json["during"]
        assert {row["title"] for row in during} == titles


def test_no_title_of_a_hidden_record_stands_in_another(person: Person) -> None:
    (report,) = own_rows(person, "category=report")
    assert {link["title"] for link in report["results"]} == {"Secret test", "Plain test"}
    one = caregiver(person, Scope.RESULTS)
    for shown in (one.get(f"/records/{report['record_id']}").json, *one.get("/records?category=report").json["items"]):
        assert [link["title"] for link in shown["results"]] == ["Plain test"]
    prescriptions = caregiver(person, Scope.MEDICATIONS).get("/records").text
    assert "Diagnosis" not in prescriptions
    assert any(row.get("reasons") == ["Diagnosis"] for row in own_rows(person, "category=medication"))


def test_the_summary_has_empty_parts_where_the_scope_ends(person: Person) -> None:
    summary = caregiver(person, Scope.MEDICATIONS).get("/summary").json
    assert {row["title"] for row in summary["medications"]} == {"Metformin 500 mg", "Old drug"}
    assert (summary["new_results"], summary["conditions"], summary["allergies"]) == ([], [], [])
    nothing = caregiver(person, Scope.APPOINTMENTS).get("/summary").json
    assert (nothing["medications"], nothing["medication_changes"], nothing["new_results"]) == ([], [], [])


def test_a_record_of_before_the_labels_were_read_counts_as_sensitive(person: Person) -> None:
    from chalicelib.models.base import connection
    from chalicelib.settings import settings

    portal = person.portal
    old = portal.register(portal.new_patient(resources=(), id=fhir.fresh("old")))
    assert portal.import_fhir(fhir.lab({"id": old.patient.resource_id})).json["created"] == 1
    (row,) = own_rows(old)
    patient_id, record_id = old.patient.patient_id, row["record_id"]
    key = {"pk": {"S": patient_id}, "sk": {"S": f"record#{record_id}"}}
    about = {"TableName": settings().table("patients"), "Key": key, "UpdateExpression": "REMOVE is_sensitive"}
    one = caregiver(old, Scope.RESULTS)
    assert one.get(f"/records/{record_id}").status == 200
    connection().dispatch("UpdateItem", about)
    assert one.get(f"/records/{record_id}").status == 404
    assert one.get("/records").json["items"] == []


@pytest.mark.promise
def test_anothers_data_takes_one_round_trip_more_for_the_tie_and_one_for_the_entry(
    person: Person, promise: Promise
) -> None:
    paths = {
        "a page of medications": (Scope.MEDICATIONS, "/records?limit=2"),
        "a page of everything but what is sensitive": (Scope.EVERYTHING, "/records?limit=2&category=condition"),
        "one record": (Scope.RESULTS, f"/records/{own_rows(person, 'category=lab')[3]['record_id']}"),
    }
    for what, (scope, path) in paths.items():
        one = caregiver(person, scope)
        with recorded() as calls:
            assert one.get(path).status == 200
        promise(
            "AP 4",
            f"{what} of somebody in one's care: DynamoDB round trips in sequence",
            asked=4,
            measured=len([call for call in calls if call.service == "dynamodb"]),
        )


# --- what a patient sees when they look through a caregiver's eyes ----------------------------------------------------


@pytest.mark.parametrize(("scopes", "sees_sensitive"), SIGHTS)
def test_a_patient_sees_what_an_invitee_would_see_and_then_sees(
    person: Person, scopes: tuple[Scope, ...], *, sees_sensitive: bool
) -> None:
    from tests.support.caregivers import accept, invite, link_of, new_email
    from tests.support.people import new_account

    portal, patient_id, email = person.portal, person.patient.patient_id, new_email()
    _end_all(person)
    invited = invite(person, *scopes, email=email, sensitive=sees_sensitive)
    assert invited.status == 201, invited.text
    caregiver_id = invited.json["caregiver_id"]
    paths = ["/summary", "/records?limit=3", "/records?category=lab", "/records?category=condition"]
    paths += [f"/records/{row['record_id']}" for row in own_rows(person)[:6]]

    def previewed() -> list[tuple[int, str]]:
        asked = [f"/v1/patients/me{path}{'&' if '?' in path else '?'}as={caregiver_id}" for path in paths]
        return [_content(person.get(path)) for path in asked]

    before = previewed()
    token = token_of(new_account())
    assert accept(portal, link_of(portal, email), token).status == 200
    one = Caregiver(portal, patient_id, token)
    assert before == previewed() == [_content(one.get(path)) for path in paths]
    assert portal.call("DELETE", f"/v1/patients/me/caregivers/{caregiver_id}", token=person.token).status == 204
    assert {status for status, _ in previewed()} == {404}


def _end_all(person: Person) -> None:
    """So that the caregivers of the tests before are not as many as a patient may have."""
    while items := person.get("/v1/patients/me/caregivers?limit=100").json["items"]:
        for one in items:
            path = f"/v1/patients/me/caregivers/{one['caregiver_id']}"
            assert person.portal.call("DELETE", path, token=person.token).status == 204


def _content(answer: Answer) -> tuple[int, str]:
    """Status and rows of an answer, without its cursor and request id."""
    found = answer.json
    return answer.status, str({**found, "next_cursor": bool(found.get("next_cursor")), "request_id": None})


def test_nobody_else_looks_through_a_caregivers_eyes(person: Person) -> None:
    one = caregiver(person, Scope.EVERYTHING, sees_sensitive=True)
    listed = person.get("/v1/patients/me/caregivers").json["items"]
    assert listed
    for item in listed:
        assert one.get(f"/records?as={item['caregiver_id']}").status == 404
