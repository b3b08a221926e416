"""Which resources the FHIR API serves, and by what they are searched: the table that its CapabilityStatement shows.

A subset of https://hl7.org/fhir/R4/searchparameter-registry.html with all that US Core demands of what the portal has.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from chalicelib.domain.records.categories import DIRECTORY, Category
from chalicelib.domain.records.dates import OCCURRED


class Holding(StrEnum):
    """As what the portal holds resources of a type."""

    PATIENT = "patient"
    RECORD = "record"
    KEPT = "kept"
    """Kept as it was sent, in no category: shown to those alone who see all of a record."""
    DIRECTORY = "directory"


class ParamKind(StrEnum):
    """The types of search parameters that are understood (https://hl7.org/fhir/R4/search.html#ptypes)."""

    TOKEN = "token"  # noqa: S105  A type of parameter.
    DATE = "date"
    REFERENCE = "reference"
    STRING = "string"


@dataclass(frozen=True, slots=True)
class Param:
    """A search parameter: its name, its type, and the paths of the elements that it looks at."""

    name: str
    kind: ParamKind
    paths: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Served:
    """A type of resource: how it is held, which categories of the record have it, and by what it is searched.

    `subject` is the element that names its patient. `includes` are the references that a search brings along.
    """

    type: str
    holding: Holding
    params: Mapping[str, Param]
    categories: frozenset[Category] = frozenset()
    subject: str | None = None
    includes: Mapping[str, str] = field(default_factory=dict)

    def orders(self, param: Param) -> bool:
        """Whether a date is what records of this type are ordered by, where it is there."""
        first = OCCURRED.get(self.type, ())[:1]
        return param.kind is ParamKind.DATE and bool(first) and tuple(first[0].split(".")) in param.paths


_PARAMS: Final[Mapping[str, str]] = {
    "AllergyIntolerance": "patient clinical-status:token=clinicalStatus code:token=code category:token=category"
    " date:date=recordedDate",
    "CarePlan": "subject category:token=category status:token=status date:date=period encounter:reference=encounter",
    "CareTeam": "subject category:token=category status:token=status date:date=period encounter:reference=encounter"
    " role:token=participant.role",
    "Condition": "subject category:token=category clinical-status:token=clinicalStatus code:token=code"
    " verification-status:token=verificationStatus encounter:reference=encounter recorded-date:date=recordedDate"
    " onset-date:date=onsetDateTime|onsetPeriod abatement-date:date=abatementDateTime|abatementPeriod",
    "Device": "patient type:token=type status:token=status",
    "DiagnosticReport": "subject category:token=category code:token=code status:token=status issued:date=issued"
    " date:date=effectiveDateTime|effectivePeriod encounter:reference=encounter",
    "DocumentReference": "subject category:token=category type:token=type status:token=status date:date=date"
    " period:date=context.period encounter:reference=context.encounter",
    "Encounter": "subject class:token=class type:token=type status:token=status date:date=period"
    " identifier:token=identifier discharge-disposition:token=hospitalization.dischargeDisposition"
    " location:reference=location.location",
    "FamilyMemberHistory": "patient code:token=condition.code status:token=status date:date=date"
    " relationship:token=relationship",
    "Goal": "subject category:token=category lifecycle-status:token=lifecycleStatus description:token=description"
    " start-date:date=startDate target-date:date=target.dueDate",
    "ImagingStudy": "subject status:token=status started:date=started modality:token=series.modality"
    " encounter:reference=encounter",
    "Immunization": "patient status:token=status date:date=occurrenceDateTime vaccine-code:token=vaccineCode",
    "Media": "subject status:token=status created:date=createdDateTime|createdPeriod encounter:reference=encounter",
    "MedicationRequest": "subject category:token=category status:token=status intent:token=intent"
    " code:token=medicationCodeableConcept authoredon:date=authoredOn encounter:reference=encounter"
    " medication:reference=medicationReference",
    "Observation": "subject category:token=category code:token=code status:token=status encounter:reference=encounter"
    " date:date=effectiveDateTime|effectivePeriod|effectiveInstant|effectiveTiming",
    "Procedure": "subject category:token=category code:token=code status:token=status encounter:reference=encounter"
    " date:date=performedDateTime|performedPeriod",
    "QuestionnaireResponse": "subject status:token=status authored:date=authored encounter:reference=encounter",
    "ServiceRequest": "subject category:token=category code:token=code status:token=status intent:token=intent"
    " authored:date=authoredOn occurrence:date=occurrenceDateTime|occurrencePeriod|occurrenceTiming"
    " encounter:reference=encounter",
}

# What the portal keeps as it was sent and what is about one patient, by the element that says which.
_KEPT: Final[Mapping[str, str]] = {
    "BodyStructure": "patient",
    "Claim": "patient created:date=created",
    "ClaimResponse": "patient created:date=created",
    "ClinicalImpression": "subject status:token=status",
    "Communication": "subject status:token=status",
    "CommunicationRequest": "subject status:token=status",
    "Composition": "subject type:token=type status:token=status date:date=date",
    "Consent": "patient status:token=status",
    "Coverage": "patient=beneficiary status:token=status type:token=type",
    "DetectedIssue": "patient",
    "DeviceRequest": "subject status:token=status",
    "DeviceUseStatement": "subject",
    "EpisodeOfCare": "patient status:token=status date:date=period",
    "ExplanationOfBenefit": "patient created:date=created status:token=status claim:reference=claim",
    "Flag": "subject date:date=period",
    "ImmunizationRecommendation": "patient",
    "List": "subject code:token=code status:token=status date:date=date",
    "MedicationAdministration": "subject status:token=status",
    "MedicationDispense": "subject status:token=status type:token=type whenhandedover:date=whenHandedOver"
    " context:reference=context medication:reference=medicationReference",
    "MedicationStatement": "subject status:token=status",
    "NutritionOrder": "patient status:token=status",
    "RelatedPerson": "patient name:string=name",
    "RiskAssessment": "subject date:date=occurrenceDateTime|occurrencePeriod",
    "Specimen": "subject type:token=type status:token=status collected:date=collection.collectedDateTime",
    "VisionPrescription": "patient status:token=status",
}

_CATEGORIES: Final[Mapping[str, tuple[Category, ...]]] = {
    "AllergyIntolerance": (Category.ALLERGY,),
    "CarePlan": (Category.CARE_PLAN,),
    "CareTeam": (Category.CARE_TEAM,),
    "Condition": (Category.CONDITION,),
    "Device": (Category.DEVICE,),
    "DiagnosticReport": (Category.REPORT,),
    "DocumentReference": (Category.DOCUMENT,),
    "Encounter": (Category.ENCOUNTER,),
    "FamilyMemberHistory": (Category.FAMILY_HISTORY,),
    "Goal": (Category.GOAL,),
    "ImagingStudy": (Category.IMAGING,),
    "Immunization": (Category.IMMUNIZATION,),
    "Media": (Category.IMAGING,),
    "MedicationRequest": (Category.MEDICATION,),
    "Observation": (Category.LAB, Category.VITAL, Category.REPORT, Category.SOCIAL_HISTORY),
    "Procedure": (Category.PROCEDURE,),
    "QuestionnaireResponse": (Category.QUESTIONNAIRE_RESPONSE,),
    "ServiceRequest": (Category.ORDER,),
}
_INCLUDES: Final[Mapping[str, str]] = {"MedicationRequest": "medication", "MedicationDispense": "medication"}
_OF_PATIENTS: Final = (
    "identifier:token=identifier name:string=name family:string=name.family given:string=name.given"
    " birthdate:date=birthDate gender:token=gender death-date:date=deceasedDateTime"
)
_EVERYWHERE: Final = {
    "_id": Param("_id", ParamKind.TOKEN, (("id",),)),
    "_lastUpdated": Param("_lastUpdated", ParamKind.DATE, (("meta", "lastUpdated"),)),
}


def _params(told: str) -> tuple[Mapping[str, Param], str | None]:
    """The parameters that a line of the table tells, and the element that names the patient."""
    found, subject = dict(_EVERYWHERE), None
    for word in told.split():
        declared, _, paths = word.partition("=")
        name, colon, kind = declared.partition(":")
        if colon:
            split = tuple(tuple(path.split(".")) for path in paths.split("|"))
            found[name] = Param(name, ParamKind(kind), split)
            continue
        subject = paths or name
        for alias in dict.fromkeys(("patient", name)):
            found[alias] = Param(alias, ParamKind.REFERENCE, ((subject,),))
    return found, subject


def _served() -> Mapping[str, Served]:
    found = {"Patient": Served("Patient", Holding.PATIENT, _params(_OF_PATIENTS)[0])}
    for table, holding in ((_PARAMS, Holding.RECORD), (_KEPT, Holding.KEPT)):
        for type, told in table.items():
            params, subject = _params(told)
            includes = {f"{type}:{name}": name for name in (_INCLUDES.get(type),) if name}
            found[type] = Served(type, holding, params, frozenset(_CATEGORIES.get(type, ())), subject, includes)
    for type in sorted(DIRECTORY):
        found[type] = Served(type, Holding.DIRECTORY, {"_id": _EVERYWHERE["_id"]})
    return found


SERVED: Final[Mapping[str, Served]] = _served()
"""Every type that is served, by its name."""

EVERYTHING: Final = Served(
    "Patient",
    Holding.PATIENT,
    {
        "_since": Param("_since", ParamKind.DATE, ()),
        "start": Param("start", ParamKind.DATE, ()),
        "end": Param("end", ParamKind.DATE, ()),
        "_type": Param("_type", ParamKind.TOKEN, ()),
    },
)
"""What `Patient/[id]/$everything` takes (https://hl7.org/fhir/R4/patient-operation-everything.html)."""

KEPT_TYPES: Final = frozenset(_KEPT)
RESULT_PARAMS: Final = frozenset({"_count", "_include", "_format", "_pretty", "_page"})
"""What a search takes that is about its answer."""
