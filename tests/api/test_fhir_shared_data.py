"""Real bundles through the FHIR API, resource by resource, against expectations made of the raw JSON on their own."""

import json
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from chalicelib.clients import files
from chalicelib.domain.fhir_api.served import SERVED
from tests.support import sizes
from tests.support.fhir import SSN, Json
from tests.support.fhir_api import Reader, fhir_id
from tests.support.portal import Portal

DATA = Path(__file__).parents[2].parent / "shared" / "data"
PEOPLE = sorted(path for path in (DATA / "synthea").glob("*.json") if "Information" not in path.name)
EXAMPLES = sorted((DATA / "us-core").glob("*.json"))
pytestmark = pytest.mark.skipif(not PEOPLE or not EXAMPLES, reason="there is no ../shared/data with real FHIR input")


def _read(path: Path) -> Json:
    """A file with its numbers as they are written."""
    found: Json = json.loads(path.read_bytes(), parse_float=str, parse_int=str)
    return found


def _sent(path: Path) -> list[Json]:
    payload = _read(path)
    return [entry["resource"] for entry in payload["entry"]] if payload["resourceType"] == "Bundle" else [payload]


@pytest.fixture(scope="module")
def clinic(portal: Portal) -> Reader:
    """A system of the clinic that reads, once everybody and everything has been imported."""
    for path in [*sorted((DATA / "synthea").glob("*Information*.json")), *PEOPLE]:
        assert portal.import_fhir(path.read_bytes()).json["refused"] == []
    return Reader(portal, portal.client_token())


def _stored(portal: Portal) -> dict[str, str]:
    """The portal's reference by the sender's, for everything that is stored: `Type/id` and `urn:uuid:id`."""
    found: dict[str, str] = {}
    for row in portal.rows("patients"):
        if row["pk"]["S"].startswith("raw#"):
            packed = row["body"]["B"] if "body" in row else files.get_record(row["stored_at"]["S"])
            resource = json.loads(zlib.decompress(packed))
            here = f"{resource['resourceType']}/{fhir_id(row['pk']['S'].removeprefix('raw#'))}"
            found[f"{resource['resourceType']}/{resource['id']}"] = here
            found[f"urn:uuid:{resource['id']}"] = here
    return found


def _expected(element: Any, known: dict[str, str]) -> Any:
    """An element as sent, its references replaced and Social Security numbers masked."""
    if isinstance(element, list):
        return [_expected(one, known) for one in element]
    if not isinstance(element, dict):
        return element
    told = {name: _expected(value, known) for name, value in element.items()}
    if told.get("system") == SSN and "value" in told:
        told["value"] = "masked"
    reference = told.get("reference")
    if isinstance(reference, str) and not reference.startswith("#"):
        if reference in known:
            return {**told, "reference": known[reference]}
        del told["reference"]
        absent = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
        return told or {"extension": [{"url": absent, "valueCode": "unknown"}]}
    return told


def _comparable(resource: Json) -> str:
    """A resource without what is the portal's own: its id, its version and when that was stored."""
    rest = json.loads(json.dumps(resource))
    rest.pop("id", None)
    meta = {name: value for name, value in rest.pop("meta", {}).items() if name not in {"versionId", "lastUpdated"}}
    for number in rest.get("identifier", ()) if isinstance(rest.get("identifier"), list) else ():
        if number.get("system") == SSN:
            assert "*" in number["value"] or number["value"] == "masked"
            number["value"] = "masked"
    for content in rest.get("content", ()):
        # A number in a document inside a resource is masked as well.
        if resource["resourceType"] == "DocumentReference" and "data" in content["attachment"]:
            content["attachment"]["data"] = len(content["attachment"]["data"])
    return json.dumps({**rest, "meta": meta}, sort_keys=True)


def _is_valid(resource: Json) -> bool:
    try:
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    except ValidationError:
        return False
    return True


