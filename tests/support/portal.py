"""The whole portal in this process: the embedded AWS, the app behind the gateway, and people to act as.

Tests talk to it as clients do, by requests. Every answer is checked against the OpenAPI document on its way.
"""

import itertools
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from infra.local.aws import Aws
from infra.local.gateway import Gateway, HttpRequest, portal_gateway
from infra.local.outgoing import SentEmail
from infra.local.pump import Pump
from tests.support.contract import check_answer

PASSWORD = "seven green teapots sing"
SCOPES = ("records.read", "records.write", "patients.read", "activation_codes.write", "events.read", "webhooks.write")
_KEPT = timedelta(minutes=5)
"""How long a client's token serves; asking for one takes as long as three other requests."""

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Answer:
    """What a client got: header names are in lower case."""

    status: int
    headers: Mapping[str, list[str]]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()

    def header(self, name: str) -> str | None:
        return next(iter(self.headers.get(name.lower(), ())), None)


@dataclass(frozen=True)
class Patient:
    """A patient whom a test had the clinic's system import."""

    patient_id: str
    clinic_number: str
    first_name: str
    last_name: str
    date_of_birth: str
    email: str
    resource_id: str


@dataclass
class Person:
    """Somebody with an account, signed in."""

    portal: "Portal"
    patient: Patient
    username: str
    password: str
    session: dict[str, Any] = field(repr=False)

    @property
    def token(self) -> str:
        token: str = self.session["access_token"]
        return token

    def get(self, path: str, **more: Any) -> Answer:
        return self.portal.call("GET", path, token=self.token, **more)

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        return self.portal.call(method, path, body, token=self.token, **more)


