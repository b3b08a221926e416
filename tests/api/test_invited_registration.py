"""Registering by a patient's invitation: a caregiver who is no patient of the clinic (ID 2, 5, 6, RC 8)."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib import clock
from tests.support import caregivers
from tests.support.caregivers import invite, link_of, new_email
from tests.support.crowd import fresh_address, seen_by_a_stranger
from tests.support.portal import Answer, Person, Portal
from tests.support.promises import Promise
from tests.support.registering import reasons, start
from tests.support.sign_in import confirm_email


@dataclass(frozen=True)
class Invited:
    """Somebody in whose mailbox an invitation lies."""

    token: str
    email: str
    caregiver_id: str
    patient: Person


def invited(portal: Portal, *scopes: str, patient: Person | None = None) -> Invited:
    patient, email = patient or portal.register(), new_email()
    answer = invite(patient, *scopes, email=email)
    assert answer.status == 201, answer.text
    return Invited(link_of(portal, email), email, answer.json["caregiver_id"], patient)


def claim(token: str, **changes: Any) -> dict[str, Any]:
    person = {"first_name": "Astrid", "last_name": "Lund", "date_of_birth": "1985-03-02", "email": "astrid@example.org"}
    asked = {"method": "invitation", "invitation_token": token, **person, **changes}
    return {name: value for name, value in asked.items() if value is not None}


def begin(portal: Portal, token: str, **changes: Any) -> dict[str, Any]:
    answer = start(portal, claim(token, **changes))
    assert answer.status == 201, answer.text
    started: dict[str, Any] = answer.json
    return started


def problem(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["code"]


def test_a_daughter_who_is_no_patient_opens_an_account_and_sees_what_she_may(portal: Portal) -> None:
    mother = invited(portal, "medications", "appointments")
    started = begin(portal, mother.token, email=mother.email)
    assert started["code_sent_to"] is None
    made = portal.finish_registration(started)
    assert (made.status, made.json["account"]["patient_id"]) == (201, None), made.text
    token = made.json["access_token"]
    (in_care,) = portal.call("GET", "/v1/patients", token=token).json["items"]
    assert in_care["patient_id"] == mother.patient.patient.patient_id
    assert sorted(in_care["scopes"]) == ["appointments", "medications"]
    of_lab = portal.call("GET", f"/v1/patients/{in_care['patient_id']}/records?category=lab", token=token)
    assert of_lab.status == 404
    (shown,) = mother.patient.get("/v1/patients/me/caregivers").json["items"]
    assert (shown["caregiver_id"], shown["name"]) == (mother.caregiver_id, "Astrid Lund")


def test_an_invitation_is_accepted_once(portal: Portal) -> None:
    """Two who begin with one link: the second finds it used."""
    mother = invited(portal)
    one, other = (begin(portal, mother.token, email=f"{name}@example.org") for name in ("one", "other"))
    assert portal.finish_registration(one).status == 201
    assert problem(portal.finish_registration(other)) == (410, "registration_ended")
    assert problem(start(portal, claim(mother.token), source_ip=fresh_address())) == (422, "identity_not_confirmed")


def test_an_invitation_that_is_taken_back_opens_no_account(portal: Portal) -> None:
    mother = invited(portal)
    started = begin(portal, mother.token)
    path = f"/v1/patients/me/caregivers/{mother.caregiver_id}"
    assert portal.call("DELETE", path, token=caregivers.strong(mother.patient)).status == 204
    assert problem(portal.finish_registration(started)) == (410, "registration_ended")


@pytest.mark.promise
def test_whatever_is_no_open_invitation_is_one_answer(portal: Portal, promise: Promise) -> None:
    """ID 2: an unknown link, one of another kind, a used one, an expired one."""
    used, expired = invited(portal), invited(portal)
    portal.finish_registration(begin(portal, used.token))
    other_kind = re.findall(r"/l/(\S+)", portal.emails(used.patient.patient.email)[0].text or "")[0]
    clinics = len(reasons(portal, "clinic"))
    with clock.frozen(clock.now()):
        clock.advance(timedelta(days=60))
        tokens = ["A" * 48, "not a token", other_kind, used.token, expired.token]
        answers = [start(portal, claim(token), source_ip=fresh_address()) for token in tokens]
    assert {problem(answer) for answer in answers} == {(422, "identity_not_confirmed")}
    different = {json.dumps(seen_by_a_stranger(answer), sort_keys=True) for answer in answers}
    promise("ID 2", f"invitation: different answers in {len(answers)} refusals", asked=1, measured=len(different))
    assert reasons(portal, "clinic")[clinics:] == ["invitation"] * len(tokens)


@pytest.mark.promise
def test_who_is_invited_must_be_of_age_by_the_clinics_calendar(portal: Portal, promise: Promise) -> None:
    """ID 6: in Chicago midnight is 05:00 UTC in June."""
    with clock.frozen(datetime(2026, 6, 15, 5, tzinfo=UTC) - timedelta(milliseconds=1)):
        mother = invited(portal)
        too_young = start(portal, claim(mother.token, date_of_birth="2008-06-15"))
        clock.advance(timedelta(milliseconds=1))
        of_age = start(portal, claim(mother.token, date_of_birth="2008-06-15"))
    assert problem(too_young) == (422, "below_minimum_age")
    statuses = f"{too_young.status}, {of_age.status}"
    promise("ID 6", "invitation: 1 ms before and at midnight", asked="422, 201", measured=statuses)


def test_a_mobile_phone_will_do_and_nothing_at_all_will_not(portal: Portal) -> None:
    mother = invited(portal)
    refused = start(portal, claim(mother.token, email=None))
    assert [(error["pointer"], error["code"]) for error in refused.json["errors"]] == [
        ("/mobile_phone", "email_or_phone_expected")
    ]
    made = portal.finish_registration(begin(portal, mother.token, email=None, mobile_phone="312 555 0144"))
    assert (made.status, made.json["account"]["email"]) == (201, None)


@pytest.mark.promise
def test_an_email_that_is_taken_looks_like_success(portal: Portal, promise: Promise) -> None:
    """ID 5."""
    owner = portal.register()
    confirm_email(portal, owner)
    letters = len(portal.emails(owner.patient.email))
    made = portal.finish_registration(begin(portal, invited(portal).token, email=owner.patient.email))
    assert (made.status, made.json["account"]["email_verified"]) == (201, False)
    told = portal.emails(owner.patient.email)[letters:]
    promise("ID 5", "invitation: notices to the owner of a taken email", asked=1, measured=len(told))


@pytest.mark.promise
def test_a_stranger_cannot_confirm_a_caregivers_mistyped_email(portal: Portal, promise: Promise) -> None:
    """RC 8: the birth date that the caregiver gave is asked for."""
    portal.finish_registration(begin(portal, invited(portal).token, email="mistyped.c@example.org"))
    confirm = re.findall(r"/l/(\S+)", portal.emails("mistyped.c@example.org")[0].text or "")[0]
    tries = [{}, {"date_of_birth": "1985-03-03"}]
    statuses = [portal.call("POST", "/v1/email-verifications", {"token": confirm, **one}).status for one in tries]
    promise("RC 8", "a caregiver's email confirmed without their birth date", asked=0, measured=statuses.count(204))
    right = {"token": confirm, "date_of_birth": "1985-03-02"}
    assert portal.call("POST", "/v1/email-verifications", right).status == 204


def test_a_caregivers_own_names_are_no_password(portal: Portal) -> None:
    """PW 2."""
    started = begin(portal, invited(portal).token)
    refused = portal.finish_registration(started, password="Astrid Lund 1985")
    assert {error["pointer"] for error in refused.json["errors"]} == {"/password"}
