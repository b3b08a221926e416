"""The FHIR API against FHIR's own definitions: its JSON schema, its search parameters, what US Core must support."""

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import jsonschema
import pytest

from chalicelib.domain.fhir_api.search import elements_at
from chalicelib.domain.fhir_api.served import SERVED
from infra.build.fhir_definitions import installed
from infra.sample import bundles
from tests.api.test_fhir_shared_data import EXAMPLES, PEOPLE
from tests.support import sizes
from tests.support.fhir import Json
from tests.support.fhir_api import Reader
from tests.support.portal import Portal

FOLDER = installed()
pytestmark = pytest.mark.skipif(
    FOLDER is None, reason="`make test-fhir` brings FHIR's definitions (npm), against which this is tested"
)
_CHECKED = {"Patient": "us-core-patient", "Device": "us-core-implantable-device"}
_CHECKED |= {"MedicationRequest": "us-core-medicationrequest", "Observation": "us-core-blood-pressure"}


@lru_cache(maxsize=8)
def _definition(name: str) -> Any:
    assert FOLDER is not None
    return json.loads((FOLDER / name).read_bytes())


@lru_cache(maxsize=256)
def _validator(type: str) -> Any:
    """Of one type. What stands inside another resource is checked by itself: the schema tries every type for it."""
    definitions = {**_definition("fhir.schema.json")["definitions"], "ResourceList": {}}
    return jsonschema.Draft6Validator({"$ref": f"#/definitions/{type}", "definitions": definitions})


def problems_of(resource: Json) -> list[str]:
    type = resource["resourceType"]
    found = [f"{type}: {error.message[:200]}" for error in _validator(type).iter_errors(resource)]
    inside = [*resource.get("contained", ()), *(entry["resource"] for entry in resource.get("entry", ()))]
    return [*found, *(problem for one in inside for problem in problems_of(one))]


@pytest.fixture(scope="module")
def clinic(portal: Portal) -> Reader:
    """A system of the clinic that reads, once the sample clinic and what there is of real input were imported."""
    token = portal.client_token()
    people = [path.read_bytes() for path in (PEOPLE if sizes.is_full() else PEOPLE[:1])]
    examples = [json.dumps(one).encode() for one in sorted(_sent(), key=lambda one: one["resourceType"] != "Patient")]
    for body in (*(bundle.body for bundle in bundles()), *people, *examples):
        portal.import_fhir(body, token=token)
    return Reader(portal, portal.client_token())


def _patients(portal: Portal) -> list[str]:
    rows = portal.rows("patients")
    return sorted(row["pk"]["S"].replace("_", "-") for row in rows if row["sk"]["S"] == "patient")


def test_every_answer_fits_the_schema_of_r4(clinic: Reader) -> None:
    checked, wrong = 0, set[str]()
    for patient in _patients(clinic.portal):
        for page in clinic.pages(f"Patient/{patient}/$everything?_count=50"):
            wrong |= set(problems_of(page))
            checked += len(page.get("entry", ()))
    # A few of the examples are no valid FHIR themselves.
    assert (
        wrong - {problem for one in _sent() if one["resourceType"] in SERVED for problem in problems_of(one)} == set()
    )
    assert checked > 500


def _sent() -> Iterator[Json]:
    for path in EXAMPLES:
        payload = json.loads(path.read_bytes())
        if payload["resourceType"] == "Bundle":
            yield from (entry["resource"] for entry in payload["entry"])
        else:
            yield payload


def test_what_the_portal_says_itself_fits_the_schema(clinic: Reader) -> None:
    assert problems_of(clinic.read("metadata")) == []
    for path in ("Nothing", "Observation", "Patient/x", "Observation?date=x", "Practitioner"):
        assert problems_of(clinic.get(path).json) == []
    patient = _patients(clinic.portal)[0]
    assert problems_of(clinic.read(f"Observation?patient={patient}&made-up=1")) == []


def test_every_search_parameter_is_one_of_fhirs_of_the_same_kind() -> None:
    known: dict[tuple[str, str], str] = {}
    for entry in _definition("search-parameters.json")["entry"]:
        param = entry["resource"]
        for base in param["base"]:
            known[base, param["code"]] = param["type"]
    # US Core defines these.
    own = {("CareTeam", "role"), ("Encounter", "discharge-disposition"), ("Goal", "description")}
    for served in SERVED.values():
        for param in served.params.values():
            kind = known.get((served.type, param.name), known.get(("Resource", param.name)))
            assert kind == param.kind or (served.type, param.name) in own, (served.type, param.name, kind)


@pytest.mark.skipif(not EXAMPLES, reason="there is no ../shared/data with real FHIR input")
@pytest.mark.parametrize("type", sorted(_CHECKED))
def test_what_us_core_must_support_comes_through(clinic: Reader, type: str) -> None:
    """Every must-support element that some example has, some answer has."""
    profiles = _definition("testing/uscore-v5.0.1-structuredefinitions.json")
    profile = next(one for one in profiles if _CHECKED[type] in one["url"])
    elements = [one for one in profile["snapshot"]["element"] if one.get("mustSupport") and "." in one["path"]]
    paths = {path for one in elements for path in _spelled(one["path"], one.get("type", []))}
    sent = {path for one in _sent() if one["resourceType"] == type for path in paths if list(elements_at(one, path))}
    answered = {path for one in _answered(clinic, type) for path in paths if list(elements_at(one, path))}
    assert len(sent) > 3
    assert sent - answered == set()


def _spelled(path: str, types: list[Json]) -> Iterator[tuple[str, ...]]:
    """The path of an element, of a choice one for each of its types."""
    names = tuple(path.split(".")[1:])
    if not names[-1].endswith("[x]"):
        yield names
        return
    for type in types:
        yield (*names[:-1], names[-1].removesuffix("[x]") + type["code"][0].upper() + type["code"][1:])


def _answered(clinic: Reader, type: str) -> list[Json]:
    found = []
    for patient in _patients(clinic.portal):
        path = f"Patient/{patient}" if type == "Patient" else f"{type}?patient={patient}&_count=100"
        found += [clinic.read(path)] if type == "Patient" else clinic.search(path)
    return found
