"""Brings the sample clinic into a running portal, by the same calls that a clinic's own systems make."""

import json
import uuid
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from chalicelib.domain.access import ClientScope
from infra.local import sample_caregivers
from infra.local.gateway import Gateway
from infra.local.lambda_proxy import HttpRequest, HttpResponse
from infra.local.sample_staff import join_all
from infra.local.seeded import SeededClient, SeededClinic, SeededPatient
from infra.local.storage import write_private
from infra.sample import SamplePatient, bundles, patients

CLIENT_NAME = "Sample clinic's records system"
Report = Callable[[str], None]


class SeedError(Exception):
    """The portal refused what the sample clinic sent; a bug of the one or the other."""


def seed(gateway: Gateway, kept: Path | None = None, report: Report = lambda _line: None) -> SeededClinic:
    """The sample clinic in this portal, brought in unless an engine that outlives the process has it already.

    Args:
        gateway: In front of the running app.
        kept: The file beside surviving tables that remembers credentials and codes; None where nothing survives.
        report: Takes lines of progress.

    Raises:
        SeedError: Where the portal refuses a call.
    """
    known = _read(kept)
    if known and _can_sign_in(gateway, known.clients[0]):
        report("the sample clinic is in these tables already")
        return known
    seeded = _bring_in(gateway, report)
    if kept:
        write_private(kept, json.dumps(seeded.as_json()).encode())
    return seeded


def _bring_in(gateway: Gateway, report: Report) -> SeededClinic:
    from chalicelib.services import clients

    client = SeededClient(*clients.create(CLIENT_NAME, ClientScope))
    calls = _Calls(gateway, _token(gateway, client))
    for number, bundle in enumerate(everything := bundles(), start=1):
        report(f"importing the sample clinic, {number} of {len(everything)}: {bundle.name}")
        calls.import_bundle(bundle.body)
    seen = tuple(calls.open_record(patient) for patient in patients())
    return SeededClinic(seen, (client,), join_all(client.client_id), sample_caregivers.join_all(seen))


class _Calls:
    """The calls of the clinic's records system, signed in."""

    def __init__(self, gateway: Gateway, token: str) -> None:
        self._gateway = gateway
        self._headers = [("Authorization", f"Bearer {token}"), ("Content-Type", "application/json")]

    def import_bundle(self, body: bytes) -> None:
        request = HttpRequest("POST", "/v1/clinic/fhir", headers=self._headers, body=body)
        if refused := _sent(self._gateway, request, 200)["refused"]:
            raise SeedError(f"entries of a sample bundle were refused: {refused}")

    def open_record(self, patient: SamplePatient) -> SeededPatient:
        """Look the patient up as imported, and issue an activation code where one is meant for them."""
        query = urlencode({"identifier": f"{patient.identifier_system}|{patient.identifier_value}"})
        found = _sent(self._gateway, HttpRequest("GET", "/v1/clinic/patients", query, self._headers), 200)["items"]
        if len(found) != 1:
            raise SeedError(f"{len(found)} patients where one sample patient was looked up")
        patient_id = str(found[0]["patient_id"])
        return SeededPatient(
            patient_id=patient_id,
            clinic_number=found[0]["clinic_number"],
            activation_code=self._issue_code(patient_id) if patient.activation else None,
            first_name=patient.first_name,
            last_name=patient.last_name,
            date_of_birth=patient.date_of_birth,
            phone_last4=patient.phone_last4,
            email=patient.email,
        )

    def _issue_code(self, patient_id: str) -> str:
        path = f"/v1/clinic/patients/{patient_id}/activation-codes"
        headers = [*self._headers, ("Idempotency-Key", str(uuid.uuid4()))]
        return str(_sent(self._gateway, HttpRequest("POST", path, headers=headers, body=b"{}"), 201)["activation_code"])


def _token(gateway: Gateway, client: SeededClient) -> str:
    answer = _ask_token(gateway, client)
    return str(_read_answer(answer, (200, 201), "POST /v1/clinic/tokens")["access_token"])


def _can_sign_in(gateway: Gateway, client: SeededClient) -> bool:
    return _ask_token(gateway, client).status in {200, 201}


def _ask_token(gateway: Gateway, client: SeededClient) -> HttpResponse:
    body = {"grant_type": "client_credentials", **asdict(client)}
    headers = [("Content-Type", "application/json")]
    return gateway.handle(HttpRequest("POST", "/v1/clinic/tokens", headers=headers, body=json.dumps(body).encode()))


def _sent(gateway: Gateway, request: HttpRequest, status: int) -> Any:
    return _read_answer(gateway.handle(request), (status,), f"{request.method} {request.path}")


def _read_answer(answer: HttpResponse, statuses: Iterable[int], call: str) -> Any:
    if answer.status not in statuses:
        raise SeedError(f"{call} answered {answer.status}: {answer.body.decode(errors='replace')[:500]}")
    return answer.json()


def _read(kept: Path | None) -> SeededClinic | None:
    return SeededClinic.read(kept.read_text(encoding="utf-8")) if kept and kept.exists() else None
