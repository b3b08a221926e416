from typing import Any

import pytest

from chalicelib.domain.fhir import bundle, identity, references, uses
from chalicelib.domain.fhir.bundle import Entry, NotFhir, read_entries
from chalicelib.domain.fhir.references import Kind, read_reference

UUID = "5b0c1f5e-3f0d-4a52-8d3c-0a8a4f9b6c11"
PATIENT = {"resourceType": "Patient", "id": "p1"}


def _bundle(*entries: Any, type: str = "transaction") -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": type, "entry": list(entries)}


def _only_entry(raw: dict[str, Any]) -> Entry:
    reading = read_entries(_bundle(raw))
    assert reading.refused == []
    (entry,) = reading.entries
    return entry


@pytest.mark.parametrize("type", sorted(bundle.BUNDLE_TYPES))
def test_every_bundle_that_holds_resources_is_taken_apart(type: str) -> None:
    reading = read_entries(_bundle({"fullUrl": f"urn:uuid:{UUID}", "resource": PATIENT}, type=type))
    assert [(entry.index, entry.type, entry.id) for entry in reading.entries] == [(0, "Patient", "p1")]


def test_a_bare_resource_is_a_bundle_of_one() -> None:
    reading = read_entries(PATIENT)
    assert reading.refused == []
    assert reading.entries == [Entry(0, PATIENT, "Patient", "p1")]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ([], "JSON object with a resourceType"),
        (None, "JSON object with a resourceType"),
        ({}, "resourceType"),
        ({"resourceType": 7}, "resourceType"),
        ({"resourceType": "patient"}, "resourceType"),
        ({"resourceType": "Bundle"}, "Bundle.type"),
        ({"resourceType": "Bundle", "type": "transaction-response"}, "Bundle.type"),
        ({"resourceType": "Bundle", "type": "batch", "entry": {}}, "Bundle.entry: a list"),
    ],
)
def test_a_payload_that_is_no_resource_is_refused_as_a_whole(payload: Any, reason: str) -> None:
    with pytest.raises(NotFhir, match=reason):
        read_entries(payload)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("text", "Bundle.entry[1]: an object"),
        ({}, "Bundle.entry[1].resource"),
        ({"resource": []}, "Bundle.entry[1].resource"),
        ({"resource": {"id": "x"}}, "Bundle.entry[1].resource.resourceType"),
        ({"resource": {"resourceType": "Pat ient"}}, "Bundle.entry[1].resource.resourceType"),
        ({"resource": {"resourceType": "Patient", "id": "a b"}}, "Patient.id: 1 to 64"),
        ({"resource": {"resourceType": "Patient", "id": "x" * 65}}, "Patient.id: 1 to 64"),
        ({"resource": {"resourceType": "Patient", "id": 5}}, "Patient.id: 1 to 64"),
        ({"resource": {"resourceType": "Patient", "id": "***-**-****"}}, "not a Social Security number"),
        ({"resource": _bundle()}, "a Bundle inside a Bundle"),
        ({"resource": PATIENT, "fullUrl": 3}, "Bundle.entry[1].fullUrl"),
        ({"resource": PATIENT, "fullUrl": "http://x/***-**-****"}, "Social Security number"),
        ({"resource": PATIENT, "request": "POST"}, "Bundle.entry[1].request: an object"),
        ({"resource": PATIENT, "request": {"method": "DELETE", "url": "Patient/p1"}}, "DELETE is not done here"),
        ({"resource": PATIENT, "request": {"method": "PATCH", "url": "Patient/p1"}}, "PATCH is not done here"),
        ({"request": {"method": "GET", "url": "Patient/p1"}}, "GET is not done here"),
        ({"resource": PATIENT, "request": {"method": "PUT", "url": "Patient/other"}}, "differs from Patient.id"),
        ({"resource": PATIENT, "request": {"method": "PUT", "url": "Group/p1"}}, "Patient/[id] was expected"),
        ({"resource": PATIENT, "request": {"method": "PUT", "url": "Patient"}}, "Patient/[id] was expected"),
        ({"resource": PATIENT, "request": {"method": "POST", "url": 3}}, "url and ifNoneExist are strings"),
    ],
)
def test_a_malformed_entry_is_named_and_the_rest_goes_in(entry: Any, reason: str) -> None:
    reading = read_entries(_bundle({"resource": PATIENT}, entry, {"resource": PATIENT}))
    assert [entry.index for entry in reading.entries] == [0, 2]
    (refusal,) = reading.refused
    assert refusal.index == 1
    assert reason in refusal.reason


def test_a_reason_never_repeats_what_could_be_data() -> None:
    entry = {"resource": PATIENT, "request": {"method": "Jane Roe 1999-01-01", "url": "Patient"}}
    (refusal,) = read_entries(_bundle(entry)).refused
    assert "Jane" not in refusal.reason


