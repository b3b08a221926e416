"""The portal's own words on what stands in records: one file a term, in `<kind>/<slug>.json` beside this one.

A term has codes, plain text in every language of the portal, sources, and who reviewed it when. Its format and how to
correct it: README.md beside this file. It is read when something is first explained, not when a function starts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from types import MappingProxyType
from typing import Any, Final

import orjson

SYSTEMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "loinc": "http://loinc.org",
        "snomed": "http://snomed.info/sct",
        "icd10": "http://hl7.org/fhir/sid/icd-10-cm",
        "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
        "cvx": "http://hl7.org/fhir/sid/cvx",
        "cpt": "http://www.ama-assn.org/go/cpt",
        "dicom": "http://dicom.nema.org/resources/ontology/DCM",
    }
)
"""How the files name code systems, and the URL that records name them by."""


class Kind(StrEnum):
    """What a term is about; the folder of its file is its plural."""

    TEST = "test"
    CONDITION = "condition"
    MEDICATION = "medication"
    PROCEDURE = "procedure"
    VACCINE = "vaccine"
    ALLERGY = "allergy"
    VISIT = "visit"
    PLAN = "plan"
    DEVICE = "device"
    DOCUMENT = "document"


class Section(StrEnum):
    """What a part of a term's text tells, in the order in which it is told."""

    WHAT = "what"
    WHY = "why"
    HIGH = "high"
    LOW = "low"
    POSITIVE = "positive"
    NEGATIVE = "negative"
    RISKS = "risks"
    URGENT = "urgent"
    NEXT = "next"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Code:
    """A code of a term, by the URL of its system. `display` is what the system calls it."""

    system: str
    code: str
    display: str


@dataclass(frozen=True, slots=True)
class Critical:
    """Values at or beyond which to act now, in `unit` (UCUM): `low` and below, `high` and above."""

    unit: str
    low: Decimal | None
    high: Decimal | None


@dataclass(frozen=True, slots=True)
class Text:
    """A term in one language: its name, other names that people use, and sentences by section."""

    name: str
    also: tuple[str, ...]
    sections: Mapping[Section, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Term:
    """One term. `sources` are keys of chalicelib/vocabulary/sources.py."""

    slug: str
    kind: Kind
    version: int
    reviewed_on: date
    reviewed_by: str
    sources: tuple[str, ...]
    codes: tuple[Code, ...]
    critical: Critical | None
    texts: Mapping[str, Text]


@lru_cache(maxsize=1)
def terms() -> Mapping[str, Term]:
    """Every term by its slug, in the order of slugs."""
    found = {}
    for kind in Kind:
        place = resources.files(__package__).joinpath(folder(kind))
        for path in place.iterdir() if place.is_dir() else ():
            if path.name.endswith(".json"):
                slug = path.name.removesuffix(".json")
                found[slug] = parse(slug, kind, orjson.loads(path.read_bytes()))
    return MappingProxyType(dict(sorted(found.items())))


def folder(kind: Kind) -> str:
    """Where the files of a kind lie."""
    return "allergies" if kind is Kind.ALLERGY else f"{kind}s"


def parse(slug: str, kind: Kind, file: Mapping[str, Any]) -> Term:
    """A term out of its file, which has its shape (a test says so)."""
    return Term(
        slug=slug,
        kind=kind,
        version=file["version"],
        reviewed_on=date.fromisoformat(file["reviewed_on"]),
        reviewed_by=file["reviewed_by"],
        sources=tuple(file["sources"]),
        codes=tuple(Code(SYSTEMS[one["system"]], one["code"], one["display"]) for one in file["codes"]),
        critical=_critical(file.get("critical")),
        texts={language: _text(part) for language, part in file.items() if isinstance(part, dict) and "name" in part},
    )


def _critical(limits: Mapping[str, str] | None) -> Critical | None:
    if limits is None:
        return None
    low, high = limits.get("low"), limits.get("high")
    return Critical(limits["unit"], Decimal(low) if low else None, Decimal(high) if high else None)


def _text(part: Mapping[str, Any]) -> Text:
    sections = {section: tuple(part[section]) for section in Section if section in part}
    return Text(part["name"], tuple(part.get("also", ())), MappingProxyType(sections))
