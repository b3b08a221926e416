"""FHIR R4, to read: resources and their versions, references, refusals, and what the API says of itself."""

import json
import re
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from chalicelib.domain.fhir_api.served import SERVED
from chalicelib.models import base
from tests.support import fhir, merging
from tests.support.aws_calls import recorded
from tests.support.fhir import Json
from tests.support.fhir_api import Reader, fhir_id
from tests.support.portal import Person, Portal
from tests.support.promises import Promise

ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
ABSENT = [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]


@pytest.fixture(scope="module")
def person(portal: Portal) -> Person:
    return portal.register()


@pytest.fixture(scope="module")
def me(portal: Portal, person: Person) -> Reader:
    return Reader(portal, person.token)


def bring(portal: Portal, *resources: Json, **more: Any) -> None:
    done = portal.import_fhir(fhir.bundle(*resources, **more)).json
    assert done["refused"] == [], done


def about(person: Person) -> Json:
    return {"id": person.patient.resource_id}


def found(me: Reader, type: str, sent: Json) -> Json:
    """The resource of the FHIR API that was sent with an element that nobody else's has."""
    (one,) = [one for one in me.search(f"{type}?_count=100") if one.get("note") == sent.get("note")]
    return one


def noted(resource: Json) -> Json:
    """A resource with a note by which it is found again."""
    return {**resource, "note": [{"text": fhir.fresh("note")}]}


# --- reading ----------------------------------------------------------------------------------------------------------


def test_a_patient_reads_themselves_by_either_form_of_their_id(person: Person, me: Reader) -> None:
    for written in (person.patient.patient_id, fhir_id(person.patient.patient_id)):
        answer = me.get(f"Patient/{written}")
        assert answer.status == 200
        assert answer.json["id"] == fhir_id(person.patient.patient_id)
        assert answer.json["birthDate"] == person.patient.date_of_birth
        assert answer.header("etag") == 'W/"1"'
        assert answer.header("cache-control") == "no-store"
        assert (answer.header("last-modified") or "").endswith("GMT")
        assert ID.fullmatch(answer.json["id"])


def test_a_record_is_answered_as_it_was_sent_but_for_ids_meta_and_references(
    portal: Portal, person: Person, me: Reader
) -> None:
    sent = noted(
        fhir.lab(about(person), meta={"lastUpdated": "2020-01-01T00:00:00Z", "versionId": "77", "tag": [{"code": "a"}]})
    )
    text = json.dumps(sent).replace("6.5", "6.50")
    assert portal.import_fhir(text).json["created"] == 1
    one = found(me, "Observation", sent)
    answer = me.get(f"Observation/{one['id']}")
    assert '"value":6.50' in answer.text
    rest = {name: value for name, value in answer.json.items() if name not in {"id", "meta", "subject"}}
    assert rest == {name: value for name, value in sent.items() if name not in {"id", "meta", "subject"}}
    assert answer.json["subject"] == {"reference": f"Patient/{fhir_id(person.patient.patient_id)}"}
    assert answer.json["meta"] == {
        "tag": [{"code": "a"}],
        "versionId": "1",
        "lastUpdated": answer.json["meta"]["lastUpdated"],
    }
    assert not answer.json["meta"]["lastUpdated"].startswith("2020-01-01")


def test_every_version_stays_to_be_read(portal: Portal, person: Person, me: Reader) -> None:
    sent = noted(fhir.condition(about(person), "Asthma"))
    bring(portal, sent)
    bring(portal, {**sent, "code": {"text": "Mild asthma"}})
    one = found(me, "Condition", sent)
    assert one["meta"]["versionId"] == "2"
    path = f"Condition/{one['id']}/_history"
    first, second = me.get(f"{path}/1"), me.get(f"{path}/2")
    assert (first.json["code"]["text"], second.json["code"]["text"]) == ("Asthma", "Mild asthma")
    assert (first.header("etag"), second.header("etag")) == ('W/"1"', 'W/"2"')
    assert first.json["meta"]["lastUpdated"] <= second.json["meta"]["lastUpdated"]
    assert second.json == me.read(f"Condition/{one['id']}")
    for number in ("0", "3", "01", "-1", "x", "9999999"):
        assert me.get(f"{path}/{number}").status == 404


