"""Lines of a patient's history as FHIR R4 AuditEvents (https://hl7.org/fhir/R4/auditevent.html)."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from chalicelib.domain.access_log import LogEntry, Who
from chalicelib.domain.fhir.text import Resource

_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
_TYPE = {
    "system": "http://dicom.nema.org/resources/ontology/DCM",
    "code": "110110",
    "display": "Patient Record",
}
_ROLES = {Who.SELF: ("PAT", "patient"), Who.CAREGIVER: ("CAREGIVER", "caregiver"), Who.STAFF: ("PROV", "provider")}
"""What somebody is to the patient, in HL7's own words, where it has any."""

_VERBS = {
    "C": {"add", "ask", "create", "invite", "issue", "import", "request"},
    "R": {"access", "lookup", "read"},
    "U": {"approve", "change", "edit", "merge", "resolve", "undo"},
    "D": {"end", "purge", "remove", "revoke"},
}
_ACTIONS = {verb: action for action, verbs in _VERBS.items() for verb in verbs}
_EXECUTE = "E"
_REFUSALS = frozenset({"decline", "deny", "refuse"})
_SUCCESS, _FAILURE = "0", "4"


def bundle(entries: Iterable[LogEntry], patient_id: str, clinic_name: str, links: dict[str, str]) -> Resource:
    """A page of the history; `links` are the URLs of this page and of the next one, by their relation."""
    found: Resource = {
        "resourceType": "Bundle",
        "type": "searchset",
        "link": [{"relation": relation, "url": url} for relation, url in links.items()],
    }
    resources = [resource(entry, patient_id, clinic_name) for entry in entries]
    # FHIR has no empty lists.
    return found | (
        {"entry": [{"resource": one, "search": {"mode": "match"}} for one in resources]} if resources else {}
    )


def resource(entry: LogEntry, patient_id: str, clinic_name: str) -> Resource:
    """One line. It names nobody by an id but the patient themselves."""
    verb = entry.action.rpartition(":")[2]
    return {
        "resourceType": "AuditEvent",
        # An id of FHIR has no underscore.
        "id": entry.entry_id.replace("_", "-"),
        "type": _TYPE,
        "subtype": [{"code": entry.action, "display": entry.text}],
        "action": _ACTIONS.get(verb, _EXECUTE),
        "recorded": _instant(entry.at),
        "outcome": _FAILURE if verb in _REFUSALS else _SUCCESS,
        "agent": [_agent(entry)],
        "source": {
            "observer": {"display": clinic_name},
            "type": [_coding("security-source-type", "4", "Application Server")],
        },
        "entity": [
            {
                "what": {"reference": f"Patient/{patient_id}"},
                "type": _coding("audit-entity-type", "1", "Person"),
                "role": _coding("object-role", "1", "Patient"),
            }
        ],
    }


def _agent(entry: LogEntry) -> dict[str, Any]:
    agent: dict[str, Any] = {"who": {"display": entry.by}, "requestor": True}
    if entry.who in _ROLES:
        agent["role"] = [{"coding": [_coding("v3-RoleClass", *_ROLES[entry.who])]}]
    return agent


def _coding(system: str, code: str, display: str) -> dict[str, str]:
    return {"system": f"{_TERMINOLOGY}/{system}", "code": code, "display": display}


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
