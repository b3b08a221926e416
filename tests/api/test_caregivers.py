"""Caregivers: invited, accepted or declined, changed, and ended at once (AC 3)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib import clock
from chalicelib.domain.caregivers import Grant, Relation, Scope
from chalicelib.models import caregivers
from chalicelib.models.transaction import transaction
from tests.support import fhir
from tests.support.caregivers import (
    accept,
    invite,
    key,
    link_of,
    new_email,
    new_invited,
    strong,
)
from tests.support.links import post
from tests.support.people import new_account, token_of
from tests.support.portal import Answer, Person, Portal


@pytest.fixture
def person(portal: Portal) -> Person:
    """A patient with one lab result and one medication."""
    patient = portal.new_patient()
    me = {"id": patient.resource_id}
    assert portal.import_fhir(fhir.bundle(fhir.lab(me), fhir.prescription(me))).json["created"] == 2
    return portal.register(patient)


@pytest.fixture(autouse=True)
def own_time() -> Iterator[None]:
    yield
    clock.reset()


def records(person: Person, token: str, query: str = "") -> Answer:
    return person.portal.call("GET", f"/v1/patients/{person.patient.patient_id}/records{query}", token=token)


def listed(person: Person) -> dict[str, dict[str, object]]:
    items = person.portal.call("GET", "/v1/patients/me/caregivers?limit=100", token=strong(person)).json["items"]
    return {item["caregiver_id"]: item for item in items}


# --- inviting --------------------------------------------------------------------------------------------------------


def test_an_invitee_sees_what_the_scope_opens_once_they_have_accepted(portal: Portal, person: Person) -> None:
    email = new_email()
    invited = invite(person, "medications", email=email, relation="family")
    assert (invited.status, invited.json["status"], invited.json["email"]) == (201, "invited", email)
    token = token_of(new_account())
    assert records(person, token).status == 404
    accepted = accept(portal, link_of(portal, email), token)
    assert accepted.status == 200
    assert accepted.json["patient_id"] == person.patient.patient_id
    assert (accepted.json["relation"], accepted.json["scopes"]) == ("family", ["medications"])
    assert [row["category"] for row in records(person, token).json["items"]] == ["medication"]
    assert records(person, token, "?category=lab").status == 404
    assert listed(person)[invited.json["caregiver_id"]]["status"] == "active"


def test_the_invitation_says_nothing_of_the_patient(portal: Portal, person: Person) -> None:
    email = new_email()
    invite(person, "everything", email=email)
    (sent,) = portal.emails(email)
    page = portal.call("GET", f"/l/{link_of(portal, email)}")
    own = (person.patient.first_name, person.patient.last_name, person.patient.patient_id, person.patient.email)
    for text in (sent.subject, sent.text, sent.html, page.text):
        assert not [word for word in own if word in (text or "")]


def test_inviting_needs_a_step_up(person: Person) -> None:
    refused = invite(person, token=person.token)
    assert (refused.status, refused.json["code"]) == (403, "step_up_required")


def test_the_same_key_invites_once(portal: Portal, person: Person) -> None:
    headers, email, token = key(), new_email(), strong(person)
    first, again = (invite(person, "results", email=email, headers=headers, token=token) for _ in range(2))
    assert first.json == again.json
    assert len(portal.emails(email)) == 1
    assert invite(person, "billing", email=email, headers=headers, token=token).json["code"] == "idempotency_key_reused"


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"email": "nobody"}, "/email", "email_expected"),
        ({"scopes": []}, "/scopes", "too_few"),
        ({"scopes": ["results", "results"]}, "/scopes", "given_twice"),
        ({"scopes": ["surgery"]}, "/scopes/0", "not_a_choice"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at", "time_is_past"),
        ({"expires_at": "2040-01-01T00:00:00"}, "/expires_at", "zone_missing"),
        ({"relation": "parent"}, "/relation", "not_a_choice"),
        ({"caregiver_id": "cgv_1"}, "/caregiver_id", "unknown_field"),
    ],
)
def test_what_cannot_be_meant_is_refused(person: Person, changes: dict[str, object], pointer: str, code: str) -> None:
    answer = invite(person, **changes)
    assert answer.status == 422
    assert [(one["pointer"], one["code"]) for one in answer.json["errors"]] == [(pointer, code)]


def test_a_newer_invitation_to_an_address_kills_the_older(portal: Portal, person: Person) -> None:
    email = new_email()
    older = invite(person, email=email).json["caregiver_id"]
    old_link = link_of(portal, email)
    newer = invite(person, "billing", email=email.upper()).json["caregiver_id"]
    token = token_of(new_account())
    assert accept(portal, old_link, token).status == 410
    assert portal.call("GET", f"/l/{old_link}").status == 410
    assert older not in listed(person)
    assert newer in listed(person)


def test_twenty_invitations_a_day_are_enough(portal: Portal) -> None:
    person = portal.register()
    token = strong(person)
    email = new_email()
    assert [invite(person, email=email, token=token).status for _ in range(20)] == [201] * 20
    refused = invite(person, token=token)
    assert (refused.status, refused.json["code"]) == (429, "too_many_requests")
    portal.advance(hours=24)
    assert invite(person).status == 201


def test_there_is_an_end_to_how_many_caregivers_a_patient_has(portal: Portal) -> None:
    person = portal.register()
    with transaction() as tx:
        for place in range(30):
            caregivers.put_grant(tx, person.patient.patient_id, Grant(f"acc_{place}", frozenset({Scope.RESULTS})))
    refused = invite(person)
    assert (refused.status, refused.json["code"]) == (409, "caregiver_limit_reached")
    over = Grant("acc_0", frozenset({Scope.RESULTS}), clock.now())
    with transaction() as tx:
        caregivers.put_grant(tx, person.patient.patient_id, over)
    assert invite(person).status == 201


# --- the answer ------------------------------------------------------------------------------------------------------


def test_an_invitation_is_accepted_once_and_says_so_again_to_who_did(portal: Portal, person: Person) -> None:
    email = new_email()
    invite(person, "results", email=email)
    link, token = link_of(portal, email), token_of(new_account())
    first, again = (accept(portal, link, token) for _ in range(2))
    assert first.json == again.json
    other = accept(portal, link, token_of(new_account()))
    assert (other.status, other.json["code"]) == (410, "link_used_or_expired")


def test_an_invitation_is_over_after_seven_days(portal: Portal, person: Person) -> None:
    email = new_email()
    caregiver_id = invite(person, email=email).json["caregiver_id"]
    link = link_of(portal, email)
    portal.advance(days=7)
    assert accept(portal, link, token_of(new_account())).status == 410
    assert listed(person)[caregiver_id]["status"] == "expired"


def test_nobody_becomes_their_own_caregiver(portal: Portal, person: Person) -> None:
    email = new_email()
    invite(person, email=email)
    refused = accept(portal, link_of(portal, email), strong(person))
    assert (refused.status, refused.json["code"]) == (409, "own_invitation")


def test_a_patient_who_is_too_young_becomes_no_caregiver(portal: Portal, person: Person) -> None:
    email = new_email()
    invite(person, email=email)
    young = portal.register()
    child = {"resourceType": "Patient", "id": young.patient.resource_id, "birthDate": "2020-01-01"}
    assert portal.import_fhir(child).json["updated"] == 1
    refused = accept(portal, link_of(portal, email), strong(young))
    assert (refused.status, refused.json["code"]) == (422, "below_minimum_age")


def test_tokens_of_nobody_and_of_other_links_are_no_invitations(portal: Portal, person: Person) -> None:
    token = token_of(new_account())
    other = link_of(portal, person.patient.email)
    for link in ("A" * 48, "x", other):
        assert accept(portal, link, token).status == 404


def test_opening_the_page_answers_nothing_and_its_form_says_no(portal: Portal, person: Person) -> None:
    email = new_email()
    caregiver_id = invite(person, email=email).json["caregiver_id"]
    path = f"/l/{link_of(portal, email)}"
    for method in ("GET", "HEAD", "GET", "GET"):
        assert portal.call(method, path).status == 200
    assert listed(person)[caregiver_id]["status"] == "invited"
    assert post(portal, path).status == 200
    one = listed(person)[caregiver_id]
    assert (one["status"], one["email"]) == ("declined", None)
    assert portal.call("GET", path).status == 410
    assert accept(portal, path.removeprefix("/l/"), token_of(new_account())).status == 410


def test_a_patient_is_a_caregiver_under_the_name_that_the_clinic_knows(portal: Portal, person: Person) -> None:
    email, daughter = new_email(), portal.register(portal.new_patient(name=[{"given": ["Kari"], "family": "Moe"}]))
    caregiver_id = invite(person, email=email).json["caregiver_id"]
    assert accept(portal, link_of(portal, email), daughter.token).status == 200
    assert listed(person)[caregiver_id]["name"] == "Kari Moe"


def test_what_is_accepted_is_what_the_patient_last_said(portal: Portal, person: Person) -> None:
    email = new_email()
    caregiver_id = invite(person, "everything", email=email).json["caregiver_id"]
    edited = edit(person, caregiver_id, {"scopes": ["billing"]})
    assert edited.json["scopes"] == ["billing"]
    assert accept(portal, link_of(portal, email), token_of(new_account())).json["scopes"] == ["billing"]


# --- whom one may act for --------------------------------------------------------------------------------------------


def test_the_list_of_people_in_ones_care_begins_with_oneself(portal: Portal, person: Person) -> None:
    email, daughter = new_email(), portal.register()
    invite(person, "results", "appointments", email=email, sensitive=True)
    accept(portal, link_of(portal, email), daughter.token)
    me, other = portal.call("GET", "/v1/patients", token=daughter.token).json["items"]
    assert (me["patient_id"], me["relation"]) == (daughter.patient.patient_id, "self")
    assert other["patient_id"] == person.patient.patient_id
    assert (other["relation"], other["scopes"], other["sensitive"]) == ("family", ["appointments", "results"], True)
    assert other["name"] == "Ingrid Mae Solberg"


def test_who_is_no_patient_sees_only_those_in_their_care_page_by_page(portal: Portal) -> None:
    account_id = new_account()
    patients = [portal.new_patient().patient_id for _ in range(3)]
    with transaction() as tx:
        for patient_id in patients:
            caregivers.put_grant(tx, patient_id, Grant(account_id, frozenset({Scope.RESULTS})))
    token, found = token_of(account_id), list[str]()
    cursor: str | None = ""
    while cursor is not None:
        page = portal.call("GET", f"/v1/patients?limit=2{f'&cursor={cursor}' if cursor else ''}", token=token).json
        found += [item["patient_id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert found == sorted(patients, reverse=True)


def test_being_shown_a_name_in_that_list_leaves_an_entry_with_the_patient(portal: Portal, person: Person) -> None:
    _, token = new_invited(person, "billing")
    account_id = token.partition(".")[0]
    portal.call("GET", "/v1/patients", token=token)
    rows = portal.rows("audit")
    seen = [
        row for row in rows if row["actor_id"]["S"] == account_id and "caregivers_list_patients" in row["about"]["S"]
    ]
    assert [row["pk"]["S"] for row in seen] == [f"patient#{person.patient.patient_id}"]


# --- changing and ending ---------------------------------------------------------------------------------------------


def edit(person: Person, caregiver_id: str, changes: dict[str, object], version: str | None = None) -> Answer:
    path = f"/v1/patients/me/caregivers/{caregiver_id}"
    token = strong(person)
    tag = version or person.portal.call("GET", path, token=token).header("etag") or ""
    return person.portal.call("PATCH", path, changes, headers={"If-Match": tag}, token=token)


def test_other_scopes_hold_from_the_next_request_on(portal: Portal, person: Person) -> None:
    caregiver_id, token = new_invited(person, "medications")
    assert edit(person, caregiver_id, {"scopes": ["results"]}).status == 200
    assert [row["category"] for row in records(person, token).json["items"]] == ["lab"]
    assert edit(person, caregiver_id, {"scopes": ["results"]}, '"1"').status == 412


def test_a_patient_takes_a_caregivers_rights_back_at_once(portal: Portal, person: Person) -> None:
    caregiver_id, token = new_invited(person, "medications")
    path = f"/v1/patients/me/caregivers/{caregiver_id}"
    assert records(person, token).status == 200
    assert person.portal.call("DELETE", path, token=strong(person)).status == 204
    assert records(person, token).status == 404
    assert portal.call("GET", "/v1/patients", token=token).json["items"] == []
    assert person.portal.call("DELETE", path, token=strong(person)).status == 404


def test_a_grant_ends_at_its_instant(portal: Portal, person: Person) -> None:
    ends_at = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=5)
    with clock.frozen(ends_at - timedelta(minutes=5)):
        _, token = new_invited(person, "medications", expires_at=ends_at.isoformat())
    with clock.frozen(ends_at - timedelta(milliseconds=1)):
        assert records(person, token).status == 200
    with clock.frozen(ends_at):
        assert records(person, token).status == 404
        assert portal.call("GET", "/v1/patients", token=token).json["items"] == []


def test_an_end_is_set_and_taken_away_again(person: Person) -> None:
    caregiver_id, _ = new_invited(person, "medications")
    ends_at = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    assert edit(person, caregiver_id, {"expires_at": ends_at}).json["expires_at"] is not None
    edited = edit(person, caregiver_id, {"expires_at": None, "sensitive": True})
    assert (edited.json["expires_at"], edited.json["sensitive"], edited.json["scopes"]) == (None, True, ["medications"])
    assert edit(person, caregiver_id, {"expires_at": "2020-01-01T00:00:00Z"}).status == 422


def test_a_caregiver_may_leave_and_take_nobody_else_along(portal: Portal, person: Person) -> None:
    own_id, token = new_invited(person, "billing")
    other_id, other = new_invited(person, "billing")
    path = f"/v1/patients/{person.patient.patient_id}/caregivers"
    assert portal.call("DELETE", f"{path}/{other_id}", token=token).status == 404
    assert portal.call("DELETE", f"{path}/{own_id}", token=token).status == 204
    assert portal.call("DELETE", f"{path}/{own_id}", token=token).status == 404
    assert records(person, other).status == 200


def test_an_invitation_is_taken_back(portal: Portal, person: Person) -> None:
    email = new_email()
    caregiver_id = invite(person, email=email).json["caregiver_id"]
    link = link_of(portal, email)
    assert portal.call("DELETE", f"/v1/patients/me/caregivers/{caregiver_id}", token=strong(person)).status == 204
    assert accept(portal, link, token_of(new_account())).status == 410
    assert caregiver_id not in listed(person)


def test_an_invitation_that_was_taken_back_is_not_sent(portal: Portal, person: Person) -> None:
    email = new_email()
    caregiver_id = invite(person, email=email).json["caregiver_id"]
    assert portal.call("DELETE", f"/v1/patients/me/caregivers/{caregiver_id}", token=strong(person)).status == 204
    assert portal.emails(email) == []


@pytest.mark.parametrize("status", ["declined", "expired"])
def test_what_nobody_waits_for_is_not_edited(portal: Portal, person: Person, status: str) -> None:
    email = new_email()
    caregiver_id = invite(person, email=email).json["caregiver_id"]
    if status == "declined":
        post(portal, f"/l/{link_of(portal, email)}")
    else:
        portal.advance(days=7)
    assert edit(person, caregiver_id, {"scopes": ["results"]}).status == 409


# --- who is told -----------------------------------------------------------------------------------------------------


def titles(portal: Portal, token: str) -> list[str]:
    portal.drain()
    return [item["title"] for item in portal.call("GET", "/v1/me/notices", token=token).json["items"]]


def test_both_sides_are_told(portal: Portal) -> None:
    person = portal.register()
    caregiver_id, token = new_invited(person, "results")
    assert "Someone can now act for you" in titles(portal, person.token)
    edit(person, caregiver_id, {"scopes": ["billing"]})
    assert "What you may see has changed" in titles(portal, token)
    portal.call("DELETE", f"/v1/patients/me/caregivers/{caregiver_id}", token=strong(person))
    assert "You do not act for someone any more" in titles(portal, token)
    other_id, other = new_invited(person, "results")
    portal.call("DELETE", f"/v1/patients/{person.patient.patient_id}/caregivers/{other_id}", token=other)
    assert "A caregiver has left" in titles(portal, person.token)


# --- age -------------------------------------------------------------------------------------------------------------


def test_a_parents_rights_end_at_the_eighteenth_birthday_of_the_clinics_zone(portal: Portal) -> None:
    child = portal.new_patient(birthDate="2012-03-11")
    assert portal.import_fhir(fhir.lab({"id": child.resource_id})).json["created"] == 1
    account_id = new_account()
    with transaction() as tx:
        grant = Grant(account_id, frozenset({Scope.EVERYTHING}), relation=Relation.PARENT)
        caregivers.put_grant(tx, child.patient_id, grant)
    # Midnight in Chicago, where the clocks stand an hour behind their summer's.
    birthday = datetime(2030, 3, 11, 5, tzinfo=UTC)
    path = f"/v1/patients/{child.patient_id}/records"
    for at, status in ((birthday - timedelta(milliseconds=1), 200), (birthday, 404)):
        with clock.frozen(at):
            assert portal.call("GET", path, token=token_of(account_id)).status == status


def test_a_teenagers_sensitive_records_close_to_parents_at_twelve(portal: Portal) -> None:
    child = portal.new_patient(birthDate="2012-07-01")
    secret = {"meta": {"security": [{"code": "SEX"}]}}
    assert portal.import_fhir(fhir.lab({"id": child.resource_id}, **secret)).json["created"] == 1
    account_id = new_account()
    with transaction() as tx:
        grant = Grant(account_id, frozenset({Scope.EVERYTHING}), relation=Relation.PARENT)
        caregivers.put_grant(tx, child.patient_id, grant)
    birthday = datetime(2024, 7, 1, 5, tzinfo=UTC)
    path = f"/v1/patients/{child.patient_id}/records"
    for at, count in ((birthday - timedelta(milliseconds=1), 1), (birthday, 0)):
        with clock.frozen(at):
            assert len(portal.call("GET", path, token=token_of(account_id)).json["items"]) == count
