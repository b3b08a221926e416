"""What an import answers."""

from dataclasses import dataclass, field
from enum import StrEnum

from chalicelib.domain.fhir.bundle import Refusal


class Outcome(StrEnum):
    """What became of one resource."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    KEPT_RAW = "kept_raw"


@dataclass(slots=True)
class ImportResult:
    """Counts by outcome; what was not taken, by its index.

    `kept_raw` counts the types that the portal does not know, new or not.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    kept_raw: int = 0
    refused: list[Refusal] = field(default_factory=list)

    def count(self, outcome: Outcome) -> None:
        """One resource more with this outcome."""
        setattr(self, outcome, getattr(self, outcome) + 1)
