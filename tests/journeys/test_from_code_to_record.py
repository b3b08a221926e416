"""The main job on real input, over HTTP alone: from a clinic's bundle to the patient's own record.

What a record must show is worked out here from the raw JSON, by nothing that the portal uses.
"""

import collections
import json
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from infra.sample import BUNDLES
from tests.support.program import Json, Program, running

pytestmark = pytest.mark.journey

DATA = Path(__file__).parents[2].parent / "shared" / "data"
BUNDLED = sorted(DATA.glob("synthea/*_*.json"))
EXAMPLES = sorted(DATA.glob("us-core/*.json"))
PASSWORD = "seven green teapots sing"
SYNTHEA_ID = "https://github.com/synthetichealth/synthea"

BY_TYPE = {
    "AllergyIntolerance": "allergy",
    "CarePlan": "care_plan",
    "CareTeam": "care_team",
    "Condition": "condition",
    "Device": "device",
    "DiagnosticReport": "report",
    "DocumentReference": "document",
    "Encounter": "encounter",
    "FamilyMemberHistory": "family_history",
    "Goal": "goal",
    "ImagingStudy": "imaging",
    "Immunization": "immunization",
    "Media": "imaging",
    "MedicationRequest": "medication",
    "Procedure": "procedure",
    "QuestionnaireResponse": "questionnaire_response",
    "ServiceRequest": "order",
}
BY_FIRST_CATEGORY = {
    "laboratory": "lab",
    "vital-signs": "vital",
    "exam": "vital",
    "imaging": "report",
    "procedure": "report",
}
CODES = {
    "Condition": "code",
    "Encounter": "type",
    "Immunization": "vaccineCode",
    "MedicationRequest": "medicationCodeableConcept",
    "Observation": "code",
    "Procedure": "code",
    "AllergyIntolerance": "code",
    "DiagnosticReport": "code",
}
TIMES = {
    "CarePlan": ("period",),
    "Condition": ("onsetDateTime",),
    "DiagnosticReport": ("effectiveDateTime",),
    "Encounter": ("period",),
    "ImagingStudy": ("started",),
    "Immunization": ("occurrenceDateTime",),
    "MedicationRequest": ("authoredOn",),
    "Observation": ("effectiveDateTime",),
    "Procedure": ("performedPeriod", "performedDateTime"),
}


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with running(tmp_path_factory.mktemp("program") / "log.txt") as program:
        yield program


@pytest.fixture(scope="session")
def clinic(program: Program) -> Program:
    """The program with the hospitals and practitioners that the bundles refer to."""
    for path in sorted(DATA.glob("synthea/*Information*.json")):
        done = program.import_fhir(path.read_bytes()).json
        assert (done["created"], done["refused"]) == (102, [])
    return program


# --- what a bundle says ----------------------------------------------------------------------------------------------


def resources_of(path: Path) -> list[Json]:
    """The resources of a file, numbers as written."""
    payload = json.loads(path.read_bytes(), parse_float=str, parse_int=str)
    return [entry["resource"] for entry in payload["entry"]] if payload["resourceType"] == "Bundle" else [payload]


def category_of(resource: Json) -> str | None:
    if resource["resourceType"] != "Observation":
        return BY_TYPE.get(resource["resourceType"])
    first: Json = next(iter(resource.get("category", ())), {})
    codes = [coding["code"] for coding in first.get("coding", ())]
    return BY_FIRST_CATEGORY.get(codes[0] if codes else "", "social_history")


def expected_row(resource: Json) -> tuple[Any, ...]:
    """What a list must show of a resource: category, time, code, value with unit, components."""
    concept = resource.get(CODES.get(resource["resourceType"], ""), {})
    first = concept[0] if isinstance(concept, list) else concept
    code = first["coding"][0]["code"] if first and "coding" in first else None
    shown = [shown_value(one) for one in resource.get("component", [])]
    return (category_of(resource), time_of(resource), code, *shown_value(resource), tuple(shown))


def time_of(resource: Json) -> str | None:
    for name in TIMES.get(resource["resourceType"], ()):
        if found := resource.get(name):
            return in_utc(found["start"] if isinstance(found, dict) else found)
    return None


def in_utc(text: str) -> str:
    if "T" not in text:
        return text
    at = datetime.fromisoformat(text).astimezone(UTC)
    fraction = f".{at.microsecond // 1000:03}" if "." in text else ""
    return f"{at:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def shown_value(element: Json) -> tuple[Any, Any]:
    if quantity := element.get("valueQuantity"):
        return quantity["value"], quantity.get("unit")
    if concept := element.get("valueCodeableConcept"):
        return concept["text"], None
    return element.get("valueString"), None


