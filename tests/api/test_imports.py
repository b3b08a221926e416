"""POST /v1/clinic/fhir: what goes in, what is refused and why, and that sending it again changes nothing."""

import json
import random
import uuid
from typing import Any
from urllib.parse import quote

import pytest

from tests.support import fhir
from tests.support.fhir import Json
from tests.support.portal import Person, Portal


def take(portal: Portal, *resources: Json, **counts: int) -> Json:
    """Import resources in one bundle, and require the counts that are given."""
    done: Json = portal.import_fhir(fhir.bundle(*resources)).json
    assert {name: done[name] for name in counts} == counts, done
    return done


def somebody(portal: Portal) -> tuple[Person, Json]:
    """A patient with an account, and a stub of their Patient resource to refer to."""
    person = portal.register()
    return person, {"id": person.patient.resource_id}


def records_of(person: Person, query: str = "limit=100") -> list[Json]:
    items: list[Json] = person.get(f"/v1/patients/me/records?{query}").json["items"]
    return items


def rows_of(portal: Portal, start: str) -> list[Json]:
    return [row for row in portal.rows("patients") if row["pk"]["S"].startswith(start)]


def versions_of(portal: Portal, record_id: str) -> list[Json]:
    """Every version of a record as kept, oldest first: its owner and its resource."""
    from chalicelib.models import raw_versions
    from chalicelib.services.records import body_of

    found = []
    for number in range(1, 20):
        raw = raw_versions.find_raw_version(record_id, number)
        if raw is None:
            break
        found.append({"owner": raw.owner, "resource": json.loads(body_of(raw))})
    return found


# --- again, newer, older ---------------------------------------------------------------------------------------------


def test_importing_again_changes_nothing(portal: Portal) -> None:
    person, me = somebody(portal)
    sent = [fhir.lab(me), fhir.practitioner("Hopper"), fhir.encounter(me)]
    take(portal, *sent, created=3)
    before = (records_of(person), sorted(map(str, portal.rows("patients"))), len(portal.rows("audit")))
    portal.drain()
    done = portal.import_fhir(fhir.bundle(*sent)).json
    assert done == {"created": 0, "updated": 0, "unchanged": 3, "kept_raw": 0, "refused": []}
    assert (records_of(person), sorted(map(str, portal.rows("patients"))), len(portal.rows("audit"))) == before


def test_new_content_is_a_new_version_and_the_old_one_is_kept(portal: Portal) -> None:
    person, me = somebody(portal)
    result = fhir.lab(me)
    take(portal, result, created=1)
    (before,) = records_of(person)
    take(portal, {**result, "status": "corrected", "valueQuantity": {"value": 7.1, "unit": "%"}}, updated=1, created=0)
    (after,) = records_of(person)
    assert after["record_id"] == before["record_id"]
    assert (before["value"], after["value"], after["status"]) == (6.5, 7.1, "corrected")
    versions = versions_of(portal, after["record_id"])
    assert [one["resource"]["valueQuantity"]["value"] for one in versions] == [6.5, 7.1]


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [
        ("2024-05-06T10:00:00Z", "2024-05-06T09:59:59Z", "unchanged"),
        ("2024-05-06T10:00:00Z", "2024-05-06T11:00:00+02:00", "unchanged"),
        ("2024-05-06T10:00:00Z", "2024-05-06T11:00:00-02:00", "updated"),
        ("2024-05-06T10:00:00Z", "2024-05-06T10:00:00Z", "updated"),
        ("2024-05-06T10:00:00Z", None, "updated"),
        (None, "1999-01-01T00:00:00Z", "updated"),
    ],
)
def test_what_its_sender_changed_earlier_changes_nothing(
    portal: Portal, first: str | None, second: str | None, outcome: str
) -> None:
    person, me = somebody(portal)
    result = fhir.lab(me)
    take(portal, result | ({"meta": {"lastUpdated": first}} if first else {}), created=1)
    changed = {**result, "valueQuantity": {"value": 9.9, "unit": "%"}}
    take(portal, changed | ({"meta": {"lastUpdated": second}} if second else {}), **{outcome: 1})
    assert records_of(person)[0]["value"] == (9.9 if outcome == "updated" else 6.5)


