"""GET /v1/clinic/patients: how the clinic's systems find a patient, and the Social Security number (AC 7)."""

import base64
import hashlib
import logging
import re
import zlib
from typing import Any
from urllib.parse import quote

import pytest

from tests.support import fhir
from tests.support.fhir import Json
from tests.support.portal import Answer, Portal
from tests.support.promises import Promise


def look_up(portal: Portal, identifier: str, more: str = "") -> Answer:
    path = f"/v1/clinic/patients?identifier={quote(identifier, safe='')}{more}"
    return portal.call("GET", path, token=portal.client_token())


def imported(portal: Portal, **changes: Any) -> Json:
    patient = fhir.patient(**changes)
    assert portal.import_fhir(patient).json["created"] == 1
    return patient


def lookups(portal: Portal) -> list[Json]:
    return [row for row in portal.rows("audit") if row["action"]["S"] == "patient:lookup"]


def test_a_patient_is_found_by_value_and_by_system_and_value(portal: Portal) -> None:
    patient = imported(portal)
    (found,) = look_up(portal, patient["id"]).json["items"]
    assert look_up(portal, f"{fhir.MRN}|{patient['id']}").json["items"] == [found]
    assert found["clinic_number"]
    assert look_up(portal, found["clinic_number"]).json["items"] == [found]
    assert look_up(portal, f"{fhir.CLINIC_NUMBER}|{found['clinic_number']}").json["items"] == [found]
    assert (found["names"], found["birth_date"], found["deceased"]) == (["Ada Byron"], "1970-02-03", False)


@pytest.mark.parametrize("identifier", ["https://other.example|{id}", "|{id}", "{id}x", f"{fhir.MRN[:-1]}|{{id}}"])
def test_another_system_or_value_finds_nobody(portal: Portal, identifier: str) -> None:
    patient = imported(portal)
    assert look_up(portal, identifier.format(id=patient["id"])).json == {"items": [], "next_cursor": None}


def test_a_system_is_not_found_by_its_beginning(portal: Portal) -> None:
    value = fhir.fresh("v")
    imported(portal, identifier=[{"system": "https://a.example#mrn", "value": value}])
    assert look_up(portal, f"https://a.example|{value}").json["items"] == []
    assert len(look_up(portal, f"https://a.example#mrn|{value}").json["items"]) == 1


def test_an_identifier_without_a_system_is_found_as_such(portal: Portal) -> None:
    value = fhir.fresh("v")
    imported(portal, identifier=[{"value": value}])
    assert len(look_up(portal, f"|{value}").json["items"]) == 1
    assert len(look_up(portal, value).json["items"]) == 1


def test_everybody_with_an_identifier_is_listed_page_by_page(portal: Portal) -> None:
    value, other = fhir.fresh("v"), fhir.fresh("v")
    for at in range(5):
        systems = [f"https://{at}.example", f"https://x{at}.example"]
        imported(portal, identifier=[{"system": system, "value": value} for system in systems])
    first = look_up(portal, value, "&limit=2").json
    seen, cursor = first["items"], first["next_cursor"]
    while cursor is not None:
        page = look_up(portal, value, f"&limit=2&cursor={quote(cursor)}").json
        seen, cursor = seen + page["items"], page["next_cursor"]
    assert len({patient["patient_id"] for patient in seen}) == len(seen) == 5
    assert look_up(portal, other, f"&limit=2&cursor={quote(first['next_cursor'])}").status == 400


@pytest.mark.parametrize(
    "system", [fhir.SSN, "urn:oid:2.16.840.1.113883.4.1", "HTTP://hl7.org/fhir/sid/us-ssn/", "2.16.840.1.113883.4.1"]
)
def test_a_social_security_number_is_not_searched_for(portal: Portal, system: str) -> None:
    answer = look_up(portal, f"{system}|999-12-3456")
    assert (answer.status, answer.json["errors"][0]["code"]) == (422, "ssn_not_searchable")
    assert "3456" not in answer.text


@pytest.mark.parametrize("query", ["", "?identifier=", "?identifier=x%7C", "?identifier=a&q=b"])
def test_a_look_up_without_an_identifier_is_422(portal: Portal, query: str) -> None:
    assert portal.call("GET", f"/v1/clinic/patients{query}", token=portal.client_token()).status == 422


def test_every_look_is_in_the_audit_before_it_is_answered_with_no_identifier_in_it(portal: Portal) -> None:
    patient = imported(portal)
    before = len(lookups(portal))
    (found,) = look_up(portal, patient["id"]).json["items"]
    nobody = fhir.fresh("nobody")
    look_up(portal, nobody)
    entries = lookups(portal)
    assert len(entries) == before + 2
    assert f"patient#{found['patient_id']}" in {entry["pk"]["S"] for entry in entries}
    assert patient["id"] not in str(entries)
    assert nobody not in str(entries)


