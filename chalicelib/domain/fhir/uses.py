"""Which references of a resource matter to the portal: whom it is about, its visit, and what its view names."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from chalicelib.domain.fhir.references import Kind, Reference, read_reference
from chalicelib.domain.fhir.text import Resource


@dataclass(frozen=True, slots=True)
class Use:
    """One reference of a resource that matters for its view: where it stands and which types it may lead to."""

    path: str
    reference: Reference
    targets: tuple[str, ...]


_SUBJECT_ELEMENTS: Final = {
    "AllergyIntolerance": ("patient",),
    "Claim": ("patient",),
    "ClaimResponse": ("patient",),
    "Coverage": ("beneficiary",),
    "Device": ("patient",),
    "ExplanationOfBenefit": ("patient",),
    "FamilyMemberHistory": ("patient",),
    "Immunization": ("patient",),
    "RelatedPerson": ("patient",),
    "ResearchSubject": ("individual",),
}
_ANY_SUBJECT: Final = ("subject", "patient", "beneficiary", "individual")
_WITHOUT_SUBJECT: Final = frozenset(
    {"Patient", "Practitioner", "PractitionerRole", "Organization", "Location", "Medication", "Endpoint", "Group"}
)


def subject_of(resource: Resource) -> Use | None:
    """The reference to the person whom a resource is about, or None (directory types, or nobody named)."""
    resource_type = str(resource.get("resourceType"))
    if resource_type in _WITHOUT_SUBJECT:
        return None
    for name in _SUBJECT_ELEMENTS.get(resource_type, _ANY_SUBJECT):
        for position, element in _listed(resource.get(name)):
            if isinstance(element, Mapping):
                return Use(f"{resource_type}.{name}{position}", read_reference(element), ("Patient",))
    return None


def subject_problem(subject: Use | None, resource_type: str) -> str | None:
    """Why the subject of a record cannot be a patient of the portal, in words for the sender; None where it may be."""
    if subject is None:
        name = _SUBJECT_ELEMENTS.get(resource_type, ("subject",))[0]
        return f"{resource_type}.{name}: a reference to the patient is missing"
    reference = subject.reference
    if reference.type not in {None, "Patient"}:
        return f"{subject.path}: a Patient was expected, got a {reference.type}"
    return _SUBJECT_PROBLEMS.get(reference.kind, "").replace("{path}", subject.path) or _masked(subject)


_SUBJECT_PROBLEMS: Final = {
    Kind.CONTAINED: "{path}: a contained patient cannot be told apart from others; refer to a Patient resource",
    Kind.DISPLAY: "{path}: a reference to the patient is missing, there is only a display",
    Kind.UNSUPPORTED: "{path}: this kind of reference is not understood; use Patient/[id], urn:uuid:[uuid], a URL that "
    "ends in Patient/[id], or Patient?identifier=[system]|[value]",
}


def _masked(subject: Use) -> str | None:
    if "*" in (subject.reference.value or ""):
        return f"{subject.path}: a Social Security number cannot be used to find a patient"
    return None


def _listed(element: Any) -> list[tuple[str, Any]]:
    if isinstance(element, list):
        return [(f"[{position}]", member) for position, member in enumerate(element)]
    return [("", element)]


_PEOPLE: Final = ("Practitioner", "PractitionerRole", "Organization", "Patient", "RelatedPerson", "CareTeam", "Device")
_CLINICIANS: Final = ("Practitioner", "PractitionerRole", "Organization")
_REASONS: Final = ("Condition", "Observation", "Procedure", "DiagnosticReport", "DocumentReference")
_ENCOUNTER: Final = {"encounter": ("Encounter",)}

# Per type, the path of each reference that its view or its encounter's needs, and the types that it may lead to.
VIEW_PATHS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "AllergyIntolerance": {**_ENCOUNTER, "recorder": _PEOPLE, "asserter": _PEOPLE},
    "CarePlan": {
        **_ENCOUNTER,
        "author": _PEOPLE,
        "contributor": _PEOPLE,
        "addresses": ("Condition",),
        "goal": ("Goal",),
        "careTeam": ("CareTeam",),
        "activity.reference": ("ServiceRequest", "MedicationRequest", "Task", "Appointment"),
    },
    "CareTeam": {**_ENCOUNTER, "participant.member": _PEOPLE, "managingOrganization": ("Organization",)},
    "Condition": {**_ENCOUNTER, "recorder": _PEOPLE, "asserter": _PEOPLE},
    "Device": {"owner": ("Organization",)},
    "DiagnosticReport": {
        **_ENCOUNTER,
        "performer": _PEOPLE,
        "resultsInterpreter": _PEOPLE,
        "result": ("Observation",),
        "basedOn": ("ServiceRequest", "CarePlan", "MedicationRequest"),
        "imagingStudy": ("ImagingStudy",),
        "media.link": ("Media",),
    },
    "DocumentReference": {
        "context.encounter": ("Encounter",),
        "author": _PEOPLE,
        "authenticator": _CLINICIANS,
        "custodian": ("Organization",),
    },
    "Encounter": {
        "participant.individual": ("Practitioner", "PractitionerRole", "RelatedPerson"),
        "location.location": ("Location",),
        "serviceProvider": ("Organization",),
        "reasonReference": _REASONS,
        "diagnosis.condition": ("Condition", "Procedure"),
        "partOf": ("Encounter",),
    },
    "FamilyMemberHistory": {"reasonReference": _REASONS},
    "Goal": {"expressedBy": _PEOPLE, "addresses": _REASONS},
    "ImagingStudy": {
        **_ENCOUNTER,
        "referrer": _CLINICIANS,
        "interpreter": _CLINICIANS,
        "location": ("Location",),
        "reasonReference": _REASONS,
        "basedOn": ("ServiceRequest", "CarePlan"),
    },
    "Immunization": {
        **_ENCOUNTER,
        "performer.actor": _CLINICIANS,
        "location": ("Location",),
        "manufacturer": ("Organization",),
    },
    "Media": {**_ENCOUNTER, "operator": _PEOPLE, "basedOn": ("ServiceRequest", "CarePlan")},
    "MedicationRequest": {
        **_ENCOUNTER,
        "medicationReference": ("Medication",),
        "requester": _PEOPLE,
        "recorder": _PEOPLE,
        "reasonReference": _REASONS,
        "dispenseRequest.performer": ("Organization",),
    },
    "Observation": {
        **_ENCOUNTER,
        "performer": _PEOPLE,
        "hasMember": ("Observation", "QuestionnaireResponse"),
        "derivedFrom": ("Observation", "QuestionnaireResponse", "DocumentReference", "ImagingStudy", "Media"),
        "basedOn": ("ServiceRequest", "CarePlan", "MedicationRequest"),
    },
    "Procedure": {
        **_ENCOUNTER,
        "performer.actor": _PEOPLE,
        "recorder": _PEOPLE,
        "location": ("Location",),
        "reasonReference": _REASONS,
        "report": ("DiagnosticReport", "DocumentReference"),
        "basedOn": ("ServiceRequest", "CarePlan"),
    },
    "QuestionnaireResponse": {
        **_ENCOUNTER,
        "author": _PEOPLE,
        "source": _PEOPLE,
        "basedOn": ("ServiceRequest", "CarePlan"),
    },
    "ServiceRequest": {
        **_ENCOUNTER,
        "requester": _PEOPLE,
        "performer": _PEOPLE,
        "reasonReference": _REASONS,
        "locationReference": ("Location",),
    },
    "PractitionerRole": {
        "practitioner": ("Practitioner",),
        "organization": ("Organization",),
        "location": ("Location",),
    },
}
_SPLIT_PATHS: Final = {
    resource_type: [(path, tuple(path.split(".")), targets) for path, targets in paths.items()]
    for resource_type, paths in VIEW_PATHS.items()
}


def view_references(resource: Resource) -> Iterator[Use]:
    """Every reference of a resource that its view shows or that ties it to a visit, but for its subject."""
    resource_type = str(resource.get("resourceType"))
    for path, names, targets in _SPLIT_PATHS.get(resource_type, ()):
        for element in _elements(resource, names):
            yield Use(f"{resource_type}.{path}", read_reference(element), targets)


def encounter_of(resource: Resource) -> Use | None:
    """The visit during which a record came about (`encounter`, or a document's first `context.encounter`)."""
    resource_type = str(resource.get("resourceType"))
    path = "context.encounter" if resource_type == "DocumentReference" else "encounter"
    for element in _elements(resource, tuple(path.split("."))):
        return Use(f"{resource_type}.{path}", read_reference(element), ("Encounter",))
    return None


def _elements(element: Any, names: tuple[str, ...]) -> Iterator[Mapping[str, Any]]:
    if isinstance(element, list):
        for member in element:
            yield from _elements(member, names)
    elif isinstance(element, Mapping):
        if names:
            yield from _elements(element.get(names[0]), names[1:])
        else:
            yield element
