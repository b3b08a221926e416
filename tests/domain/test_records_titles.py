from typing import Any

import pytest

from chalicelib.domain.records import titles
from chalicelib.domain.records.categories import Category, category_of

LOINC = "http://loinc.org"
HL7 = "http://terminology.hl7.org/CodeSystem/observation-category"


def _concept(
    text: str | None = None, code: str = "x", display: str | None = None, system: str = LOINC
) -> dict[str, Any]:
    coding = {"system": system, "code": code, "display": display}
    return {"text": text, "coding": [{name: value for name, value in coding.items() if value}]}


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Viral sinusitis (disorder)", "Viral sinusitis"),
        ("Hyperglycemia (finding)", "Hyperglycemia"),
        ("ESSENTIAL (PRIMARY) HYPERTENSION", "Essential (primary) hypertension"),
        ("CBC WITH DIFFERENTIAL", "CBC with differential"),
        ("MMR", "MMR"),
        ("heart_rate", "Heart rate"),
        ("pH of Urine", "pH of Urine"),
        ("Glucose [Mass/\u200bvolume] in Serum or Plasma", "Glucose"),
        ("Zinc [Moles/volume] in Urine by Test strip", "Zinc in Urine"),
        ("Cause of Death [US Standard Certificate of Death]", "Cause of Death [US Standard Certificate of Death]"),
        ("Feeling tired [Reported.PHQ]", "Feeling tired"),
        ("  spaced   out ", "Spaced out"),
        ("Ca-Ionized SerPl-mCnc", "Ca-Ionized"),
        ("Peanut IgE Ab in Serum", "Peanut IgE antibody"),
    ],
)
def test_a_name_is_tidied_for_people(text: str, title: str) -> None:
    assert titles.words({"text": text}) == title


def test_the_technical_name_of_a_common_code_becomes_a_plain_one() -> None:
    technical = "Hemoglobin A1c/Hemoglobin.total in Blood"
    assert titles.words(_concept(technical, "4548-4", technical)) == "Hemoglobin A1c"
    assert titles.words(_concept(None, "718-7", "Hemoglobin [Mass/volume] in Blood")) == "Hemoglobin"
    assert titles.words(_concept("DTaP", "20", "DTaP", "http://hl7.org/fhir/sid/cvx")) == (
        "Diphtheria, tetanus and pertussis (DTaP)"
    )


def test_the_words_of_the_clinic_come_first() -> None:
    assert titles.words(_concept("Long-term sugar", "4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood")) == (
        "Long-term sugar"
    )


def test_a_display_chosen_by_the_user_comes_before_others() -> None:
    codings = [{"code": "1", "display": "First"}, {"code": "2", "display": "Chosen", "userSelected": True}]
    assert titles.words({"coding": codings}) == "Chosen"


@pytest.mark.parametrize("code", ["4548-4", "E11.9", "73211009", "LA6568-5", "I10", "urn:oid:1.2", "1+", "J45.909"])
def test_a_code_is_no_title(code: str) -> None:
    assert titles.words(_concept(code, code, code, "http://local")) is None
    assert titles.words(_concept(None, code, None, "http://local")) is None
    assert titles.or_category(None, Category.LAB) == "Lab result"


def test_a_drug_keeps_the_name_and_dose_that_the_clinic_gave() -> None:
    name = "insulin human, isophane 70 UNT/ML / Regular Insulin, Human 30 UNT/ML [Humulin]"
    assert titles.drug_words({"text": name}) == name
    assert titles.drug_words({"coding": [{"code": "106892", "display": name}]}) == name
    assert titles.drug_words({"coding": [{"code": "106892"}]}) is None


def _observation(*categories: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Observation", "category": list(categories)}


def _category(code: str, system: str = HL7) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


@pytest.mark.parametrize(
    ("code", "category"),
    [
        ("laboratory", Category.LAB),
        ("vital-signs", Category.VITAL),
        ("exam", Category.VITAL),
        ("imaging", Category.REPORT),
        ("procedure", Category.REPORT),
        ("survey", Category.SOCIAL_HISTORY),
        ("social-history", Category.SOCIAL_HISTORY),
        ("activity", Category.SOCIAL_HISTORY),
    ],
)
def test_an_observation_is_by_its_first_category(code: str, category: Category) -> None:
    assert category_of(_observation(_category(code), _category("therapy"))) is category
    assert category_of(_observation(_category("sdoh", "http://local"), _category(code))) is Category.SOCIAL_HISTORY


def test_hl7s_own_coding_decides_among_those_of_one_category() -> None:
    both = {"coding": [{"system": "http://local", "code": "BLOOD"}, {"system": HL7, "code": "laboratory"}]}
    assert category_of(_observation(both)) is Category.LAB
    assert category_of(_observation({"text": "Laboratory"})) is Category.LAB
    assert category_of({"resourceType": "Observation"}) is Category.SOCIAL_HISTORY


def test_every_type_is_the_category_that_the_api_says() -> None:
    expected = {
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
    assert {type: category_of({"resourceType": type}) for type in expected} == expected
    others = ("Patient", "Practitioner", "Claim", "Coverage", "MedicationDispense", "Questionnaire", "Nonsense", "")
    assert [category_of({"resourceType": type}) for type in others] == [None] * len(others)
    assert {category.value for category in titles.CATEGORY_WORDS} == {category.value for category in Category}
