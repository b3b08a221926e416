"""The sample clinic is what it is said to be: built, sound as FHIR, and with the people that the portal must serve."""

import json
import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from infra.sample import BUILT_FOR, BUNDLES, SamplePatient, bundles, patients
from infra.sample.build import build, write

Json = dict[str, Any]

FHIR_SERVER = "https://fhir.sample-clinic.example/r4/"
CLINIC_NUMBER = "https://sample-clinic.example/clinic-number"
NPI = "http://hl7.org/fhir/sid/us-npi"
SSN = "http://hl7.org/fhir/sid/us-ssn"
PARSED: dict[str, Json] = {bundle.name: json.loads(bundle.body) for bundle in bundles()}
OF_PATIENTS = [name for name in PARSED if name != "00-clinic"]

CATEGORY_OF_TYPE = {
    "MedicationRequest": "medication",
    "Condition": "condition",
    "AllergyIntolerance": "allergy",
    "Immunization": "immunization",
    "Procedure": "procedure",
    "Encounter": "encounter",
    "CarePlan": "care_plan",
    "Goal": "goal",
    "CareTeam": "care_team",
    "Device": "device",
    "QuestionnaireResponse": "questionnaire_response",
    "DiagnosticReport": "report",
    "DocumentReference": "document",
    "ImagingStudy": "imaging",
    "Media": "imaging",
    "FamilyMemberHistory": "family_history",
    "ServiceRequest": "order",
}
CATEGORY_OF_OBSERVATION = {
    "laboratory": "lab",
    "vital-signs": "vital",
    "exam": "vital",
    "imaging": "report",
    "procedure": "report",
}
ALL_CATEGORIES = {*CATEGORY_OF_TYPE.values(), "lab", "vital", "social_history"}


# --- reading the bundles ---------------------------------------------------------------------------------------------


def resources(bundle: str, kind: str | None = None) -> list[Json]:
    found = (entry["resource"] for entry in PARSED[bundle]["entry"])
    return [resource for resource in found if kind in {None, resource["resourceType"]}]


def children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def nodes(value: Any) -> Iterator[Json]:
    """Every JSON object in a value, from the outside in."""
    if isinstance(value, dict):
        yield value
    for child in children(value):
        yield from nodes(child)


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for child in children(value):
        yield from strings(child)


def codes(system: str) -> set[str]:
    everything = (node for bundle in PARSED.values() for node in nodes(bundle))
    return {str(node["code"]) for node in everything if node.get("system") == system and "code" in node}


def category(resource: Json) -> str | None:
    if resource["resourceType"] != "Observation":
        return CATEGORY_OF_TYPE.get(resource["resourceType"])
    first = resource.get("category", [{"coding": [{"code": "none"}]}])[0]["coding"][0]["code"]
    return CATEGORY_OF_OBSERVATION.get(first, "social_history")


def patient_named(first_name: str) -> tuple[SamplePatient, str]:
    """A sample patient and the name of the bundle that holds the record."""
    patient = next(each for each in patients() if each.first_name == first_name)
    number = patient.identifier_value
    return patient, next(name for name in OF_PATIENTS if number in strings(resources(name, "Patient")))


# --- the files -------------------------------------------------------------------------------------------------------


def test_the_files_are_what_the_builder_makes() -> None:
    assert {path.name: path.read_bytes() for path in BUNDLES.iterdir()} == build()


def test_writing_replaces_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "99-nobody.json").write_text("{}")
    write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(build())


def test_bundles_come_in_load_order_each_under_a_megabyte() -> None:
    names = [bundle.name for bundle in bundles()]
    assert names == sorted(names)
    assert names[0] == "00-clinic"
    assert all(len(bundle.body) < 1_000_000 for bundle in bundles())


def test_text_is_utf_8_and_readable_in_the_file() -> None:
    text = next(bundle.body for bundle in bundles() if bundle.name == "03-zoe-nunez").decode()
    assert "\\u" not in text
    assert "Migraña" in text


# --- the people ------------------------------------------------------------------------------------------------------


def test_there_are_eight_patients_and_every_living_adult_gets_a_code() -> None:
    by_name = {patient.first_name: patient for patient in patients()}
    assert len(by_name) == len(patients()) == 8
    assert {name for name, patient in by_name.items() if not patient.activation} == {"Micah", "Walter"}


