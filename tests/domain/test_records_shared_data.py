"""Real bundles, checked against expectations that walk the raw JSON on their own."""

import collections
import copy
import json
import random
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.fhir import bundle, identity, ssn, text, uses
from chalicelib.domain.records import check, people
from chalicelib.domain.records.categories import category_of, is_directory
from chalicelib.domain.records.view import view

DATA = Path(__file__).parents[2].parent / "shared" / "data"
FILES = sorted(DATA.glob("*/*.json"))
pytestmark = pytest.mark.skipif(not FILES, reason="there is no ../shared/data with real FHIR input")

BY_TYPE = {
    "MedicationRequest": "medication",
    "Media": "imaging",
    "ImagingStudy": "imaging",
    "DiagnosticReport": "report",
    "DocumentReference": "document",
    "ServiceRequest": "order",
    "FamilyMemberHistory": "family_history",
    "AllergyIntolerance": "allergy",
    **{type: type.lower() for type in ("Condition", "Immunization", "Procedure", "Encounter", "Goal", "Device")},
    "CarePlan": "care_plan",
    "CareTeam": "care_team",
    "QuestionnaireResponse": "questionnaire_response",
}
BY_CODE = {
    "laboratory": "lab",
    "vital-signs": "vital",
    "exam": "vital",
    "imaging": "report",
    "procedure": "report",
}


def _raw_resources(path: Path) -> list[dict[str, Any]]:
    payload = json.loads(path.read_bytes(), parse_float=str, parse_int=str)
    return [entry["resource"] for entry in payload["entry"]] if payload["resourceType"] == "Bundle" else [payload]


def _expected_category(resource: dict[str, Any]) -> str | None:
    if resource["resourceType"] != "Observation":
        return BY_TYPE.get(resource["resourceType"])
    return BY_CODE.get(resource["category"][0]["coding"][0]["code"], "social_history")


def _entries(path: Path) -> list[bundle.Entry]:
    reading = bundle.read_entries(ssn.mask(text.parse(path.read_bytes())).payload)
    assert reading.refused == []
    return reading.entries


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem[:40])
def test_every_record_has_the_category_value_and_title_that_its_resource_says(path: Path) -> None:
    raw, entries = _raw_resources(path), _entries(path)
    assert len(raw) == len(entries)
    for resource, entry in zip(raw, entries, strict=True):
        assert check.problems(entry.resource) == []
        expected = _expected_category(resource)
        assert category_of(entry.resource) == expected
        if expected:
            row = json.loads(text.dump(view(entry.resource)), parse_float=str, parse_int=str)
            assert row["category"] == expected
            _assert_value(row, resource)
            _assert_title(row, resource)
            assert uses.subject_problem(uses.subject_of(entry.resource), entry.type) is None


def _assert_value(row: dict[str, Any], resource: dict[str, Any]) -> None:
    if "valueQuantity" in resource:
        quantity = resource["valueQuantity"]
        assert row["value"] == quantity["value"]
        assert row["unit"] == quantity.get("unit", quantity.get("code"))
    if "valueString" in resource or "valueBoolean" in resource:
        assert row["value"] == resource.get("valueString", resource.get("valueBoolean"))
    concept = resource.get("valueCodeableConcept", {})
    if "text" in concept:
        assert row["value"] == concept["text"]
    components = resource.get("component", [])
    assert len(row.get("components", [])) == len(components)
    for shown, component in zip(row.get("components", []), components, strict=True):
        if "valueQuantity" in component:
            assert shown["value"] == component["valueQuantity"]["value"]


def _assert_title(row: dict[str, Any], resource: dict[str, Any]) -> None:
    codes = {coding.get("code") for coding in _codings(resource)}
    assert row["title"] not in codes - {"IPV", "DTaP"}
    assert re.search(r"[A-Za-z]{2}", row["title"])
    assert not re.search(r"\[\w*/|\u200b|\((disorder|finding|procedure|situation)\)$", row["title"])


