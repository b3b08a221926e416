"""DESIGN, section 3: calls of DynamoDB in sequence, one request at a time."""

import uuid
from collections.abc import Callable
from functools import partial

import pytest

from tests.support.aws_calls import recorded
from tests.support.portal import Answer, Portal
from tests.support.promises import Promise
from tests.support.routes import Somebody, condition, somebody


@pytest.fixture(scope="module")
def me(portal: Portal) -> Somebody:
    me = somebody(portal)
    subject = f"Patient/{me.person.patient.resource_id}"
    assert (
        portal.import_fhir(
            {
                "resourceType": "Bundle",
                "type": "collection",
                "entry": [{"resource": condition(subject)} for _ in range(4)],
            }
        ).json["created"]
        == 4
    )
    return me


def _calls(ask: Callable[[], Answer]) -> int:
    with recorded() as calls:
        answer = ask()
    assert answer.status < 300, answer.text
    # The portal makes its calls one after the other, so that their number is the depth.
    return len([call for call in calls if call.service == "dynamodb"])


@pytest.mark.promise
def test_reading_ones_own_data_takes_two_round_trips(portal: Portal, me: Somebody, promise: Promise) -> None:
    """Signing in, and the query."""
    first = me.person.get("/v1/patients/me/records?limit=2").json
    assert first["next_cursor"]
    paths = {
        "the first page of one's own record": "/v1/patients/me/records?limit=2",
        "a later page": f"/v1/patients/me/records?limit=2&cursor={first['next_cursor']}",
        "a page of one category": "/v1/patients/me/records?category=condition",
        "a search": "/v1/patients/me/records?q=hay",
        "one record": f"/v1/patients/me/records/{me.record_id}",
        "one record as FHIR": f"/v1/patients/me/records/{me.record_id}?format=fhir",
        "one's own account": "/v1/me",
    }
    for what, path in paths.items():
        promise(
            "AP 4",
            f"{what}: DynamoDB round trips in sequence",
            asked=2,
            measured=_calls(partial(me.person.get, path)),
        )


@pytest.mark.promise
def test_writing_takes_three_round_trips_at_most(portal: Portal, me: Somebody, promise: Promise) -> None:
    patient, token = portal.new_patient(), portal.client_token()
    session_id, _ = me.new_session()
    writes: dict[str, Callable[[], Answer]] = {
        "issuing an activation code": lambda: portal.call(
            "POST",
            f"/v1/clinic/patients/{patient.patient_id}/activation-codes",
            {},
            headers={"Idempotency-Key": str(uuid.uuid4())},
            token=token,
        ),
        "ending a session": lambda: me.person.call("DELETE", f"/v1/sessions/{session_id}"),
        "ending the other sessions": lambda: me.person.call("DELETE", "/v1/sessions/others"),
    }
    for what, ask in writes.items():
        measured = _calls(ask)
        promise(
            "AP 4",
            f"{what}: DynamoDB round trips in sequence",
            asked="at most 3",
            measured=measured,
            passed=measured <= 3,
        )


def test_what_needs_no_dependency_makes_no_call(portal: Portal) -> None:
    for path in ("/v1/health", "/v1/config", "/v1/errors", "/v1/openapi.json", "/v1/legal/terms"):
        assert _calls(partial(portal.call, "GET", path)) == 0
