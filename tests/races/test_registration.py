"""Registering under race: one account for a patient, one owner for a name and for an address (ID 3 and 4)."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.crowd import at_once, fresh_address
from tests.support.portal import Answer, Patient, Portal
from tests.support.promises import Promise
from tests.support.setting import setting
from tests.support.sign_in import link_token, token_in
from tests.support.sizes import size

pytestmark = [pytest.mark.race, pytest.mark.promise]


@pytest.fixture(autouse=True)
def without_security_questions() -> Iterator[None]:
    """Three of the four hashes of an account would only keep the racers from meeting."""
    with setting("SECURITY_QUESTIONS", "off"):
        yield


def code_for(portal: Portal, patient: Patient) -> str:
    code: str = portal.issue_code(patient).json["activation_code"]
    return code


def begun(portal: Portal) -> dict[str, Any]:
    """A registration of a new patient that waits for its account."""
    patient = portal.new_patient()
    started: dict[str, Any] = portal.start_registration(patient, code_for(portal, patient)).json
    return started


def refusals(answers: list[Answer]) -> int:
    """How many were refused as a client can understand; anything else is no refusal."""
    waits = [answer for answer in answers if answer.status == 429 and answer.header("retry-after")]
    return sum(answer.status in {404, 409, 410, 422} for answer in answers) + len(waits)


def keys(portal: Portal) -> set[tuple[str, str, str]]:
    """Every row but the counters of tries, which are of networks and not of accounts."""
    return {
        (area, row["pk"]["S"], row["sk"]["S"])
        for area in ("accounts", "audit", "outbox")
        for row in portal.rows(area)
        if not row["pk"]["S"].startswith("limit#")
    }


def kinds(rows: set[tuple[str, str, str]]) -> Counter[str]:
    """What the new rows are: the word before the id in the accounts table's sort key, else the table."""
    return Counter(sk.partition("#")[0] if area == "accounts" else area for area, _, sk in rows)


ONE_ACCOUNT = {
    "principal": 1,
    "username": 1,
    "account": 1,
    "session": 1,
    "device": 1,
    # The address leads to the account until it is confirmed, and its email has a link for yes and one for no.
    "pending": 1,
    "link": 2,
    "audit": 1,
    # The email, the word to the address on file that an account was opened, and the event for the clinic's systems.
    "outbox": 3,
}


def check_one_account(portal: Portal, promise: Promise, what: str, answers: list[Answer], new: Counter[str]) -> None:
    made = [answer for answer in answers if answer.status == 201]
    count = len(answers)
    promise("ID 3", f"{count} at once, {what}: accounts", asked=1, measured=len(made))
    promise("ID 3", f"{count} at once, {what}: refused", asked=count - 1, measured=refusals(answers))
    orphans = sum((new - Counter(ONE_ACCOUNT)).values())
    promise("ID 3", f"{count} at once, {what}: orphan rows", asked=0, measured=orphans)
    assert new == Counter(ONE_ACCOUNT)
    assert portal.call("GET", "/v1/me", token=made[0].json["access_token"]).status == 200


def test_one_registration_finished_many_times_at_once_is_one_account(portal: Portal, promise: Promise) -> None:
    """ID 3."""
    started = begun(portal)
    portal.drain()
    before = keys(portal)
    answers = at_once(
        size("ID 3"), lambda number: portal.finish_registration(started, email=f"shared-{number}@example.org")
    )
    check_one_account(portal, promise, "one registration", answers, kinds(keys(portal) - before))


def test_many_registrations_of_one_patient_finished_at_once_are_one_account(portal: Portal, promise: Promise) -> None:
    """ID 3."""
    patient = portal.new_patient()
    code = code_for(portal, patient)
    started = [portal.start_registration(patient, code).json for _ in range(size("ID 3"))]
    portal.drain()
    before = keys(portal)
    answers = at_once(
        len(started), lambda number: portal.finish_registration(started[number], email=f"own-{number}@example.org")
    )
    check_one_account(portal, promise, "a registration each", answers, kinds(keys(portal) - before))


