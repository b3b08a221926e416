"""Requests for every route of the table: right bodies, and paths whose objects exist, are another's, or miss."""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import app as _app  # noqa: F401  Its import fills the table of routes.
from chalicelib import clock
from chalicelib.domain.notices import Channel
from chalicelib.domain.suppressions import Reason
from chalicelib.domain.webhooks import Outcome, WebhookDeliveryStatus
from chalicelib.handlers.operations import REGISTRY, Operation
from chalicelib.models import webhooks
from chalicelib.models.transaction import transaction
from chalicelib.services import suppressions
from tests.support.clinic_system import happen
from tests.support.crowd import fresh_address
from tests.support.portal import PASSWORD, Answer, Person, Portal
from tests.support.resets import answer_to, ask, confirm, start

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
    first, *_others = portal.emails(somebody.person.patient.email)
    found = re.search(r"/l/(\S+)", first.text or "")
    assert found is not None
    return found[1]


def _registration_of(portal: Portal, whose: Somebody) -> str:
    started = portal.start_registration(
        patient := portal.new_patient(), portal.issue_code(patient).json["activation_code"]
    )
    registration_id: str = started.json["registration_id"]
    return registration_id


def _notice_of(portal: Portal, whose: Somebody) -> str:
    """The notice that registering left, which its reader has not read yet."""
    portal.drain()
    notices = portal.call("GET", "/v1/me/notices", token=whose.new_session()[1]).json["items"]
    notice_id: str = notices[-1]["notice_id"]
    return notice_id


def _device_of(portal: Portal, whose: Somebody) -> str:
    body, token = {"platform": "ios", "push_token": f"token:{uuid.uuid4().hex}"}, whose.new_session()[1]
    made = portal.call("POST", "/v1/me/devices", body, token=token, headers={"Idempotency-Key": str(uuid.uuid4())})
    device_id: str = made.json["device_id"]
    return device_id


def _address_of(portal: Portal, whose: Somebody) -> str:
    """Somebody's mailbox, which nobody else has, and which has sent an email back."""
    email = whose.person.patient.email
    with transaction() as tx:
        suppressions.suppress(tx, Channel.EMAIL, email, Reason.BOUNCE, at=clock.now())
    items = portal.call("GET", "/v1/me/addresses", token=whose.new_session()[1]).json["items"]
    return next(str(item["address_id"]) for item in items if item["channel"] == "email")


def _reset_of(portal: Portal, whose: Somebody) -> str:
    reset_id: str = ask(portal, whose.person.username).json["reset_id"]
    return reset_id


def _webhook_of(portal: Portal, _whose: Somebody) -> str:
    """A webhook of the test's own client."""
    token = portal.client_token()
    for item in portal.call("GET", "/v1/clinic/webhooks", token=token).json["items"]:
        return str(item["webhook_id"])
    return new_webhook(portal, token)


def new_webhook(portal: Portal, token: str) -> str:
    """A webhook of a client, where nobody listens."""
    key, asked = {"Idempotency-Key": str(uuid.uuid4())}, {"url": "http://127.0.0.1:9/"}
    made = portal.call("POST", "/v1/clinic/webhooks", asked, headers=key, token=token)
    assert made.status == 201, made.text
    webhook_id: str = made.json["webhook_id"]
    return webhook_id


def _delivery_of(portal: Portal, whose: Somebody) -> str:
    return new_delivery(portal, portal.client_token(), _webhook_of(portal, whose))


def new_delivery(portal: Portal, token: str, webhook_id: str) -> str:
    """An event that did not arrive at a client's webhook."""
    happen()
    portal.drain()
    path = f"/v1/clinic/webhooks/{webhook_id}/deliveries?status=pending"
    delivery_id: str = portal.call("GET", path, token=token).json["items"][0]["delivery_id"]
    found = webhooks.find_deliveries(webhook_id, [delivery_id])[delivery_id]
    with transaction() as tx:
        webhooks.finish(tx, found, WebhookDeliveryStatus.FAILED, Outcome(status=500))
    return delivery_id


