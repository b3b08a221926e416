"""Words for people in place of the codes of FHIR's own small value sets."""

from collections.abc import Mapping
from typing import Any, Final

from chalicelib.domain.records import titles

INTERPRETATIONS: Final[Mapping[str, str]] = {
    "A": "Abnormal",
    "AA": "Critically abnormal",
    "B": "Better",
    "D": "Significantly lower than before",
    "DET": "Detected",
    "E": "Equivocal",
    "EXP": "Expected",
    "H": "High",
    "HH": "Critically high",
    "HU": "Significantly high",
    "H>": "Significantly high",
    "HX": "Above the high limit",
    "I": "Intermediate",
    "IND": "Indeterminate",
    "L": "Low",
    "LL": "Critically low",
    "LU": "Significantly low",
    "L<": "Significantly low",
    "LX": "Below the low limit",
    "N": "Normal",
    "ND": "Not detected",
    "NEG": "Negative",
    "NR": "Non-reactive",
    "POS": "Positive",
    "R": "Resistant",
    "RR": "Reactive",
    "S": "Susceptible",
    "U": "Significantly higher than before",
    "UNE": "Unexpected",
    "W": "Worse",
    "WR": "Weakly reactive",
    ">": "Above the measuring range",
    "<": "Below the measuring range",
}
ABSENT_REASONS: Final[Mapping[str, str]] = {
    "unknown": "Unknown",
    "asked-unknown": "Asked, but not known",
    "temp-unknown": "Not known yet",
    "not-asked": "Not asked",
    "asked-declined": "Declined to answer",
    "masked": "Withheld",
    "not-applicable": "Does not apply",
    "unsupported": "Could not be recorded",
    "as-text": "Given as text only",
    "error": "Could not be determined because of an error",
    "not-a-number": "Could not be calculated",
    "negative-infinity": "Below the measuring range",
    "positive-infinity": "Above the measuring range",
    "not-performed": "Not done",
    "not-permitted": "May not be shown",
}
ABSENT_SYSTEM: Final = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
ENCOUNTER_CLASSES: Final[Mapping[str, str]] = {
    "ACUTE": "Hospital stay",
    "AMB": "Office visit",
    "EMER": "Emergency visit",
    "FLD": "Visit in the field",
    "HH": "Home visit",
    "IMP": "Hospital stay",
    "NONAC": "Hospital stay",
    "OBSENC": "Hospital observation",
    "PRENC": "Visit before admission",
    "SS": "Short hospital stay",
    "VR": "Virtual visit",
}
_NO_INFORMATION: Final = frozenset({"unknown", "other", "not applicable", "n/a"})


def interpretation(concepts: Any) -> dict[str, str | None] | None:
    """The first interpretation that says anything, as `{code, text}` ("High"), or None."""
    for concept in concepts or ():
        code = next((coding["code"] for coding in concept.get("coding") or () if coding.get("code")), None)
        text = INTERPRETATIONS.get(code or "") or titles.words(concept)
        if text:
            return {"code": code, "text": text}
    return None


def absent_reason(concept: Mapping[str, Any] | None) -> str | None:
    """Why there is no value, in words: of HL7's codes the portal's own, else the sender's text."""
    if not concept:
        return None
    for coding in concept.get("coding") or ():
        if words := ABSENT_REASONS.get(coding.get("code") or ""):
            return words
    return titles.words(concept) or "Unknown"


def is_absent(concept: Mapping[str, Any]) -> bool:
    """Whether a concept says only that there is no value (a coding is of the data-absent-reason system)."""
    return any(coding.get("system") == ABSENT_SYSTEM for coding in concept.get("coding") or ())


def says_nothing(text: str) -> bool:
    """Whether a title would only say that nothing is known."""
    return text.lower() in _NO_INFORMATION
