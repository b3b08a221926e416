"""Who reads what through FHIR: what hides from a caregiver hides in references, searches and versions as well."""

import json

import pytest

from chalicelib.domain.caregivers import Scope
from chalicelib.domain.staff import Role
from tests.support import fhir
from tests.support.fhir import Json
from tests.support.fhir_api import Reader, fhir_id
from tests.support.people import new_caregiver, new_staff, token_of
from tests.support.portal import Person, Portal

SECRET = {"meta": {"security": [{"code": "R"}]}}
HIDDEN = "Secret"
"""What stands in every display and title of what a caregiver may not see."""


@pytest.fixture(scope="module")
def person(portal: Portal) -> Person:
    """Somebody whose records refer to each other, some of them sensitive."""
    person = portal.register()
    me = {"id": person.patient.resource_id}
    secret_test = fhir.lab(me, code={"text": f"{HIDDEN} test"}, **SECRET)
    plain_test = fhir.lab(me, code={"text": "Plain test"})
    secret_visit = fhir.encounter(me, type=[{"text": f"{HIDDEN} visit"}], **SECRET)
    diagnosis = fhir.condition(me, f"{HIDDEN} diagnosis", **SECRET)
    plain = fhir.condition(me, "Plain diagnosis")
    report = {
        "resourceType": "DiagnosticReport", "id": fhir.fresh("dr"), "status": "final", "subject": fhir.about(me),
        "code": {"text": "Report"}, "encounter": _to(secret_visit),
        "result": [_to(secret_test), _to(plain_test)],
    }  # fmt: skip
    visit = fhir.encounter(
        me, diagnosis=[{"condition": _to(diagnosis), "rank": 1}, {"condition": _to(plain), "rank": 2}]
    )
    prescription = fhir.prescription(me, reasonReference=[_to(diagnosis)], encounter=_to(secret_visit))
    plan = {
        "resourceType": "CarePlan", "id": fhir.fresh("cp"), "status": "active", "intent": "plan",
        "subject": fhir.about(me), "addresses": [_to(diagnosis)],
        "activity": [
            {"reference": _to(prescription)},
            {"outcomeReference": [_to(secret_test)], "detail": {"status": "completed"}},
        ],
        "extension": [{"url": "urn:about", "valueReference": _to(diagnosis)}],
    }  # fmt: skip
    claim = {"resourceType": "Claim", "id": fhir.fresh("cl"), "patient": fhir.about(me)}
    sent = [secret_test, plain_test, secret_visit, diagnosis, plain, report, visit, prescription, plan, claim]
    done = portal.import_fhir(fhir.bundle(*sent)).json
    assert done["refused"] == [], done
    return person


def _to(resource: Json) -> Json:
    told: Json = resource["code"] if "code" in resource else (resource.get("type") or [{}])[0]
    return {"reference": f"{resource['resourceType']}/{resource['id']}", "display": told.get("text", "A record")}


def caregiver(person: Person, *scopes: Scope, sees_sensitive: bool = False) -> Reader:
    account_id = new_caregiver(person.patient.patient_id, *scopes, sees_sensitive=sees_sensitive)
    return Reader(person.portal, token_of(account_id))


def everything(reader: Reader, person: Person) -> list[Json]:
    return reader.search(f"Patient/{fhir_id(person.patient.patient_id)}/$everything?_count=3")


def about(person: Person) -> str:
    return f"patient={fhir_id(person.patient.patient_id)}"


def test_the_patient_and_who_sees_all_read_all_of_it(portal: Portal, person: Person) -> None:
    own = everything(Reader(portal, person.token), person)
    assert len(own) == 11
    staff = Reader(portal, token_of(new_staff(Role.CLINICIAN, cares_for=person.patient.patient_id)))
    clinic = Reader(portal, portal.client_token(portal.new_client("records.read")))
    assert everything(staff, person) == everything(clinic, person) == own
    daughter = everything(caregiver(person, Scope.EVERYTHING, sees_sensitive=True), person)
    assert daughter[1:] == own[1:]


