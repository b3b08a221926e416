"""A FHIR R4 transaction bundle under construction, and its text."""

import json
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from infra.sample.vocabulary.systems import FHIR_BASE, Json

_NAMESPACE = uuid5(NAMESPACE_URL, FHIR_BASE)
# A real sender keeps its own id for some types and leaves the naming of the others to the receiver.
_KEEPS_ID = frozenset({"Patient", "Observation", "DiagnosticReport", "Encounter", "MedicationRequest", "Medication"})


class Addressing(Enum):
    """How a bundle names its entries: three ways that clinics' systems really send."""

    URN = "urn:uuid fullUrl; some resources carry that uuid as their id, some no id at all"
    URN_OWN_ID = "urn:uuid fullUrl; every resource carries an id of its own that differs from it"
    REST = "fullUrl at the sender's own server; PUT under the id; relative references inside the bundle"


class BundleWriter:
    """Collects the entries of one bundle. The ids are made from the keys, so the same input gives the same file."""

    def __init__(self, name: str, addressing: Addressing = Addressing.URN) -> None:
        self.name = name
        self._addressing = addressing
        self._entries: dict[str, Json] = {}

    def add(self, kind: str, key: str, fields: Json) -> Json:
        """Enters a resource and answers the Reference to it. Fields that are None are left out."""
        full_url, own_id, reference = self._address(kind, key)
        resource: Json = {"resourceType": kind, **({"id": own_id} if own_id else {})}
        resource |= {name: value for name, value in fields.items() if value is not None}
        assert full_url not in self._entries, f"{self.name}: {kind} {key} is entered twice"
        self._entries[full_url] = {"fullUrl": full_url, "resource": resource, "request": self._request(kind, own_id)}
        return {"reference": reference}

    def body(self) -> bytes:
        """The bundle as UTF-8 JSON, indented by one."""
        entries = list(self._entries.values())
        bundle = {"resourceType": "Bundle", "id": self.name, "type": "transaction", "entry": entries}
        return (render(bundle) + "\n").encode()

    def _address(self, kind: str, key: str) -> tuple[str, str | None, str]:
        uuid = str(uuid5(_NAMESPACE, f"{self.name}/{kind}/{key}"))
        match self._addressing:
            case Addressing.REST:
                return f"{FHIR_BASE}/{kind}/{key}", key, f"{kind}/{key}"
            case Addressing.URN_OWN_ID:
                return f"urn:uuid:{uuid}", key, f"urn:uuid:{uuid}"
            case Addressing.URN:
                return f"urn:uuid:{uuid}", uuid if kind in _KEEPS_ID else None, f"urn:uuid:{uuid}"

    def _request(self, kind: str, own_id: str | None) -> Json:
        if self._addressing is Addressing.REST:
            return {"method": "PUT", "url": f"{kind}/{own_id}"}
        return {"method": "POST", "url": kind}


def render(value: Any, depth: int = 0) -> str:
    """JSON with decimals exactly as written: 6.50 stays 6.50, which `json` could only do by way of a float."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        members = [f"{json.dumps(key)}: {render(item, depth + 1)}" for key, item in value.items()]
        return _enclose("{", members, "}", depth)
    if isinstance(value, list):
        return _enclose("[", [render(item, depth + 1) for item in value], "]", depth)
    return json.dumps(value, ensure_ascii=False)


def _enclose(opening: str, members: list[str], closing: str, depth: int) -> str:
    inside = "\n" + " " * (depth + 1)
    return f"{opening}{inside}{f',{inside}'.join(members)}\n{' ' * depth}{closing}"
