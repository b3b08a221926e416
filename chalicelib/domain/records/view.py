"""A checked resource as the row that lists show: the one place that knows which type is shown how."""

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from chalicelib.domain.fhir.text import Resource
from chalicelib.domain.fhir.uses import encounter_of
from chalicelib.domain.records import care, dates, elements, headings, results, treatments
from chalicelib.domain.records.categories import category_of
from chalicelib.domain.records.elements import ReferenceNames, Source, nothing_known
from chalicelib.domain.records.rows import Row

VIEW_VERSION: Final = 3
"""Rises with every change of a row's shape, so that a rebuild finds the rows of an older one."""

WITHDRAWN: Final = "entered-in-error"


def view(resource: Resource, names: ReferenceNames = nothing_known, record_id: str | None = None) -> Row:
    """The row of a record, its references named by what `names` knows of them.

    The resource has a category (else ValueError), and `check.problems` found nothing wrong with it.
    """
    category = category_of(resource)
    if category is None:
        raise ValueError(f"{resource.get('resourceType')} is no record")
    source = Source(resource, names)
    fields: dict[str, Any] = {
        "record_id": record_id,
        "resource_type": resource["resourceType"],
        "category": category,
        "title": headings.title_of(source, category),
        "status": _status(resource),
        "code": headings.code_of(source),
        "occurred_at": dates.occurred_at(resource),
        "recorded_at": dates.recorded_at(resource),
    }
    encounter = encounter_of(resource)
    known = names(encounter.reference) if encounter else None
    fields |= elements.only_known(encounter_id=known.record_id if known else None)
    return cast("Row", fields | _SHOWN[resource["resourceType"]](source))


def title_of(resource: Resource, names: ReferenceNames = nothing_known) -> str:
    """The title of a record's row alone. The resource is one that `view` takes."""
    category = category_of(resource)
    if category is None:
        raise ValueError(f"{resource.get('resourceType')} is no record")
    return headings.title_of(Source(resource, names), category)


def is_withdrawn(row: Row) -> bool:
    """Whether the clinic says that the record should never have been there."""
    return WITHDRAWN in {row["status"], row.get("verification_status")}


UNDATED: Final = "0000-01-01T00:00:00.000Z"
"""Where rows stand of which the clinic does not say when: before all dates, so that no span of time holds them."""


def row_order_key(row: Row, zone: str) -> str:
    """Where a row stands in the order of all dates."""
    return dates.order_key(row["occurred_at"], zone) if row["occurred_at"] else UNDATED


def _status(resource: Resource) -> str | None:
    """The status as sent: of conditions and allergies the clinical one, unless the record was entered in error."""
    if resource["resourceType"] not in {"AllergyIntolerance", "Condition"}:
        return resource.get("status") or resource.get("lifecycleStatus")
    verification = elements.code_word(resource.get("verificationStatus"))
    clinical = elements.code_word(resource.get("clinicalStatus"))
    return verification if verification == WITHDRAWN else clinical or verification


_SHOWN: Final[Mapping[str, Callable[[Source], dict[str, Any]]]] = {
    "AllergyIntolerance": care.allergy,
    "CarePlan": care.care_plan,
    "CareTeam": care.care_team,
    "Condition": care.condition,
    "Device": treatments.device,
    "DiagnosticReport": results.report,
    "DocumentReference": results.document,
    "Encounter": care.encounter,
    "FamilyMemberHistory": care.family_history,
    "Goal": care.goal,
    "ImagingStudy": results.imaging_study,
    "Immunization": treatments.immunization,
    "Media": results.media,
    "MedicationRequest": treatments.medication,
    "Observation": results.observation,
    "Procedure": treatments.procedure,
    "QuestionnaireResponse": care.questionnaire_response,
    "ServiceRequest": treatments.order,
}
