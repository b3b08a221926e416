"""Registering by a code to the contact on file: with a clinic number, or with what only the patient knows (ID 2, 7)."""

import json
import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib import clock
from tests.support.aws_calls import recorded
from tests.support.crowd import fresh_address, seen_by_a_stranger
from tests.support.portal import Answer, Patient, Portal
from tests.support.promises import Promise
from tests.support.registering import (
    PHONE,
    SSN,
    claim,
    code_in,
    email_contact,
    emailed_code,
    family,
    mailbox,
    patient_of_their_own,
    patient_with_ssn,
    phone_contact,
    reasons,
    reasons_about,
    start,
    texted_code,
    wrong,
)
from tests.support.setting import setting
from tests.support.sign_in import confirm_email
from tests.support.times import NOON

METHODS = ("clinic_number", "identity_match")


def problem(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["code"]


def begin(portal: Portal, patient: Patient, method: str = "clinic_number", **changes: Any) -> dict[str, Any]:
    """A registration that waits for its code."""
    answer = start(portal, claim(patient, method, **changes), source_ip=fresh_address())
    assert answer.status == 201, answer.text
    started: dict[str, Any] = answer.json
    return started


def resend(portal: Portal, started: dict[str, Any], **body: Any) -> Answer:
    return portal.call("POST", f"/v1/registrations/{started['registration_id']}/code", body)


@pytest.mark.parametrize("method", METHODS)
def test_a_code_goes_to_the_address_on_file_and_opens_the_account(portal: Portal, method: str) -> None:
    """ID 7: never to the address that was typed."""
    patient = patient_of_their_own(portal)
    typed = f"typed.{method}@example.net"
    started = begin(portal, patient, method, email=typed)
    local, _, domain = mailbox(patient).partition("@")
    assert started["code_sent_to"] == f"{local[0]}***@{domain[0]}***.org"
    code = emailed_code(portal, patient)
    assert portal.emails(typed) == []
    made = portal.finish_registration(started, code=f" {code[:4]}-{code[4:]} ")
    assert made.status == 201, made.text
    assert made.json["account"]["patient_id"] == patient.patient_id
    assert made.json["account"]["email"] == typed
    assert len(portal.emails(typed)) == 1


@pytest.mark.parametrize("method", METHODS)
def test_without_an_email_on_file_the_code_goes_by_sms(portal: Portal, method: str) -> None:
    patient = patient_of_their_own(portal, telecom=[phone_contact("+13125550188")])
    more = {"phone_last4": "0188"} if method == "identity_match" else {}
    started = begin(portal, patient, method, **more)
    assert started["code_sent_to"] == "***-***-**88"
    code = texted_code(portal, "+13125550188")
    assert portal.finish_registration(started, code=code).status == 201


def test_the_last_four_of_the_social_security_number_will_do(portal: Portal) -> None:
    patient = patient_with_ssn(portal)
    assert begin(portal, patient, "identity_match", phone_last4=None, ssn_last4=SSN[-4:])["code_sent_to"]


NEVER_WITHOUT_PROOF = ("12345678", "0" * 8, "not a code")


@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_proved_without_the_code(portal: Portal, method: str) -> None:
    """ID 7."""
    patient = patient_of_their_own(portal)
    started = begin(portal, patient, method)
    missing = portal.finish_registration(started)
    assert problem(missing) == (422, "invalid_request")
    assert [error["pointer"] for error in missing.json["errors"]] == ["/code"]
    for guess in NEVER_WITHOUT_PROOF:
        assert problem(portal.finish_registration(started, code=guess)) == (422, "identity_not_confirmed")
    assert portal.finish_registration(started, code=emailed_code(portal, patient)).status == 201


@pytest.mark.promise
@pytest.mark.parametrize("method", METHODS)
def test_the_fifth_wrong_code_ends_it(portal: Portal, promise: Promise, method: str) -> None:
    """Also where a code is sent again between."""
    patient = patient_of_their_own(portal)
    started = begin(portal, patient, method)
    code = emailed_code(portal, patient)
    statuses = [portal.finish_registration(started, code=wrong(code)).status for _ in range(4)]
    assert resend(portal, started).status == 202
    code = emailed_code(portal, patient)
    statuses.append(portal.finish_registration(started, code=wrong(code)).status)
    after = portal.finish_registration(started, code=code)
    assert (statuses, problem(after)) == ([422] * 5, (422, "identity_not_confirmed"))
    promise("ID 7", f"{method}: status of the right code after 5 wrong tries", asked=422, measured=after.status)
    sent = len(portal.emails(mailbox(patient)))
    assert resend(portal, started).json == {"code_sent_to": None}
    assert len(portal.emails(mailbox(patient))) == sent


def test_the_code_works_for_15_minutes_by_the_portals_clock(portal: Portal) -> None:
    with clock.frozen(NOON):
        patient = patient_of_their_own(portal)
        started = begin(portal, patient)
        code = emailed_code(portal, patient)
        clock.advance(timedelta(minutes=15))
        assert problem(portal.finish_registration(started, code=code)) == (422, "identity_not_confirmed")
        clock.advance(timedelta(milliseconds=-1))
        assert portal.finish_registration(started, code=code).status == 201
        assert problem(portal.finish_registration(started, code=code)) == (410, "registration_ended")


def test_a_right_code_is_not_spent_by_a_refused_password(portal: Portal) -> None:
    patient = patient_of_their_own(portal)
    started = begin(portal, patient)
    code = emailed_code(portal, patient)
    for _ in range(6):
        assert portal.finish_registration(started, code=code, password="short").status == 422
    assert portal.finish_registration(started, code=code).status == 201


@pytest.mark.promise
def test_the_newest_code_kills_the_older(portal: Portal, promise: Promise) -> None:
    """A code that is sent again, and one of a registration that began later."""
    patient = patient_of_their_own(portal)
    first = begin(portal, patient)
    codes = [emailed_code(portal, patient)]
    assert resend(portal, first).json["code_sent_to"] == first["code_sent_to"]
    codes.append(emailed_code(portal, patient))
    older = portal.finish_registration(first, code=codes[0])
    second = begin(portal, patient, "identity_match")
    replaced = portal.finish_registration(first, code=codes[1])
    refused = sum(problem(answer) == (422, "identity_not_confirmed") for answer in (older, replaced))
    promise("ID 7", "older codes of one patient that still work", asked=0, measured=2 - refused)
    assert resend(portal, first).json == {"code_sent_to": None}
    assert portal.finish_registration(second, code=emailed_code(portal, patient)).status == 201


def test_a_code_that_is_older_than_the_newest_is_not_even_sent(portal: Portal) -> None:
    """Its message waits in the outbox while the next is asked for."""
    patient = patient_of_their_own(portal)
    started = begin(portal, patient)
    resend(portal, started)
    assert len(portal.emails(mailbox(patient))) == 1
    assert portal.finish_registration(started, code=emailed_code(portal, patient)).status == 201


def test_the_other_contact_may_be_asked_for(portal: Portal) -> None:
    patient = patient_of_their_own(portal, telecom=[email_contact(f"{family()}@example.org"), phone_contact()])
    started = begin(portal, patient)
    assert started["code_sent_to"].endswith("***.org")
    assert resend(portal, started, channel="sms").json["code_sent_to"] == "***-***-**99"
    assert portal.finish_registration(started, code=texted_code(portal, PHONE)).status == 201


@pytest.mark.promise
def test_no_more_than_five_codes_an_hour_go_to_one_patient(portal: Portal, promise: Promise) -> None:
    """However they are asked for; the sixth is refused for as long as the first counts."""
    with clock.frozen(NOON):
        patient = patient_of_their_own(portal)
        started = begin(portal, patient)
        for _ in range(2):
            assert resend(portal, started).status == 202
            started = begin(portal, patient, "identity_match")
            clock.advance(timedelta(minutes=1))
        refused = [
            resend(portal, started),
            start(portal, claim(patient, "clinic_number"), source_ip=fresh_address()),
        ]
        assert [problem(answer) for answer in refused] == [(429, "too_many_requests")] * 2
        assert {answer.header("retry-after") for answer in refused} == {"3480"}
        sent = len(portal.emails(mailbox(patient)))
        clock.advance(timedelta(minutes=58))
        assert resend(portal, started).status in {202, 410}
    promise("ID 7", "codes to one patient in an hour", asked="at most 5", measured=sent, passed=sent <= 5)


def test_a_registration_without_a_code_and_an_unknown_one_have_none_to_send(portal: Portal) -> None:
    patient = portal.new_patient()
    started = portal.start_registration(patient, portal.issue_code(patient).json["activation_code"]).json
    unknown = {"registration_id": "reg_" + "0" * 26}
    assert seen_by_a_stranger(resend(portal, started)) == seen_by_a_stranger(resend(portal, unknown))
    assert resend(portal, unknown).status == 404


def _refusals(portal: Portal, method: str) -> dict[str, tuple[Patient, dict[str, Any]]]:
    """Every way in which a claim can be wrong: whom it is about, and what is asked."""
    known = {name: patient_of_their_own(portal) for name in ("names", "birth date", "last four", "unknown")}
    without = patient_with_ssn(portal, telecom=[])
    dead = patient_of_their_own(portal, deceasedBoolean=True)
    registered = patient_of_their_own(portal)
    portal.register(registered)
    changes: dict[str, tuple[Patient, dict[str, Any]]] = {
        "names": (known["names"], {"first_name": "Somebody"}),
        "last name": (known["names"], {"last_name": family()}),
        "birth date": (known["birth date"], {"date_of_birth": "1961-04-13"}),
        "no contact": (without, {"phone_last4": None, "ssn_last4": SSN[-4:]} if method == "identity_match" else {}),
        "deceased": (dead, {}),
        "account": (registered, {}),
    }
    if method == "identity_match":
        changes["last four of a phone"] = (known["last four"], {"phone_last4": "0000"})
        changes["last four of another number"] = (known["last four"], {"ssn_last4": "0000"})
    else:
        changes["unknown number"] = (known["unknown"], {"clinic_number": "999-999-999"})
        changes["no number"] = (known["unknown"], {"clinic_number": "\ufdfa" * 200})
    return {what: (patient, claim(patient, method, **asked)) for what, (patient, asked) in changes.items()}


@pytest.mark.promise
@pytest.mark.parametrize("method", METHODS)
def test_whatever_does_not_match_is_one_answer(portal: Portal, promise: Promise, method: str) -> None:
    """ID 2, for each way to register; nothing is sent."""
    wrong_claims = _refusals(portal, method)
    sent = len(portal.emails())
    answers = {what: start(portal, asked, source_ip=fresh_address()) for what, (_, asked) in wrong_claims.items()}
    assert {problem(answer) for answer in answers.values()} == {(422, "identity_not_confirmed")}
    different = {json.dumps(seen_by_a_stranger(answer), sort_keys=True) for answer in answers.values()}
    promise("ID 2", f"{method}: different answers in {len(answers)} refusals", asked=1, measured=len(different))
    assert len(portal.emails()) == sent


@pytest.mark.parametrize("method", METHODS)
def test_staff_can_see_why_and_the_history_keeps_nothing_that_was_typed(portal: Portal, method: str) -> None:
    wrong_claims = _refusals(portal, method)
    clinics = len(reasons(portal, "clinic"))
    for _, asked in wrong_claims.values():
        start(portal, asked, source_ip=fresh_address())
    by_number = {
        "names": ["names", "names"],
        "birth date": ["birth_date"],
        "no contact": ["no_contact"],
        "deceased": ["deceased"],
        "account": ["account_exists"],
    }
    # Without a number, another name or birth date is nobody's.
    by_identity = by_number | {"names": [], "birth date": [], "last four of a phone": ["last_four", "last_four"]}
    expected = by_number if method == "clinic_number" else by_identity
    assert {what: reasons_about(portal, wrong_claims[what][0]) for what in expected} == expected
    assert reasons(portal, "clinic")[clinics:] == ["unknown"] * (2 if method == "clinic_number" else 3)


@pytest.mark.promise
def test_two_patients_who_cannot_be_told_apart_are_neither(portal: Portal, promise: Promise) -> None:
    """Twins of one name who share their parents' telephone: the reason stands in the history of both."""
    name = family()
    twins = [patient_of_their_own(portal, family=name) for _ in range(2)]
    answer = start(portal, claim(twins[0], "identity_match"), source_ip=fresh_address())
    assert problem(answer) == (422, "identity_not_confirmed")
    told = [reasons_about(portal, twin) for twin in twins]
    promise("ID 7", "identity_match of two who fit: registrations", asked=0, measured=int(answer.status == 201))
    assert told == [["ambiguous"], ["ambiguous"]]
    sister = patient_of_their_own(portal, family=name, name=[{"given": ["Astrid"], "family": name}])
    assert start(portal, claim(sister, "identity_match"), source_ip=fresh_address()).status == 201


def test_a_patient_is_found_by_any_spelling_of_any_name_on_file(portal: Portal) -> None:
    own = family()
    names = [
        {"given": ["Ingrid"], "family": f"{own} Müller"},
        {"use": "maiden", "given": ["Ingrid"], "family": f"O'{own}"},
    ]
    patient = patient_of_their_own(portal, name=names)
    for typed in (f"MUELLER-{own}", f"{own.lower()} muller", f"o{own}"):
        assert begin(portal, patient, "identity_match", last_name=typed)["code_sent_to"]
    half = start(portal, claim(patient, "identity_match", last_name="Muller"), source_ip=fresh_address())
    assert problem(half) == (422, "identity_not_confirmed")


def test_a_patient_whose_name_was_corrected_is_found_by_the_new_one_alone(portal: Portal) -> None:
    patient = patient_of_their_own(portal)
    new = family()
    later = {"id": patient.resource_id, "meta": {"lastUpdated": "2026-11-20T10:00:00Z"}}
    corrected = patient_of_their_own(portal, family=new, **later)
    assert corrected.patient_id == patient.patient_id
    old_name = start(portal, claim(patient, "identity_match"), source_ip=fresh_address())
    assert problem(old_name) == (422, "identity_not_confirmed")
    assert begin(portal, corrected, "identity_match")["code_sent_to"]


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"method": "identity_match"}, [("/ssn_last4", "last_four_expected")]),
        ({"method": "identity_match", "phone_last4": "12a4"}, [("/phone_last4", "wrong_form")]),
        (
            {"method": "identity_match", "phone_last4": "0142", "clinic_number": "1"},
            [("/clinic_number", "unknown_field")],
        ),
        ({"method": "clinic_number", "clinic_number": "1"}, [("/email", "missing")]),
        (
            {"method": "clinic_number", "email": "a@example.org", "clinic_number": 1},
            [("/clinic_number", "text_expected")],
        ),
        ({"method": "activation_code"}, [("/activation_code", "missing"), ("/clinic_number", "missing")]),
        ({"method": "by_post"}, [("/method", "not_a_choice")]),
        ({"method": 7}, [("/method", "not_a_choice")]),
        ({}, [("/method", "missing")]),
    ],
)
def test_each_way_has_its_own_fields_and_takes_no_other(
    portal: Portal, changes: dict[str, Any], errors: list[tuple[str, str]]
) -> None:
    person = {"first_name": "Ingrid", "last_name": "Solberg", "date_of_birth": "1961-04-12"}
    refused = start(portal, person | changes)
    assert problem(refused) == (422, "invalid_request")
    assert sorted((error["pointer"], error["code"]) for error in refused.json["errors"]) == errors