def shown_row(row: Json) -> tuple[Any, ...]:
    """The same of a row."""
    kind = row["resource_type"]
    code = row["code"]["code"] if row["code"] and kind in CODES else None
    at = row["occurred_at"] if kind in TIMES else None
    components = tuple((one.get("value"), one.get("unit")) for one in row.get("components", []))
    return (row["category"], at, code, row.get("value"), row.get("unit"), components)


# --- the journeys ----------------------------------------------------------------------------------------------------


def is_adult(patient: Json) -> bool:
    today, born = date.today(), date.fromisoformat(patient["birthDate"])  # noqa: DTZ011  No test is run at midnight.
    return (today.year - born.year - ((today.month, today.day) < (born.month, born.day))) >= 18


def import_twice(program: Program, path: Path) -> Json:
    body, resources = path.read_bytes(), resources_of(path)
    before = time.monotonic()
    done = program.import_fhir(body)
    took = time.monotonic() - before
    again = program.import_fhir(body)
    assert (done.status, done.json["refused"]) == (200, [])
    assert sum(done.json[name] for name in ("created", "updated", "unchanged", "kept_raw")) == len(resources)
    assert again.json == {**again.json, "created": 0, "updated": 0, "refused": []}
    assert again.json["unchanged"] + again.json["kept_raw"] == len(resources)
    print(f"{path.stem[:20]}: {len(body) / 1e6:.1f} MB, {len(resources)} resources imported in {took:.1f} s")
    assert took < 29
    return next(one for one in resources if one["resourceType"] == "Patient")


def check_record(program: Program, token: str, resources: list[Json]) -> None:
    records = [one for one in resources if category_of(one)]
    expected = collections.Counter(map(expected_row, records))
    everything = program.walk(token)
    assert collections.Counter(map(shown_row, everything)) == expected
    counts = collections.Counter(map(category_of, records))
    for category in {*BY_TYPE.values(), *BY_FIRST_CATEGORY.values(), "social_history"}:
        rows = program.walk(token, f"&category={category}", limit=40)
        assert len(rows) == counts[category], category
        assert collections.Counter(map(shown_row, rows)) == collections.Counter(
            one for one in expected.elements() if one[0] == category
        )
    assert len({row["record_id"] for row in everything}) == len(everything)
    print("   walked " + ", ".join(f"{count} {name}" for name, count in sorted(counts.items(), key=str)))


@pytest.mark.skipif(not BUNDLED, reason="there is no ../shared/data with real FHIR input")
@pytest.mark.parametrize("path", BUNDLED, ids=lambda path: path.stem[:20])
def test_a_real_bundle_becomes_its_patients_own_record(clinic: Program, path: Path) -> None:
    patient = import_twice(clinic, path)
    number = next(one["value"] for one in patient["identifier"] if one["system"] == SYNTHEA_ID)
    (found,) = clinic.find_patients(f"{SYNTHEA_ID}|{number}")
    assert clinic.find_patients(number) == [found]
    issued = clinic.issue_code(found["patient_id"])
    if "deceasedDateTime" in patient:
        assert (issued.status, issued.json["code"]) == (409, "patient_deceased")
        print("   no activation code: deceased")
        return
    started = clinic.start_registration(found, issued.json["activation_code"])
    if not is_adult(patient):
        assert (started.status, started.json["code"]) == (422, "below_minimum_age")
        print("   no account: below the minimum age")
        return
    assert started.status == 201, started.body
    email = f"{patient['id']}@example.org"
    username, _ = clinic.finish_registration(started.json, email, PASSWORD)
    confirm(clinic, clinic.link_sent_to(email), patient["birthDate"], by_page=BUNDLED.index(path) % 2 == 0)
    session = clinic.must("POST", "/v1/sessions", {"username": username, "password": PASSWORD})
    token = session["access_token"]
    me = clinic.must("GET", "/v1/me", token=token)
    assert (me["email"], me["email_verified"]) == (email, True)
    summary = clinic.must("GET", "/v1/patients/me/summary", token=token)
    assert summary["patient"]["birth_date"] == patient["birthDate"]
    check_record(clinic, token, resources_of(path))


