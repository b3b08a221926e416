"""The texts that a patient agrees to.

A change of a text is a new version; accounts keep the version that was accepted.
"""

from enum import StrEnum


class LegalKind(StrEnum):
    """Which text."""

    TERMS = "terms"
    PRIVACY = "privacy"


VERSIONS = {LegalKind.TERMS: "2026-11-01", LegalKind.PRIVACY: "2026-11-23"}
"""The current version of each text."""