def test_the_ways_that_are_open_are_a_setting(portal: Portal) -> None:
    patient = patient_of_their_own(portal)
    with setting("REGISTRATION_METHODS", "activation_code,clinic_number"):
        config = portal.call("GET", "/v1/config").json["registration"]
        assert config["methods"] == ["activation_code", "clinic_number"]
        closed = start(portal, claim(patient, "identity_match"))
        assert problem(closed) == (422, "invalid_request")
        assert [(error["pointer"], error["code"]) for error in closed.json["errors"]] == [("/method", "not_a_choice")]
        assert begin(portal, patient)["code_sent_to"]


@pytest.mark.promise
@pytest.mark.parametrize("method", METHODS)
def test_age_is_spoken_of_once_the_code_was_right(portal: Portal, promise: Promise, method: str) -> None:
    """ID 6: until then nobody knows who asks. In Chicago midnight is 05:00 UTC in June."""
    with clock.frozen(datetime(2026, 6, 15, 5, tzinfo=UTC) - timedelta(milliseconds=1)):
        patient = patient_of_their_own(portal, birthDate="2008-06-15")
        started = begin(portal, patient, method)
        code = emailed_code(portal, patient)
        assert problem(portal.finish_registration(started, code=wrong(code))) == (422, "identity_not_confirmed")
        too_young = portal.finish_registration(started, code=code)
        clock.advance(timedelta(milliseconds=1))
        of_age = portal.finish_registration(started, code=code)
    assert problem(too_young) == (422, "below_minimum_age")
    assert "caregiver" in too_young.json["detail"].lower()
    statuses = f"{too_young.status}, {of_age.status}"
    promise("ID 6", f"{method}: 1 ms before and at midnight", asked="422, 201", measured=statuses)