def test_a_time_that_is_none_in_meta_refuses_a_record_and_is_not_asked_of_what_is_only_kept(portal: Portal) -> None:
    person, me = somebody(portal)
    for wrong in ("yesterday", ["2024"], 5):
        meta = {"meta": {"lastUpdated": wrong}}
        (refused,) = take(portal, fhir.lab(me) | meta, created=0)["refused"]
        assert "Observation.meta.lastUpdated" in refused["reason"]
        claim = {"resourceType": "Claim", "id": fhir.fresh("k"), "patient": fhir.about(me), **meta}
        take(portal, claim, kept_raw=1)
        take(portal, {**claim, "use": "claim"}, kept_raw=1)
    take(portal, {"resourceType": "Basic", "id": fhir.fresh("b"), "meta": ["x"]}, kept_raw=1)
    assert records_of(person) == []


def test_a_resource_twice_in_one_bundle_is_one_record_with_both_versions(portal: Portal) -> None:
    person, me = somebody(portal)
    result = fhir.lab(me)
    newer = {**result, "valueQuantity": {"value": 8.0, "unit": "%"}}
    take(portal, result, result, newer, created=1, unchanged=1, updated=1)
    (row,) = records_of(person)
    assert row["value"] == 8.0
    assert len(versions_of(portal, row["record_id"])) == 2


def test_a_bare_resource_is_a_bundle_of_one(portal: Portal) -> None:
    person, me = somebody(portal)
    assert portal.import_fhir(fhir.lab(me)).json["created"] == 1
    assert len(records_of(person)) == 1


# --- what is refused -------------------------------------------------------------------------------------------------


def test_malformed_entries_are_named_by_index_and_reason_and_the_rest_goes_in(portal: Portal) -> None:
    person, me = somebody(portal)
    entries: list[Any] = [
        {"resource": fhir.lab(me)},
        "no entry",
        {"resource": {**fhir.lab(me), "status": 5}},
        {"resource": fhir.condition(me, "Asthma")},
        {"resource": fhir.lab("Patient/nobody-knows")},
        {"resource": fhir.lab(me), "request": {"method": "DELETE", "url": "Observation/1"}},
        {"resource": {"resourceType": "Observation"}},
    ]
    done = portal.import_fhir({"resourceType": "Bundle", "type": "batch", "entry": entries})
    assert done.status == 200
    assert done.json["created"] == 2
    reasons = {one["index"]: one["reason"] for one in done.json["refused"]}
    assert list(reasons) == [1, 2, 4, 5, 6]
    assert "an object with a resource was expected" in reasons[1]
    assert "Observation.status" in reasons[2]
    assert "Observation.subject: no patient is known by this reference" in reasons[4]
    assert "DELETE" in reasons[5]
    assert "Observation.status: a required element is missing" in reasons[6]
    assert {row["category"] for row in records_of(person)} == {"lab", "condition"}


@pytest.mark.parametrize(
    ("payload", "status", "code"),
    [
        (b'{"a": 1, "a": 2}', 400, "malformed_request"),
        (b"{", 400, "malformed_request"),
        (b"\xff", 400, "malformed_request"),
        (b'{"resourceType": "Basic", "x": NaN}', 400, "malformed_request"),
        (b"[1]", 422, "not_fhir"),
        (b"null", 422, "not_fhir"),
        (b'{"resourceType": "Bundle"}', 422, "not_fhir"),
    ],
)
def test_what_is_no_fhir_is_refused_as_a_whole(portal: Portal, payload: bytes, status: int, code: str) -> None:
    answer = portal.import_fhir(payload)
    assert (answer.status, answer.json["code"]) == (status, code)


def test_an_import_answers_in_time_whatever_is_sent(portal: Portal) -> None:
    """Nothing of a Bundle may be any JSON value without an answer that names it."""
    junk: tuple[Any, ...] = (None, 5, "", True, [], [None], {}, {"resource": None}, {"resource": {"resourceType": 5}})
    done = portal.import_fhir({"resourceType": "Bundle", "type": "batch", "entry": list(junk)})
    assert done.status == 200
    assert [one["index"] for one in done.json["refused"]] == list(range(len(junk)))


