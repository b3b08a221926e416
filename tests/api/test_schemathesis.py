"""Every operation of the OpenAPI document, called with data that fits it and data that does not (promise AP 2)."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import Any, TypeAlias

import pytest
import schemathesis
from schemathesis.core.failures import FailureGroup

import app
from chalicelib.handlers import openapi
from chalicelib.handlers.operations import REGISTRY
from infra.local.gateway import HttpRequest, HttpResponse
from infra.local.server import LocalServer
from tests.support.notices import told
from tests.support.portal import Person, Portal
from tests.support.promises import Promise
from tests.support.sizes import size

assert app.app is not None  # Its import registers the operations.

Case: TypeAlias = schemathesis.Case[Any]

schema = schemathesis.openapi.from_dict(
    openapi.document(),
    config=schemathesis.Config.from_dict(
        {
            "seed": 1,
            "generation": {"deterministic": True, "max-examples": size("AP 2"), "mode": "all"},
            "phases": {"stateful": {"enabled": False}},
            "checks": {
                # Data of the right shape may still break a rule: a code that is none, a birth date that is another's.
                "positive_data_acceptance": {"enabled": False},
                # An edit without If-Match is 428 (RFC 6585), which schemathesis does not expect by itself.
                "missing_required_header": {"expected-statuses": [400, 401, 403, 406, 415, 422, 428]},
            },
        }
    ),
)

_ENDS_ITS_SESSION = {"sessions_sign_out", "sessions_end_session", "accounts_change_password"}


class Callers:
    """Who calls: a patient with a record, and a clinic's system. Every other call is about something that exists."""

    def __init__(self, portal: Portal, url: str) -> None:
        self._portal = portal
        self._url = url
        self._person = _person_with_a_record(portal)
        self._client_token = portal.client_token()
        self._known = _known(self._person)
        self._turns = itertools.count()
        self.called: set[str] = set()
        self.faults = 0
        self.off_schema = 0

    def check(self, case: Case) -> None:
        """Call as whoever the operation is for, and hold the answer against the document."""
        if next(self._turns) % 2:
            self._aim(case)
        headers = self._headers(case)
        self.called.add(case.operation.definition.raw["operationId"])
        answer = case.call(base_url=self._url, headers=headers)
        self.faults += answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
        with self._counting_answers_off_their_schema():
            case.validate_response(answer, headers=headers)

    @contextmanager
    def _counting_answers_off_their_schema(self) -> Iterator[None]:
        try:
            yield
        except FailureGroup:
            self.off_schema += 1
            raise

    def _aim(self, case: Case) -> None:
        for name in case.path_parameters or {}:
            if name in self._known:
                case.path_parameters[name] = self._known[name]

    def _headers(self, case: Case) -> dict[str, str]:
        security = case.operation.definition.raw["security"]
        if not security:
            return {}
        if security == [{"bearer": []}]:
            return {"Authorization": f"Bearer {self._client_token}"}
        if case.operation.definition.raw["operationId"] in _ENDS_ITS_SESSION:
            signed_in = self._portal.sign_in(self._person.username, source_ip="203.0.113.200")
            return {"Authorization": f"Bearer {signed_in.json['access_token']}"}
        return {"Authorization": f"Bearer {self._person.token}"}


def _person_with_a_record(portal: Portal) -> Person:
    weight: dict[str, Any] = {
        "resourceType": "Observation",
        "id": "schemathesis-weight",
        "status": "final",
        "category": [
            {
                "coding": [
                    {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}
                ]
            }
        ],
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7", "display": "Body weight"}]},
        "subject": {"reference": "Patient/schemathesis"},
        "effectiveDateTime": "2026-03-04T10:00:00-06:00",
    }
    return portal.register(portal.new_patient(id="schemathesis", resources=(weight,)))


def _known(person: Person) -> dict[str, str]:
    record = person.get("/v1/patients/me/records").json["items"][0]
    return {
        "pid": person.patient.patient_id,
        "record_id": record["record_id"],
        "kind": "terms",
        "session_id": person.get("/v1/sessions").json["items"][0]["session_id"],
        "notice_id": told(person),
        "device_id": _device(person),
    }


def _device(person: Person) -> str:
    body = {"platform": "ios", "push_token": "schemathesis"}
    made = person.call("POST", "/v1/me/devices", body, headers={"Idempotency-Key": "schemathesis"})
    device_id: str = made.json["device_id"]
    return device_id


@pytest.fixture(scope="module")
def callers(portal: Portal) -> Iterator[Callers]:
    numbers = itertools.count()

    def from_its_own_address(request: HttpRequest) -> HttpResponse:
        """Answer each call as if it came from somewhere else, so that no rate limit hides what lies behind it."""
        number = next(numbers)
        return portal.gateway.handle(replace(request, source_ip=f"10.9.{number >> 8 & 255}.{number & 255}"))

    with LocalServer(from_its_own_address, portal.gateway.refuse) as server:
        yield Callers(portal, server.url)


@pytest.mark.promise
@schema.parametrize()
def test_no_data_leads_to_a_fault_or_to_an_undescribed_answer(case: Case, callers: Callers) -> None:
    callers.check(case)


@pytest.mark.promise
def test_every_operation_was_called_and_none_failed(callers: Callers, promise: Promise) -> None:
    promise("AP 2", "operations called by schemathesis", asked=len(REGISTRY), measured=len(callers.called))
    promise("AP 2", "answers with 5xx", asked=0, measured=callers.faults)
    promise("AP 2", "answers off their schema", asked=0, measured=callers.off_schema)
