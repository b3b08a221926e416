"""OP 1: every function runs under Lambda's own runtime client, with nothing but what is in the package."""

import hashlib
import platform
import sys
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zipfile import ZipFile

import pytest
from chalice.app import ScheduledEventConfig

from infra.build import package
from infra.local.pump import Pump
from infra.local.remote_aws import RemoteAws
from tests.support import documents, fhir, import_files, picture_readings
from tests.support.aws_process import remote_portal
from tests.support.leaving import download
from tests.support.links import account_id_of
from tests.support.people import token_of
from tests.support.portal import Portal
from tests.support.promises import Promise
from tests.support.record_exports import path_of
from tests.support.runtime_api import Functions

pytestmark = [
    pytest.mark.package,
    pytest.mark.promise,
    pytest.mark.slow,
    pytest.mark.skipif(not package.WHEELHOUSE.is_dir(), reason="needs the wheels that `make test` downloads once"),
    pytest.mark.skipif(
        (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="the package holds Linux x86_64 wheels"
    ),
]
_ABOUT_NOTHING = {"Records": [{"messageId": "1", "eventSource": "aws:sqs", "body": f"out_{'0' * 26}"}]}
_SCHEDULED = {
    "version": "0",
    "id": "1",
    "account": "000000000000",
    "region": "us-east-1",
    "source": "aws.events",
    "detail-type": "Scheduled Event",
    "detail": {},
    "time": "2026-01-01T00:00:00Z",
    "resources": [],
}


@dataclass
class Zipped:
    """The portal's functions as the package has them, and which of them have answered."""

    functions: Functions
    answered: set[str] = field(default_factory=set)

    def call(self, name: str, event: Mapping[str, Any], _context: object = None) -> Any:
        """One invocation. Raises FunctionFailed."""
        answer = self.functions.invoke(f"app.{name}", event)
        self.answered.add(name)
        return answer


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    package.build("prod", folder)
    with ZipFile(folder / "deployment.zip") as archive:
        archive.extractall(folder / "task")
    return folder / "task"


@pytest.fixture(scope="module")
def portal() -> Iterator[Portal]:
    """The embedded AWS in another process, which the functions of the package use as this process does."""
    with remote_portal() as portal:
        yield portal


@pytest.fixture(scope="module")
def zipped(portal: Portal, unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zipped]:
    """What the portal's streams, queues and schedules start from now on."""
    assert isinstance(portal.aws, RemoteAws)
    with Functions(unpacked, tmp_path_factory.mktemp("runtime"), portal.aws.variables) as functions:
        zipped = Zipped(functions)
        entries = {name: partial(zipped.call, name) for name in _names(portal)}
        module: Any = SimpleNamespace(app=portal.app.app, **entries)
        portal.pump = Pump(module, portal.aws)
        yield zipped


def _names(portal: Portal) -> list[str]:
    return [config.handler_string.rpartition(".")[2] for config in portal.app.app.event_sources]


def test_copies_files_and_seals_are_made_by_the_package_alone(portal: Portal, zipped: Zipped, promise: Promise) -> None:
    person = portal.register(portal.new_patient(resources=()))
    subject = f"Patient/{person.patient.resource_id}"
    lines = import_files.ndjson(fhir.lab(subject), fhir.condition(subject, "Asthma"))
    import_id, token = import_files.uploaded(portal, lines), token_of(account_id_of(person))
    portal.drain()
    assert import_files.read(portal, import_id).json["created"] == 2
    for format in ("pdf", "fhir", "ccda", "text"):
        path, headers = path_of(person.patient.patient_id), {"Idempotency-Key": str(uuid.uuid4())}
        asked = portal.call("POST", path, {"format": format}, headers=headers, token=token)
        portal.drain()
        made = portal.call("GET", f"{path}/{asked.json['export_id']}", token=token).json
        assert made["status"] == "ready", made
        _, body, _ = download(made["download_url"])
        counts, digest = made["manifest"]["counts"], hashlib.sha256(body).hexdigest()
        promise("OP 1", f"{format}: what was made", asked=made["manifest"]["sha256"], measured=digest)
        assert (counts["lab"], counts["condition"]) == (1, 1)
    assert portal.count("seals") > 0
    assert portal.emails(person.patient.email)


@pytest.mark.usefixtures("zipped")
def test_documents_are_cleaned_by_the_package_alone(portal: Portal, promise: Promise) -> None:
    person = portal.register()
    found = [documents.taken(person, content).json for content in (documents.jpeg(), documents.pdf("A letter"))]
    assert [one["status"] for one in found] == ["ready", "ready"], found
    types = " ".join(one["content_type"] for one in found)
    promise("OP 1", "documents cleaned: their types", asked="image/jpeg application/pdf", measured=types)


@pytest.mark.usefixtures("zipped")
def test_a_picture_is_prepared_by_the_package_alone_and_what_it_has_not_brought_is_not_available(
    portal: Portal,
) -> None:
    """The engine of a developer's machine is no part of it: there Amazon Textract reads."""
    found = picture_readings.seen_to(portal.register()).json
    assert (found["status"], found["reason_code"]) == ("not_available", "no_engine")


def test_every_function_answers_under_lambdas_runtime_client(portal: Portal, zipped: Zipped, promise: Promise) -> None:
    """Those that had nothing to do are asked about something that is not there."""
    configs = portal.app.app.event_sources
    names = _names(portal)
    for name, config in zip(names, configs, strict=True):
        if name not in zipped.answered:
            zipped.call(name, _SCHEDULED if isinstance(config, ScheduledEventConfig) else _ABOUT_NOTHING)
    promise("OP 1", "functions that answer under the runtime client", asked=len(names), measured=len(zipped.answered))


def test_the_api_answers_under_lambdas_runtime_client(portal: Portal, zipped: Zipped) -> None:
    entry = portal.gateway.entry
    portal.gateway.entry = partial(zipped.call, "app")
    try:
        person = portal.register()
        patient = person.get("/v1/patients/me/summary").json["patient"]
        assert patient["clinic_number"] == person.patient.clinic_number
        assert person.get("/fhir/R4/metadata").status == 200
    finally:
        portal.gateway.entry = entry