@pytest.mark.parametrize("type", ["Observation", "Nothing", "condition", "Patient", "Practitioner"])
def test_an_id_under_another_type_is_not_there(portal: Portal, person: Person, me: Reader, type: str) -> None:
    sent = noted(fhir.condition(about(person), "Hay fever"))
    bring(portal, sent)
    assert me.get(f"{type}/{found(me, 'Condition', sent)['id']}").status == 404


def test_what_the_portal_only_keeps_is_read_too(portal: Portal, person: Person, me: Reader) -> None:
    claim = {"resourceType": "Claim", "id": fhir.fresh("cl"), "status": "active", "patient": fhir.about(about(person))}
    benefit = {
        "resourceType": "ExplanationOfBenefit",
        "id": fhir.fresh("eob"),
        "patient": fhir.about(about(person)),
        "claim": {"reference": f"Claim/{claim['id']}"},
    }
    bring(portal, claim, benefit)
    (one,) = me.search("Claim")
    (other,) = me.search("ExplanationOfBenefit")
    assert other["claim"] == {"reference": f"Claim/{one['id']}"}
    assert me.read(f"Claim/{one['id']}") == one
    assert me.ids(f"ExplanationOfBenefit?claim=Claim/{one['id']}") == [other["id"]]


def test_a_social_security_number_stays_masked(portal: Portal) -> None:
    number = {"system": fhir.SSN, "value": "123-45-6789"}
    id = fhir.fresh("ssn")
    patient = portal.new_patient(id=id, identifier=[number, {"system": fhir.MRN, "value": f"MRN-{id}"}])
    answer = Reader(portal, portal.register(patient).token).get(f"Patient/{patient.patient_id}")
    assert answer.status == 200
    assert "6789" not in answer.text


# --- references -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["relative", "urn", "absolute", "conditional", "identifier", "versioned"])
def test_a_reference_leads_to_the_portals_resource_however_it_was_written(
    portal: Portal, person: Person, me: Reader, way: str
) -> None:
    uuid = f"{fhir.fresh('x')[-8:]}-0000-4000-8000-000000000000".replace("-", "0", 0)
    doctor = fhir.practitioner("Hopper", identifier=[{"system": fhir.NPI, "value": fhir.fresh("npi")}])
    urls = {
        doctor["id"]: f"urn:uuid:{uuid}" if way == "urn" else f"https://ehr.example/fhir/Practitioner/{doctor['id']}"
    }
    written: dict[str, Json] = {
        "relative": {"reference": f"Practitioner/{doctor['id']}"},
        "versioned": {"reference": f"Practitioner/{doctor['id']}/_history/3"},
        "urn": {"reference": urls[doctor["id"]]},
        "absolute": {"reference": urls[doctor["id"]]},
        "conditional": {"reference": f"Practitioner?identifier={fhir.NPI}|{doctor['identifier'][0]['value']}"},
        "identifier": {"type": "Practitioner", "identifier": doctor["identifier"][0]},
    }
    sent = noted(fhir.lab(about(person), performer=[{**written[way], "display": "Dr. H."}]))
    bring(portal, doctor, sent, urls=urls)
    (performer,) = found(me, "Observation", sent)["performer"]
    assert performer["display"] == "Dr. H."
    assert performer.get("identifier") == written[way].get("identifier")
    one = me.read(performer["reference"])
    assert (one["resourceType"], one["name"]) == ("Practitioner", doctor["name"])
    assert f"Practitioner/{one['id']}" == performer["reference"]


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ({"reference": "Practitioner/unheard-of"}, {"extension": ABSENT}),
        ({"reference": "https://ehr.example/secret/Practitioner/1", "display": "Dr. No"}, {"display": "Dr. No"}),
        (
            {"reference": "urn:uuid:00000000-0000-4000-8000-00000000dead", "type": "Practitioner"},
            {"type": "Practitioner"},
        ),
        ({"reference": "Practitioner?identifier=a|nobodys"}, {"extension": ABSENT}),
        ({"identifier": {"value": "unheard-of"}}, {"identifier": {"value": "unheard-of"}}),
        ({"reference": "mailto:somebody@example.org"}, {"extension": ABSENT}),
        ({"reference": "#inside"}, {"reference": "#inside"}),
    ],
)
def test_what_is_not_known_keeps_its_words_and_nothing_that_leads_nowhere(
    portal: Portal, person: Person, me: Reader, sent: Json, shown: Json
) -> None:
    inside = {"resourceType": "Practitioner", "id": "inside", "name": [{"family": "Inside"}]}
    one = noted(fhir.lab(about(person), performer=[sent], contained=[inside]))
    bring(portal, one)
    answered = found(me, "Observation", one)
    assert answered["performer"] == [shown]
    assert answered["contained"] == [inside]


