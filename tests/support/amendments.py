"""Requests for corrections, as patients make them and as the clinic answers."""

import uuid
from typing import Any

from chalicelib.domain.access import Actor, ActorKind, Reach
from chalicelib.domain.amendments import Correction
from chalicelib.domain.staff import Role
from chalicelib.services import amendments
from chalicelib.services.once import Once
from tests.support.people import new_account, new_staff, token_of
from tests.support.portal import Answer, Person, Portal

CLINIC = "/v1/clinic/amendments"
WORDS = {"reason": "I never had this.", "correction": "Take it out, please."}


def path(patient_id: str = "me") -> str:
    return f"/v1/patients/{patient_id}/amendments"


def ask(portal: Portal, token: str, patient_id: str = "me", **changes: Any) -> Answer:
    """A request; `changes` replace its fields."""
    headers = changes.pop("headers", None) or {"Idempotency-Key": str(uuid.uuid4())}
    return portal.call("POST", path(patient_id), {**WORDS, **changes}, token=token, headers=headers)


def asked(person: Person, **changes: Any) -> str:
    """The id of a request of the patient's own."""
    answer = ask(person.portal, token_of(person.session["account"]["account_id"]), **changes)
    assert answer.status == 201, answer.text
    amendment_id: str = answer.json["amendment_id"]
    return amendment_id


def asked_about(patient_id: str, record_id: str | None = None) -> str:
    """The id of a request by somebody, without the steps and the limits."""
    actor = Actor(ActorKind.ACCOUNT, new_account())
    once = Once.of(caller=actor.key, route="a test", path={}, key=str(uuid.uuid4()), body=b"")
    wanted = Correction(record_id, WORDS["reason"], WORDS["correction"])
    return amendments.ask(actor, Reach(patient_id), wanted, once).amendment_id


def decide(portal: Portal, amendment_id: str, how: str, body: Any, token: str | None = None) -> Answer:
    """What somebody of the clinic says to it."""
    token = token or token_of(new_staff(Role.CLINICIAN))
    return portal.call("POST", f"{CLINIC}/{amendment_id}/{how}", body, token=token)
