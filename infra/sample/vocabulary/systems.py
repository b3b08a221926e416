"""Code systems and identifier systems by their canonical URIs (hl7.org/fhir/R4/terminologies-systems.html)."""

from dataclasses import dataclass
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
CVX = "http://hl7.org/fhir/sid/cvx"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
UCUM = "http://unitsofmeasure.org"
NUCC = "http://nucc.org/provider-taxonomy"
DICOM = "http://dicom.nema.org/resources/ontology/DCM"

NPI = "http://hl7.org/fhir/sid/us-npi"
SSN = "http://hl7.org/fhir/sid/us-ssn"
MRN = "https://sample-clinic.example/mrn"
CLINIC_NUMBER = "https://sample-clinic.example/clinic-number"
FHIR_BASE = "https://fhir.sample-clinic.example/r4"

_HL7 = "http://terminology.hl7.org/CodeSystem/"


@dataclass(frozen=True, slots=True)
class Concept:
    """One code of one system, with the system's own words for it."""

    system: str
    code: str
    display: str

    def coding(self) -> Json:
        return {"system": self.system, "code": self.code, "display": self.display}


def codeable(text: str | None, *concepts: Concept) -> Json:
    """A CodeableConcept; `text` are the clinic's words, None where it sends only codes."""
    codings = [concept.coding() for concept in concepts]
    return {**({"coding": codings} if codings else {}), **({"text": text} if text else {})}


def hl7(system: str, code: str, display: str) -> Json:
    """A CodeableConcept out of one of HL7's own code systems, such as `condition-clinical`."""
    return codeable(None, Concept(_HL7 + system, code, display))


def hl7_coding(system: str, code: str, display: str) -> Json:
    """A bare Coding out of one of HL7's own code systems."""
    return Concept(_HL7 + system, code, display).coding()


def loinc(code: str, display: str) -> Concept:
    return Concept(LOINC, code, display)


def snomed(code: str, display: str) -> Concept:
    return Concept(SNOMED, code, display)