@pytest.mark.promise
def test_the_code_is_in_no_table_and_in_one_message(portal: Portal, promise: Promise) -> None:
    patient = patient_of_their_own(portal)
    started = begin(portal, patient)
    code = emailed_code(portal, patient)
    tables = repr([portal.rows(area) for area in ("accounts", "patients", "audit", "outbox")])
    found = sum(one in tables for one in (code, mailbox(patient).upper(), started["registration_token"]))
    promise("ID 7", "code in clear in the tables", asked=0, measured=found)
    assert sum(code in (email.text or "") for email in portal.emails()) == 1


def test_a_bounced_address_on_file_is_passed_over(portal: Portal) -> None:
    from chalicelib.domain.notices import Channel
    from chalicelib.domain.suppressions import Reason
    from chalicelib.models.transaction import transaction
    from chalicelib.services import suppressions

    patient = patient_of_their_own(portal)
    with transaction() as tx:
        suppressions.suppress(tx, Channel.EMAIL, mailbox(patient), Reason.BOUNCE, at=clock.now())
    assert begin(portal, patient)["code_sent_to"] == "***-***-**99"


def test_an_account_without_an_email_needs_a_phone_on_file(portal: Portal) -> None:
    """ID 7."""
    with_phone = patient_of_their_own(portal, telecom=[phone_contact()])
    started = begin(portal, with_phone, "identity_match")
    made = portal.finish_registration(started, code=texted_code(portal, PHONE))
    assert (made.status, made.json["account"]["email"]) == (201, None)
    without = patient_with_ssn(portal, telecom=[email_contact(f"{family()}@example.com")])
    last_four = {"phone_last4": None, "ssn_last4": SSN[-4:]}
    started = begin(portal, without, "identity_match", **last_four)
    code = code_in(portal.emails()[-1].text or "")
    refused = portal.finish_registration(started, code=code)
    assert problem(refused) == (422, "invalid_request")
    assert [(error["pointer"], error["code"]) for error in refused.json["errors"]] == [("/email", "email_needed")]
    assert portal.finish_registration(started, code=code, email="own@example.com").status == 201