def test_a_reference_to_another_server_is_not_taken_for_one_of_its_senders(
    portal: Portal, person: Person, me: Reader
) -> None:
    doctor = fhir.practitioner("Foreign")
    sent = noted(
        fhir.lab(about(person), performer=[{"reference": f"https://other.example/fhir/Practitioner/{doctor['id']}"}])
    )
    urls = {one["id"]: f"https://ehr.example/fhir/{one['resourceType']}/{one['id']}" for one in (doctor, sent)}
    bring(portal, doctor, sent, urls=urls)
    assert found(me, "Observation", sent)["performer"] == [{"extension": ABSENT}]


def test_a_reference_to_somebody_elses_record_leads_nowhere(portal: Portal, person: Person, me: Reader) -> None:
    other = portal.new_patient()
    theirs = fhir.encounter({"id": other.resource_id})
    sent = noted(
        fhir.lab(
            about(person),
            encounter={"reference": f"Encounter/{theirs['id']}"},
            performer=[{"reference": f"Patient/{other.resource_id}", "display": "Her mother"}],
        )
    )
    bring(portal, theirs, sent)
    answered = found(me, "Observation", sent)
    assert answered["encounter"] == {"extension": ABSENT}
    assert answered["performer"] == [{"display": "Her mother"}]


def test_a_reference_is_known_as_soon_as_what_it_names_has_arrived(portal: Portal, person: Person, me: Reader) -> None:
    visit = fhir.encounter(about(person))
    sent = noted(fhir.lab(about(person), encounter={"reference": f"Encounter/{visit['id']}", "display": "A visit"}))
    bring(portal, sent)
    assert found(me, "Observation", sent)["encounter"] == {"display": "A visit"}
    bring(portal, visit)
    reference = found(me, "Observation", sent)["encounter"]["reference"]
    assert me.read(reference)["resourceType"] == "Encounter"


