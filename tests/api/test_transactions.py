"""A change meets another one under way: it is tried again, and then the state decides (BK 2's rule, for accounts)."""

import uuid
from contextlib import ExitStack
from typing import Any

import pytest

from tests.support.faults import conflicts, overtaken_by
from tests.support.portal import Answer, Portal
from tests.support.promises import Promise
from tests.support.sign_in import is_signed_in, refresh


def begun(portal: Portal) -> dict[str, Any]:
    patient = portal.new_patient()
    code = portal.issue_code(patient).json["activation_code"]
    started: dict[str, Any] = portal.start_registration(patient, code).json
    return started


def keys(portal: Portal) -> set[tuple[str, str]]:
    return {(row["pk"]["S"], row["sk"]["S"]) for area in ("accounts", "audit", "outbox") for row in portal.rows(area)}


@pytest.mark.promise
def test_a_change_that_meets_conflicts_is_tried_three_times_more(portal: Portal, promise: Promise) -> None:
    """BK 2: each time the same transaction, and one effect."""
    started = begun(portal)
    with conflicts(3) as sent:
        answer = portal.finish_registration(started)
    assert is_signed_in(portal, answer.json["access_token"])
    promise("BK 2", "tries of an account's transaction with 3 conflicts", asked=4, measured=len(sent))
    assert len(set(sent)) == 1


@pytest.mark.promise
def test_a_change_that_meets_conflicts_only_is_503_and_leaves_nothing(portal: Portal, promise: Promise) -> None:
    """BK 2: nobody was first, so the caller may try again, and that works."""
    started = begun(portal)
    portal.drain()
    before = keys(portal)
    with conflicts(99) as sent:
        refused = portal.finish_registration(started)
    assert (len(sent), refused.json["code"]) == (4, "temporarily_unavailable")
    assert int(refused.header("retry-after") or 0) >= 1
    promise(
        "BK 2",
        "status after conflicts only, rows written",
        asked="503, 0",
        measured=f"{refused.status}, {len(keys(portal) - before)}",
    )
    assert portal.finish_registration(started).status == 201


@pytest.mark.promise
def test_after_the_last_conflict_what_another_has_taken_is_taken(portal: Portal, promise: Promise) -> None:
    """BK 2: re-read, and refused as such; the registration goes on with another name."""
    started, other = begun(portal), begun(portal)
    username = f"wanted-{uuid.uuid4().hex[:8]}"
    with conflicts(99, meanwhile=lambda: portal.finish_registration(other, username=username)):
        refused = portal.finish_registration(started, username=username)
    assert refused.json["code"] == "username_taken"
    promise("BK 2", "status after conflicts, the name taken meanwhile", asked=409, measured=refused.status)
    assert portal.finish_registration(started).status == 201


def test_after_the_last_conflict_the_weightiest_refusal_speaks(portal: Portal) -> None:
    """Who finished the same registration has the same username, too: that the code was used says more."""
    started = begun(portal)
    username = f"wanted-{uuid.uuid4().hex[:8]}"
    with conflicts(99, meanwhile=lambda: portal.finish_registration(started, username=username)):
        refused = portal.finish_registration(started, username=username)
    assert (refused.status, refused.json["code"]) == (422, "identity_not_confirmed")


def test_after_the_last_conflict_a_replay_gets_the_first_answer(portal: Portal) -> None:
    """AP 3."""
    patient, key, token, first = portal.new_patient(), str(uuid.uuid4()), portal.client_token(), list[Answer]()
    with conflicts(99, meanwhile=lambda: first.append(issue_alone(portal, patient.patient_id, key, token))):
        answer = issue_alone(portal, patient.patient_id, key, token)
    assert (answer.status, answer.body) == (201, first[0].body)


def issue_alone(portal: Portal, patient_id: str, key: str, token: str) -> Answer:
    """Issue a code in one transaction, without signing in first."""
    path = f"/v1/clinic/patients/{patient_id}/activation-codes"
    return portal.call("POST", path, {}, headers={"Idempotency-Key": key}, token=token)


def test_who_is_overtaken_between_reading_and_writing_gets_the_first_answer(portal: Portal) -> None:
    """AP 3: the put's condition settles it where both had read that there was no such key."""
    patient, key, token = portal.new_patient(), str(uuid.uuid4()), portal.client_token()
    first: list[Answer] = []
    with overtaken_by(lambda: first.append(issue_alone(portal, patient.patient_id, key, token))):
        answer = issue_alone(portal, patient.patient_id, key, token)
    assert (answer.status, answer.body) == (201, first[0].body)
    history = [row["action"]["S"] for row in portal.rows("audit") if row["pk"]["S"] == f"patient#{patient.patient_id}"]
    assert history.count("activation_code:issue") == 1


