"""Registering: from the clinic's letter to an account, and everything that is refused on the way (ID 1-6, 8)."""

import json
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import pytest

from chalicelib import clock, words
from chalicelib.domain import passwords
from chalicelib.domain.identity import UsernameReason
from chalicelib.domain.security_questions import AnswerProblem
from tests.support.crowd import seen_by_a_stranger
from tests.support.portal import Answer, Patient, Portal
from tests.support.promises import Promise
from tests.support.setting import setting
from tests.support.sign_in import confirm_email
from tests.support.times import NOON

WRONG_CODE = "0000-0000-0000"


def code_for(portal: Portal, patient: Patient) -> str:
    code: str = portal.issue_code(patient).json["activation_code"]
    return code


def all_tables(portal: Portal) -> str:
    return repr([portal.rows(area) for area in ("accounts", "patients", "audit", "outbox")])


def problem(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["code"]


@pytest.mark.promise
def test_the_code_has_60_bits_and_is_in_no_table(portal: Portal, promise: Promise) -> None:
    """ID 1."""
    code = code_for(portal, portal.new_patient())
    bits = 5 * len(code.replace("-", ""))
    promise("ID 1", "activation code: bits", asked="50 or more", measured=bits, passed=bits >= 50)
    stored = all_tables(portal)
    found = sum(spelling in stored for spelling in (code, code.replace("-", ""), code.lower()))
    promise("ID 1", "activation code in clear in the tables", asked=0, measured=found)


@pytest.mark.promise
def test_after_five_wrong_tries_the_right_code_fails_too(portal: Portal, promise: Promise) -> None:
    """ID 1."""
    patient = portal.new_patient()
    code = code_for(portal, patient)
    tries = [portal.start_registration(patient, WRONG_CODE).status for _ in range(5)]
    after = portal.start_registration(patient, code)
    assert (tries, problem(after)) == ([422] * 5, (422, "identity_not_confirmed"))
    promise("ID 1", "status of the right code after 5 wrong tries", asked=422, measured=after.status)


def test_after_four_wrong_tries_of_any_kind_the_right_code_works_as_often_as_it_is_typed(portal: Portal) -> None:
    """ID 1: a right try does not count."""
    patient = portal.new_patient()
    code = code_for(portal, patient)
    portal.start_registration(patient, WRONG_CODE)
    portal.start_registration(patient, code, date_of_birth="1961-04-13")
    portal.start_registration(patient, code, last_name="Somebody")
    portal.start_registration(patient, code, first_name="Somebody")
    assert [portal.start_registration(patient, code).status for _ in range(7)] == [201] * 7
    assert portal.start_registration(patient, WRONG_CODE).status == 422
    assert portal.start_registration(patient, code).status == 422


@pytest.mark.promise
def test_the_code_works_for_21_days_by_the_portals_clock(portal: Portal, promise: Promise) -> None:
    """ID 1, SE 5: the row is still there when the code is over."""
    with clock.frozen(NOON):
        patient = portal.new_patient()
        code = code_for(portal, patient)
        clock.advance(timedelta(days=21) - timedelta(milliseconds=1))
        before = portal.start_registration(patient, code).status
        clock.advance(timedelta(milliseconds=1))
        after = portal.start_registration(patient, code).status
    promise("ID 1", "status 1 ms before and at 21 days", asked="201, 422", measured=f"{before}, {after}")


def test_a_code_may_be_typed_as_people_type(portal: Portal) -> None:
    patient = portal.new_patient()
    code = code_for(portal, patient)
    typed = code.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    names = {"first_name": "  INGRID", "last_name": "Sölberg".replace("ö", "o")}
    assert portal.start_registration(patient, typed, **names).status == 201


@pytest.mark.promise
def test_everything_that_does_not_match_is_one_answer(portal: Portal, promise: Promise) -> None:
    """ID 2: wrong code, birth date, name or number, a used, replaced, expired, dead or missing code."""
    patient, registered, without = portal.new_patient(), portal.new_patient(), portal.new_patient()
    used = code_for(portal, registered)
    portal.finish_registration(portal.start_registration(registered, used).json)
    replaced = code_for(portal, patient)
    code = code_for(portal, patient)
    answers = [
        portal.start_registration(patient, WRONG_CODE),
        portal.start_registration(patient, "not a code"),
        portal.start_registration(patient, code, date_of_birth="1961-04-13"),
        portal.start_registration(patient, code, last_name="Nobody"),
        portal.start_registration(patient, replaced),
        portal.start_registration(patient, code),
        portal.start_registration(registered, used),
        portal.start_registration(registered, WRONG_CODE),
        portal.start_registration(without, WRONG_CODE),
        portal.start_registration(patient, code, clinic_number="999-999-999"),
        portal.start_registration(patient, code, clinic_number="\ufdfa" * 200),
    ]
    different = {json.dumps(seen_by_a_stranger(answer), sort_keys=True) for answer in answers}
    assert problem(answers[0]) == (422, "identity_not_confirmed")
    promise("ID 2", f"different answers in {len(answers)} refusals", asked=1, measured=len(different))


def test_the_identity_is_proved_before_anything_is_said_of_age_or_death(portal: Portal) -> None:
    """ID 2 and 6."""
    child = portal.new_patient(birthDate="2020-02-02")
    code_for(portal, child)
    assert problem(portal.start_registration(child, WRONG_CODE)) == (422, "identity_not_confirmed")
    late = portal.new_patient()
    code = code_for(portal, late)
    portal.new_patient(id=late.resource_id, deceasedBoolean=True, meta={"lastUpdated": "2026-11-20T10:00:00Z"})
    assert problem(portal.start_registration(late, WRONG_CODE)) == (422, "identity_not_confirmed")
    assert problem(portal.start_registration(late, code)) == (422, "record_closed")
    assert problem(portal.issue_code(late)) == (409, "patient_deceased")


@pytest.mark.promise
@pytest.mark.parametrize(
    ("born", "of_age_at"),
    [
        # In Chicago midnight is 05:00 UTC in June and 06:00 UTC in February and March.
        pytest.param("2008-06-15", datetime(2026, 6, 15, 5, tzinfo=UTC), id="in summer"),
        pytest.param("2008-02-29", datetime(2026, 3, 1, 6, tzinfo=UTC), id="born on 29 February"),
    ],
)
def test_who_comes_of_age_does_so_at_midnight_in_the_clinics_zone(
    portal: Portal, promise: Promise, born: str, of_age_at: datetime
) -> None:
    """ID 6."""
    with clock.frozen(of_age_at - timedelta(milliseconds=1)):
        patient = portal.new_patient(birthDate=born)
        code = code_for(portal, patient)
        too_young = portal.start_registration(patient, code)
        clock.advance(timedelta(milliseconds=1))
        of_age = portal.start_registration(patient, code)
    assert problem(too_young) == (422, "below_minimum_age")
    assert "18" in too_young.json["detail"]
    assert "caregiver" in too_young.json["detail"].lower()
    statuses = f"{too_young.status}, {of_age.status}"
    promise("ID 6", f"born {born}: 1 ms before and at midnight", asked="422, 201", measured=statuses)


@pytest.mark.promise
def test_an_email_that_is_taken_looks_like_success_and_its_owner_is_told(portal: Portal, promise: Promise) -> None:
    """ID 5: the answers and both accounts are of one shape; only the owner's mailbox knows."""
    owner = portal.register()
    confirm_email(portal, owner)
    letters = len(portal.emails(owner.patient.email))
    asks_for_theirs = portal.register(email=owner.patient.email.upper())
    ordinary = portal.register()
    assert ordinary.session.keys() == asks_for_theirs.session.keys()
    mine, other = asks_for_theirs.get("/v1/me"), ordinary.get("/v1/me")
    assert mine.headers.keys() == other.headers.keys()
    varies = {"account_id", "patient_id", "username", "email", "pending_email"}
    same = {name: value for name, value in mine.json.items() if name not in varies}
    assert same == {name: value for name, value in other.json.items() if name not in varies}
    assert mine.json["email"].casefold() == owner.patient.email.casefold()
    assert (mine.json["email_verified"], other.json["email_verified"]) == (False, False)
    told = portal.emails(owner.patient.email)[letters:]
    promise("ID 5", "notices to the owner of a taken email", asked=1, measured=len(told))
    links = sum("/l/" in (email.text or "") for email in told)
    promise("ID 5", "links in them that would confirm it for a stranger", asked=0, measured=links)
    stored = [row for row in portal.rows("accounts") if row["pk"]["S"] == mine.json["account_id"]]
    assert "email" not in next(row for row in stored if row["sk"]["S"] == "principal")


@pytest.mark.parametrize(
    ("username", "twin"),
    [
        ("Ingrid.Solberg", "ingrid.solberg"),
        ("ingrid-mae", "ｉｎｇｒｉｄ-mae"),  # noqa: RUF001  Fullwidth letters are the point.
        ("fiona.s", "ﬁona.s"),
        ("straße77", "STRASSE77"),
        ("josé.s", "jose\u0301.s"),
        ("with.space", "  with.space "),
    ],
)
def test_usernames_that_read_the_same_are_one(portal: Portal, username: str, twin: str) -> None:
    """ID 4: NFKC, case folding, and nothing invisible; one signs in by any of the spellings."""
    first = portal.register(username=username)
    patient = portal.new_patient()
    started = portal.start_registration(patient, code_for(portal, patient)).json
    assert problem(portal.finish_registration(started, username=twin)) == (409, "username_taken")
    assert portal.sign_in(twin).json["account"]["account_id"] == first.session["account"]["account_id"]
    assert first.get("/v1/me").json["username"] == username


@pytest.mark.parametrize("username", ["ing\u200brid", "p\u0430ypal", "аdmіn", "admin", "a", "else@example.org"])  # noqa: RUF001
def test_a_username_that_could_be_taken_for_anothers_is_refused(portal: Portal, username: str) -> None:
    """ID 4."""
    patient = portal.new_patient()
    started = portal.start_registration(patient, code_for(portal, patient)).json
    refused = portal.finish_registration(started, username=username)
    assert refused.status == 422
    assert {error["pointer"] for error in refused.json["errors"]} == {"/username"}


def test_an_account_with_an_address_of_ones_own_is_told_to_the_address_on_file(portal: Portal) -> None:
    patient = portal.new_patient()
    portal.register(patient, email="somebody.else@example.org")
    (told,) = portal.emails(patient.email)
    assert told.subject == "An account was opened in your name"
    assert patient.last_name not in (told.text or "")
    at_home = portal.register()
    assert [email.subject for email in portal.emails(at_home.patient.email)] == ["Please confirm your email address"]


def _kept(portal: Portal) -> tuple[int, int]:
    """How many rows there are but the counters of tries, which are of networks."""
    kept = [row for row in portal.rows("accounts") if not row["pk"]["S"].startswith("limit#")]
    return len(kept), portal.count("outbox")


def test_all_that_is_wrong_is_said_at_once_and_nothing_is_stored(portal: Portal) -> None:
    patient = portal.new_patient()
    started = portal.start_registration(patient, code_for(portal, patient)).json
    before = _kept(portal)
    refused = portal.finish_registration(started, username="x", password="short", security_answers=[])
    pointers = {error["pointer"] for error in refused.json["errors"]}
    assert (refused.status, pointers) == (422, {"/username", "/password", "/security_answers"})
    assert problem(portal.finish_registration(started, terms_version="1999-01-01")) == (422, "terms_outdated")
    assert _kept(portal) == before


@pytest.mark.parametrize(
    ("prefix", "reasons"),
    [("username", UsernameReason), ("password", passwords.Reason), ("answers", AnswerProblem)],
)
def test_every_reason_to_refuse_what_somebody_chose_has_its_words(prefix: str, reasons: type[StrEnum]) -> None:
    missing = [reason for reason in reasons if f"field.{prefix}_{reason}" not in words.catalogue("en")]
    assert missing == []


@pytest.mark.promise
def test_security_answers_are_kept_as_hashes_only(portal: Portal, promise: Promise) -> None:
    """ID 8: normalised, hashed like passwords, three of a list of 20 or more."""
    questions = portal.call("GET", "/v1/security-questions").json["items"]
    promise(
        "ID 8", "questions to choose from", asked="20 or more", measured=len(questions), passed=len(questions) >= 20
    )
    answers = [
        {"question_id": item["question_id"], "answer": f"Zebrafinch {place}"}
        for place, item in enumerate(questions[:3])
    ]
    person = portal.register(security_answers=answers)
    (row,) = [
        row
        for row in portal.rows("accounts")
        if (row["pk"]["S"], row["sk"]["S"]) == (person.session["account"]["account_id"], "principal")
    ]
    hashes = [kept["hash"] for kept in json.loads(row["security_answers"]["S"])]
    assert len(set(hashes)) == 3
    assert all("$argon2id$v=19$m=19456,t=2,p=1$" in kept for kept in hashes)
    in_clear = json.dumps(portal.rows("accounts")).casefold().count("zebrafinch")
    promise("ID 8", "security answers in clear", asked=0, measured=in_clear)


def test_one_setting_turns_the_security_questions_off(portal: Portal) -> None:
    """ID 8: they are neither asked for nor kept."""
    with setting("SECURITY_QUESTIONS", "off"):
        assert portal.call("GET", "/v1/config").json["registration"]["security_questions"] is False
        portal.register(security_answers=[])
        person = portal.register()
    (row,) = [
        row
        for row in portal.rows("accounts")
        if (row["pk"]["S"], row["sk"]["S"]) == (person.session["account"]["account_id"], "principal")
    ]
    assert row["security_answers"]["S"] == "[]"


def test_only_the_registrations_own_token_finishes_it(portal: Portal) -> None:
    patient = portal.new_patient()
    code = code_for(portal, patient)
    one, other = (portal.start_registration(patient, code).json for _ in range(2))
    mixed = portal.finish_registration(one, registration_token=other["registration_token"])
    missing = portal.finish_registration({**one, "registration_id": "reg_" + "0" * 26})
    assert seen_by_a_stranger(mixed) == seen_by_a_stranger(missing)
    assert mixed.status == 404


def test_a_registration_becomes_an_account_once_and_within_an_hour(portal: Portal) -> None:
    with clock.frozen(NOON):
        patient = portal.new_patient()
        started = portal.start_registration(patient, code_for(portal, patient)).json
        clock.advance(timedelta(hours=1))
        assert problem(portal.finish_registration(started)) == (410, "registration_ended")
        clock.advance(timedelta(milliseconds=-1))
        assert portal.finish_registration(started).status == 201
        assert problem(portal.finish_registration(started)) == (410, "registration_ended")


def test_a_second_registration_of_a_patient_with_an_account_ends(portal: Portal) -> None:
    """ID 1: the code is single use, however many registrations it had begun."""
    patient = portal.new_patient()
    code = code_for(portal, patient)
    one, other = (portal.start_registration(patient, code).json for _ in range(2))
    assert portal.finish_registration(one).status == 201
    assert problem(portal.finish_registration(other)) == (410, "registration_ended")


def test_a_new_code_kills_the_registrations_that_the_old_one_began(portal: Portal) -> None:
    patient = portal.new_patient()
    started = portal.start_registration(patient, code_for(portal, patient)).json
    code_for(portal, patient)
    assert problem(portal.finish_registration(started)) == (422, "identity_not_confirmed")


@pytest.mark.promise
def test_no_secret_is_in_any_table(portal: Portal, promise: Promise) -> None:
    """PW 3, SE 1, ID 1: what signs anybody in is kept as a hash, or not at all."""
    patient = portal.new_patient()
    code = code_for(portal, patient)
    started = portal.start_registration(patient, code).json
    password = "a green teapot sang 7 songs"
    session = portal.finish_registration(started, password=password, email=patient.email).json
    client_id, client_secret = portal.new_client("patients.read")
    client_token = portal.client_token((client_id, client_secret))
    portal.drain()
    secrets = [password, code, started["registration_token"], session["device_token"], client_secret, client_token]
    secrets += [session["access_token"], session["refresh_token"], "an answer 0"]
    secrets += [secret.rpartition(".")[2] for secret in secrets]
    stored = all_tables(portal)
    found = [secret for secret in secrets if secret in stored]
    promise("SE 1", "secrets in clear in the tables", asked=0, measured=len(found))