def test_a_body_over_5_mb_is_413_and_told_the_other_way(portal: Portal) -> None:
    limit = 5 * 1024 * 1024
    answer = portal.import_fhir(b" " * (limit + 1))
    assert answer.status == 413
    assert "/v1/clinic/imports" in answer.json["detail"]
    document = {
        "resourceType": "Basic",
        "id": fhir.fresh("big"),
        "text": {"status": "generated", "div": uuid.uuid4().hex * 150_000},
    }
    body = json.dumps(document).encode()
    assert portal.import_fhir(body + b" " * (limit - len(body))).json["kept_raw"] == 1


def test_only_an_unknown_subject_refuses_an_entry_and_other_references_do_not(portal: Portal) -> None:
    person, me = somebody(portal)
    unknown = {"reference": "Practitioner/not-here", "display": "Dr. Display"}
    take(portal, fhir.lab(me, performer=[unknown], encounter={"reference": "Encounter/not-here"}), created=1)
    (row,) = records_of(person)
    assert row["performers"] == ["Dr. Display"]
    assert "encounter_id" not in row


def test_what_the_portal_does_not_know_is_kept_raw_and_counted_and_no_record(portal: Portal) -> None:
    person, me = somebody(portal)
    claim = {"resourceType": "Claim", "id": fhir.fresh("k"), "patient": fhir.about(me), "total": {"value": 1.50}}
    questionnaire = {"resourceType": "Questionnaire", "id": fhir.fresh("q"), "status": "active"}
    take(portal, claim, questionnaire, kept_raw=2, created=0)
    take(portal, claim, questionnaire, kept_raw=2, created=0)
    assert records_of(person) == []
    kept = [row for row in rows_of(portal, person.patient.patient_id) if row["sk"]["S"].startswith("kept#")]
    assert len(kept) == 1
    hidden = kept[0]["sk"]["S"].removeprefix("kept#")
    assert person.get(f"/v1/patients/me/records/{hidden}?format=fhir").status == 404


# --- whose it is -----------------------------------------------------------------------------------------------------


def test_a_record_whose_subject_was_corrected_is_seen_in_the_new_place_only(portal: Portal) -> None:
    wrong, wrong_patient = somebody(portal)
    right, right_patient = somebody(portal)
    result = fhir.lab(wrong_patient, note=[{"text": "belongs to somebody"}])
    take(portal, result, created=1)
    record_id = records_of(wrong)[0]["record_id"]
    take(portal, {**result, "subject": fhir.about(right_patient), "note": []}, fhir.lab(right_patient))
    assert records_of(wrong) == []
    assert wrong.get(f"/v1/patients/me/records/{record_id}").status == 404
    assert wrong.get(f"/v1/patients/me/records/{record_id}?format=fhir").status == 404
    assert record_id in {row["record_id"] for row in records_of(right)}
    assert right.get(f"/v1/patients/me/records/{record_id}?format=fhir").json["note"] == []
    owners = [one["owner"] for one in versions_of(portal, record_id)]
    assert owners == [wrong.patient.patient_id, right.patient.patient_id]
    take(portal, result)
    assert [row["record_id"] for row in records_of(wrong)] == [record_id]
    assert record_id not in {row["record_id"] for row in records_of(right)}


def test_what_was_stored_before_an_import_had_to_begin_again_is_counted_once(portal: Portal) -> None:
    (_, wrong), (_, right) = somebody(portal), somebody(portal)
    result = fhir.lab(wrong)
    take(portal, result, created=1)
    take(portal, fhir.patient(), {**result, "subject": fhir.about(right)}, created=2, unchanged=0, updated=0)


