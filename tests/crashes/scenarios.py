"""Changes whose messages must arrive: each is one request, and the messages that it owes."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from tests.support import fhir
from tests.support.portal import Person, Portal
from tests.support.sign_in import confirm_email, token_in

State = dict[str, Any]
"""What a change and its check need to know of what was prepared: JSON, since it goes from process to process."""

Row = dict[str, Any]
Sent = tuple[str, str]
"""The channel of a message and where it went."""

NEW_PASSWORD = "twelve purple kettles hum"
_PHONE = "+13125550142"


@dataclass(frozen=True)
class Scenario:
    """One change over the API.

    `prepare` makes everything before it; `change` is the one request; `is_made` says by the rows of the accounts and
    patients tables whether the change's transaction was committed. `owes` are the messages then due. `copies` are the
    accounts that then have the portal's own copy, each with the channels that did not reach them, if any. `events` are
    the kinds of events that the clinic's systems are told of.
    """

    prepare: Callable[[Portal], State]
    change: Callable[[Portal, State], None]
    is_made: Callable[[State, list[Row]], bool]
    owes: Callable[[State], list[Sent]]
    copies: Callable[[State, list[Row]], list[str]]
    events: tuple[str, ...] = ()


def _prepare_registration(portal: Portal) -> State:
    patient = portal.new_patient()
    code = portal.issue_code(patient).json["activation_code"]
    started = portal.start_registration(patient, code)
    assert started.status == 201, started.text
    answers = portal.security_answers()
    return {"started": started.json, "email": patient.email, "username": f"u-{uuid.uuid4().hex}", "answers": answers}


def _register(portal: Portal, state: State) -> None:
    named = {"username": state["username"], "email": state["email"], "security_answers": state["answers"]}
    finished = portal.finish_registration(state["started"], **named)
    assert finished.status == 201, finished.text


def _accounts_named(state: State, rows: list[Row]) -> list[str]:
    return [row["pk"]["S"] for row in rows if _has(row, kind="account", username=state["username"])]


def _prepare_reset(portal: Portal) -> State:
    """Somebody with a confirmed email, a phone on file and the app, who has the reset's email open."""
    person = _reachable(portal)
    asked = portal.call("POST", "/v1/password-resets", {"identifier": person.username})
    assert asked.status == 202, asked.text
    link = token_in(portal.emails(person.patient.email)[-1])
    state: State = {
        "path": f"/v1/password-resets/{asked.json['reset_id']}/confirm",
        "body": {"token": link, "new_password": NEW_PASSWORD},
        "account_id": _account_id(person),
        "email": person.patient.email,
        "device": _device_token(person),
    }
    refused = portal.call("POST", state["path"], state["body"])
    assert refused.status == 403, refused.text
    answers = {one["question_id"]: one["answer"] for one in portal.security_answers()}
    state["body"]["security_answer"] = answers[refused.json["question"]["question_id"]]
    state["hash"] = _password_hash(state, portal.rows("accounts"))
    return state


def _reset(portal: Portal, state: State) -> None:
    done = portal.call("POST", state["path"], state["body"])
    assert done.status == 204, done.text


def _password_hash(state: State, rows: list[Row]) -> str:
    (found,) = [row["password_hash"]["S"] for row in rows if _has(row, kind="account", pk=state["account_id"])]
    return str(found)


def _has(row: Row, **texts: str) -> bool:
    return all(row.get(name) == {"S": text} for name, text in texts.items())


def _prepare_results(portal: Portal) -> State:
    """A patient with the app and a confirmed email, and a caregiver whom only a text message reaches."""
    person = _reachable(portal)
    phone = [{"system": "phone", "value": "+13125550177"}]
    caregiver = portal.register(portal.new_patient(telecom=phone), email=None)
    _grant(person, caregiver)
    return {
        "resource": fhir.lab(f"Patient/{person.patient.resource_id}", effectiveDateTime=_today()),
        "token": portal.client_token(),
        "records": _records(portal.rows("patients")),
        "account_id": _account_id(person),
        "caregiver_id": _account_id(caregiver),
        "email": person.patient.email,
        "device": _device_token(person),
    }