def test_identifiers_are_unique_and_only_some_patients_carry_a_clinic_number() -> None:
    assert len({patient.identifier_value for patient in patients()}) == len(patients())
    on_file = [patient for name in OF_PATIENTS for patient in resources(name, "Patient")]
    given = [each["value"] for one in on_file for each in one["identifier"] if each["system"] == CLINIC_NUMBER]
    assert len(on_file) == 8
    assert len(given) == len(set(given)) == 4


def test_adults_are_adults_by_a_wide_margin_and_the_child_stays_one_until_2036() -> None:
    for patient in patients():
        born = date.fromisoformat(patient.date_of_birth)
        if patient.first_name == "Micah":
            assert born.replace(year=born.year + 18) > date(2036, 12, 31)
        else:
            assert born.replace(year=born.year + 25, day=1) < BUILT_FOR


def test_the_elderly_patient_has_many_conditions_and_ten_years_of_history() -> None:
    patient, bundle = patient_named("Rosalind")
    assert BUILT_FOR.year - int(patient.date_of_birth[:4]) == 78
    assert len({each["code"]["text"] for each in resources(bundle, "Condition")}) >= 10
    days = sorted(date.fromisoformat(each["period"]["start"][:10]) for each in resources(bundle, "Encounter"))
    assert len(days) >= 40
    assert (days[-1] - days[0]).days >= 3650


def test_the_elderly_patients_record_has_every_category() -> None:
    _, bundle = patient_named("Rosalind")
    assert {category(each) for each in resources(bundle)} - {None} == ALL_CATEGORIES
    assert len(ALL_CATEGORIES) == 19


def test_her_medicines_changed_over_time() -> None:
    _, bundle = patient_named("Rosalind")
    orders = resources(bundle, "MedicationRequest")
    assert {order["status"] for order in orders} == {"active", "completed", "stopped"}
    assert sum("priorPrescription" in order for order in orders) >= 5


def test_her_medicines_are_named_in_every_way_that_fhir_allows() -> None:
    _, bundle = patient_named("Rosalind")
    orders = resources(bundle, "MedicationRequest")
    referred = {order["medicationReference"]["reference"][:4] for order in orders if "medicationReference" in order}
    in_words_only = [order["medicationCodeableConcept"].keys() == {"text"} for order in orders if not _refers(order)]
    assert referred == {"#tab", "urn:"}
    assert set(in_words_only) == {True, False}


def _refers(order: Json) -> bool:
    return "medicationReference" in order


def test_mother_and_child_share_a_bundle_and_the_child_has_no_contact_of_his_own() -> None:
    mother, bundle = patient_named("Danielle")
    child, same = patient_named("Micah")
    assert bundle == same
    assert mother.email is not None
    assert (child.email, child.phone_last4) == (None, None)
    related = resources(bundle, "RelatedPerson")[0]
    assert mother.email in strings(related)
    assert related["patient"]["display"] == "Micah Obinna Okafor"


def test_adults_with_email_have_medicines_and_results() -> None:
    able = [patient for patient in patients() if patient.activation and patient.email]
    found = [{category(each) for each in resources(patient_named(patient.first_name)[1])} for patient in able]
    assert len(found) == 5
    assert all({"lab", "medication"} <= categories for categories in found)


def test_one_name_comes_with_combining_characters_and_in_another_script() -> None:
    patient, bundle = patient_named("Zoë")
    on_file = resources(bundle, "Patient")[0]
    sent, other = (name["family"] for name in on_file["name"])
    assert not unicodedata.is_normalized("NFC", sent)
    assert patient.last_name == unicodedata.normalize("NFC", sent) == "Nuñez-Żółkiewska"
    assert all("GREEK" in unicodedata.name(letter) for letter in other)
    preferred = next(each["language"] for each in on_file["communication"] if each.get("preferred"))
    assert preferred["coding"][0]["code"] == "es"


def test_one_adult_has_a_phone_and_no_email() -> None:
    without = [patient for patient in patients() if patient.activation and patient.email is None]
    assert [(patient.first_name, patient.phone_last4) for patient in without] == [("Earl", "0156")]


def test_a_number_that_was_given_up_is_not_the_one_on_file() -> None:
    patient, bundle = patient_named("Marcus")
    assert resources(bundle, "Patient")[0]["telecom"][0]["use"] == "old"
    assert patient.phone_last4 == "0171"