def test_what_links_to_a_record_that_moved_names_it_no_more(portal: Portal) -> None:
    wrong, wrong_patient = somebody(portal)
    _, right_patient = somebody(portal)
    visit = fhir.encounter(wrong_patient, type=[{"text": "A private visit"}])
    result = fhir.lab(wrong_patient, encounter={"reference": f"Encounter/{visit['id']}"})
    sibling = fhir.encounter(wrong_patient, partOf={"reference": f"Encounter/{visit['id']}"})
    member = fhir.lab(wrong_patient, hasMember=[{"reference": f"Observation/{result['id']}"}], code={"text": "Panel"})
    take(portal, visit, result, sibling, member, created=4)
    moved_id = next(row["encounter_id"] for row in records_of(wrong, "category=lab") if "encounter_id" in row)
    take(portal, *({**one, "subject": fhir.about(right_patient)} for one in (visit, result)))
    portal.drain()
    assert {row["title"] for row in records_of(wrong)} == {"Panel", "Check-up"}
    listed = wrong.get("/v1/patients/me/records").text
    assert moved_id not in listed
    assert "Hemoglobin" not in listed
    take(portal, visit, result)
    portal.drain()
    (panel,) = (row for row in records_of(wrong) if row["title"] == "Panel")
    assert [one["title"] for one in panel["members"]] == ["Hemoglobin A1c"]


def test_both_patients_histories_tell_of_a_record_that_moved(portal: Portal) -> None:
    wrong, wrong_patient = somebody(portal)
    right, right_patient = somebody(portal)
    result = fhir.lab(wrong_patient)
    take(portal, result, created=1)
    record_id = records_of(wrong)[0]["record_id"]
    take(portal, {**result, "subject": fhir.about(right_patient)})
    entries = [row for row in portal.rows("audit") if record_id in row["about"]["S"]]
    of = [row["pk"]["S"] for row in entries]
    assert of.count(f"patient#{wrong.patient.patient_id}") == 2
    assert of.count(f"patient#{right.patient.patient_id}") == 1


def test_a_device_that_is_nobodys_any_more_leaves_the_record(portal: Portal) -> None:
    person, me = somebody(portal)
    device = {"resourceType": "Device", "id": fhir.fresh("d"), "type": {"text": "Insulin pump"}}
    take(portal, {**device, "patient": fhir.about(me)}, created=1)
    assert [row["title"] for row in records_of(person)] == ["Insulin pump"]
    take(portal, device, kept_raw=1)
    assert records_of(person) == []
    take(portal, {**device, "patient": fhir.about(me)})
    assert [row["title"] for row in records_of(person)] == ["Insulin pump"]


@pytest.mark.parametrize("where", ["system|value", "value alone", "logical"])
def test_a_subject_may_be_named_by_its_identifier(portal: Portal, where: str) -> None:
    person, _ = somebody(portal)
    mrn = f"MRN-{person.patient.resource_id}"
    conditional = {"reference": f"Patient?identifier={fhir.MRN}|{mrn}"}
    subject = {
        "system|value": conditional,
        "value alone": {"reference": f"Patient?identifier={mrn}"},
        "logical": {"identifier": {"system": fhir.MRN, "value": mrn}},
    }[where]
    take(portal, {**fhir.lab(""), "subject": subject}, created=1)
    assert len(records_of(person)) == 1


def test_an_identifier_finds_the_patient_of_the_same_bundle(portal: Portal) -> None:
    patient = fhir.patient()
    take(portal, fhir.lab(f"Patient?identifier={fhir.MRN}|{patient['id']}"), patient, created=2, refused=[])  # type: ignore[arg-type]


def test_an_identifier_of_two_patients_files_nothing_under_either(portal: Portal) -> None:
    value = fhir.fresh("same")
    one, other = (
        fhir.patient(identifier=[{"system": f"https://{name}.example", "value": value}]) for name in ("a", "b")
    )
    take(portal, one, other, created=2)
    (refused,) = take(portal, fhir.lab(f"Patient?identifier={value}"), created=0)["refused"]
    assert "more than one patient has this identifier" in refused["reason"]
    take(portal, fhir.lab(f"Patient?identifier=https://a.example|{value}"), created=1)