def test_without_an_email_an_activation_code_needs_a_phone_on_file_too(portal: Portal) -> None:
    """ID 7."""
    patient = patient_of_their_own(portal, telecom=[email_contact(f"{family()}@example.com")])
    started = portal.start_registration(patient, portal.issue_code(patient).json["activation_code"]).json
    refused = portal.finish_registration(started)
    assert [(error["pointer"], error["code"]) for error in refused.json["errors"]] == [("/email", "email_needed")]
    assert portal.finish_registration(started, email="their.own@example.com").status == 201


@pytest.mark.promise
@pytest.mark.parametrize("method", METHODS)
def test_an_email_that_is_taken_looks_like_success(portal: Portal, promise: Promise, method: str) -> None:
    """ID 5, for each way to register."""
    owner = portal.register()
    confirm_email(portal, owner)
    letters = len(portal.emails(owner.patient.email))
    patient = patient_of_their_own(portal)
    started = begin(portal, patient, method, email=owner.patient.email.upper())
    made = portal.finish_registration(started, code=emailed_code(portal, patient))
    assert (made.status, made.json["account"]["email_verified"]) == (201, False)
    told = portal.emails(owner.patient.email)[letters:]
    promise("ID 5", f"{method}: notices to the owner of a taken email", asked=1, measured=len(told))
    links = sum("/l/" in (email.text or "") for email in told)
    promise("ID 5", f"{method}: links in them that would confirm it", asked=0, measured=links)