class Portal:
    """The running portal and everything that a test does from outside it."""

    def __init__(self, aws: Aws) -> None:
        import app

        self.aws = aws
        self.app = app
        self.gateway: Gateway = portal_gateway(app.app)
        self.pump = Pump(app, aws)
        self._kept_token: tuple[str, datetime] | None = None

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        raw: bytes | None = None,
        source_ip: str = "203.0.113.7",
        checked: bool = True,
    ) -> Answer:
        """One request. `body` goes as JSON, `raw` as it is; `checked` False leaves the answer unchecked."""
        path, _, query = path.partition("?")
        sent = {
            "Content-Type": "application/json",
            **({"Authorization": f"Bearer {token}"} if token else {}),
            **(headers or {}),
        }
        payload = raw if raw is not None else (b"" if body is None else json.dumps(body).encode())
        given = self.gateway.handle(HttpRequest(method, path, query, list(sent.items()), payload, source_ip))
        found: dict[str, list[str]] = {}
        for name, value in given.headers:
            found.setdefault(name.lower(), []).append(value)
        answer = Answer(given.status, found, given.body)
        if checked:
            check_answer(method, path, answer.status, answer.header("content-type"), answer.body)
        return answer

    def drain(self) -> int:
        """Let everything asynchronous happen now; returns how many records were handled."""
        return self.pump.drain()

    def emails(self, to: str | None = None) -> list[SentEmail]:
        """Every email that went out, or those to one address, oldest first."""
        self.drain()
        return [email for email in self.aws.sent_emails() if to is None or to in email.to]

    @cached_property
    def client_credentials(self) -> tuple[str, str]:
        """Id and secret of a service client with every scope."""
        return self.new_client(*SCOPES)

    def new_client(self, *scopes: str) -> tuple[str, str]:
        """A service client with some scopes."""
        from chalicelib.domain.access import ClientScope
        from chalicelib.services import clients

        return clients.create("A test", [ClientScope(scope) for scope in scopes])

    def client_token(self, credentials: tuple[str, str] | None = None) -> str:
        """An access token of a service client: a fresh one of the client that is named, else one with every scope."""
        if credentials is not None:
            return self._fresh_token(credentials)
        from chalicelib import clock

        token, since = self._kept_token or ("", clock.now() + _KEPT)
        if not since <= clock.now() < since + _KEPT:
            token = self._fresh_token(self.client_credentials)
            self._kept_token = token, clock.now()
        return token

    def _fresh_token(self, credentials: tuple[str, str]) -> str:
        client_id, secret = credentials
        asked = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        token: str = self.call("POST", "/v1/clinic/tokens", asked).json["access_token"]
        return token

    def import_fhir(self, payload: Any, *, token: str | None = None) -> Answer:
        """Import a bundle or a resource, as text, bytes or JSON value."""
        raw = (
            payload
            if isinstance(payload, bytes)
            else payload.encode()
            if isinstance(payload, str)
            else json.dumps(payload).encode()
        )
        headers = {"Content-Type": "application/fhir+json"}
        return self.call("POST", "/v1/clinic/fhir", raw=raw, headers=headers, token=token or self.client_token())

    def new_patient(self, *, resources: tuple[dict[str, Any], ...] = (), **changes: Any) -> Patient:
        """A patient of the clinic, imported with further resources whose `subject` should be `Patient/<resource_id>`.

        `changes` replace elements of the Patient resource (birthDate, name, telecom, deceasedBoolean …).
        """
        number = next(_numbers)
        resource_id = changes.pop("id", f"test-{number}-{uuid.uuid4().hex[:8]}")
        mrn = f"MRN-{resource_id}"
        email = f"patient-{resource_id}@example.org"
        resource = {
            "resourceType": "Patient",
            "id": resource_id,
            "identifier": [{"system": "https://test.example/mrn", "value": mrn}],
            "name": [{"use": "official", "given": ["Ingrid", "Mae"], "family": "Solberg"}],
            "birthDate": "1961-04-12",
            "telecom": [{"system": "email", "value": email}, {"system": "phone", "value": "+13125550142"}],
            **changes,
        }
        entries = [{"resource": one} for one in (resource, *resources)]
        done = self.import_fhir({"resourceType": "Bundle", "type": "collection", "entry": entries})
        assert done.status == 200, done.text
        assert done.json["refused"] == [], done.json
        found = self.call("GET", f"/v1/clinic/patients?identifier={mrn}", token=self.client_token()).json["items"][0]
        name = resource["name"][0]
        return Patient(
            patient_id=found["patient_id"],
            clinic_number=found["clinic_number"],
            first_name=name["given"][0],
            last_name=name["family"],
            date_of_birth=resource["birthDate"],
            email=email,
            resource_id=resource_id,
        )

    def issue_code(self, patient: Patient, *, key: str | None = None) -> Answer:
        """An activation code for a patient, as the clinic's system gets it."""
        path = f"/v1/clinic/patients/{patient.patient_id}/activation-codes"
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        return self.call("POST", path, {}, headers=headers, token=self.client_token())

    def start_registration(self, patient: Patient, code: str, **changes: Any) -> Answer:
        """The first half of registering, from a network of their own; `changes` replace fields of the request."""
        from tests.support.crowd import fresh_address

        asked = {
            "method": "activation_code",
            "clinic_number": patient.clinic_number,
            "activation_code": code,
            "first_name": patient.first_name,
            "last_name": patient.last_name,
            "date_of_birth": patient.date_of_birth,
            **changes,
        }
        return self.call("POST", "/v1/registrations", asked, source_ip=fresh_address())

    def finish_registration(self, started: dict[str, Any], **changes: Any) -> Answer:
        """The second half, from a network of their own; `changes` replace fields of the request."""
        from tests.support.crowd import fresh_address

        asked = {
            "registration_token": started["registration_token"],
            "username": f"user-{uuid.uuid4().hex[:12]}",
            "password": PASSWORD,
            "security_answers": self.security_answers(),
            "terms_version": started["terms_version"],
            **changes,
        }
        path = f"/v1/registrations/{started['registration_id']}/account"
        return self.call("POST", path, asked, source_ip=fresh_address())

    def security_answers(self) -> list[dict[str, str]]:
        """Three good answers."""
        items = self.call("GET", "/v1/security-questions").json["items"][:3]
        return [
            {"question_id": item["question_id"], "answer": f"an answer {place}"} for place, item in enumerate(items)
        ]

    def register(self, patient: Patient | None = None, **changes: Any) -> Person:
        """Somebody with an account, signed in: a new patient where none is given."""
        patient = patient or self.new_patient()
        code = self.issue_code(patient).json["activation_code"]
        started = self.start_registration(patient, code)
        assert started.status == 201, started.text
        username = changes.pop("username", f"user-{uuid.uuid4().hex[:12]}")
        password = changes.get("password", PASSWORD)
        finished = self.finish_registration(started.json, username=username, **{"email": patient.email, **changes})
        assert finished.status == 201, finished.text
        return Person(self, patient, username, password, finished.json)

    def sign_in(self, username: str, password: str = PASSWORD, **more: Any) -> Answer:
        """One try to sign in; `more` goes to `call` (source_ip, headers) or, as `body`, into the request."""
        extra = more.pop("body", {})
        return self.call("POST", "/v1/sessions", {"username": username, "password": password, **extra}, **more)

    def advance(self, **by: float) -> None:
        """Move the portal's clock on: `advance(minutes=5)`."""
        from chalicelib import clock

        clock.advance(timedelta(**by))

    def rows(self, area: str) -> list[dict[str, Any]]:
        """Every item of a table as DynamoDB has it, for tests that look for what must not be there."""
        from chalicelib.settings import settings

        pages = self.aws.client("dynamodb").get_paginator("scan").paginate(TableName=settings().table(area))
        return [item for page in pages for item in page["Items"]]

    def count(self, area: str) -> int:
        """How many items a table has."""
        from chalicelib.settings import settings

        paginator = self.aws.client("dynamodb").get_paginator("scan")
        pages = paginator.paginate(TableName=settings().table(area), Select="COUNT")
        return sum(page["Count"] for page in pages)