def test_an_id_on_another_server_is_not_our_patient(portal: Portal) -> None:
    person, me = somebody(portal)
    foreign = fhir.lab(f"https://elsewhere.example/fhir/Patient/{me['id']}")
    own = fhir.lab(f"https://ehr.example/fhir/Patient/{me['id']}")
    urls = {one["id"]: f"https://ehr.example/fhir/Observation/{one['id']}" for one in (foreign, own)}
    done = portal.import_fhir(fhir.bundle(foreign, own, urls=urls)).json
    assert [refused["index"] for refused in done["refused"]] == [0]
    assert len(records_of(person)) == 1


def test_an_id_on_another_server_is_not_the_patient_of_the_same_bundle(portal: Portal) -> None:
    patient = fhir.patient()
    foreign = fhir.lab(f"https://elsewhere.example/fhir/Patient/{patient['id']}")
    urls = {one["id"]: f"https://ehr.example/fhir/{one['resourceType']}/{one['id']}" for one in (foreign, patient)}
    done = portal.import_fhir(fhir.bundle(patient, foreign, urls=urls)).json
    assert (done["created"], [refused["index"] for refused in done["refused"]]) == (1, [1])


def test_a_url_that_meant_somebody_else_before_does_not_make_two_patients_one(portal: Portal) -> None:
    url = uuid.uuid4().urn
    one, other = fhir.patient(), fhir.patient()
    for patient in (one, other):
        assert portal.import_fhir(fhir.bundle(patient, urls={patient["id"]: url})).json["created"] == 1
    token = portal.client_token()
    found = [
        portal.call("GET", f"/v1/clinic/patients?identifier={patient['id']}", token=token).json["items"]
        for patient in (one, other)
    ]
    assert [len(items) for items in found] == [1, 1]
    assert found[0][0]["patient_id"] != found[1][0]["patient_id"]


def test_another_patients_record_is_never_named(portal: Portal) -> None:
    mother, mother_patient = somebody(portal)
    child, child_patient = somebody(portal)
    secret = fhir.condition(mother_patient, "Something private")
    take(portal, secret)
    report = fhir.encounter(child_patient, reasonReference=[{"reference": f"Condition/{secret['id']}"}])
    take(portal, report, created=1)
    again = fhir.condition(mother_patient, "Something private too")
    inside = fhir.encounter(child_patient, reasonReference=[{"reference": f"Condition/{again['id']}"}])
    take(portal, again, inside, created=2)
    portal.drain()
    assert len(records_of(child)) == 2
    assert "private" not in child.get("/v1/patients/me/records").text
    assert len(records_of(mother)) == 2


# --- what a record refers to -----------------------------------------------------------------------------------------


def urn() -> tuple[str, str]:
    url = uuid.uuid4().urn
    return url, url


def urn_of_its_id() -> tuple[str, str]:
    id = str(uuid.uuid4())
    return f"urn:uuid:{id.upper()}", f"id:{id}"


def relative() -> tuple[str, str]:
    id = fhir.fresh("x")
    return "{type}/" + id, f"id:{id}"


def absolute() -> tuple[str, str]:
    id = fhir.fresh("x")
    return "https://ehr.example/fhir/{type}/" + id, f"id:{id}"


def absolute_full_url() -> tuple[str, str]:
    id = fhir.fresh("x")
    return "https://ehr.example/fhir/{type}/" + id, f"https://ehr.example/fhir/{{type}}/{id}"


def conditional() -> tuple[str, str]:
    value = fhir.fresh("n")
    return "{type}?identifier=https://ids.example|" + value, f"identifier:{value}"


KINDS = [urn, urn_of_its_id, relative, absolute, absolute_full_url, conditional]


def named(resource: Json, name: str) -> Json:
    """A bundle of one resource that goes by a name: its id, its fullUrl or its identifier."""
    name = name.replace("{type}", resource["resourceType"])
    kind, _, value = name.partition(":")
    if kind == "id":
        return fhir.bundle({**resource, "id": value})
    if kind == "identifier":
        return fhir.bundle({**resource, "identifier": [{"system": "https://ids.example", "value": value}]})
    if kind == "https":
        resource = {**resource, "id": name.rpartition("/")[2]}
    return fhir.bundle(resource, urls={resource["id"]: name})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("comes", ["before", "after"])