def test_records_of_a_merged_duplicate_are_those_of_who_remains(portal: Portal) -> None:
    person, duplicate = portal.register(), portal.new_patient()
    bring(portal, fhir.lab(about(person)), fhir.lab({"id": duplicate.resource_id}))
    me = Reader(portal, person.token)
    assert len(me.search("Observation")) == 1
    merging.merged(portal, person.patient.patient_id, duplicate.patient_id)
    both = me.search("Observation")
    assert len(both) == 2
    own = f"Patient/{fhir_id(person.patient.patient_id)}"
    assert [one["subject"]["reference"] for one in both] == [own, own]
    assert {one["id"] for one in both} <= {one["id"] for one in me.search(f"{own}/$everything")}
    for one in both:
        assert me.read(f"Observation/{one['id']}") == one
    assert me.get(f"Patient/{duplicate.patient_id}").status == 404
    clinic = Reader(portal, portal.client_token())
    refused = clinic.get(f"Patient/{duplicate.patient_id}")
    assert (refused.status, refused.json["issue"][0]["code"]) == (409, "conflict")
    assert {one["id"] for one in clinic.search(f"Observation?patient={own}")} == {one["id"] for one in both}


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/fhir", 404, "not-found"),
        ("GET", "/fhir/R4", 404, "not-found"),
        ("POST", "/fhir/R4", 404, "not-found"),
        ("GET", "/fhir/R4/Nothing", 404, "not-found"),
        ("GET", "/fhir/R4/Observation/rec-0", 404, "not-found"),
        ("GET", "/fhir/R4/Patient/me/$nothing", 404, "not-found"),
        ("GET", "/fhir/R4/Patient/me/_history", 404, "not-found"),
        ("GET", "/fhir/R4/Patient/me/_history/1/more", 404, "not-found"),
        ("GET", "/fhir/R4/Patient/me/$everything/more", 404, "not-found"),
        ("POST", "/fhir/R4/Observation", 405, "not-supported"),
        ("PUT", "/fhir/R4/Observation/rec-0", 405, "not-supported"),
        ("DELETE", "/fhir/R4/Observation/rec-0", 405, "not-supported"),
        ("PATCH", "/fhir/R4/metadata", 405, "not-supported"),
        ("GET", "/fhir/R4/Observation?_count=0", 400, "invalid"),
        ("GET", "/fhir/R4/Observation?_count=many", 400, "invalid"),
        ("GET", "/fhir/R4/Observation?date=yesterday", 400, "invalid"),
        ("GET", "/fhir/R4/Observation?date=zz2020", 400, "invalid"),
        ("GET", "/fhir/R4/Observation?date=2023-02-30", 400, "invalid"),
        ("GET", "/fhir/R4/Observation?code:in=a", 400, "invalid"),
        ("GET", "/fhir/R4/Observation?_page=made-up", 400, "invalid"),
        ("GET", "/fhir/R4/Observation?patient=a&patient=b", 400, "invalid"),
        ("GET", "/fhir/R4/Practitioner", 400, "invalid"),
        ("GET", "/fhir/R4/Observation?_format=xml", 406, "not-supported"),
        ("GET", "/fhir/R4/metadata?_format=application/fhir%2Bxml", 406, "not-supported"),
    ],
)
def test_every_refusal_is_an_operation_outcome(
    portal: Portal, me: Reader, method: str, path: str, status: int, code: str
) -> None:
    answer = portal.call(method, path, token=me.token)
    assert (answer.status, answer.header("content-type")) == (status, "application/fhir+json")
    assert answer.json["resourceType"] == "OperationOutcome"
    (issue,) = answer.json["issue"]
    assert (issue["severity"], issue["code"]) == ("error", code)
    assert issue["details"]["text"]
    assert str(answer.header("x-request-id")) in issue["diagnostics"]
    assert answer.header("cache-control") == "no-store"
    if status == 405:
        assert answer.header("allow") == "GET, OPTIONS"


def test_a_database_that_does_not_answer_is_told_as_fhir(me: Reader) -> None:
    def refuse(**_call: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://dynamodb.test")

    events = base.connection().client.meta.events
    events.register_first("before-call.dynamodb", refuse)
    try:
        answer = me.get("Observation")
    finally:
        events.unregister("before-call.dynamodb", refuse)
    assert (answer.status, answer.json["issue"][0]["code"]) == (503, "transient")
    assert int(answer.header("retry-after") or 0) > 0


def test_nobody_is_told_to_sign_in(portal: Portal) -> None:
    for path in ("Patient/x", "Observation", "Patient/x/$everything", "Patient/x/_history/1"):
        answer = Reader(portal, None).get(path)
        assert (answer.status, answer.json["issue"][0]["code"]) == (401, "login")
        assert (answer.header("www-authenticate") or "").startswith("Bearer")


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/fhir+json", 200),
        ("application/json;q=0.5, text/html", 200),
        ("*/*", 200),
        ("application/fhir+xml, */*;q=0.1", 200),
        ("application/fhir+xml", 406),
        ("text/turtle", 406),
    ],
)
def test_json_is_what_there_is(me: Reader, accept: str, status: int) -> None:
    assert me.get("metadata", accept=accept).status == status
    assert me.get("metadata?_format=json", accept=accept).status == 200


