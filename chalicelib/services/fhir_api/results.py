"""What a search gives."""

from dataclasses import dataclass, field

from chalicelib.domain.fhir_api.names import BASE_PATH
from chalicelib.services.fhir_api.steps import Place
from chalicelib.services.fhir_api.walking import Found
from chalicelib.settings import settings


@dataclass(frozen=True, slots=True)
class Results:
    """A page of a search, what it brings along, and where the next page begins. `total` where it is known."""

    found: list[Found]
    included: list[Found] = field(default_factory=list)
    after: Place | None = None
    total: int | None = None


def base_url() -> str:
    """Where the FHIR API is."""
    return f"{settings().api_url}{BASE_PATH}"