@pytest.mark.parametrize("target", ["Practitioner", "Encounter", "Medication"])
def test_what_a_record_refers_to_is_named_whether_it_came_before_or_after(
    portal: Portal, kind: Any, comes: str, target: str
) -> None:
    person, me = somebody(portal)
    text, name = kind()
    reference = {"reference": text.replace("{type}", target)}
    medication = {"resourceType": "Medication", "id": fhir.fresh("med"), "code": {"text": "Lisinopril 10 mg"}}
    arriving, referring = {
        "Practitioner": (fhir.practitioner("Hopper"), fhir.lab(me, performer=[reference])),
        "Encounter": (fhir.encounter(me), fhir.lab(me, encounter=reference)),
        "Medication": (
            medication,
            {**fhir.prescription(me), "medicationCodeableConcept": None, "medicationReference": reference},
        ),
    }[target]
    bundles = [named(arriving, name), fhir.bundle({k: v for k, v in referring.items() if v is not None})]
    for one in bundles if comes == "before" else reversed(bundles):
        assert portal.import_fhir(one).json["created"] == 1
    portal.drain()
    row = next(row for row in records_of(person) if row["category"] in {"lab", "medication"})
    if target == "Practitioner":
        assert row["performers"] == ["Dr. Grace Hopper"]
    elif target == "Medication":
        assert row["title"] == "Lisinopril 10 mg"
    else:
        (visit,) = records_of(person, "category=encounter")
        assert row["encounter_id"] == visit["record_id"]
        during = person.get(f"/v1/patients/me/records/{visit['record_id']}").json["during"]
        assert [one["record_id"] for one in during] == [row["record_id"]]


def test_many_records_may_wait_for_the_same_and_one_for_many(portal: Portal) -> None:
    person, me = somebody(portal)
    doctor = fhir.practitioner("Hopper")
    members = [fhir.lab(me, code={"text": f"Member {place:02}"}) for place in range(60)]
    waiting = {"reference": f"Practitioner/{doctor['id']}"}
    panel = fhir.lab(
        me,
        code={"text": "A panel"},
        performer=[waiting],
        hasMember=[{"reference": f"Observation/{member['id']}"} for member in members],
    )
    others = [fhir.condition(me, f"Condition {place}", recorder=waiting, asserter=waiting) for place in range(50)]
    take(portal, panel, *others, created=51, refused=[])  # type: ignore[arg-type]
    take(portal, *members, created=60)
    portal.drain()
    take(portal, doctor, created=1)
    portal.drain()
    (row,) = (row for row in walk(person, "category=lab") if row["title"] == "A panel")
    assert row["performers"] == ["Dr. Grace Hopper"]
    assert [member["title"] for member in row["members"]] == [f"Member {place:02}" for place in range(60)]
    conditions = walk(person, "category=condition")
    assert [one.get("recorder") for one in conditions] == ["Dr. Grace Hopper"] * 50
    assert not any(person.patient.patient_id in row["sk"]["S"] for row in rows_of(portal, "waiting#"))


def walk(person: Person, query: str) -> list[Json]:
    """Every record that a query finds, page by page."""
    page = person.get(f"/v1/patients/me/records?limit=100&{query}").json
    found: list[Json] = page["items"]
    while page["next_cursor"] is not None:
        page = person.get(f"/v1/patients/me/records?limit=100&{query}&cursor={quote(page['next_cursor'])}").json
        found += page["items"]
    return found


# --- numbers and identifiers of patients -----------------------------------------------------------------------------


def numbered(number: str, **changes: Any) -> Json:
    patient = fhir.patient(**changes)
    patient["identifier"].append({"system": fhir.CLINIC_NUMBER, "value": number})
    return patient


def found_by(portal: Portal, identifier: str) -> list[Json]:
    answer = portal.call("GET", f"/v1/clinic/patients?identifier={identifier}", token=portal.client_token())
    items: list[Json] = answer.json["items"]
    return items


