"""Two versions of one real bundle, imported months apart: every difference is told once, and nothing else is."""

import copy
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from chalicelib import clock
from chalicelib.domain.caregivers import Scope
from tests.support.fhir import Json
from tests.support.people import new_caregiver, token_of
from tests.support.portal import Portal
from tests.support.promises import Promise
from tests.support.sizes import is_full

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "synthea"
BUNDLES = sorted(DATA.glob("*_*.json"), key=lambda path: path.stat().st_size)
pytestmark = pytest.mark.skipif(not BUNDLES, reason="there is no ../shared/data with real FHIR input")

_MONTHS = {"days": 130}
_EVERY = 5
"""Of the resources of each kind every fifth is changed, as its kind can be."""


@dataclass
class Expected:
    """What should be told of a resource: the fields that differ, and a phrase of the sentence."""

    kind: str
    fields: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    phrase: str = ""


def _new_value(resource: Json) -> Expected | None:
    quantity = resource.get("valueQuantity")
    if not quantity:
        return _new_component(resource)
    before, unit = quantity["value"], quantity["unit"]
    quantity["value"] = after = round(before + 1000, 3)
    return Expected("changed", {"value": (before, after)}, f"{_written(before)} {unit} became {_written(after)} {unit}")


def _new_component(resource: Json) -> Expected | None:
    for component in resource.get("component", ()):
        quantity = component["valueQuantity"]
        before, unit = quantity["value"], quantity["unit"]
        quantity["value"] = after = before + 7
        phrase = f"{_written(before)} {unit} became {_written(after)} {unit}"
        return Expected("changed", {"components": (..., ...)}, phrase)
    return None


def _written(number: float) -> str:
    whole, _, rest = str(number).partition(".")
    return f"{int(whole):,}" + (f".{rest}" if rest else "")


def _status(to: str, words: str, name: str = "status") -> Callable[[Json], Expected | None]:
    def change(resource: Json) -> Expected | None:
        before, resource[name] = resource[name], to
        return Expected("changed", {"status": (before, to)}, f"became {words}") if before != to else None

    return change


def _over(condition: Json) -> Expected | None:
    if condition["clinicalStatus"]["coding"][0]["code"] != "active":
        return None
    condition["clinicalStatus"]["coding"][0]["code"] = "resolved"
    condition["abatementDateTime"] = "2026-05-04"
    fields = {"status": ("active", "resolved"), "abatement": (None, "2026-05-04")}
    return Expected("changed", fields, "status: active became over; ended: now May 4, 2026")


def _step_done(plan: Json) -> Expected | None:
    detail = plan["activity"][0]["detail"]
    if detail["status"] == "stopped":
        return None
    detail["status"] = "stopped"
    return Expected("changed", {"activities": (..., ...)}, "became stopped")


def _reason(encounter: Json) -> Expected:
    reason = {"text": "A reason that nobody had before"}
    encounter.setdefault("reasonCode", []).append(reason)
    return Expected("changed", {"reasons": (..., ...)}, reason["text"])


def _conclusion(report: Json) -> Expected:
    report["conclusion"] = "All is well."
    return Expected("changed", {"conclusion": (None, "All is well.")}, "summary: now All is well.")


CHANGES: dict[str, Callable[[Json], Expected | None]] = {
    "Observation": _new_value,
    "MedicationRequest": _status("cancelled", "cancelled"),
    "Procedure": _status("stopped", "stopped"),
    "Immunization": _status("not-done", "not done"),
    "Condition": _over,
    "CarePlan": _step_done,
    "Encounter": _reason,
    "DiagnosticReport": _conclusion,
    "Goal": _status("on-hold", "on hold", "lifecycleStatus"),
}


def _technical(resource: Json) -> None:
    """What nobody sees: the sender's own times and versions, the narrative, extensions."""
    resource.setdefault("meta", {}).update(lastUpdated="2026-06-01T00:00:00Z", versionId="2")
    resource["text"] = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">Anew</div>'}
    resource.setdefault("extension", []).append({"url": "https://sender.example/batch", "valueString": "2"})