@pytest.mark.promise
def test_a_stranger_who_gets_the_confirmation_can_do_nothing_with_it(portal: Portal, promise: Promise) -> None:
    """ID 5, RC 8: a mistyped address. The birth date is asked, the phrase is not shown, and saying no unbinds it."""
    patient, mistyped = patient_of_their_own(portal), f"mistyped.{family()}@example.net"
    started = begin(portal, patient, email=mistyped)
    made = portal.finish_registration(started, code=emailed_code(portal, patient)).json
    (letter,) = portal.emails(mistyped)
    confirm, disown = re.findall(r"/l/(\S+)", letter.text or "")
    private = [
        patient.first_name,
        patient.last_name,
        patient.clinic_number,
        patient.date_of_birth,
        started["code_sent_to"],
    ]
    pages = [portal.call("GET", f"/l/{token}", checked=False).text for token in (confirm, disown)]
    shown = [one for one in private for text in (letter.text or "", letter.html or "", *pages) if one in text]
    promise("ID 5", "values of the patient that a mistyped address shows", asked=0, measured=len(shown))
    guesses = [{"token": confirm}, *({"token": confirm, "date_of_birth": f"1961-04-{day}"} for day in range(13, 18))]
    tried = [portal.call("POST", "/v1/email-verifications", guess).status for guess in guesses]
    assert set(tried) <= {410, 422}
    reset = portal.call("POST", "/v1/password-resets", {"identifier": mistyped}, source_ip=fresh_address())
    assert reset.status == 202
    assert len(portal.emails(mistyped)) == 1
    assert portal.call("POST", "/v1/email-verifications", guesses[-1] | {"date_of_birth": "1961-04-12"}).status == 410
    path, form = f"/l/{disown}", {"Content-Type": "application/x-www-form-urlencoded"}
    assert portal.call("POST", path, raw=b"", headers=form, checked=False).status == 200
    mine = portal.call("GET", "/v1/me", token=made["access_token"]).json
    promise(
        "ID 5", "mistyped addresses that stay bound to the account", asked=0, measured=int(mine["email"] is not None)
    )


