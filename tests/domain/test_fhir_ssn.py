import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.fhir import ssn, text

SYSTEM = "http://hl7.org/fhir/sid/us-ssn"
OID = "urn:oid:2.16.840.1.113883.4.1"
NUMBER = "219-09-9999"


def _patient(*identifiers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": "p", "identifier": list(identifiers), **more}


def _ssn(value: Any = NUMBER, **more: Any) -> dict[str, Any]:
    return {"system": SYSTEM, "value": value, **more}


def _dumped(payload: Any) -> str:
    return text.dump(ssn.mask(payload).payload).decode()


@pytest.mark.parametrize(
    "identifier",
    [
        {"system": SYSTEM, "value": NUMBER},
        {"system": f"{SYSTEM}/", "value": NUMBER},
        {"system": OID, "value": NUMBER},
        {"system": OID.upper(), "value": "219099999"},
        {"system": SYSTEM, "value": 219099999},
        {
            "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "SS"}]},
            "value": NUMBER,
        },
        {"type": {"text": "Social Security Number"}, "system": "http://local", "value": NUMBER},
        {"system": SYSTEM, "value": "9999"},
        {"system": SYSTEM, "value": "xxx-xx-9999"},
        {"system": SYSTEM, "_value": {"extension": [{"url": "rendered", "valueString": NUMBER}]}},
        {"system": SYSTEM, "value": NUMBER, "extension": [{"valueString": "ends in 9999"}]},
    ],
)
def test_an_identifier_that_is_a_social_security_number_shows_no_digit_of_it(identifier: dict[str, Any]) -> None:
    masked = ssn.mask(_patient(identifier)).payload["identifier"][0]
    assert masked["value"] == ssn.MASK
    assert "_value" not in masked
    assert "9999" not in text.dump(masked).decode()
    assert masked.get("system") == identifier.get("system")


def test_every_other_place_of_the_same_bundle_loses_the_number_too() -> None:
    patient = _patient(
        _ssn(),
        {"system": "http://hospital", "value": "219099999"},
        text={"status": "generated", "div": "<div>SSN 219 09 9999, or 219.09.9999</div>"},
        contained=[{"resourceType": "RelatedPerson", "identifier": [_ssn("219099999")]}],
    )
    observation = {
        "resourceType": "Observation",
        "subject": {"identifier": _ssn(), "display": f"Jane {NUMBER}"},
        "performer": [{"reference": f"Patient?identifier={SYSTEM}|{NUMBER}"}],
        "valueString": "number 219099999.",
        "valueInteger": 219099999,
    }
    entry = {
        "resource": observation,
        "request": {"method": "POST", "url": "Observation", "ifNoneExist": f"identifier={SYSTEM}%7C219099999"},
    }
    dumped = _dumped({"resourceType": "Bundle", "type": "batch", "entry": [{"resource": patient}, entry]})
    assert "9999" not in dumped
    assert "219" not in dumped
    assert "Jane ***-**-****" in dumped


def test_a_number_in_a_search_alone_is_masked_though_no_identifier_has_it() -> None:
    for search in (f"Patient?identifier={SYSTEM}|{NUMBER}", f"Patient?identifier={OID}%7C219099999"):
        assert "9999" not in _dumped({"resourceType": "Observation", "subject": {"reference": search}})


@pytest.mark.parametrize(
    "prose",
    ["SSN: 219-09-9999", "his ssn 219099999", "Social Security number is 219 09 9999", "call, 219-09-9999, ok"],
)
def test_a_number_in_prose_is_masked_though_no_identifier_has_it(prose: str) -> None:
    assert "9999" not in _dumped({"resourceType": "Observation", "note": [{"text": prose}]})


def test_a_medical_record_number_written_alike_stays() -> None:
    patient = _patient({"system": "http://hospital", "value": "123-45-6789"}, telecom=[{"value": "555-101-9168"}])
    masked = ssn.mask(patient)
    assert masked.payload is patient
    assert masked.last_four == {}


def test_a_document_in_base64_loses_the_number() -> None:
    cda = f'<id root="2.16.840.1.113883.4.1" extension="{NUMBER}"/> {NUMBER} <id extension="1" root="1.2"/>'
    attachment = {"contentType": "application/xml", "data": base64.b64encode(cda.encode()).decode(), "hash": "aGFzaA=="}
    document = {"resourceType": "DocumentReference", "content": [{"attachment": attachment}]}
    masked = ssn.mask(document).payload["content"][0]["attachment"]
    inside = base64.b64decode(masked["data"]).decode()
    assert "9999" not in inside
    assert 'extension="1" root="1.2"' in inside
    assert len(inside) == len(cda)
    assert "hash" not in masked


def test_pictures_and_broken_base64_stay_as_they_are() -> None:
    for content_type, data in (("image/png", "iVBORw0KGgo="), ("text/plain", "no base64!"), ("text/plain", "/w==")):
        payload = {"resourceType": "Binary", "contentType": content_type, "data": data}
        assert ssn.mask(payload).payload is payload


def test_the_last_four_are_given_per_patient_of_the_bundle() -> None:
    others = _patient(_ssn("219-09-1234", use="old"), _ssn("078-05-1120"))
    practitioner = {"resourceType": "Practitioner", "identifier": [_ssn("000-00-1011")]}
    entries = [{"resource": one} for one in (practitioner, _patient(_ssn()), _patient(), others)]
    masked = ssn.mask({"resourceType": "Bundle", "type": "batch", "entry": entries})
    assert masked.last_four == {1: "9999", 3: "1120"}
    assert ssn.mask(_patient(_ssn())).last_four == {0: "9999"}


def test_the_payload_itself_is_not_touched() -> None:
    patient = _patient(_ssn())
    ssn.mask(patient)
    assert patient["identifier"][0]["value"] == NUMBER


def test_a_number_as_an_id_leaves_no_valid_id() -> None:
    masked = ssn.mask({**_patient(_ssn()), "id": NUMBER}).payload
    assert masked["id"] == ssn.MASK


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from([SYSTEM, NUMBER, "SS", ""]),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["resourceType", "entry", "resource", "identifier", "type", "coding", "code", "system", "value", "data"]
            ),
            children,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(json_values)
def test_any_json_is_masked_without_falling_over(payload: Any) -> None:
    ssn.mask(payload)


@given(
    st.from_regex(r"[0-8][0-9]{2}-[0-9]{2}-[0-9]{4}", fullmatch=True),
    st.text(st.characters(exclude_categories=["Nd", "Cs"])),
)
def test_a_found_number_leaves_every_string(number: str, around: str) -> None:
    plain = number.replace("-", "")
    payload = _patient(_ssn(number), note=around + plain + around, other=[f"{around}{number}"])
    dumped = _dumped(payload)
    assert number not in dumped
    assert plain not in dumped