# --- what the API says of itself --------------------------------------------------------------------------------------


def test_the_capability_statement_is_for_anybody_and_may_be_kept(portal: Portal) -> None:
    answer = Reader(portal, None).get("metadata")
    assert answer.status == 200
    assert answer.header("cache-control") == "public, max-age=300"
    assert (answer.json["resourceType"], answer.json["fhirVersion"]) == ("CapabilityStatement", "4.0.1")
    (rest,) = answer.json["rest"]
    assert {one["type"] for one in rest["resource"]} == set(SERVED)


def test_what_the_statement_names_is_taken_and_nothing_else_is(portal: Portal, person: Person, me: Reader) -> None:
    (rest,) = me.read("metadata")["rest"]
    values = {"date": "2024", "token": "a", "reference": "x", "string": "a"}
    strict = {"prefer": "handling=strict"}
    for told in rest["resource"]:
        base = f"{told['type']}?_id=rec-0&" if told["type"] != "Patient" else "Patient?"
        for param in told["searchParam"]:
            if param["name"] in {"patient", "subject"}:
                value = fhir_id(person.patient.patient_id)
            else:
                value = values[param["type"]]
            answer = me.get(f"{base}{param['name']}={value}", **strict)
            assert answer.status == 200, (told["type"], param, answer.text)
        for include in told.get("searchInclude", ()):
            assert me.get(f"{base}_include={include}", **strict).status == 200
        for wrong in ("made-up=1", "_sort=date", "_include=Patient:link"):
            assert me.get(f"{base}{wrong}", **strict).status == 400
            lenient = me.get(f"{base}{wrong}")
            assert lenient.status == 200
            assert wrong.partition("=")[0] in lenient.json["entry"][-1]["resource"]["issue"][0]["details"]["text"]
            assert wrong not in lenient.json["link"][0]["url"]


# --- what it costs ----------------------------------------------------------------------------------------------------


@pytest.mark.promise
def test_round_trips_stay_the_same_however_long_the_record_is(portal: Portal, promise: Promise) -> None:
    person = portal.register()
    me, pid = Reader(portal, person.token), fhir_id(person.patient.patient_id)
    visit = fhir.encounter(about(person))
    at_visit = {"encounter": {"reference": f"Encounter/{visit['id']}"}}
    bring(portal, visit, *(fhir.lab(about(person), **at_visit) for _ in range(10)))
    first = me.ids("Observation?_count=1")[0]
    paths = (
        "Patient/" + pid,
        f"Observation/{first}",
        "Observation?category=laboratory&_count=5",
        f"Patient/{pid}/$everything?_count=5",
    )

    def counted() -> list[int]:
        counts = []
        for path in paths:
            with recorded() as calls:
                assert me.get(path).status == 200
            counts.append(len([call for call in calls if call.service == "dynamodb"]))
        return counts

    short = counted()
    for _ in range(4):
        bring(portal, *(fhir.lab(about(person), **at_visit) for _ in range(40)))
    long = counted()
    print(dict(zip(paths, zip(short, long, strict=True), strict=True)))
    promise(
        "AP 4",
        "calls of DynamoDB for FHIR reads of a record 17 times as long, beyond those of the short one",
        asked=0,
        measured=sum(long) - sum(short),
    )