def test_who_is_overtaken_by_another_body_is_told_that_the_key_is_used(portal: Portal) -> None:
    """AP 3."""
    patient, other, key, token = portal.new_patient(), portal.new_patient(), str(uuid.uuid4()), portal.client_token()
    done: list[int] = []
    with overtaken_by(lambda: done.append(issue_alone(portal, other.patient_id, key, token).status)):
        answer = issue_alone(portal, patient.patient_id, key, token)
    assert (done, answer.status, answer.json["code"]) == ([201], 422, "idempotency_key_reused")


def test_a_sign_in_that_a_password_change_overtakes_opens_nothing(portal: Portal) -> None:
    """SE 2: every session's transaction checks the credentials that were read."""
    person = portal.register()
    body = {"current_password": person.password, "new_password": "eleven blue kettles hum"}
    with overtaken_by(lambda: person.call("PUT", "/v1/me/password", body)):
        answer = portal.sign_in(person.username)
    assert (answer.status, answer.json["code"]) == (401, "wrong_credentials")


def test_two_password_changes_do_not_both_count(portal: Portal) -> None:
    """SE 2: the second one's session is not one any more."""
    person = portal.register()

    def change(new: str) -> Answer:
        return person.call("PUT", "/v1/me/password", {"current_password": person.password, "new_password": new})

    with overtaken_by(lambda: change("eleven blue kettles hum")):
        second = change("twelve red kettles sing")
    assert second.status == 401
    assert portal.sign_in(person.username, "eleven blue kettles hum").status == 201


def test_a_registration_whose_code_is_replaced_meanwhile_fails(portal: Portal) -> None:
    """ID 1."""
    patient = portal.new_patient()
    token = portal.client_token()
    started = portal.start_registration(patient, portal.issue_code(patient).json["activation_code"]).json
    with overtaken_by(lambda: issue_alone(portal, patient.patient_id, str(uuid.uuid4()), token)):
        refused = portal.finish_registration(started)
    assert (refused.status, refused.json["code"]) == (422, "identity_not_confirmed")


def test_a_code_that_is_used_meanwhile_is_not_replaced(portal: Portal) -> None:
    """ID 1: two accounts for one patient would need it."""
    patient = portal.new_patient()
    token = portal.client_token()
    started = portal.start_registration(patient, portal.issue_code(patient).json["activation_code"]).json
    with overtaken_by(lambda: portal.finish_registration(started)):
        refused = issue_alone(portal, patient.patient_id, str(uuid.uuid4()), token)
    assert (refused.status, refused.json["code"]) == (409, "activation_code_changed")


def test_a_try_is_not_given_back_to_a_code_that_came_meanwhile(portal: Portal) -> None:
    """ID 1: it would have six."""
    patient = portal.new_patient()
    token, code = portal.client_token(), portal.issue_code(patient).json["activation_code"]

    def replace() -> None:
        """The second write of the registration, which gives the try back, finds another code."""
        issued.append(issue_alone(portal, patient.patient_id, str(uuid.uuid4()), token).json["activation_code"])

    issued: list[str] = []
    with (
        overtaken_by(lambda: stack.enter_context(overtaken_by(replace, "UpdateItem")), "UpdateItem"),
        ExitStack() as stack,
    ):
        portal.start_registration(patient, code)
    assert [portal.start_registration(patient, "0000-0000-0000").status for _ in range(5)] == [422] * 5
    assert portal.start_registration(patient, issued[0]).status == 422


def test_the_end_of_a_session_by_a_spent_token_is_retried(portal: Portal) -> None:
    """SE 3."""
    session = portal.register().session
    second = refresh(portal, session["refresh_token"]).json
    portal.advance(minutes=1)
    with conflicts(2):
        assert refresh(portal, session["refresh_token"]).status == 401
    assert not is_signed_in(portal, second["access_token"])


def test_a_refresh_that_two_others_overtake_does_not_turn_the_session_back(portal: Portal) -> None:
    """SE 3: its token is spent twice over by then, and ends the session."""
    session = portal.register().session
    chain = [session["refresh_token"]]

    def refresh_twice() -> None:
        for _ in range(2):
            chain.append(refresh(portal, chain[-1]).json["refresh_token"])

    with overtaken_by(refresh_twice, "UpdateItem"):
        late = refresh(portal, chain[0])
    assert (len(chain), late.status) == (3, 401)
    assert refresh(portal, chain[-1]).status == 401