@pytest.mark.parametrize(
    ("entry", "id", "condition"),
    [
        ({"request": {"method": "PUT", "url": "Patient/p9"}}, "p9", None),
        ({"fullUrl": "https://ehr.example/fhir/Patient/p8"}, "p8", None),
        ({"fullUrl": "https://ehr.example/fhir/Group/p8"}, None, None),
        ({"request": {"method": "PUT", "url": "Patient?identifier=s|1"}}, None, "identifier=s|1"),
        (
            {"request": {"method": "POST", "url": "Patient", "ifNoneExist": "identifier=s|2"}},
            None,
            "identifier=s|2",
        ),
    ],
)
def test_the_id_and_the_condition_come_from_where_fhir_puts_them(
    entry: dict[str, Any], id: str | None, condition: str | None
) -> None:
    read = _only_entry({**entry, "resource": {"resourceType": "Patient"}})
    assert (read.id, read.condition) == (id, condition)


@pytest.mark.parametrize(
    ("element", "kind", "expected"),
    [
        ({"reference": f"urn:uuid:{UUID.upper()}"}, Kind.URN, {"id": UUID, "url": f"urn:uuid:{UUID}"}),
        ({"reference": "urn:oid:1.2.3"}, Kind.URN, {"id": None, "url": "urn:oid:1.2.3"}),
        ({"reference": "Patient/p1"}, Kind.RELATIVE, {"type": "Patient", "id": "p1"}),
        ({"reference": "Patient/p1/_history/3"}, Kind.RELATIVE, {"type": "Patient", "id": "p1"}),
        (
            {"reference": "https://a.example/r4/Patient/p1/_history/3"},
            Kind.ABSOLUTE,
            {"id": "p1", "url": "https://a.example/r4/Patient/p1", "base": "https://a.example/r4"},
        ),
        ({"reference": "https://a.example/x?y"}, Kind.ABSOLUTE, {"type": None, "url": "https://a.example/x?y"}),
        ({"reference": "#med"}, Kind.CONTAINED, {"id": "med"}),
        (
            {"reference": "Patient?identifier=http%3A%2F%2Fs%7C12"},
            Kind.CONDITIONAL,
            {"system": "http://s", "value": "12"},
        ),
        ({"reference": "Patient?identifier=12"}, Kind.CONDITIONAL, {"system": None, "value": "12"}),
        ({"reference": "Patient?identifier=|12"}, Kind.CONDITIONAL, {"system": "", "value": "12"}),
        ({"reference": "Patient?name=roe"}, Kind.UNSUPPORTED, {"type": "Patient"}),
        ({"reference": "Patient?identifier=a|1&name=roe"}, Kind.UNSUPPORTED, {}),
        ({"reference": "somewhere"}, Kind.UNSUPPORTED, {}),
        ({"identifier": {"system": "s", "value": "1"}, "type": "Patient"}, Kind.LOGICAL, {"value": "1"}),
        ({"display": "Dr. Roe"}, Kind.DISPLAY, {"display": "Dr. Roe"}),
        ({}, Kind.UNSUPPORTED, {}),
        ({"reference": 5}, Kind.UNSUPPORTED, {}),
    ],
)
def test_every_kind_of_reference_is_told_apart(element: Any, kind: Kind, expected: dict[str, Any]) -> None:
    read = read_reference(element)
    assert read.kind is kind
    assert {name: getattr(read, name) for name in expected} == expected


def test_a_urn_and_its_uuid_as_id_are_one_identity() -> None:
    assert identity.identity_key("c", "Patient", f"urn:uuid:{UUID.upper()}") == identity.identity_key(
        "c", "Patient", UUID
    )


def test_the_sender_and_the_type_are_part_of_an_identity() -> None:
    keys = {identity.identity_key(client, type, "1") for client in ("a", "b") for type in ("Patient", "Group")}
    assert len(keys) == 4


def test_an_identity_is_the_id_then_the_condition_then_the_url_then_the_content() -> None:
    resource = {"resourceType": "Patient"}
    by_condition = Entry(0, resource, "Patient", full_url="urn:uuid:new", condition="identifier=s|1")
    assert identity.entry_identity("c", Entry(0, resource, "Patient", id="1", condition="x=1")) == "c|Patient|1"
    assert identity.entry_identity("c", by_condition) == "c|Patient|?s|1"
    assert identity.entry_identity("c", Entry(0, resource, "Patient", full_url=f"urn:uuid:{UUID}")) == (
        f"c|Patient|{UUID}"
    )
    bare = [identity.entry_identity("c", Entry(0, {**resource, "gender": gender}, "Patient")) for gender in "mfm"]
    assert bare[0] == bare[2] != bare[1]


def test_a_reference_from_another_bundle_finds_what_an_entry_is_known_by() -> None:
    entry = Entry(0, PATIENT, "Patient", id="p1", full_url=f"urn:uuid:{UUID}")
    known = {identity.entry_identity("c", entry), *identity.alias_keys("c", entry)}
    for text in ("Patient/p1", f"urn:uuid:{UUID}", "https://ehr.example/fhir/Patient/p1"):
        assert known & set(identity.candidate_keys("c", read_reference({"reference": text}))), text
    assert not known & set(identity.candidate_keys("other", read_reference({"reference": "Patient/p1"})))