def _prepare_bounced(portal: Portal) -> State:
    """A patient whose email has bounced, and whom a text message would reach."""
    from chalicelib import clock
    from chalicelib.domain.notices import Channel
    from chalicelib.domain.suppressions import Reason
    from chalicelib.models.transaction import transaction
    from chalicelib.services import suppressions

    person = portal.register()
    confirm_email(portal, person)
    with transaction() as tx:
        suppressions.suppress(tx, Channel.EMAIL, person.patient.email, Reason.BOUNCE, at=clock.now())
    return {
        "resource": fhir.lab(f"Patient/{person.patient.resource_id}", effectiveDateTime=_today()),
        "token": portal.client_token(),
        "records": _records(portal.rows("patients")),
        "account_id": _account_id(person),
    }


def _import(portal: Portal, state: State) -> None:
    done = portal.import_fhir(state["resource"], token=state["token"])
    assert (done.status, done.json["refused"]) == (200, []), done.text


def _today() -> str:
    from chalicelib import clock

    return clock.stamp(clock.now())


def _grant(person: Person, caregiver: Person) -> None:
    from chalicelib.domain.caregivers import Grant, Scope
    from chalicelib.models.caregivers import put_grant
    from chalicelib.models.transaction import transaction

    with transaction() as tx:
        put_grant(tx, person.patient.patient_id, Grant(_account_id(caregiver), frozenset({Scope.RESULTS})))


def _reachable(portal: Portal) -> Person:
    person = portal.register()
    confirm_email(portal, person)
    body = {"platform": "android", "push_token": _device_token(person)}
    made = person.call("POST", "/v1/me/devices", body, headers={"Idempotency-Key": str(uuid.uuid4())})
    assert made.status == 201, made.text
    return person


def _device_token(person: Person) -> str:
    return f"token-{person.username}"


def _account_id(person: Person) -> str:
    account_id: str = person.session["account"]["account_id"]
    return account_id


def _records(rows: list[Row]) -> int:
    return len([row for row in rows if _has(row, kind="record")])


def _prepare_closing(portal: Portal) -> State:
    """Somebody with a confirmed email, a phone on file and the app, who is about to close their account."""
    person = _reachable(portal)
    strong = portal.call("POST", "/v1/me/step-up", {"password": person.password}, token=person.token)
    assert strong.status == 201, strong.text
    token = strong.json["access_token"]
    return {"account_id": _account_id(person), "email": person.patient.email, "token": token}


def _close(portal: Portal, state: State) -> None:
    done = portal.call("DELETE", "/v1/me", token=state["token"])
    assert done.status == 200, done.text


def _is_closed(state: State, rows: list[Row]) -> bool:
    return any("closing_id" in row for row in rows if _has(row, kind="account", pk=state["account_id"]))


SCENARIOS: Final = {
    "an account is made: its email is to be confirmed": Scenario(
        prepare=_prepare_registration,
        change=_register,
        is_made=lambda state, rows: bool(_accounts_named(state, rows)),
        owes=lambda state: [("email", state["email"])],
        copies=_accounts_named,
        events=("account.created",),
    ),
    "a password is set anew: every address is told": Scenario(
        prepare=_prepare_reset,
        change=_reset,
        is_made=lambda state, rows: _password_hash(state, rows) != state["hash"],
        owes=lambda state: [("email", state["email"]), ("sms", _PHONE), ("push", state["device"])],
        copies=lambda state, _rows: [state["account_id"]],
    ),
    "an account is closed: every address is told": Scenario(
        prepare=_prepare_closing,
        change=_close,
        is_made=_is_closed,
        owes=lambda state: [("email", state["email"]), ("sms", _PHONE)],
        copies=lambda state, _rows: [state["account_id"]],
        events=("account.closed",),
    ),
    "results arrive: the patient and the caregiver are told": Scenario(
        prepare=_prepare_results,
        change=_import,
        is_made=lambda state, rows: _records(rows) > state["records"],
        owes=lambda state: [("email", state["email"]), ("push", state["device"]), ("sms", "+13125550177")],
        copies=lambda state, _rows: [state["account_id"], state["caregiver_id"]],
    ),
    "results arrive: where the email has bounced, the next channel is taken": Scenario(
        prepare=_prepare_bounced,
        change=_import,
        is_made=lambda state, rows: _records(rows) > state["records"],
        owes=lambda _state: [("sms", _PHONE)],
        copies=lambda state, _rows: [f"{state['account_id']} email:failed"],
    ),
}