PARAMETERS: dict[str, Callable[[Portal, Somebody], str]] = {
    "pid": lambda _, whose: whose.patient_id,
    "record_id": lambda _, whose: whose.record_id,
    "session_id": lambda _, whose: whose.new_session()[0],
    "registration_id": _registration_of,
    "reset_id": _reset_of,
    "notice_id": _notice_of,
    "device_id": _device_of,
    "address_id": _address_of,
    "webhook_id": _webhook_of,
    "delivery_id": _delivery_of,
    "token": link_of,
    "kind": lambda *_: "terms",
}
"""What stands for an object in a path, by the name of the parameter."""

OF_CLIENTS = frozenset({"webhook_id", "delivery_id"})
"""Parameters whose objects are a client's."""

UNSHARED = frozenset({"kind", "token", "registration_id", "reset_id"})
"""Parameters whose objects are nobody's in particular: whoever knows them may use them."""

ABSENT = {
    "pid": f"pat_{MISSING_ID}",
    "record_id": f"rec_{MISSING_ID}",
    "session_id": f"ses_{MISSING_ID}",
    "registration_id": f"reg_{MISSING_ID}",
    "reset_id": f"rst_{MISSING_ID}",
    "notice_id": f"ntc_{MISSING_ID}",
    "device_id": f"psh_{MISSING_ID}",
    "address_id": f"adr_{MISSING_ID}",
    "webhook_id": f"whk_{MISSING_ID}",
    "delivery_id": f"dlv_{MISSING_ID}",
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

    def reset() -> dict[str, Any]:
        whose = somebody(portal).person
        reset = start(portal, whose.username, whose.patient.email)
        sent = {"otp": reset.code, "new_password": "nine violet harbors wait"}
        asked = confirm(portal, reset.reset_id, sent["new_password"], otp=reset.code)
        return {**sent, "security_answer": answer_to(portal, asked), "_path": {"reset_id": reset.reset_id}}

    return {
        "sessions_sign_in": lambda: {"username": whose.person.username, "password": PASSWORD},
        "sessions_refresh": lambda: {"refresh_token": whose.person.session["refresh_token"]},
        "accounts_register": registration,
        "accounts_create_account": account,
        "accounts_verify_email": lambda: {"token": link_of(portal, whose), "date_of_birth": "1961-04-12"},
        "accounts_edit_me": lambda: {"time_zone": "Europe/Madrid"},
        "accounts_change_password": lambda: {"current_password": PASSWORD, "new_password": "nine violet harbors wait"},
        "recovery_request_reset": lambda: {"identifier": whose.person.username},
        "recovery_confirm_reset": reset,
        "recovery_remind_of_username": lambda: {"email": whose.person.patient.email},
        "clinic_create_token": lambda: {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": secret,
        },
        "clinic_issue_activation_code": lambda: {"_path": {"pid": portal.new_patient().patient_id}},
        "webhooks_create_webhook": lambda: {"url": "http://127.0.0.1:9/", "types": ["account.created"]},
        "webhooks_replay": lambda: {"_path": {"webhook_id": _webhook_of(portal, whose)}},
        "clinic_import_fhir": lambda: condition(f"Patient/{whose.person.patient.resource_id}"),
        "preferences_replace_preferences": lambda: {"rows": [], "quiet_hours": {"starts": "22:00", "ends": "07:00"}},
        "push_devices_register_device": lambda: {"platform": "ios", "push_token": f"token:{uuid.uuid4().hex}"},
        "push_devices_refresh_device": lambda: {
            "push_token": f"token:{uuid.uuid4().hex}",
            "_path": {"device_id": _device_of(portal, whose)},
        },
        "security_phrase_replace_phrase": lambda: {"security_phrase": "two grey herons"},
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
