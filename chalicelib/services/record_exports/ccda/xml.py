"""Elements of a CDA document (https://www.hl7.org/ccdasearch): codes, times and values as it writes them."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from xml.etree.ElementTree import Element, tostring

from chalicelib.domain.records import dates

_UNWRITABLE: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_UNIT: Final = re.compile(r"[!-~]+", re.ASCII)

LOINC, SNOMED = "2.16.840.1.113883.6.1", "2.16.840.1.113883.6.96"
_SYSTEMS: Final[Mapping[str, tuple[str, str]]] = {
    "http://loinc.org": (LOINC, "LOINC"),
    "http://snomed.info/sct": (SNOMED, "SNOMED CT"),
    "http://www.nlm.nih.gov/research/umls/rxnorm": ("2.16.840.1.113883.6.88", "RxNorm"),
    "http://hl7.org/fhir/sid/icd-10-cm": ("2.16.840.1.113883.6.90", "ICD-10-CM"),
    "http://hl7.org/fhir/sid/icd-9-cm": ("2.16.840.1.113883.6.103", "ICD-9-CM"),
    "http://www.cms.gov/Medicare/Coding/ICD10": ("2.16.840.1.113883.6.4", "ICD-10-PCS"),
    "http://hl7.org/fhir/sid/cvx": ("2.16.840.1.113883.12.292", "CVX"),
    "http://hl7.org/fhir/sid/ndc": ("2.16.840.1.113883.6.69", "NDC"),
    "http://www.ama-assn.org/go/cpt": ("2.16.840.1.113883.6.12", "CPT"),
    "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets": ("2.16.840.1.113883.6.285", "HCPCS"),
    "http://fdasis.nlm.nih.gov": ("2.16.840.1.113883.4.9", "UNII"),
}
"""Code systems by their URL in FHIR: the OID and the name that CDA knows them by."""


def tag(name: str, *children: Element | None, text: str | None = None, **attributes: str | None) -> Element:
    """An element; children and attributes that are None are left out. `class_` stands for names that Python has."""
    given = {key.rstrip("_"): clean(value) for key, value in attributes.items() if value is not None}
    # The one attribute whose name has a colon.
    if "xsi_type" in given:
        given["xsi:type"] = given.pop("xsi_type")
    element = Element(name, given)
    element.text = clean(text) if text is not None else None
    element.extend(child for child in children if child is not None)
    return element


def clean(text: str) -> str:
    """Text without what XML cannot hold."""
    return _UNWRITABLE.sub(" ", text)


def as_text(element: Element) -> str:
    """An element as it stands in the document, whose root names the namespaces."""
    return tostring(element, encoding="unicode")


def template(root: str, extension: str | None = None) -> Element:
    """The id of a template that an element follows."""
    return tag("templateId", root=f"2.16.840.1.113883.10.20.22.{root}", extension=extension)


def stamp(value: str) -> str:
    """A date or time as the API writes it, in the form of HL7 version 3, as exact as it is."""
    if "T" in value:
        at = datetime.fromisoformat(value)
        return at.astimezone(UTC).strftime("%Y%m%d%H%M%S").rjust(14, "0") + "+0000"
    return value.replace("-", "")


def is_time(value: object) -> bool:
    """Whether a text is a date or time, and not words such as an age."""
    if not isinstance(value, str):
        return False
    try:
        dates.normal(value)
    except dates.NoSuchDate:
        return False
    return True


def time(name: str, value: object) -> Element:
    """A time, or that nobody knows it."""
    return tag(name, value=stamp(value)) if isinstance(value, str) and is_time(value) else tag(name, nullFlavor="UNK")


def interval(name: str, start: object, end: object = None, *, typed: bool = False) -> Element:
    """From when to when; an end that is not known is left out."""
    high = time("high", end) if is_time(end) else None
    return tag(name, time("low", start), high, xsi_type="IVL_TS" if typed else None)


def code_of(
    name: str, code: Mapping[str, Any] | None, words: str, *, xsi_type: str | None = None, row: str | None = None
) -> Element:
    """A code of a system that CDA has an OID for; else that there is none, with the words."""
    known = _SYSTEMS.get(str((code or {}).get("system")))
    link = tag("originalText", tag("reference", value=f"#{row}")) if row else tag("originalText", text=words)
    if known is None or not code or not code.get("code"):
        return tag(name, link, nullFlavor="UNK" if not (code or {}).get("code") else "OTH", xsi_type=xsi_type)
    return tag(
        name,
        link,
        xsi_type=xsi_type,
        code=str(code["code"]),
        codeSystem=known[0],
        codeSystemName=known[1],
        displayName=code.get("display") or words,
    )


def has_code(code: Mapping[str, Any] | None) -> bool:
    """Whether a code is one that CDA can name."""
    return bool(code and code.get("code") and code.get("system") in _SYSTEMS)


def snomed(name: str, code: str, display: str, xsi_type: str | None = None) -> Element:
    """A code of SNOMED CT."""
    return tag(
        name,
        xsi_type=xsi_type,
        code=code,
        codeSystem=SNOMED,
        codeSystemName="SNOMED CT",
        displayName=display,
    )


def loinc(name: str, code: str, display: str) -> Element:
    """A code of LOINC."""
    return tag(name, code=code, codeSystem=LOINC, codeSystemName="LOINC", displayName=display)


def value_of(view: Mapping[str, Any]) -> Element:
    """The value of a result as CDA types it: a quantity, a code, a text, or that there is none."""
    value, unit = view.get("value"), view.get("unit")
    if isinstance(value, bool):
        return tag("value", xsi_type="BL", value=str(value).lower())
    if isinstance(value, int | Decimal):
        return _quantity(value, unit, view.get("comparator"))
    if has_code(view.get("value_code")):
        return code_of("value", view["value_code"], str(value), xsi_type="CD")
    if isinstance(value, str) and value:
        return tag("value", text=value, xsi_type="ST")
    return tag("value", xsi_type="ST", nullFlavor="UNK")


def _quantity(value: int | Decimal, unit: str | None, comparator: str | None) -> Element:
    if unit and not _UNIT.fullmatch(unit):
        return tag("value", text=" ".join(filter(None, (comparator, str(value), unit))), xsi_type="ST")
    if comparator is None:
        return tag("value", xsi_type="PQ", value=str(value), unit=unit or "1")
    side = "high" if comparator.startswith("<") else "low"
    closed = "true" if comparator.endswith("=") else "false"
    return tag("value", tag(side, value=str(value), unit=unit or "1", inclusive=closed), xsi_type="IVL_PQ")