def _walk(clinic: Reader, path: str) -> Iterator[Json]:
    following: str | None = path
    while following is not None:
        answer = clinic.get(following)
        assert answer.status == 200, answer.text
        page = json.loads(answer.body, parse_float=str, parse_int=str)
        yield from (entry["resource"] for entry in page.get("entry", ()))
        urls = [link["url"] for link in page["link"] if link["relation"] == "next"]
        following = urls[0].partition("/fhir/R4/")[2] if urls else None


@pytest.mark.parametrize("path", PEOPLE, ids=lambda path: path.stem.partition("_")[0])
def test_a_bundle_comes_back_resource_by_resource(clinic: Reader, path: Path) -> None:
    known = _stored(clinic.portal)
    sent = [one for one in _sent(path) if one["resourceType"] not in {"Organization", "Practitioner"}]
    (patient,) = [one for one in sent if one["resourceType"] == "Patient"]
    own = known[f"Patient/{patient['id']}"]
    answered = list(_walk(clinic, f"{own}/$everything?_count=100"))
    wanted = {known[f"{one['resourceType']}/{one['id']}"]: _comparable(_expected(one, known)) for one in sent}
    got = {f"{one['resourceType']}/{one['id']}": _comparable(one) for one in answered}
    assert len(got) == len(answered)
    different = [name for name in wanted.keys() | got.keys() if wanted.get(name) != got.get(name)]
    assert different == [], [(wanted.get(name), got.get(name)) for name in different[:1]]
    counts = Counter(one["resourceType"] for one in sent)
    for type in counts.keys() - {"Patient"}:
        found = [f"{type}/{one['id']}" for one in _walk(clinic, f"{type}?patient={own}&_count=100")]
        assert sorted(found) == sorted(name for name in wanted if name.startswith(f"{type}/"))


@pytest.mark.parametrize(
    "path", PEOPLE if sizes.is_full() else PEOPLE[-1:], ids=lambda path: path.stem.partition("_")[0]
)
def test_what_is_answered_is_fhir(clinic: Reader, path: Path) -> None:
    known = _stored(clinic.portal)
    (patient,) = [one for one in _sent(path) if one["resourceType"] == "Patient"]
    own = known[f"Patient/{patient['id']}"]
    for page in clinic.pages(f"{own}/$everything?_count=50"):
        get_fhir_model_class("Bundle").model_validate(page)


def test_what_the_portal_says_itself_is_fhir(clinic: Reader) -> None:
    get_fhir_model_class("CapabilityStatement").model_validate(clinic.read("metadata"))
    for path in ("Nothing", "Observation", "Patient/x", "Observation?date=x"):
        get_fhir_model_class("OperationOutcome").model_validate(clinic.get(path).json)


def test_the_odd_shapes_of_us_core_come_back_as_they_were(portal: Portal) -> None:
    """Each example of a type that is served and is about a patient of these files, by itself."""
    token = portal.client_token(portal.new_client("records.read", "records.write"))
    clinic = Reader(portal, token)
    paths = {f"{one['resourceType']}/{one['id']}": path for path in EXAMPLES for one in (_read(path),)}
    sent = {name: _read(path) for name, path in paths.items() if name.partition("/")[0] in SERVED}
    entries = ",".join(f'{{"resource":{paths[name].read_text("utf-8")}}}' for name in sent)
    done = portal.import_fhir(f'{{"resourceType":"Bundle","type":"collection","entry":[{entries}]}}', token=token).json
    assert done["created"] > 150
    known = _stored(portal)
    compared = 0
    for name in sent.keys() & known.keys():
        answer = clinic.get(known[name])
        if answer.status == 404:
            # It is about nobody whom the portal knows.
            continue
        got = json.loads(answer.body, parse_float=str, parse_int=str)
        assert _comparable(got) == _comparable(_expected(sent[name], known)), name
        # One of these examples is no valid FHIR itself.
        assert _is_valid(answer.json) or not _is_valid(json.loads(paths[name].read_bytes())), name
        compared += 1
    assert compared > 150