def test_many_who_type_the_right_code_at_once_are_one_account(portal: Portal, promise: Promise) -> None:
    """ID 3, both halves in one; ID 1: parallel tries stop at five."""
    patient = portal.new_patient()
    code = code_for(portal, patient)

    def activate(_number: int) -> Answer:
        started = portal.start_registration(patient, code)
        return portal.finish_registration(started.json) if started.status == 201 else started

    answers = at_once(size("ID 3"), activate)
    statuses = Counter(answer.status for answer in answers)
    promise("ID 3", f"{len(answers)} at once, from the code on: accounts", asked=1, measured=statuses[201])
    promise(
        "ID 3", f"{len(answers)} at once, from the code on: refused", asked=len(answers) - 1, measured=refusals(answers)
    )


def test_of_many_wrong_codes_at_once_five_are_looked_at(portal: Portal, promise: Promise) -> None:
    """ID 1: the counter does not run past its cap, and the right code is dead."""
    patient = portal.new_patient()
    code = code_for(portal, patient)
    at_once(size("ID 3"), lambda _number: portal.start_registration(patient, "0000-0000-0000"))
    (row,) = [row for row in portal.rows("accounts") if row["pk"]["S"] == f"patient#{patient.patient_id}"]
    promise("ID 1", f"{size('ID 3')} wrong codes at once: tries counted", asked=5, measured=int(row["tries"]["N"]))
    # By then the limits of wrong tries are past.
    portal.advance(hours=1)
    assert portal.start_registration(patient, code).status == 422


SPELLINGS = ("Ingrid.Solberg", "ingrid.solberg", "INGRID.SOLBERG", "ｉｎｇｒｉｄ.ｓｏｌｂｅｒｇ")  # noqa: RUF001  Fullwidth.


def test_of_many_who_want_one_username_one_gets_it(portal: Portal, promise: Promise) -> None:
    """ID 4: in whatever spelling."""
    begins = [begun(portal) for _ in range(size("ID 4"))]
    answers = at_once(
        len(begins),
        lambda number: portal.finish_registration(begins[number], username=f"{SPELLINGS[number % 4]}.{len(begins)}"),
    )
    statuses = Counter((answer.status, answer.json.get("code")) for answer in answers)
    promise("ID 4", f"{len(begins)} at once want one username: won", asked=1, measured=statuses[201, None])
    taken = statuses[409, "username_taken"]
    promise("ID 4", f"{len(begins)} at once want one username: taken", asked=len(begins) - 1, measured=taken)
    # Whoever lost chooses another name, with the same registration.
    loser = next(number for number, answer in enumerate(answers) if answer.status == 409)
    assert portal.finish_registration(begins[loser]).status == 201


def test_of_many_who_confirm_one_email_one_gets_it(portal: Portal, promise: Promise) -> None:
    """ID 4: each holds a link that went to that mailbox, and spells the address in a way of their own."""
    spellings = [f"{word}.{size('ID 4')}@example.org" for word in ("shared", "SHARED")]
    people = [portal.register(email=spellings[number % 2]) for number in range(size("ID 4"))]
    tokens = [token_in(email) for spelling in spellings for email in portal.emails(spelling)]

    def confirm(number: int) -> Answer:
        asked = {"token": tokens[number], "date_of_birth": people[number].patient.date_of_birth}
        return portal.call("POST", "/v1/email-verifications", asked)

    answers = at_once(len(people), confirm)
    statuses = Counter(answer.status for answer in answers)
    promise("ID 4", f"{len(people)} at once confirm one email: won", asked=1, measured=statuses[204])
    promise("ID 4", f"{len(people)} at once confirm one email: taken", asked=len(people) - 1, measured=statuses[409])
    verified = sum(person.get("/v1/me").json["email_verified"] for person in people)
    promise("ID 4", f"{len(people)} at once confirm one email: accounts that have it", asked=1, measured=verified)


def test_of_many_who_follow_one_link_at_once_one_does(portal: Portal, promise: Promise) -> None:
    """RC 1's single use, for the links of confirmation emails."""
    person = portal.register()
    asked = {"token": link_token(portal, person.patient.email)}
    count = size("RC 1")
    answers = at_once(
        count, lambda _number: person.call("POST", "/v1/email-verifications", asked, source_ip=fresh_address())
    )
    statuses = Counter(answer.status for answer in answers)
    promise("RC 1", f"{count} at once follow one link: confirmed", asked=1, measured=statuses[204])
    promise("RC 1", f"{count} at once follow one link: over", asked=count - 1, measured=statuses[410])
    account = f"account#{person.session['account']['account_id']}"
    history = [row["action"]["S"] for row in portal.rows("audit") if row["pk"]["S"] == account]
    assert history.count("account:email:verify") == 1