def test_a_clinic_number_that_another_client_sends_is_the_same_patient(portal: Portal) -> None:
    number = uuid.uuid4().hex[:10].upper()
    mine, theirs = numbered(number), numbered(number, name=[{"given": ["Ada"], "family": "Lovelace"}])
    take(portal, mine, created=1)
    other = portal.client_token(portal.new_client("records.write"))
    assert portal.import_fhir(fhir.bundle(theirs, fhir.lab(theirs)), token=other).json["updated"] == 1
    (found,) = found_by(portal, number)
    assert (found["clinic_number"], found["last_name"]) == (number, "Lovelace")
    for token, patient in ((portal.client_token(), mine), (other, theirs)):
        assert portal.import_fhir(fhir.bundle(patient), token=token).json["unchanged"] == 1


def test_numbers_that_differ_in_punctuation_alone_are_not_taken_for_each_other(portal: Portal) -> None:
    digits = str(uuid.uuid4().int)[:8]
    one, other = numbered(f"{digits[0]}-{digits[1:]}"), numbered(f"{digits[:2]}-{digits[2:]}")
    take(portal, one, created=1)
    done = take(portal, other, fhir.lab(other), fhir.practitioner("Hopper"), created=1)
    assert [refused["index"] for refused in done["refused"]] == [0, 1]
    assert "clinic number is another patient's but for punctuation" in done["refused"][0]["reason"]
    assert "the Patient that it refers to was refused" in done["refused"][1]["reason"]
    assert found_by(portal, other["id"]) == []


def test_a_clinic_number_of_another_patient_refuses_that_entry_only(portal: Portal) -> None:
    number = uuid.uuid4().hex[:10].upper()
    one, other = numbered(number), fhir.patient()
    take(portal, one, other, created=2)
    taken = {**other, "identifier": [*other["identifier"], {"system": fhir.CLINIC_NUMBER, "value": number}]}
    done = take(portal, taken, fhir.lab(one), created=1, updated=0)
    (refused,) = done["refused"]
    assert (refused["index"], refused["reason"]) == (0, "Patient.identifier: its clinic number is another patient's")


def test_an_identifier_that_was_removed_finds_nobody_any_more(portal: Portal) -> None:
    old, new = uuid.uuid4().hex[:10].upper(), uuid.uuid4().hex[:10].upper()
    patient = numbered(old)
    take(portal, patient, created=1)
    renumbered = {**patient, "identifier": [{"system": fhir.CLINIC_NUMBER, "value": new}]}
    take(portal, renumbered, updated=1)
    assert found_by(portal, old) == found_by(portal, patient["id"]) == []
    assert [one["clinic_number"] for one in found_by(portal, new)] == [new]
    (refused,) = take(portal, fhir.lab(f"Patient?identifier={fhir.MRN}|{patient['id']}"))["refused"]
    assert "no patient has this identifier" in refused["reason"]
    take(portal, numbered(old), created=1)


def test_a_number_that_the_portal_assigned_stays(portal: Portal) -> None:
    patient = fhir.patient()
    take(portal, patient, created=1)
    (before,) = found_by(portal, patient["id"])
    take(portal, {**patient, "gender": "female"}, updated=1)
    assert found_by(portal, before["clinic_number"]) == [before]


def test_a_patient_with_more_identifiers_than_can_be_kept_is_refused_in_words(portal: Portal) -> None:
    many = [{"system": fhir.MRN, "value": f"{fhir.fresh('i')}"} for _ in range(21)]
    (refused,) = take(portal, fhir.patient(identifier=many), created=0)["refused"]
    assert refused["reason"] == "Patient.identifier: up to 20 are taken, got 21"
    take(portal, fhir.patient(identifier=many[:20]), created=1)


# --- size ------------------------------------------------------------------------------------------------------------


