from typing import Any

import pytest

from chalicelib.domain.records.people import demographics, display_name


def _patient(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", **more}


def test_an_empty_patient_is_nobody_in_particular() -> None:
    person = demographics(_patient())
    assert (person.display_name, person.birth_date, person.is_deceased, person.is_active) == (
        "Patient",
        None,
        False,
        True,
    )
    assert (person.names, person.identifiers, person.phones, person.emails, person.address) == ((), (), (), (), None)


def test_names_in_use_come_before_old_ones_and_official_before_nicknames() -> None:
    names = [
        {"use": "nickname", "given": ["Bea"]},
        {"use": "official", "family": "Old", "given": ["Beatriz"], "period": {"end": "2010"}},
        {"use": "maiden", "family": "Born", "given": ["Beatriz"]},
        {"use": "official", "family": "Muñoz", "given": ["Beatriz", None, "Ana"], "suffix": ["MD"], "prefix": ["Dr."]},
        {"use": "official"},
    ]
    person = demographics(_patient(name=names))
    assert [name.full for name in person.names] == ["Beatriz Ana Muñoz MD", "Bea", "Beatriz Born", "Beatriz Old"]
    assert person.display_name == "Beatriz Ana Muñoz MD"
    assert person.names[0].first == "Beatriz"


def test_social_security_numbers_are_no_identifiers() -> None:
    identifiers = [
        {"system": "http://hl7.org/fhir/sid/us-ssn", "value": "***-**-****"},
        {"system": "http://hospital", "value": "*********"},
        {"system": "http://hospital", "value": " 17 ", "type": {"coding": [{"code": "MR"}]}},
        {"system": "http://hospital"},
    ]
    (only,) = demographics(_patient(identifier=identifiers)).identifiers
    assert (only.system, only.value, only.type) == ("http://hospital", "17", "MR")


def test_contacts_are_in_order_of_rank_then_use_and_ended_ones_last() -> None:
    telecom = [
        {"system": "phone", "value": "1", "use": "work"},
        {"system": "phone", "value": "2", "use": "mobile"},
        {"system": "sms", "value": "3", "rank": 1},
        {"system": "phone", "value": "4", "rank": 1, "period": {"end": "2010"}},
        {"system": "email", "value": "a@example.org"},
        {"system": "fax", "value": "5"},
        {"system": "email"},
    ]
    person = demographics(_patient(telecom=telecom))
    assert [phone.value for phone in person.phones] == ["3", "2", "1", "4"]
    assert [email.value for email in person.emails] == ["a@example.org"]


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"deceasedBoolean": True}, (True, None)),
        ({"deceasedBoolean": False}, (False, None)),
        ({"deceasedDateTime": "1985-01-28T23:39:41+01:00"}, (True, "1985-01-28T22:39:41Z")),
        ({"deceasedDateTime": "1985"}, (True, "1985")),
    ],
)
def test_a_death_is_known_with_or_without_its_date(elements: dict[str, Any], expected: tuple[bool, str | None]) -> None:
    person = demographics(_patient(**elements))
    assert (person.is_deceased, person.deceased_at) == expected


def test_the_preferred_language_and_the_current_address_are_taken() -> None:
    person = demographics(
        _patient(
            communication=[
                {"language": {"coding": [{"code": "en"}]}},
                {"language": {"coding": [{"code": "es"}]}, "preferred": True},
            ],
            address=[
                {"use": "home", "city": "Then", "period": {"end": "2010"}},
                {"use": "home", "line": ["1 Way"], "city": "Now", "postalCode": "60601"},
            ],
        )
    )
    assert person.language == "es"
    assert person.address is not None
    assert (person.address.lines, person.address.city, person.address.postal_code) == (("1 Way",), "Now", "60601")


@pytest.mark.parametrize(
    ("resource", "name"),
    [
        (
            {"resourceType": "Practitioner", "name": [{"prefix": ["Dr."], "given": ["Ann"], "family": "Ek"}]},
            "Dr. Ann Ek",
        ),
        ({"resourceType": "Practitioner", "name": [{"text": "Ann Ek, MD"}]}, "Ann Ek, MD"),
        ({"resourceType": "Practitioner"}, None),
        ({"resourceType": "Organization", "name": "A  Clinic"}, "A Clinic"),
        ({"resourceType": "Location", "name": "Room 5"}, "Room 5"),
        ({"resourceType": "Medication", "code": {"text": "A drug 5 MG"}}, "A drug 5 MG"),
        ({"resourceType": "PractitionerRole", "practitioner": {"display": "Ann Ek"}}, "Ann Ek"),
        ({"resourceType": "PractitionerRole", "specialty": [{"text": "Cardiology"}]}, "Cardiology"),
        ({"resourceType": "PractitionerRole", "organization": {"display": "A Clinic"}}, "A Clinic"),
    ],
)
def test_what_the_directory_calls_people_and_places(resource: dict[str, Any], name: str | None) -> None:
    assert display_name(resource) == name