def _codings(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "code" in value and isinstance(value["code"], str):
            yield value
        for member in value.values():
            yield from _codings(member)
    elif isinstance(value, list):
        for member in value:
            yield from _codings(member)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem[:40])
def test_what_is_written_is_what_was_sent_but_for_social_security_numbers(path: Path) -> None:
    body = path.read_bytes()
    payload = text.parse(body)
    sent = json.loads(body, parse_float=str, parse_int=str)
    assert json.loads(text.dump(payload), parse_float=str, parse_int=str) == sent
    masked = ssn.mask(payload)
    if path.parent.name == "synthea":
        numbers = re.findall(rb"\b999-\d\d-\d{4}\b", body)
        assert [number[-4:].decode() for number in numbers] == list(masked.last_four.values())
        expected = text.dump(payload)
        for number in numbers:
            expected = expected.replace(number, b"***-**-****")
        assert text.dump(masked.payload) == expected


@pytest.mark.parametrize("path", sorted(DATA.glob("synthea/*_*.json")), ids=lambda path: path.stem[:20])
def test_references_within_a_bundle_lead_to_its_entries(path: Path) -> None:
    entries = _entries(path)
    index = identity.index_by_url(entries)
    patient = next(entry for entry in entries if entry.type == "Patient")
    seen = collections.Counter[str]()
    for entry in entries:
        subject = uses.subject_of(entry.resource)
        if category_of(entry.resource):
            assert subject is not None
            assert identity.find_in_bundle(subject.reference, index) is patient
        for use in uses.view_references(entry.resource):
            found = identity.find_in_bundle(use.reference, index)
            assert found is None or found.type in use.targets
            seen["found" if found else "elsewhere"] += 1
    assert seen["found"] > len(entries) / 2
    assert people.demographics(patient.resource).display_name.split()[0] in path.stem


def test_the_directory_has_names() -> None:
    found = [entry.resource for path in FILES for entry in _entries(path) if is_directory(entry.resource)]
    assert len(found) > 200
    assert all(people.display_name(resource) for resource in found)


def test_the_largest_bundle_is_read_and_viewed_in_well_under_two_seconds() -> None:
    body = max(FILES, key=lambda path: path.stat().st_size).read_bytes()
    before = time.process_time()
    entries = bundle.read_entries(ssn.mask(text.parse(body)).payload).entries
    for entry in entries:
        text.content_hash(entry.resource)
        if not check.problems(entry.resource) and category_of(entry.resource):
            text.dump(view(entry.resource))
    assert time.process_time() - before < 2


JUNK: tuple[Any, ...] = (None, 5, "", "x", "#x", True, [], [None], [5], {}, {"coding": 5}, {"value": "x"}, [[]], [{}])


def test_whatever_passes_the_check_can_be_viewed() -> None:
    """Any one element replaced by junk is either found by the check or no obstacle to the view."""
    chance = random.Random(7)
    resources = [entry.resource for path in FILES if path.parent.name == "us-core" for entry in _entries(path)]
    outcomes = collections.Counter[bool]()
    for resource in resources * 6:
        broken = copy.deepcopy(resource)
        places = list(_places(broken))
        container, key = chance.choice(places)
        container[key] = chance.choice(JUNK)
        category = category_of(broken)
        list(uses.view_references(broken))
        uses.subject_problem(uses.subject_of(broken), str(broken.get("resourceType")))
        problems = check.problems(broken)
        outcomes[not problems] += 1
        if problems:
            continue
        if category:
            text.dump(view(broken))
        elif broken.get("resourceType") == "Patient":
            people.demographics(broken)
        elif is_directory(broken):
            people.display_name(broken)
    assert min(outcomes[True], outcomes[False]) > len(resources)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in list(members):
        if key not in {"resourceType", "text"}:
            yield value, key
            yield from _places(member)
