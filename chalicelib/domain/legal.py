"""The texts that a patient agrees to.

A change of a text is a new version; accounts keep the version that was accepted.
"""

from dataclasses import dataclass
from enum import StrEnum


class LegalKind(StrEnum):
    """Which text."""

    TERMS = "terms"
    PRIVACY = "privacy"


VERSIONS = {LegalKind.TERMS: "2026-11-01", LegalKind.PRIVACY: "2026-11-01"}
"""The current version of each text."""


@dataclass(frozen=True, slots=True)
class LegalText:
    """One text in one language."""

    kind: LegalKind
    version: str
    title: str
    text: str