def test_a_look_up_needs_its_scope(portal: Portal) -> None:
    token = portal.client_token(portal.new_client("records.write"))
    assert portal.call("GET", "/v1/clinic/patients?identifier=x", token=token).status == 403
    assert portal.call("GET", "/v1/clinic/patients?identifier=x").status == 401


def odd_places(number: str) -> list[Json]:
    """A patient and a record with a Social Security number wherever a sender may have left one."""
    bare = number.replace("-", "")
    cda = f'<id root="2.16.840.1.113883.4.1" extension="{bare}"/>'
    patient = fhir.patient(
        identifier=[
            {"system": fhir.SSN, "value": number, "_value": {"extension": [{"url": "x", "valueString": number}]}},
            {"type": {"coding": [{"code": "SS"}]}, "value": bare},
            {"system": fhir.MRN, "value": fhir.fresh("m")},
        ],
        text={"status": "generated", "div": f"<div>SSN: {number}, again {bare}</div>"},
        contact=[{"name": {"text": f"Wife of {bare}"}}],
    )
    result = fhir.lab(
        patient,
        performer=[{"identifier": {"system": "urn:oid:2.16.840.1.113883.4.1", "value": bare}, "display": "Somebody"}],
        note=[{"text": f"Patient {number[:3]} {number[4:6]} {number[7:]} confirmed."}],
        contained=[{"resourceType": "Patient", "id": "p", "identifier": [{"system": fhir.SSN, "value": number}]}],
        code={"text": f"Test for {bare}"},
        derivedFrom=[{"reference": f"Observation?identifier={fhir.SSN}|{bare}"}],
    )
    document = {
        "resourceType": "DocumentReference",
        "id": fhir.fresh("doc"),
        "status": "current",
        "type": {"text": "Summary"},
        "subject": fhir.about(patient),
        "content": [{"attachment": {"contentType": "text/xml", "data": base64.b64encode(cda.encode()).decode()}}],
    }
    return [patient, result, document]


@pytest.mark.promise
def test_a_social_security_number_is_nowhere_but_as_a_keyed_hash_of_its_last_four(
    portal: Portal, promise: Promise, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """AC 7."""
    number = "987-65-4329"
    caplog.set_level(logging.DEBUG, logger="patient-portal")
    patient, result, document = odd_places(number)
    done = portal.import_fhir(fhir.bundle(patient, result, document))
    assert done.json["created"] == 3
    portal.import_fhir(fhir.bundle({**patient, "birthDate": number}))
    portal.drain()
    spellings = (number, number.replace("-", ""), number.replace("-", " "), number[4:], number[-4:])
    kept = [row for area in ("patients", "accounts", "audit", "outbox") for row in portal.rows(area)]
    raw = b"".join(zlib.decompress(row["body"]["B"]) for row in kept if "body" in row)
    out = capfd.readouterr()
    sinks = {
        "tables": repr([{name: value for name, value in row.items() if name != "body"} for row in kept]),
        "raw resources": raw.decode(),
        "decoded documents": _decoded(raw),
        "files": _files(portal),
        "logs": out.out + out.err + repr([(one.getMessage(), one.__dict__) for one in caplog.records]),
        "answer": done.text,
    }
    found = [(name, one) for name, text in sinks.items() for one in spellings[:3] if one in text]
    promise("AC 7", "places where a Social Security number stands in clear", asked=0, measured=len(found))
    row = next(row for row in portal.rows("patients") if row["sk"]["S"] == "patient" and "ssn_last4_hash" in row)
    assert re.search(rf"(?<![0-9a-f]){spellings[-1]}(?![0-9a-f])", str(row)) is None
    assert row["ssn_last4_hash"]["S"] != hashlib.sha256(spellings[-1].encode()).hexdigest()
    assert len(row["ssn_last4_hash"]["S"]) == 64


def _decoded(raw: bytes) -> str:
    found = re.findall(rb'"data":"([A-Za-z0-9+/=]+)"', raw)
    return " ".join(base64.b64decode(one).decode(errors="replace") for one in found)


def _files(portal: Portal) -> str:
    from chalicelib.settings import settings

    s3, bucket = portal.aws.client("s3"), settings().records_bucket
    bodies = [
        zlib.decompress(s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read()).decode()
        for one in s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    ]
    return " ".join(bodies)


def test_a_number_that_changed_is_a_new_version_of_the_patient(portal: Portal) -> None:
    patient = fhir.patient(identifier=[{"system": fhir.SSN, "value": "987-65-4321"}, {"value": fhir.fresh("v")}])
    assert portal.import_fhir(patient).json["created"] == 1
    assert portal.import_fhir(patient).json["unchanged"] == 1
    patient["identifier"][0]["value"] = "987-65-4322"
    assert portal.import_fhir(patient).json["updated"] == 1
    assert look_up(portal, "***-**-****").json["items"] == []