def second_version(bundle: Json) -> tuple[Json, dict[str, Expected]]:
    """The bundle some months later, and what should be told of it by id of the resource."""
    later, expected = copy.deepcopy(bundle), dict[str, Expected]()
    seen: dict[str, int] = {}
    for entry in later["entry"]:
        resource = entry["resource"]
        kind = resource["resourceType"]
        seen[kind] = seen.get(kind, 0) + 1
        _technical(resource)
        if kind in CHANGES and seen[kind] % _EVERY == 1 and (change := CHANGES[kind](resource)) is not None:
            expected[resource["id"]] = change
    return later, expected | _came_and_went(later, expected)


def _came_and_went(later: Json, expected: dict[str, Expected]) -> dict[str, Expected]:
    """One result that was entered in error, and one more that is new."""
    results = [one["resource"] for one in later["entry"] if one["resource"]["resourceType"] == "Observation"]
    plain = [one for one in results if one["id"] not in expected]
    plain[0]["status"] = "entered-in-error"
    fresh = {**copy.deepcopy(plain[1]), "id": str(uuid.uuid4())}
    later["entry"].append({"fullUrl": f"urn:uuid:{fresh['id']}", "resource": fresh, "request": {"method": "POST"}})
    return {plain[0]["id"]: Expected("removed"), fresh["id"]: Expected("added")}


class Reader:
    """Somebody who reads all of a patient's record, whenever it is."""

    def __init__(self, portal: Portal, bundle: Json) -> None:
        self.portal = portal
        (patient,) = [one["resource"] for one in bundle["entry"] if one["resource"]["resourceType"] == "Patient"]
        number = patient["identifier"][0]["value"]
        found = portal.call("GET", f"/v1/clinic/patients?identifier={number}", token=portal.client_token()).json
        self.path = f"/v1/patients/{found['items'][0]['patient_id']}"
        self.account_id = new_caregiver(found["items"][0]["patient_id"], Scope.EVERYTHING, sees_sensitive=True)
        self.token = ""

    def since(self, moment: str) -> Iterator[Json]:
        self.token, cursor = token_of(self.account_id), ""
        while True:
            path = f"{self.path}/changes?since={moment}&limit=50{cursor}"
            page = self.portal.call("GET", path, token=self.token).json
            yield from page["items"]
            if page["next_cursor"] is None:
                return
            cursor = f"&cursor={quote(page['next_cursor'])}"

    def resource_id(self, record_id: str) -> str:
        """The sender's own id of a record."""
        path = f"{self.path}/records/{record_id}?format=fhir"
        id: str = self.portal.call("GET", path, token=self.token).json["id"]
        return id


@pytest.mark.promise
@pytest.mark.parametrize("path", BUNDLES if is_full() else BUNDLES[:2], ids=lambda path: path.stem[:20])
def test_every_difference_of_two_versions_is_told_once_and_nothing_else_is(
    portal: Portal, path: Path, promise: Promise
) -> None:
    bundle = json.loads(path.read_text())
    later, expected = second_version(bundle)
    assert portal.import_fhir(bundle).json["refused"] == []
    portal.drain()
    portal.advance(**_MONTHS)
    moment = clock.stamp(clock.now())
    reader = Reader(portal, bundle)
    assert list(reader.since(moment)) == []
    portal.advance(seconds=1)
    done = portal.import_fhir(later).json
    assert (done["refused"], done["created"]) == ([], 1)
    portal.drain()
    told = list(reader.since(moment))
    by_id = {reader.resource_id(change["record_id"]): change for change in told}
    promise("Changes", f"{path.stem[:12]}: records told of", asked=len(expected), measured=len(told))
    promise(
        "Changes",
        f"{path.stem[:12]}: records told that did not change",
        asked=0,
        measured=len(by_id.keys() - expected.keys()),
    )
    promise("Changes", f"{path.stem[:12]}: differences not told right", asked=0, measured=len(_wrong(expected, by_id)))


def _wrong(expected: dict[str, Expected], told: dict[str, Json]) -> list[str]:
    wrong = [
        f"{id}: {expected[id]}, told {told.get(id)}" for id in expected if not _is_right(expected[id], told.get(id))
    ]
    print("\n".join(wrong[:10]))
    return wrong


def _is_right(expected: Expected, told: Json | None) -> bool:
    if told is None or told["kind"] != expected.kind or expected.phrase not in told["text"]:
        return False
    found = {one["field"]: (one["before"], one["after"]) for one in told["differences"]}
    if found.keys() != expected.fields.keys() or (told["record"] is None) != (expected.kind == "removed"):
        return False
    return all(pair in ((..., ...), found[name]) for name, pair in expected.fields.items())