def test_one_patient_has_results_out_of_range_and_beyond_measure() -> None:
    found = resources(patient_named("Marcus")[1], "Observation")
    words = {coding["code"] for each in found for node in nodes(each.get("interpretation")) for coding in _coding(node)}
    assert {"HH", "LL", "H", "L", "N", "NEG"} <= words
    assert {each["valueQuantity"].get("comparator") for each in found if "valueQuantity" in each} == {
        None,
        "<",
        "<=",
        ">",
    }
    assert any(each.get("referenceRange") == [{"text": "Negative"}] for each in found)


def _coding(concept: Json) -> list[Json]:
    found: list[Json] = concept.get("coding", [])
    return found


def test_one_patient_has_results_that_are_missing_pending_cancelled_and_corrected() -> None:
    bundle = patient_named("Marcus")[1]
    found = resources(bundle, "Observation")
    statuses = {each["status"] for each in found}
    assert statuses == {"final", "preliminary", "corrected", "amended", "cancelled", "entered-in-error"}
    assert sum("dataAbsentReason" in each for each in found) == 3
    assert any("dataAbsentReason" in part for each in found for part in each.get("component", []))
    assert {each["status"] for each in resources(bundle, "DiagnosticReport")} == {"final", "preliminary", "registered"}


def test_what_the_portal_does_not_know_is_in_the_bundles() -> None:
    kinds = {each["resourceType"] for name in OF_PATIENTS for each in resources(name)}
    assert {"Claim", "Coverage", "Appointment", "Binary"} <= kinds - {*CATEGORY_OF_TYPE, "Observation"}


# --- soundness -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PARSED)
def test_every_entry_is_valid_fhir_r4(name: str) -> None:
    models = pytest.importorskip("fhir.resources.R4B", reason="pip install fhir.resources to check the FHIR structure")
    for resource in [*resources(name), PARSED[name]]:
        models.get_fhir_model_class(resource["resourceType"]).model_validate(resource)


@pytest.mark.parametrize("name", PARSED)
def test_every_reference_leads_somewhere(name: str) -> None:
    clinic = PARSED["00-clinic"]["entry"]
    known = {entry["fullUrl"].removeprefix(FHIR_SERVER) for entry in [*clinic, *PARSED[name]["entry"]]}
    for resource in resources("00-clinic"):
        kind = resource["resourceType"]
        known |= {f"{kind}?identifier={each['system']}|{each['value']}" for each in resource.get("identifier", [])}
    for resource in resources(name):
        inside = {f"#{contained['id']}" for contained in resource.get("contained", [])}
        asked = {node["reference"] for node in nodes(resource) if "reference" in node}
        asked |= {text for text in strings(resource) if text.startswith("urn:uuid:")}
        assert asked <= known | inside, resource["resourceType"]


@pytest.mark.parametrize("name", PARSED)
def test_full_urls_and_ids_are_unique(name: str) -> None:
    urls = [entry["fullUrl"] for entry in PARSED[name]["entry"]]
    ids = [(each["resourceType"], each["id"]) for each in resources(name) if "id" in each]
    assert len(urls) == len(set(urls))
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[A-Za-z0-9.-]{1,64}", own) for _, own in ids)


def test_references_are_of_all_the_kinds_that_clinics_send() -> None:
    asked = {node["reference"] for bundle in PARSED.values() for node in nodes(bundle) if "reference" in node}
    by_npi = r"Practitioner\?identifier=.+\|9\d{9}"
    for pattern in (r"urn:uuid:[0-9a-f-]{36}", by_npi, "Practitioner/okonkwo", "Patient/hannah", "#.+"):
        assert any(re.fullmatch(pattern, reference) for reference in asked), pattern


def test_entries_are_named_in_three_ways() -> None:
    entries = [entry for name in OF_PATIENTS for entry in PARSED[name]["entry"]]
    named = [(entry["fullUrl"], entry["resource"].get("id")) for entry in entries]
    assert {"no id" if own is None else url.endswith(own) for url, own in named} == {"no id", True, False}


def test_decimals_keep_their_trailing_zeros() -> None:
    body = next(bundle.body for bundle in bundles() if bundle.name == "05-marcus-delacroix")
    sent = json.loads(body, parse_float=str)
    values = {node["value"] for node in nodes(sent) if "unit" in node and "value" in node}
    assert {"6.80", "-6.50", "1.0E+5", "0.005"} <= values