def test_a_caregiver_reads_who_it_is_about_and_not_how_to_reach_them(portal: Portal, person: Person) -> None:
    one = caregiver(person, Scope.APPOINTMENTS).read(f"Patient/{person.patient.patient_id}")
    assert one["name"][0]["family"] == person.patient.last_name
    assert one["birthDate"] == person.patient.date_of_birth
    assert [number["value"] for number in one["identifier"]] == [person.patient.clinic_number]
    assert "telecom" not in one
    assert one["meta"]["tag"][0]["code"] == "SUBSETTED"


@pytest.mark.parametrize(
    ("scopes", "types"),
    [
        (
            (Scope.EVERYTHING,),
            {"Observation", "Condition", "DiagnosticReport", "Encounter", "MedicationRequest", "CarePlan"},
        ),
        ((Scope.RESULTS,), {"Observation", "DiagnosticReport"}),
        ((Scope.MEDICATIONS,), {"MedicationRequest"}),
        ((Scope.APPOINTMENTS,), set()),
    ],
)
def test_nothing_of_what_is_hidden_shows_anywhere(person: Person, scopes: tuple[Scope, ...], types: set[str]) -> None:
    own = everything(Reader(person.portal, person.token), person)
    one = caregiver(person, *scopes)
    seen = everything(one, person)
    assert {resource["resourceType"] for resource in seen} == {"Patient", *types}
    hidden = {resource["id"] for resource in own} - {resource["id"] for resource in seen}
    text = json.dumps(seen)
    assert HIDDEN not in text
    assert not [id for id in hidden if id in text]
    assert "{}" not in text
    assert "[]" not in text
    for resource in own:
        path = f"{resource['resourceType']}/{resource['id']}"
        found = [other for other in seen if other["id"] == resource["id"]]
        for form in (path, f"{path}/_history/1"):
            answer = one.get(form)
            assert answer.status == (200 if found else 404), (form, answer.text)
            assert not found or answer.json == found[0]
        by_id = one.search(f"{resource['resourceType']}?_id={resource['id']}")
        assert by_id == found or resource["resourceType"] == "Patient"


def test_what_refers_to_what_is_hidden_says_the_rest(person: Person) -> None:
    one = caregiver(person, Scope.EVERYTHING)
    (report,) = one.search(f"DiagnosticReport?{about(person)}")
    assert [link["display"] for link in report["result"]] == ["Plain test"]
    assert "encounter" not in report
    (visit,) = one.search(f"Encounter?{about(person)}")
    assert [link["rank"] for link in visit["diagnosis"]] == [2]
    (plan,) = one.search(f"CarePlan?{about(person)}")
    assert {"addresses", "extension"}.isdisjoint(plan)
    assert len(plan["activity"]) == 2
    assert plan["activity"][1] == {"detail": {"status": "completed"}}


def test_a_search_finds_nothing_by_what_is_hidden(portal: Portal, person: Person) -> None:
    own = Reader(portal, person.token)
    (secret_visit,) = [one for one in own.search("Encounter") if "diagnosis" not in one]
    assert own.ids(f"MedicationRequest?encounter={secret_visit['id']}")
    one = caregiver(person, Scope.EVERYTHING)
    for type in ("MedicationRequest", "DiagnosticReport"):
        page = one.read(f"{type}?{about(person)}&encounter={secret_visit['id']}")
        assert (page["total"], "entry" in page) == (0, False)
    assert one.read(f"Observation?{about(person)}&_count=50")["total"] == 1


@pytest.mark.parametrize(
    ("scope", "type", "status"),
    [
        (Scope.RESULTS, "Observation", 200),
        (Scope.RESULTS, "Condition", 404),
        (Scope.RESULTS, "MedicationRequest", 404),
        (Scope.MEDICATIONS, "MedicationRequest", 200),
        (Scope.MEDICATIONS, "Observation", 404),
        (Scope.EVERYTHING, "Claim", 404),
    ],
)
def test_a_type_outside_the_scope_is_not_there(person: Person, scope: Scope, type: str, status: int) -> None:
    assert caregiver(person, scope).get(f"{type}?{about(person)}").status == status


