"""Files that a clinic's system has the portal import: it asks, uploads, waits, and reads the rejects."""

import gzip
import json
import random
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.support.aws_calls import failing, unreachable
from tests.support.fhir import Json
from tests.support.portal import Answer, Portal

PATH = "/v1/clinic/imports"
COUNTS = ("created", "updated", "unchanged", "kept_raw", "refused")


def ndjson(*resources: Json | str) -> bytes:
    """A line for each resource; a text is a line as it is."""
    return b"".join((one if isinstance(one, str) else json.dumps(one)).encode() + b"\n" for one in resources)


def ask(portal: Portal, *, token: str | None = None, key: str | None = None, **body: Any) -> Answer:
    """Ask for an import."""
    headers = {"Idempotency-Key": key or str(uuid.uuid4())}
    return portal.call("POST", PATH, body, token=token or portal.client_token(), headers=headers)


def put(url: str, body: bytes) -> int:
    """Upload a file to an address that the portal gave; the status."""
    headers = {"Content-Type": "application/octet-stream"}
    asked = urllib.request.Request(url, data=body, method="PUT", headers=headers)
    try:
        with urllib.request.urlopen(asked) as answer:
            status: int = answer.status
            return status
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code


def uploaded(portal: Portal, body: bytes, **asked: Any) -> str:
    """The id of an import whose file was uploaded, and that nobody has worked yet."""
    made = ask(portal, **asked)
    assert made.status == 201, made.text
    assert put(made.json["upload_url"], body) == 200
    import_id: str = made.json["import_id"]
    return import_id


@dataclass(frozen=True)
class Import:
    """What an import says of itself."""

    portal: Portal
    json: Json

    @property
    def id(self) -> str:
        return str(self.json["import_id"])

    def counts(self) -> dict[str, int]:
        """What became of resources; whatever is none is left out."""
        return {name: self.json[name] for name in COUNTS if self.json[name]}

    def rejects(self) -> list[Json]:
        """What was refused, by the place in the file."""
        url = self.json["rejects_url"]
        if url is None:
            return []
        with urllib.request.urlopen(url) as answer:
            found = [json.loads(line) for line in answer.read().splitlines()]
        return sorted(found, key=lambda one: one.get("line", one.get("index")))


def read(portal: Portal, import_id: str, token: str | None = None) -> Import:
    """How far an import is."""
    answer = portal.call("GET", f"{PATH}/{import_id}", token=token or portal.client_token())
    assert answer.status == 200, answer.text
    return Import(portal, answer.json)


def take(portal: Portal, body: bytes, **asked: Any) -> Import:
    """An import from beginning to end."""
    import_id = uploaded(portal, body, **asked)
    portal.drain()
    return read(portal, import_id)


def bundle_text(resources: Iterable[Json], urls: dict[str, str] | None = None, **more: Any) -> bytes:
    """One large Bundle on one line."""
    from tests.support import fhir

    return json.dumps({**fhir.bundle(*resources, urls=urls), **more}).encode()


def every_way(portal: Portal) -> None:
    """Files that bring everything once and again changed, packed or not; one that is cancelled, one that is broken."""
    from chalicelib import clock
    from tests.support import fhir

    person = portal.register()
    portal.drain()
    patient = fhir.patient(
        identifier=[{"system": fhir.MRN, "value": fhir.fresh("n")}, {"system": fhir.SSN, "value": "987-65-4329"}],
        birthDate="2012-05-06",
        generalPractitioner=[{"reference": "Practitioner/one"}],
    )
    record = fhir.lab({"id": person.patient.resource_id}, effectiveDateTime=clock.stamp(clock.now()))
    large = fhir.condition(patient, "Hay fever", note=[{"text": random.Random(5).randbytes(400_000).hex()}])
    late = fhir.condition(patient, "Asthma", recorder={"reference": f"Practitioner/{fhir.fresh('late')}"})
    team = {
        "resourceType": "CareTeam",
        "id": fhir.fresh("team"),
        "status": "active",
        "subject": fhir.about(patient),
        "participant": [{"member": {"reference": "Practitioner/one"}}],
    }
    by_number = {**fhir.lab(patient), "subject": {"identifier": {"value": patient["identifier"][0]["value"]}}}
    first: list[Json | str] = [record, large, late, team, by_number, patient, "{bad"]
    import_id = uploaded(portal, ndjson(*first))
    with failing(lambda call: call.writes_to("patients"), unreachable(), times=1):
        portal.drain()
    # What the worker has sent itself is hidden for a while.
    queue = portal.aws.deployed.named("imports").ref
    portal.aws.client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps({"id": import_id}))
    portal.drain()
    assert read(portal, import_id).counts() == {"created": 6, "refused": 1}
    moved = {**record, "subject": fhir.about(patient)}
    renamed = {**patient, "identifier": [], "birthDate": "2012-05-07", "name": [{"family": "Moved"}]}
    arrived = {**fhir.practitioner("Late"), "id": late["recorder"]["reference"].removeprefix("Practitioner/")}
    take(
        portal,
        ndjson(fhir.lab({"id": person.patient.resource_id}, hasMember=[fhir.about(f"Observation/{record['id']}")])),
    )
    same = {**late, "meta": {"lastUpdated": "2026-01-02T00:00:00Z"}}
    second = [
        moved,
        renamed,
        same,
        arrived,
        {**team, "participant": []},
        {"resourceType": "Basic", "id": fhir.fresh("b")},
    ]
    done = take(portal, gzip.compress(ndjson(*second)))
    assert done.json["status"] == "done", done.json
    urls = {str(one["id"]): f"urn:uuid:{uuid.uuid4()}" for one in (renamed, arrived)}
    take(portal, bundle_text([renamed, arrived], urls), format="bundle")
    _end_and_look(portal, patient)


def _end_and_look(portal: Portal, patient: Json) -> None:
    assert take(portal, b"[]", format="bundle").json["status"] == "failed"
    for name in ("", "?limit=1"):
        assert portal.call("GET", PATH + name, token=portal.client_token()).status == 200
    gone = uploaded(portal, ndjson(patient))
    assert portal.call("POST", f"{PATH}/{gone}/cancel", token=portal.client_token()).status == 200
    portal.drain()
