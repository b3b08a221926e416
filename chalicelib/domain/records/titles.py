"""Titles are words for people ("Hemoglobin A1c"), never raw codes."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from chalicelib.domain.records.categories import Category
from chalicelib.domain.records.vocabulary import CVX_SYSTEM, FRIENDLY

Concept = Mapping[str, Any]

CATEGORY_WORDS: Final[Mapping[Category, str]] = {
    Category.LAB: "Lab result",
    Category.VITAL: "Vital sign",
    Category.MEDICATION: "Medication",
    Category.CONDITION: "Health condition",
    Category.ALLERGY: "Allergy",
    Category.IMMUNIZATION: "Vaccination",
    Category.PROCEDURE: "Procedure",
    Category.ENCOUNTER: "Visit",
    Category.REPORT: "Report",
    Category.DOCUMENT: "Document",
    Category.IMAGING: "Imaging",
    Category.CARE_PLAN: "Care plan",
    Category.GOAL: "Goal",
    Category.SOCIAL_HISTORY: "Health background",
    Category.CARE_TEAM: "Care team",
    Category.FAMILY_HISTORY: "Family history",
    Category.DEVICE: "Device",
    Category.ORDER: "Order",
    Category.QUESTIONNAIRE_RESPONSE: "Questionnaire",
}
LONGEST_TITLE: Final = 250

_INVISIBLE: Final = re.compile("[\u200b-\u200d\u2060\ufeff\u00ad]")
_SPACES: Final = re.compile(r"\s+")
_SEMANTIC_TAG: Final = re.compile(
    r"\s+\((?:disorder|finding|procedure|situation|observable entity|qualifier value|physical object|regime/therapy"
    r"|event|substance|product|person|body structure|morphologic abnormality|record artifact|assessment scale"
    r"|context-dependent category|environment|occupation|organism|specimen|medicinal product|clinical drug)\)$"
)
# LOINC's long names carry the property, the system and the method (https://loinc.org/kb/users-guide).
_PROPERTY: Final = re.compile(
    r"\s*\[(?:[^\]]*/(?:volume|mass|time|area)[^\]]*|[^\]]*(?:Fraction|Ratio|Entitic)[^\]]*"
    r"|Presence|Score|Interpretation|Type|Length|Time|Volume|Mass|Percentile|Identifier|Susceptibility|#"
    r"|Molar concentration)\]"
)
_USUAL_SYSTEM: Final = re.compile(r" (?:in|of) (?:Serum or Plasma|Serum, Plasma or Blood|Serum|Plasma|Blood)(?= by |$)")
_SYSTEM_NAMES: Final = re.compile(r"\S/\S|\.(?:total|predicted)| (?:in|of|-) (?:Serum|Blood|Plasma|Urine)\b")
_ANTIBODY: Final = re.compile(r"(?<=Ig[AEGM]) Ab in Serum$")
_INSTRUMENT: Final = re.compile(r"\s*\[(?:Reported[^\]]*|PhenX|PRAPARE)\]?$")
_METHOD: Final = re.compile(r" by [A-Z][^,]*$")
_LOINC_SHORT: Final = re.compile(r" (?:SerPl|Bld|BldA|Ur|Urine|Plas|Ser)[A-Za-z/]*-[a-zA-Z]+$")
_CODE_LIKE: Final = re.compile(r"[A-Z]{0,4}[\d.:/_-]+[A-Z]{0,3}|[A-Z]\d[\dA-Z]*(?:\.[\dA-Z]+)?|(?:urn|https?):\S+")
_SHOUTED_WORD: Final = 5
_STAY_SHOUTED: Final = re.compile(
    "A1C|AIDS|ALT|AST|BMI|BUN|CBC|CMP|CO2|COPD|COVID|COVID-19|CRP|CT|DNA|DTAP|DXA|ECG|EEG|EGFR|EKG|ENT|ER|ESR|FSH|GERD"
    "|GFR|HBA1C|HDL|HGB|HIV|HPV|ICU|IGA|IGE|IGG|IGM|II|III|INR|IPV|IUD|IV|KUB|LDL|LH|MCH|MCHC|MCV|MMR|MRA|MRI|MRSA|NOS"
    "|OB|PCR|PET|PH|PSA|PT|PTH|PTSD|PTT|RBC|RDW|RH|RNA|RSV|SARS|TB|TDAP|TIA|TSH|UTI|VI|VII|VIII|VLDL|WBC|XR"
)


def words(concept: Concept | None) -> str | None:
    """The best words of a CodeableConcept: the clinic's own text, else a display, tidied; None where only a code is.

    Where the text is the code system's technical name, or missing, a plainer name is taken from the vocabulary.
    """
    if not concept:
        return None
    codings = [coding for coding in concept.get("coding") or () if isinstance(coding, Mapping)]
    own = clean(concept.get("text"))
    if own and _is_wording(own, codings) and not _is_technical(own, codings):
        return tidy(own)
    for coding in codings:
        if friendly := FRIENDLY.get((str(coding.get("system")), str(coding.get("code")))):
            return friendly
    return next((tidy(text) for text in _candidates(own, codings)), None)


def drug_words(concept: Concept | None) -> str | None:
    """The name of a drug as the clinic gave it, with its dose: nothing of it is reworded."""
    if not concept:
        return None
    codings = [coding for coding in concept.get("coding") or () if isinstance(coding, Mapping)]
    return next(_candidates(clean(concept.get("text")), codings), None)


def coding_words(coding: Mapping[str, Any] | None) -> str | None:
    """The words of a single Coding."""
    return words({"coding": [coding]}) if coding else None


def tidy(text: str) -> str:
    """A name without SNOMED's semantic tag, LOINC's property and method, underscores and shouting, capitalised."""
    text = _INSTRUMENT.sub("", _SEMANTIC_TAG.sub("", clean(text) or ""))
    if _PROPERTY.search(text):
        text = _METHOD.sub("", _USUAL_SYSTEM.sub("", _PROPERTY.sub("", text)))
    text = _ANTIBODY.sub(" antibody", _LOINC_SHORT.sub("", text))
    if " " not in text:
        text = text.replace("_", " ")
    return _capitalised(_lowered(text))[:LONGEST_TITLE]


def clean(text: Any) -> str | None:
    """A text without invisible characters and doubled spaces; None where nothing is left."""
    if not isinstance(text, str):
        return None
    return _SPACES.sub(" ", _INVISIBLE.sub("", text)).strip() or None


def or_category(text: str | None, category: Category) -> str:
    """The text, else the word of the category."""
    return text[:LONGEST_TITLE] if text else CATEGORY_WORDS[category]


def _candidates(own: str | None, codings: list[Mapping[str, Any]]) -> Iterator[str]:
    if own and _is_wording(own, codings):
        yield own
    for coding in sorted(codings, key=lambda one: one.get("userSelected") is not True):
        display = clean(coding.get("display"))
        if display and _is_wording(display, codings):
            yield display


def _is_wording(text: str, codings: list[Mapping[str, Any]]) -> bool:
    """Whether a text says something to people: it is not a code, neither by its look nor because it is the coding's."""
    if _CODE_LIKE.fullmatch(text) or not any(letter.isalpha() for letter in text):
        return False
    return all(text != coding.get("code") or not any(c.isdigit() for c in text) for coding in codings)


def _is_technical(text: str, codings: list[Mapping[str, Any]]) -> bool:
    """Whether a text is the code system's name for its own readers: then the vocabulary may know a plainer one."""
    if _PROPERTY.search(text) or _SYSTEM_NAMES.search(text):
        return True
    return any(clean(one.get("display")) == text for one in codings if one.get("system") == CVX_SYSTEM)


def _lowered(text: str) -> str:
    if text != text.upper() or not any(len(word) >= _SHOUTED_WORD for word in re.findall(r"[^\W\d_]+", text)):
        return text
    return re.sub(
        r"[^\s,;()\[\]]+", lambda word: word[0] if _STAY_SHOUTED.fullmatch(word[0]) else word[0].lower(), text
    )


def _capitalised(text: str) -> str:
    first = text.split(" ", 1)[0]
    return text[:1].upper() + text[1:] if first == first.lower() else text