def test_a_version_of_old_that_was_sensitive_stays_hidden(portal: Portal) -> None:
    person = portal.register()
    sent = fhir.condition({"id": person.patient.resource_id}, "Once a secret", **SECRET)
    assert portal.import_fhir(sent).json["created"] == 1
    plain = {name: value for name, value in sent.items() if name != "meta"}
    assert portal.import_fhir({**plain, "code": {"text": "No secret"}}).json["updated"] == 1
    one = caregiver(person, Scope.EVERYTHING)
    (id,) = one.ids(f"Condition?{about(person)}")
    assert [one.get(f"Condition/{id}/_history/{number}").status for number in (1, 2)] == [404, 200]
    own = Reader(portal, person.token)
    assert [own.get(f"Condition/{id}/_history/{number}").status for number in (1, 2)] == [200, 200]


def test_another_patient_and_a_missing_one_are_the_same(portal: Portal, person: Person) -> None:
    stranger = Reader(portal, portal.register().token)
    record = Reader(portal, person.token).ids("Condition")[0]
    pairs = [
        (f"Patient/{fhir_id(person.patient.patient_id)}", "Patient/pat-01ARZ3NDEKTSV4RRFFQ69G5FAV"),
        (f"Condition/{record}", "Condition/rec-01ARZ3NDEKTSV4RRFFQ69G5FAV"),
        (f"Condition/{record}/_history/1", "Condition/rec-01ARZ3NDEKTSV4RRFFQ69G5FAV/_history/1"),
        (f"Condition?{about(person)}", "Condition?patient=pat-01ARZ3NDEKTSV4RRFFQ69G5FAV"),
        (f"Condition?_id={record}", "Condition?_id=rec-01ARZ3NDEKTSV4RRFFQ69G5FAV"),
    ]
    for theirs, missing in pairs:
        answers = [stranger.get(path) for path in (theirs, missing)]
        assert answers[0].status == answers[1].status
        bodies = [
            answer.text.replace(str(answer.header("x-request-id")), "-").replace(path.split("=")[-1], "-")
            for answer, path in zip(answers, (theirs, missing), strict=True)
        ]
        assert bodies[0] == bodies[1]


def test_staff_without_a_tie_see_no_record(portal: Portal, person: Person) -> None:
    record = Reader(portal, person.token).ids("Condition")[0]
    other = Reader(portal, token_of(new_staff(Role.CLINICIAN)))
    assert other.get(f"Condition?{about(person)}").status == 403
    assert other.get(f"Patient/{person.patient.patient_id}").status == 403
    assert other.get(f"Condition/{record}").status == 404
    desk = Reader(portal, token_of(new_staff(Role.FRONT_DESK, cares_for=person.patient.patient_id)))
    assert desk.get(f"Condition/{record}").status == 404


def test_a_client_without_the_scope_reads_nothing(portal: Portal, person: Person) -> None:
    client = Reader(portal, portal.client_token(portal.new_client("records.write", "patients.read")))
    for path in (f"Patient/{person.patient.patient_id}", f"Condition?{about(person)}", "Practitioner?_id=dir-0"):
        assert client.get(path).status == 403


def test_every_look_by_others_is_in_the_patients_log(portal: Portal) -> None:
    person = portal.register()
    assert portal.import_fhir(fhir.condition({"id": person.patient.resource_id}, "Asthma")).json["created"] == 1
    (record,) = Reader(portal, person.token).ids("Condition")
    own = person.get("/v1/patients/me/access-log?limit=100").json["items"]
    readers = [
        caregiver(person, Scope.EVERYTHING),
        Reader(portal, token_of(new_staff(Role.CLINICIAN, cares_for=person.patient.patient_id))),
        Reader(portal, portal.client_token()),
    ]
    id = fhir_id(person.patient.patient_id)
    paths = [f"Patient/{id}", f"Condition/{record}", f"Condition/{record}/_history/1", f"Condition?{about(person)}"]
    paths += [f"Condition?_id={record}", f"Patient/{id}/$everything", f"Patient?_id={id}"]
    for reader in readers:
        for path in paths:
            assert reader.get(path).status == 200
    log = person.get("/v1/patients/me/access-log?limit=100").json["items"]
    assert len(log) - len(own) == len(readers) * len(paths)
    texts = {item["text"] for item in log[: len(log) - len(own)]}
    assert len(texts) == 4
    assert all(text.startswith("An app read") for text in texts)