def test_a_urn_of_something_with_the_uuid_as_id_is_found_by_the_types_that_it_may_be() -> None:
    reference = read_reference({"reference": f"urn:uuid:{UUID}"})
    keys = identity.candidate_keys("c", reference, ("Practitioner", "Organization"))
    assert identity.identity_key("c", "Organization", UUID) in keys
    assert identity.alias_key("c", f"urn:uuid:{UUID}") in keys


def test_entries_of_one_bundle_find_each_other_by_every_name() -> None:
    entries = [
        Entry(0, PATIENT, "Patient", id="p1", full_url="https://ehr.example/fhir/Patient/p1"),
        Entry(1, PATIENT, "Patient", id=UUID),
    ]
    index = identity.index_by_url(entries)
    expected = {
        "Patient/p1": 0,
        "https://ehr.example/fhir/Patient/p1/_history/2": 0,
        f"urn:uuid:{UUID}": 1,
        f"Patient/{UUID.upper()}": 1,
    }
    for text, position in expected.items():
        assert identity.find_in_bundle(read_reference({"reference": text}), index) is entries[position], text
    assert identity.find_in_bundle(read_reference({"reference": "Group/p1"}), index) is None
    assert identity.find_in_bundle(read_reference({"reference": "#p1"}), index) is None


def test_a_reference_to_another_server_is_told_apart() -> None:
    entry = Entry(0, PATIENT, "Patient", full_url="https://ehr.example/fhir/Patient/p1")
    elsewhere, here = (
        read_reference({"reference": f"https://{host}/fhir/Patient/p1"}) for host in ("other.example", "ehr.example")
    )
    assert identity.is_foreign(elsewhere, entry)
    assert not identity.is_foreign(here, entry)


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        ({"resourceType": "Observation", "subject": {"reference": "Patient/1"}}, "Observation.subject"),
        ({"resourceType": "Immunization", "patient": {"reference": "Patient/1"}}, "Immunization.patient"),
        ({"resourceType": "Coverage", "beneficiary": {"reference": "Patient/1"}}, "Coverage.beneficiary"),
        ({"resourceType": "Account", "subject": [{"reference": "Patient/1"}]}, "Account.subject[0]"),
        ({"resourceType": "Something", "patient": {"reference": "Patient/1"}}, "Something.patient"),
    ],
)
def test_whom_a_resource_is_about_is_found_per_type(resource: dict[str, Any], path: str) -> None:
    subject = uses.subject_of(resource)
    assert subject is not None
    assert (subject.path, subject.reference.id) == (path, "1")
    assert uses.subject_problem(subject, resource["resourceType"]) is None


def test_the_directory_is_about_nobody() -> None:
    assert uses.subject_of({"resourceType": "PractitionerRole", "subject": {"reference": "Patient/1"}}) is None


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        (None, "Observation.subject: a reference to the patient is missing"),
        ({"reference": "Group/1"}, "a Patient was expected, got a Group"),
        ({"reference": "#p"}, "contained patient"),
        ({"display": "Jane"}, "there is only a display"),
        ({"reference": "Patient?name=x"}, "not understood"),
        ({"reference": "Patient?identifier=s|***-**-****"}, "Social Security number cannot be used"),
    ],
)
def test_a_subject_that_can_be_no_patient_is_refused_with_the_reason(subject: Any, reason: str) -> None:
    resource = {"resourceType": "Observation"} | ({"subject": subject} if subject else {})
    problem = uses.subject_problem(uses.subject_of(resource), "Observation")
    assert problem is not None
    assert reason in problem


def test_the_references_that_a_view_names_are_found_in_lists_and_groups() -> None:
    encounter = {
        "resourceType": "Encounter",
        "participant": [{"individual": {"reference": "Practitioner/1"}}, {"individual": {"reference": "#x"}}, "junk"],
        "serviceProvider": {"reference": "Organization/2"},
        "subject": {"reference": "Patient/3"},
    }
    found = {(use.path, use.reference.text) for use in uses.view_references(encounter)}
    assert found == {
        ("Encounter.participant.individual", "Practitioner/1"),
        ("Encounter.participant.individual", "#x"),
        ("Encounter.serviceProvider", "Organization/2"),
    }


def test_the_visit_of_a_document_is_in_its_context() -> None:
    document = {"resourceType": "DocumentReference", "context": {"encounter": [{"reference": "Encounter/1"}]}}
    visit = uses.encounter_of(document)
    assert visit is not None
    assert visit.reference.text == "Encounter/1"
    assert uses.encounter_of({"resourceType": "Observation"}) is None


def test_a_contained_resource_is_found_by_its_id() -> None:
    contained = {"resourceType": "Medication", "id": "m"}
    resource = {"resourceType": "MedicationRequest", "contained": [5, contained]}
    assert references.find_contained(resource, read_reference({"reference": "#m"})) is contained
    assert references.find_contained(resource, read_reference({"reference": "#n"})) is None