@pytest.mark.promise
@pytest.mark.parametrize("method", METHODS)
def test_every_refusal_takes_the_same_calls(portal: Portal, promise: Promise, method: str) -> None:
    """ID 2: what is looked up says nothing, and no refusal is faster than the others."""
    depths, seconds = set(), []
    for _, asked in _refusals(portal, method).values():
        with recorded() as calls:
            begun = time.monotonic()
            assert start(portal, asked, source_ip=fresh_address()).status == 422
            seconds.append(time.monotonic() - begun)
        depths.add(tuple(sorted(call.operation for call in calls if call.service == "dynamodb")))
    promise("ID 2", f"{method}: different sets of calls in {len(seconds)} refusals", asked=1, measured=len(depths))
    assert min(seconds) >= 0.15


@pytest.mark.promise
def test_every_refused_activation_takes_the_same_calls(portal: Portal, promise: Promise) -> None:
    """ID 2."""
    patient, other, registered, without = (portal.new_patient() for _ in range(4))
    used = portal.issue_code(registered).json["activation_code"]
    portal.finish_registration(portal.start_registration(registered, used).json)
    code, others = (portal.issue_code(one).json["activation_code"] for one in (patient, other))
    tries = [
        (patient, others, {}),
        (patient, code, {"date_of_birth": "1961-04-13"}),
        (patient, code, {"last_name": "Nobody"}),
        (patient, code, {"clinic_number": "999-999-999"}),
        (registered, used, {}),
        (without, code, {}),
    ]
    sets = set()
    for who, typed, changes in tries:
        with recorded() as calls:
            assert portal.start_registration(who, typed, **changes).status == 422
        sets.add(tuple(sorted(call.operation for call in calls if call.service == "dynamodb")))
    promise("ID 2", f"activation_code: different sets of calls in {len(tries)} refusals", asked=1, measured=len(sets))


