"""The CapabilityStatement: what the FHIR API can do, written from the table by which it does it."""

from typing import Any, Final

from chalicelib.domain.fhir.text import Resource
from chalicelib.domain.fhir_api.names import MEDIA_TYPE
from chalicelib.domain.fhir_api.served import EVERYTHING, SERVED, Holding, Served

DATE: Final = "2026-11-23"
"""When what the API can do was last changed."""
_VERSIONED: Final = {"versioning": "versioned", "readHistory": True, "updateCreate": False}
_REFUSED: Final = {"conditionalCreate": False, "conditionalRead": "not-supported", "conditionalUpdate": False}
_REFERENCES: Final = {"referencePolicy": ["literal", "local"]}
_HOLDINGS: Final = {
    Holding.PATIENT: "Found by ids; without one, the caller and whoever they look after.",
    Holding.RECORD: "Part of a patient's record: a search names the patient, or the ids.",
    Holding.KEPT: "Kept as it was received, and shown to those who see all of a patient's record.",
    Holding.DIRECTORY: "What records refer to; found by ids alone.",
}


def statement(base_url: str, clinic: str) -> Resource:
    """The statement of a portal whose FHIR API has this address."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": DATE,
        "publisher": clinic,
        "kind": "instance",
        "software": {"name": "Patient portal"},
        "implementation": {"description": f"Health records of patients of {clinic}", "url": base_url},
        "fhirVersion": "4.0.1",
        "format": ["json", MEDIA_TYPE],
        "rest": [
            {
                "mode": "server",
                "documentation": "To read. A caller sees here what the portal shows them elsewhere, and no more.",
                "security": {
                    "cors": True,
                    "description": "Authorization: Bearer, with an access token of the portal's (POST /v1/sessions) "
                    "or of a clinic's system with the scope records.read (POST /v1/clinic/tokens).",
                },
                "resource": [_resource(served) for served in SERVED.values()],
            }
        ],
    }


def _resource(served: Served) -> dict[str, Any]:
    interactions = ["read", "vread", "search-type"]
    told: dict[str, Any] = {
        "type": served.type,
        "documentation": _HOLDINGS[served.holding],
        "interaction": [{"code": code} for code in interactions],
        **_VERSIONED,
        **_REFUSED,
        **_REFERENCES,
        "searchParam": [{"name": param.name, "type": param.kind.value} for param in served.params.values()],
    }
    if served.includes:
        told["searchInclude"] = list(served.includes)
    if served.holding is Holding.PATIENT:
        names = ", ".join(EVERYTHING.params)
        told["operation"] = [
            {
                "name": "everything",
                "definition": "http://hl7.org/fhir/OperationDefinition/Patient-everything",
                "documentation": f"Of one patient, page by page. Takes {names} and _count.",
            }
        ]
    return told
