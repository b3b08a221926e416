"""AC 5 without the sealing, which has tests of its own: changes and looks are written down, before the answer."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.handlers.operations import REGISTRY
from tests.support.aws_calls import AwsCall, failing, recorded, refused, unreachable
from tests.support.portal import Answer, Portal
from tests.support.promises import Promise
from tests.support.routes import (
    LOOKS,
    PARAMETERS,
    Somebody,
    bodies,
    by_id,
    parameters,
    ready_for,
    send,
    somebody,
    token_for,
)

ALONE = ("limit#", "tally#")
"""Counters of tries are written alone, as are the tries of a link or a code (attribute `tries`)."""


UNCHANGING = {"sessions_refresh", "passkeys_sign_in_options", "passkeys_creation_options"}
"""Refreshing moves a session to its next generation, and a challenge is stored only once it is used."""

OF_TWO_PATIENTS = {"merges_preview_merge", "merges_merge_patients", "merges_undo_merge"}
"""Operations that stand in the history of two patients."""

CHANGING = [
    operation.id for operation in REGISTRY if operation.method not in {"GET", "HEAD"} and operation.id not in UNCHANGING
]
"""Every operation that changes anything."""


def _request(portal: Portal, me: Somebody, operation_id: str) -> Callable[[], Answer]:
    """The request of an operation, ready to be sent once everything that it needs is there."""
    operation = by_id(operation_id)
    # So that there are others to be signed out.
    me.new_session()
    me = ready_for(portal, me, operation_id)
    body = bodies(portal, me)[operation_id]() if operation.takes_body else {}
    path = body.pop("_path", {})
    path |= {name: PARAMETERS[name](portal, me) for name in parameters(operation) if name not in path}
    token = token_for(portal, me, operation)
    return lambda: send(portal, operation, path, body, token)


def _is_counter(call: AwsCall) -> bool:
    if call.params.get("Item", {}).get("action", {}).get("S") in LOOKS:
        return True
    key = call.params.get("Key", call.params.get("Item", {})).get("pk", {}).get("S", "")
    names = call.params.get("ExpressionAttributeNames", {}).values()
    return key.startswith(ALONE) or set(names) & {"tries", "wrong_answers", "wrong_in_a_row"} != set()


@pytest.mark.parametrize("operation_id", CHANGING)
def test_a_change_and_its_audit_entry_are_one_transaction(portal: Portal, operation_id: str) -> None:
    ask = _request(portal, somebody(portal), operation_id)
    with recorded() as calls:
        answer = ask()
    assert answer.status < 300, answer.text
    writes = [
        call for call in calls if call.is_write and not (call.operation != "TransactWriteItems" and _is_counter(call))
    ]
    assert writes
    for write in writes:
        assert write.operation == "TransactWriteItems", f"{operation_id} writes alone: {write.operation} {write.params}"
        entries = [item for kind, item in write.items if item["TableName"].endswith("-audit") and kind == "Put"]
        assert len(entries) == (2 if operation_id in OF_TWO_PATIENTS else 1)
        assert "attribute_not_exists" in entries[0]["ConditionExpression"]


@pytest.mark.promise
@pytest.mark.parametrize("error", [unreachable(), refused("InternalServerError")])
def test_where_the_transaction_fails_there_is_neither_change_nor_entry(
    portal: Portal, promise: Promise, error: Exception
) -> None:
    """AC 5."""
    # Nothing changes, so that one person can try everything.
    me = somebody(portal)
    asks = {operation_id: _request(portal, me, operation_id) for operation_id in CHANGING}
    before = _kept(portal)
    with failing(lambda call: call.operation == "TransactWriteItems", error) as failed:
        answers = {operation_id: ask().status for operation_id, ask in asks.items()}
    torn = [operation_id for operation_id, status in answers.items() if status != 503]
    torn += [area for area, rows in _kept(portal).items() if rows != before[area]]
    what = f"{len(CHANGING)} changes whose transaction fails ({type(error).__name__}): half done, or not 503"
    promise("AC 5", what, asked=0, measured=len(torn), passed=not torn)
    assert len(failed) >= len(CHANGING)


def _kept(portal: Portal) -> dict[str, list[str]]:
    """Every row but the counters of tries, which are written alone."""
    return {
        area: sorted(
            json.dumps({name: value for name, value in row.items() if name != "tries"}, sort_keys=True, default=repr)
            for row in portal.rows(area)
            if not row["pk"]["S"].startswith(ALONE) and row.get("action", {}).get("S") not in LOOKS
        )
        for area in ("accounts", "patients", "audit", "outbox")
    }


@pytest.mark.promise
def test_a_client_gets_no_patient_whose_look_up_could_not_be_written_down(portal: Portal, promise: Promise) -> None:
    """AC 5."""
    patient = portal.new_patient()
    path = f"/v1/clinic/patients?identifier=MRN-{patient.resource_id}"
    token = portal.client_token()
    with failing(lambda call: call.operation == "PutItem" and call.writes_to("audit"), unreachable()) as failed:
        answer = portal.call("GET", path, token=token)
    assert len(failed) == 1
    leaked = [value for value in (patient.patient_id, patient.clinic_number, patient.last_name) if value in answer.text]
    promise("AC 5", "a look-up whose entry fails: status", asked=503, measured=answer.status)
    promise("AC 5", "a look-up whose entry fails: values of the patient in the answer", asked=0, measured=len(leaked))


def test_a_look_up_is_written_down_before_it_is_answered(portal: Portal) -> None:
    patient = portal.new_patient()
    token = portal.client_token()
    with recorded() as calls:
        path = f"/v1/clinic/patients?identifier=MRN-{patient.resource_id}"
        assert portal.call("GET", path, token=token).status == 200
    (entry,) = [call.params["Item"] for call in calls if call.writes_to("audit")]
    assert entry["action"]["S"] == "patient:lookup"
    assert entry["pk"]["S"] == f"patient#{patient.patient_id}"
    assert patient.resource_id not in json.dumps(entry)


def test_a_refused_access_that_cannot_be_written_down_is_answered_503(portal: Portal) -> None:
    me, other = somebody(portal), somebody(portal)
    with failing(lambda call: call.operation == "PutItem" and call.writes_to("audit"), unreachable()):
        assert me.person.get(f"/v1/patients/{other.patient_id}/summary").status == 503


def test_reading_ones_own_data_writes_nothing(portal: Portal) -> None:
    me = somebody(portal)
    with recorded() as calls:
        for path in ("/v1/me", "/v1/patients/me/summary", "/v1/patients/me/records", "/v1/sessions"):
            assert me.person.get(path).status == 200
    assert [call for call in calls if call.is_write] == []


def test_an_entry_is_never_put_over_another(portal: Portal) -> None:
    """Two entries of one key: the first stays."""
    from chalicelib import clock, ids
    from chalicelib.domain.access import SYSTEM
    from chalicelib.domain.audit import Action, Entry
    from chalicelib.models import audit

    partition = f"acc_{uuid.uuid4().hex}"
    entry, forged = (Entry(SYSTEM, Action.SESSION_END, account_id=partition, about={"try": which}) for which in (1, 2))
    with clock.frozen(clock.now()), pytest.MonkeyPatch.context() as patched:
        patched.setattr(ids, "new_id", lambda prefix: f"{prefix}_{'0' * 26}")
        audit.record_alone(entry)
        audit.record_alone(forged)
    (kept,) = audit.find_entries(entry.partition)
    assert json.loads(kept.about) == {"try": 1}


def test_no_code_changes_or_removes_an_audit_entry(portal: Portal) -> None:
    """Every write to the table that the main walk makes is a conditional put."""
    with recorded() as calls:
        person = portal.register()
        portal.emails(person.patient.email)
        portal.sign_in(person.username, "wrong wrong wrong wrong", source_ip="198.51.100.251")
        person.get(f"/v1/patients/{portal.new_patient().patient_id}/summary")
        person.call("DELETE", "/v1/sessions/current")
    on_audit = [(call.operation, call.params) for call in calls if call.params.get("TableName", "").endswith("-audit")]
    on_audit += [(kind, item) for call in calls for kind, item in call.items if item["TableName"].endswith("-audit")]
    assert len(on_audit) > 5
    assert {kind for kind, _ in on_audit} <= {"Put", "PutItem"}
    assert all("attribute_not_exists" in params["ConditionExpression"] for _, params in on_audit)


def test_every_entry_says_who_did_what_in_which_request(portal: Portal) -> None:
    me: Somebody = somebody(portal)
    answer = me.person.call("PATCH", "/v1/me", {"time_zone": "Europe/Oslo"}, headers={"If-Match": '"1"'})
    (entry,) = [row for row in portal.rows("audit") if row["request_id"]["S"] == answer.header("x-request-id")]
    fields: dict[str, Any] = {name: value["S"] for name, value in entry.items() if "S" in value}
    assert (fields["action"], fields["actor_kind"]) == ("account:edit", "account")
    assert fields["pk"] == f"account#{fields['actor_id']}"
    assert json.loads(fields["about"]) == {"fields": ["time_zone"]}