@pytest.mark.promise
def test_a_network_is_wrong_a_hundred_times_in_five_minutes(portal: Portal, promise: Promise) -> None:
    """AP 5: the limit is checked before anything is looked up, and no header moves the bucket."""
    with clock.frozen(NOON):
        network = "2001:db8:ffff:1::"
        answers = []
        for place in range(102):
            asked = claim(Patient("", str(place), "A", "B", "1961-04-12", "", ""), "clinic_number")
            header = {"X-Forwarded-For": f"198.51.100.{place}"}
            answers.append(start(portal, asked, source_ip=f"{network}{place + 1:x}", headers=header))
        statuses = [answer.status for answer in answers]
        assert statuses == [422] * 100 + [429] * 2
        assert answers[-1].header("retry-after") == "300"
        promise("AP 5", "wrong registrations from one network in 5 minutes", asked=100, measured=statuses.count(422))
        patient = patient_of_their_own(portal)
        with recorded() as calls:
            assert start(portal, claim(patient, "clinic_number"), source_ip=f"{network}1").status == 429
        assert not [call for call in calls if "-patients" in str(call.params)]
        assert start(portal, claim(patient, "clinic_number"), source_ip="2001:db8:ffff:2::1").status == 201
        clock.advance(timedelta(minutes=5))
        assert start(portal, claim(patient, "clinic_number"), source_ip=f"{network}1").status == 201


@pytest.mark.promise
def test_all_networks_together_are_wrong_a_thousand_times_in_five_minutes(portal: Portal, promise: Promise) -> None:
    from chalicelib.models import limits as tallies

    with clock.frozen(NOON + timedelta(days=3)):
        now = clock.epoch(clock.now())
        for _ in range(999):
            tallies.add_to_tally("registration", now // 60, ttl=now + 3600)
        nobody = claim(Patient("", "1", "A", "B", "1961-04-12", "", ""), "clinic_number")
        statuses = [start(portal, nobody, source_ip=fresh_address()).status for _ in range(3)]
        promise(
            "PW 5",
            "wrong registrations of all after 999: statuses",
            asked="422, 429",
            measured=", ".join(map(str, dict.fromkeys(statuses))),
        )
        assert statuses == [422, 429, 429]
        clock.advance(timedelta(minutes=6))
        assert start(portal, nobody, source_ip=fresh_address()).status == 422


def test_a_clinic_number_is_guessed_at_thirty_times_an_hour(portal: Portal) -> None:
    """Whether it is anybody's or not, and from wherever."""
    with clock.frozen(NOON):
        patient = portal.new_patient()
        for number in (patient.clinic_number, "999-999-991"):
            person = {"first_name": "A", "last_name": "B", "date_of_birth": "1961-04-12"}
            asked = {"method": "activation_code", "clinic_number": number, "activation_code": "1", **person}
            answers = [start(portal, asked, source_ip=fresh_address()) for _ in range(31)]
            assert [answer.status for answer in answers] == [422] * 30 + [429]
            assert answers[-1].header("retry-after") == "3600"


@pytest.mark.parametrize(
    ("method", "wrong"), [("clinic_number", {"first_name": "Eve"}), ("identity_match", {"phone_last4": "0000"})]
)
def test_an_identity_is_guessed_at_ten_times_an_hour_from_anywhere(
    portal: Portal, method: str, wrong: dict[str, str]
) -> None:
    """Whether it is anybody's or not; right ones are not counted."""
    with clock.frozen(NOON):
        patient = patient_of_their_own(portal)
        nobody = replace(patient, clinic_number="999-999-990", last_name=family())
        for who in (patient, nobody):
            asked = claim(who, method, **wrong)
            statuses = [start(portal, asked, source_ip=fresh_address()).status for _ in range(11)]
            assert statuses == [422] * 10 + [429]
        assert start(portal, claim(patient, method), source_ip=fresh_address()).status == 429
        clock.advance(timedelta(hours=1))
        assert begin(portal, patient, method)["code_sent_to"]