def test_interpretations_agree_with_the_ranges_beside_them() -> None:
    judged = [
        node
        for bundle in PARSED.values()
        for node in nodes(bundle)
        if {"interpretation", "valueQuantity"} <= node.keys() and "text" not in node["referenceRange"][0]
    ]
    assert len(judged) > 200
    for node in judged:
        value, bounds = node["valueQuantity"]["value"], node["referenceRange"][0]
        low, high = (bounds.get(end, {"value": value})["value"] for end in ("low", "high"))
        assert node["interpretation"][0]["coding"][0]["code"][0] == (
            "L" if value < low else "H" if value > high else "N"
        )


# --- codes and numbers -----------------------------------------------------------------------------------------------


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1)."""
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(value // 10 + value % 10 for value in doubled) % 10 == 0


def verhoeff(digits: str) -> bool:
    """Whether the last digit is the check digit of a SNOMED CT identifier (Verhoeff's dihedral check)."""
    permuted = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]
    state = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit)
        for _ in range(place % 8):
            value = permuted[value]
        state = _dihedral(state, value)
    return state == 0


def _dihedral(left: int, right: int) -> int:
    """The product in the group of the symmetries of a pentagon, 0 to 4 its turns, 5 to 9 its reflections."""
    turn = left + right if left < 5 else left - right
    return turn % 5 + 5 * ((left < 5) != (right < 5))


def test_the_check_digits_are_themselves_right() -> None:
    assert luhn("79927398713")
    assert not luhn("79927398710")
    assert verhoeff("2363")
    assert verhoeff("404684003")
    assert not verhoeff("404684004")


def test_loinc_codes_have_right_check_digits() -> None:
    # Answer codes (LA…) have a check digit by another rule.
    found = {code for code in codes("http://loinc.org") if not code.startswith("LA")}
    assert len(found) > 50
    for code in found:
        assert re.fullmatch(r"\d{3,6}-\d", code)
        assert luhn(code.replace("-", "")), code


def test_snomed_codes_have_right_check_digits() -> None:
    found = codes("http://snomed.info/sct")
    assert len(found) > 40
    for code in found:
        assert re.fullmatch(r"[1-9]\d{5,17}", code)
        assert verhoeff(code), code


@pytest.mark.parametrize(
    ("system", "pattern"),
    [
        ("http://www.nlm.nih.gov/research/umls/rxnorm", r"\d{2,8}"),
        ("http://hl7.org/fhir/sid/cvx", r"\d{2,3}"),
        ("http://hl7.org/fhir/sid/icd-10-cm", r"[A-TV-Z]\d[0-9A-B](\.[0-9A-Z]{1,4})?"),
        ("http://nucc.org/provider-taxonomy", r"[0-9A-Z]{9}X"),
    ],
)
def test_other_codes_have_the_shape_of_their_system(system: str, pattern: str) -> None:
    found = codes(system)
    assert len(found) >= 8
    assert [code for code in found if not re.fullmatch(pattern, code)] == []


def test_npis_pass_their_check_and_can_belong_to_nobody() -> None:
    found = {node["value"] for node in nodes(PARSED["00-clinic"]) if node.get("system") == NPI}
    assert len(found) == 9
    for npi in found:
        assert luhn("80840" + npi)
        assert npi.startswith("9"), "NPIs are issued beginning with 1 or 2"


def test_phone_numbers_and_mail_domains_are_reserved_ones() -> None:
    contacts = [node for bundle in PARSED.values() for node in nodes(bundle) if {"system", "value"} <= node.keys()]
    phones = [each["value"] for each in contacts if each["system"] == "phone"]
    emails = [each["value"] for each in contacts if each["system"] == "email"]
    assert len(phones) > 10
    assert len(emails) > 5
    assert all(re.search(r"555[- ]01\d\d$", number) for number in phones)
    assert all(re.search(r"[@.]example\.(com|org)$", address) for address in emails)


def test_the_one_social_security_number_was_never_issued_to_anybody() -> None:
    found = [node["value"] for bundle in PARSED.values() for node in nodes(bundle) if node.get("system") == SSN]
    assert len(found) == 1
    assert re.fullmatch(r"900-00-\d{4}", found[0])


def test_no_string_could_be_taken_for_a_card_number() -> None:
    for bundle in bundles():
        runs = re.findall(r"(?<!\d)\d{13,19}(?!\d)|\b(?:\d{4}[ -]){3}\d{4}\b", bundle.body.decode())
        assert not [run for run in runs if luhn(re.sub(r"\D", "", run))], bundle.name
