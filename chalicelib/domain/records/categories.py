"""Which resources are records, and of which category (API.md, "A record")."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from chalicelib.domain.fhir.text import Resource


class Category(StrEnum):
    """The categories of a patient's record, in the order in which the API names them."""

    LAB = "lab"
    VITAL = "vital"
    MEDICATION = "medication"
    CONDITION = "condition"
    ALLERGY = "allergy"
    IMMUNIZATION = "immunization"
    PROCEDURE = "procedure"
    ENCOUNTER = "encounter"
    REPORT = "report"
    DOCUMENT = "document"
    IMAGING = "imaging"
    CARE_PLAN = "care_plan"
    GOAL = "goal"
    SOCIAL_HISTORY = "social_history"
    CARE_TEAM = "care_team"
    FAMILY_HISTORY = "family_history"
    DEVICE = "device"
    ORDER = "order"
    QUESTIONNAIRE_RESPONSE = "questionnaire_response"


DIRECTORY: Final = frozenset({"Practitioner", "PractitionerRole", "Organization", "Location", "Medication"})
"""What records refer to: known by name to the portal, but no record of anybody."""

_BY_TYPE: Final[Mapping[str, Category]] = {
    "AllergyIntolerance": Category.ALLERGY,
    "CarePlan": Category.CARE_PLAN,
    "CareTeam": Category.CARE_TEAM,
    "Condition": Category.CONDITION,
    "Device": Category.DEVICE,
    "DiagnosticReport": Category.REPORT,
    "DocumentReference": Category.DOCUMENT,
    "Encounter": Category.ENCOUNTER,
    "FamilyMemberHistory": Category.FAMILY_HISTORY,
    "Goal": Category.GOAL,
    "ImagingStudy": Category.IMAGING,
    "Immunization": Category.IMMUNIZATION,
    "Media": Category.IMAGING,
    "MedicationRequest": Category.MEDICATION,
    "Procedure": Category.PROCEDURE,
    "QuestionnaireResponse": Category.QUESTIONNAIRE_RESPONSE,
    "ServiceRequest": Category.ORDER,
}
_BY_OBSERVATION_CATEGORY: Final[Mapping[str, Category]] = {
    "laboratory": Category.LAB,
    "vital-signs": Category.VITAL,
    "exam": Category.VITAL,
    "imaging": Category.REPORT,
    "procedure": Category.REPORT,
}
_OBSERVATION_CATEGORIES: Final = frozenset(
    {"http://terminology.hl7.org/CodeSystem/observation-category", "http://hl7.org/fhir/observation-category"}
)
RECORD_TYPES: Final = frozenset(_BY_TYPE) | {"Observation"}


def category_of(resource: Resource) -> Category | None:
    """The category of a record; None for what is no record (the patient, the directory, what is only kept raw)."""
    resource_type = resource.get("resourceType")
    if resource_type == "Observation":
        return _BY_OBSERVATION_CATEGORY.get(_first_category(resource), Category.SOCIAL_HISTORY)
    return _BY_TYPE.get(str(resource_type))


def is_directory(resource: Resource) -> bool:
    """Whether a resource belongs to the directory of people, places and drugs."""
    return resource.get("resourceType") in DIRECTORY


def _first_category(observation: Resource) -> str:
    """The code of the first category: of its codings the one in HL7's own system, else the first, else the text."""
    categories = observation.get("category")
    concept: Any = categories[0] if isinstance(categories, list) and categories else None
    if not isinstance(concept, Mapping):
        return ""
    listed = concept.get("coding")
    codings = [coding for coding in listed if isinstance(coding, Mapping)] if isinstance(listed, list) else []
    codings.sort(key=lambda coding: str(coding.get("system")) not in _OBSERVATION_CATEGORIES)
    word = codings[0].get("code") if codings else concept.get("text")
    return str(word or "").strip().lower()
