"""Codes and invitations under race: one account for each, and no more guesses than there are tries (ID 3, 7)."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.caregivers import invite, link_of, new_email
from tests.support.crowd import at_once, fresh_address
from tests.support.portal import Patient, Portal
from tests.support.promises import Promise
from tests.support.registering import claim, emailed_code, mailbox, patient_of_their_own, start, wrong
from tests.support.setting import setting
from tests.support.sizes import size

pytestmark = [pytest.mark.race, pytest.mark.promise]

METHODS = ("clinic_number", "identity_match")


@pytest.fixture(autouse=True)
def without_security_questions() -> Iterator[None]:
    """Three of the four hashes of an account would only keep the racers from meeting."""
    with setting("SECURITY_QUESTIONS", "off"):
        yield


def begin(portal: Portal, patient: Patient, method: str = "clinic_number") -> dict[str, Any]:
    started = start(portal, claim(patient, method), source_ip=fresh_address())
    assert started.status == 201, started.text
    answer: dict[str, Any] = started.json
    return answer


def accounts_of(portal: Portal, patient: Patient) -> int:
    rows = portal.rows("accounts")
    return sum(
        row.get("patient_id", {}).get("S") == patient.patient_id for row in rows if row["sk"]["S"] == "principal"
    )


def registration(portal: Portal, started: dict[str, Any]) -> dict[str, Any]:
    (row,) = [row for row in portal.rows("accounts") if row["pk"]["S"] == started["registration_id"]]
    return row


@pytest.mark.parametrize("method", METHODS)
def test_one_code_used_many_times_at_once_is_one_account(portal: Portal, promise: Promise, method: str) -> None:
    """ID 3 and 7. Tries under way hold their places, so that some of the right ones find none."""
    patient = patient_of_their_own(portal)
    started, count = begin(portal, patient, method), size("ID 7")
    code = emailed_code(portal, patient)
    answers = at_once(count, lambda _number: portal.finish_registration(started, code=code))
    statuses = Counter(answer.status for answer in answers)
    promise("ID 7", f"{method}: {count} uses of one code at once: accounts", asked=1, measured=statuses[201])
    refused = statuses[410] + statuses[422]
    promise("ID 7", f"{method}: {count} uses of one code at once: refused", asked=count - 1, measured=refused)
    assert accounts_of(portal, patient) == 1


def test_of_many_wrong_codes_at_once_five_are_looked_at(portal: Portal, promise: Promise) -> None:
    """The counter stops at its cap, and the right code is dead."""
    patient = patient_of_their_own(portal)
    started, count = begin(portal, patient), size("ID 7")
    code = emailed_code(portal, patient)
    guesses = [wrong(f"{(int(code) + number) % 10**8:08}") for number in range(count)]
    statuses = {
        answer.status for answer in at_once(count, lambda n: portal.finish_registration(started, code=guesses[n]))
    }
    tries = int(registration(portal, started)["code_tries"]["N"])
    promise("ID 7", f"{count} wrong codes at once: tries counted", asked=5, measured=tries)
    assert statuses == {422}
    assert portal.finish_registration(started, code=code).status == 422
    assert accounts_of(portal, patient) == 0


def test_of_many_registrations_begun_at_once_one_has_a_code_that_works(portal: Portal, promise: Promise) -> None:
    """And no more codes go out than there may be in an hour."""
    patient, count = patient_of_their_own(portal), size("ID 7")
    answers = at_once(count, lambda _n: start(portal, claim(patient, "clinic_number"), source_ip=fresh_address()))
    assert {answer.status for answer in answers} <= {201, 429}
    begun = [answer.json for answer in answers if answer.status == 201]
    promise(
        "ID 7",
        f"{count} begin at once: registrations",
        asked="1 to 5",
        measured=len(begun),
        passed=1 <= len(begun) <= 5,
    )
    codes = [email.text or "" for email in portal.emails(mailbox(patient))]
    promise("ID 7", f"{count} begin at once: codes that are sent", asked=1, measured=len(codes))
    code = emailed_code(portal, patient)
    made = [portal.finish_registration(started, code=code).status for started in begun]
    assert Counter(made) == {201: 1, 422: len(begun) - 1}


def test_a_code_that_is_sent_again_many_times_at_once_is_one_that_works(portal: Portal, promise: Promise) -> None:
    patient = patient_of_their_own(portal)
    started, count = begin(portal, patient), size("ID 7")
    path = f"/v1/registrations/{started['registration_id']}/code"
    statuses = Counter(answer.status for answer in at_once(count, lambda _n: portal.call("POST", path, {})))
    promise("ID 7", f"{count} ask again at once: taken", asked=4, measured=statuses[202])
    promise("ID 7", f"{count} ask again at once: refused", asked=count - 4, measured=statuses[429])
    assert portal.finish_registration(started, code=emailed_code(portal, patient)).status == 201


def test_one_invitation_used_many_times_at_once_is_one_caregiver(portal: Portal, promise: Promise) -> None:
    mother, email, count = portal.register(), new_email(), size("ID 7")
    assert invite(mother, "medications", email=email).status == 201
    person = {"first_name": "Astrid", "last_name": "Lund", "date_of_birth": "1985-03-02"}
    asked = {"method": "invitation", "invitation_token": link_of(portal, email), "email": email, **person}
    begun = [start(portal, asked).json for _ in range(count)]
    answers = at_once(count, lambda number: portal.finish_registration(begun[number]))
    statuses = Counter(answer.status for answer in answers)
    promise("ID 3", f"{count} use one invitation at once: accounts", asked=1, measured=statuses[201])
    promise("ID 3", f"{count} use one invitation at once: refused", asked=count - 1, measured=statuses[410])
    assert len(mother.get("/v1/patients/me/caregivers").json["items"]) == 1