def confirm(program: Program, link: str, born: str, *, by_page: bool) -> None:
    """Confirm an address the way a person does, or the way the web app does."""
    page = program.call("GET", link)
    assert (page.status, b"<form" in page.body) == (200, True)
    if by_page:
        form, kind = f"date_of_birth={born}".encode(), "application/x-www-form-urlencoded"
        assert program.call("POST", link, form, Content_Type=kind).status == 200
    else:
        token = link.rpartition("/")[2]
        reply = program.call("POST", "/v1/email-verifications", {"token": token, "date_of_birth": born})
        assert reply.status in {200, 204}, reply.body
    assert program.call("GET", link).status == 410
    print(f"   email confirmed by {'the page' if by_page else 'the API'}")


@pytest.mark.skipif(not EXAMPLES, reason="there is no ../shared/data with real FHIR input")
def test_every_example_of_us_core_goes_in_or_is_refused_with_a_reason(program: Program) -> None:
    order = {"Patient": 0, "Organization": 1, "Practitioner": 1, "Location": 1}
    files = sorted((json.loads(path.read_bytes())["resourceType"], path) for path in EXAMPLES)
    files.sort(key=lambda one: order.get(one[0], 2))
    counts, refused = collections.Counter[str](), []
    for kind, path in files:
        reply = program.import_fhir(path.read_bytes())
        if reply.status != 200:
            assert reply.status == 422, (path.name, reply.body)
            refused.append((path.name, reply.json["detail"]))
            continue
        done = reply.json
        counts.update({name: done[name] for name in ("created", "updated", "unchanged", "kept_raw")})
        refused += [(path.name, f"entry {one['index']}: {one['reason']}") for one in done["refused"]]
        if kind in {*BY_TYPE, "Observation"}:
            assert done["created"] == 1, (path.name, done)
    print(f"{len(files)} files: {dict(counts)}, {len(refused)} refused")
    for name, reason in refused:
        print(f"   {name}: {reason}")
        assert len(reason) > 20
    assert len(refused) <= 10
    assert counts["created"] >= len([one for one in files if one[0] in {*BY_TYPE, "Observation"}])


@pytest.mark.parametrize("at", range(8))
def test_a_sample_patient_gets_from_the_console_to_their_record(program: Program, at: int) -> None:
    listed = program.sample["patients"]
    if at >= len(listed):
        pytest.skip("the sample clinic has fewer patients")
    sample = listed[at]
    path = bundle_of(sample)
    assert program.import_fhir(path.read_bytes()).json["updated"] == 0
    if sample["activation_code"] is None:
        print(f"{path.stem}: no activation code")
        return
    started = program.start_registration(sample, sample["activation_code"])
    if started.status != 201:
        assert started.json["code"] in {"below_minimum_age", "record_closed"}
        print(f"{path.stem}: {started.json['code']}")
        return
    username, _ = program.finish_registration(started.json, sample["email"], PASSWORD)
    if sample["email"]:
        confirm(program, program.link_sent_to(sample["email"]), sample["date_of_birth"], by_page=at % 2 == 0)
    session = program.must("POST", "/v1/sessions", {"username": username, "password": PASSWORD})
    rows = program.walk(session["access_token"])
    own = records_about(sample, path)
    assert collections.Counter(row["category"] for row in rows) == collections.Counter(map(category_of, own))
    quantities = (one.get("valueQuantity", {}) for one in own)
    numbers = collections.Counter(one["value"] for one in quantities if "value" in one)
    shown = collections.Counter(row["value"] for row in rows if isinstance(row.get("value"), str))
    assert numbers & shown == numbers
    print(f"{path.stem}: {len(rows)} records")


def bundle_of(sample: Json) -> Path:
    return next(path for path in sorted(BUNDLES.iterdir()) if patients_in(path, sample))


def patients_in(path: Path, sample: Json) -> list[Json]:
    """The entries of a bundle that are this patient."""
    payload = json.loads(path.read_bytes())
    return [
        entry
        for entry in payload["entry"]
        if entry["resource"]["resourceType"] == "Patient" and entry["resource"]["birthDate"] == sample["date_of_birth"]
    ]


def records_about(sample: Json, path: Path) -> list[Json]:
    (entry,) = patients_in(path, sample)
    id = entry["resource"].get("id", "-")
    names = {f"Patient/{id}", entry.get("fullUrl"), f"urn:uuid:{id}"}
    found = []
    for resource in resources_of(path):
        subject = resource.get("subject") or resource.get("patient") or {}
        if subject.get("reference") in names and category_of(resource):
            found.append(resource)
    return found
