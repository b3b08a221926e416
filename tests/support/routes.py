"""Requests for every route of the table: right bodies, and paths whose objects exist, are another's, or miss."""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import app as _app  # noqa: F401  Its import fills the table of routes.
from chalicelib.handlers.operations import REGISTRY, Operation
from tests.support.crowd import fresh_address
from tests.support.portal import PASSWORD, Answer, Person, Portal

OWN, ANOTHERS, MISSING = "own", "another's", "missing"

MISSING_ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def condition(patient: str = "Patient/me", **changes: Any) -> dict[str, Any]:
    """A Condition resource about a patient."""
    return {
        "resourceType": "Condition",
        "id": f"condition-{uuid.uuid4().hex[:8]}",
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "code": {"text": "Hay fever"},
        "subject": {"reference": patient},
        **changes,
    }


@dataclass(frozen=True)
class Somebody:
    """A person with one record, so that every kind of object of theirs exists."""

    person: Person
    record_id: str

    @property
    def patient_id(self) -> str:
        return self.person.patient.patient_id

    def new_session(self) -> tuple[str, str]:
        """The id and access token of one more session."""
        answer = self.person.portal.sign_in(self.person.username, source_ip=fresh_address())
        assert answer.status == 201, answer.text
        return answer.json["session_id"], answer.json["access_token"]


def somebody(portal: Portal) -> Somebody:
    """A person with one record and a confirmed account."""
    resource_id = f"somebody-{uuid.uuid4().hex[:8]}"
    patient = portal.new_patient(id=resource_id, resources=(condition(f"Patient/{resource_id}"),))
    person = portal.register(patient)
    (record,) = person.get("/v1/patients/me/records").json["items"]
    return Somebody(person, record["record_id"])


def link_of(portal: Portal, somebody: Somebody) -> str:
    """The token of the link in somebody's confirmation email."""
    (email,) = portal.emails(somebody.person.patient.email)
    found = re.search(r"/l/(\S+)", email.text or "")
    assert found is not None
    return found[1]


def _registration_of(portal: Portal, whose: Somebody) -> str:
    started = portal.start_registration(
        patient := portal.new_patient(), portal.issue_code(patient).json["activation_code"]
    )
    registration_id: str = started.json["registration_id"]
    return registration_id


PARAMETERS: dict[str, Callable[[Portal, Somebody], str]] = {
    "pid": lambda _, whose: whose.patient_id,
    "record_id": lambda _, whose: whose.record_id,
    "session_id": lambda _, whose: whose.new_session()[0],
    "registration_id": _registration_of,
    "token": link_of,
    "kind": lambda *_: "terms",
}
"""What stands for an object in a path, by the name of the parameter."""

UNSHARED = frozenset({"kind", "token", "registration_id"})
"""Parameters whose objects are nobody's in particular: whoever knows them may use them."""

ABSENT = {
    "pid": f"pat_{MISSING_ID}",
    "record_id": f"rec_{MISSING_ID}",
    "session_id": f"ses_{MISSING_ID}",
    "registration_id": f"reg_{MISSING_ID}",
    "token": MISSING_ID + "A" * 22,
    "kind": "nothing-of-the-kind",
}


def parameters(operation: Operation) -> list[str]:
    """The names in a route's path."""
    return re.findall(r"{(\w+)}", operation.path)


def by_id(operation_id: str) -> Operation:
    """The operation of an id."""
    return next(operation for operation in REGISTRY if operation.id == operation_id)


def bodies(portal: Portal, whose: Somebody) -> dict[str, Callable[[], dict[str, Any]]]:
    """A right body for each operation that takes a JSON object, made when it is asked for."""
    client_id, secret = portal.client_credentials

    def registration() -> dict[str, Any]:
        patient = portal.new_patient()
        return {
            "method": "activation_code",
            "clinic_number": patient.clinic_number,
            "activation_code": portal.issue_code(patient).json["activation_code"],
            "first_name": patient.first_name,
            "last_name": patient.last_name,
            "date_of_birth": patient.date_of_birth,
        }

    def account() -> dict[str, Any]:
        patient = portal.new_patient()
        started = portal.start_registration(patient, portal.issue_code(patient).json["activation_code"]).json
        return {
            "registration_token": started["registration_token"],
            "username": f"user-{uuid.uuid4().hex[:12]}",
            "password": PASSWORD,
            "security_answers": portal.security_answers(),
            "terms_version": started["terms_version"],
            "_path": {"registration_id": started["registration_id"]},
        }

    return {
        "sessions_sign_in": lambda: {"username": whose.person.username, "password": PASSWORD},
        "sessions_refresh": lambda: {"refresh_token": whose.person.session["refresh_token"]},
        "accounts_register": registration,
        "accounts_create_account": account,
        "accounts_verify_email": lambda: {"token": link_of(portal, whose), "date_of_birth": "1961-04-12"},
        "accounts_edit_me": lambda: {"time_zone": "Europe/Madrid"},
        "accounts_change_password": lambda: {"current_password": PASSWORD, "new_password": "nine violet harbors wait"},
        "clinic_create_token": lambda: {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": secret,
        },
        "clinic_issue_activation_code": lambda: {"_path": {"pid": portal.new_patient().patient_id}},
        "clinic_import_fhir": lambda: condition(f"Patient/{whose.person.patient.resource_id}"),
        "pages_act_on_link": lambda: {"date_of_birth": "1961-04-12", "_path": {"token": link_of(portal, whose)}},
    }


def send(
    portal: Portal, operation: Operation, path: dict[str, str], body: dict[str, Any] | None, token: str | None = None
) -> Answer:
    """One request on a route, with whatever headers the route asks for."""
    url = operation.path.format(**path)
    headers = {"Idempotency-Key": str(uuid.uuid4())} if operation.creates else {}
    if operation.edits:
        headers["If-Match"] = f'"{portal.call("GET", url, token=token).header("etag") or ""}"'.replace('""', '"')
    if body is None or not operation.takes_body:
        return portal.call(operation.method, url, headers=headers, token=token)
    if operation.media_types[0] == "application/x-www-form-urlencoded":
        form = "&".join(f"{name}={value}" for name, value in body.items()).encode()
        headers["Content-Type"] = operation.media_types[0]
        return portal.call(operation.method, url, raw=form, headers=headers, token=token)
    return portal.call(operation.method, url, body, headers=headers, token=token)