def test_a_row_is_cut_to_what_lists_can_carry_and_the_resource_stays_whole(portal: Portal) -> None:
    person, me = somebody(portal)
    long = "Blood pressure, taken twice. " * 200
    result = fhir.lab(
        me,
        note=[{"text": f"{place} {long}"} for place in range(60)],
        component=[{"code": {"text": f"Part {place}"}, "valueString": long} for place in range(40)],
        code={"coding": [{"system": fhir.LOINC, "code": "é" * 900, "display": long}], "text": "A long result"},
    )
    take(portal, result, created=1)
    (row,) = records_of(person)
    assert (row["truncated"], row["title"], row["value"]) == (True, "A long result", 6.5)
    assert row["notes"]
    assert row["components"]
    assert len(json.dumps(row, ensure_ascii=False).encode()) <= 60_000
    stored = next(one for one in rows_of(portal, person.patient.patient_id) if one["sk"]["S"].startswith("record#"))
    own_size = sum(len(name) + len(str(next(iter(value.values()))).encode()) for name, value in stored.items())
    assert 6 * own_size < 400 * 1024
    assert person.get(f"/v1/patients/me/records/{row['record_id']}?format=fhir").json == result


def test_a_chunk_of_large_resources_fits_its_transactions(portal: Portal) -> None:
    person, me = somebody(portal)
    chance = random.Random(1)
    noise = [chance.randbytes(60_000).hex() for _ in range(20)]
    documents = [fhir.condition(me, f"Condition {place}", note=[{"text": text}]) for place, text in enumerate(noise)]
    take(portal, *documents, created=20)
    assert len(walk(person, "category=condition")) == 20


def test_a_resource_too_large_for_a_row_lies_in_s3_under_a_name_that_tells_nothing(portal: Portal) -> None:
    person, me = somebody(portal)
    data = random.Random(2).randbytes(500_000).hex()
    document: Json = {
        "resourceType": "DocumentReference",
        "id": fhir.fresh("doc"),
        "status": "current",
        "type": {"text": "Discharge letter"},
        "subject": fhir.about(me),
        "content": [{"attachment": {"contentType": "application/pdf", "data": data}}],
    }
    take(portal, document, created=1)
    (row,) = records_of(person)
    assert person.get(f"/v1/patients/me/records/{row['record_id']}?format=fhir").json == document
    names = s3_objects(portal)
    assert any(row["stored_at"]["S"] in names for row in rows_of(portal, "raw#") if "stored_at" in row)
    assert not any(document["id"] in name or me["id"] in name or person.patient.patient_id in name for name in names)


def s3_objects(portal: Portal) -> dict[str, bytes]:
    from chalicelib.settings import settings

    s3, bucket = portal.aws.client("s3"), settings().records_bucket
    listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    return {one["Key"]: s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read() for one in listed}


def test_bundles_that_each_bring_their_own_practitioner_along_do_not_go_round_in_a_circle(portal: Portal) -> None:
    known = f"doctor-{uuid.uuid4().hex}"
    versions = [
        {"resourceType": "Practitioner", "id": known, "name": [{"family": family, "given": ["Ada"]}]}
        for family in ("Moreau", "Moreau-Lindt")
    ]
    first = [portal.import_fhir(version).json for version in versions]
    assert [(done["created"], done["updated"]) for done in first] == [(1, 0), (0, 1)]
    again = [portal.import_fhir(version).json for version in versions * 2]
    assert [(done["created"], done["updated"], done["unchanged"]) for done in again] == [(0, 0, 1)] * 4
    newer = {**versions[0], "meta": {"lastUpdated": "2026-03-01T00:00:00Z"}}
    assert portal.import_fhir({**newer, "active": True}).json["updated"] == 1


def test_what_is_older_than_the_same_content_sent_later_is_not_a_new_version(portal: Portal) -> None:
    patient = portal.new_patient()
    lab = fhir.lab({"id": patient.resource_id})

    def send(value: int, at: str) -> tuple[int, int]:
        quantity = {"value": value, "unit": "mmol/L"}
        resource = {**lab, "valueQuantity": quantity, "meta": {"lastUpdated": f"2024-{at}-01T00:00:00Z"}}
        done = portal.import_fhir(resource).json
        return done["created"] + done["updated"], done["unchanged"]

    assert [send(1, "01"), send(1, "06"), send(2, "03"), send(2, "07")] == [(1, 0), (0, 1), (0, 1), (1, 0)]
