"""Activation codes on their way to the patient: sent by the clinic, asked for by the patient, renewed, revoked."""

import json
import re
import uuid
from datetime import timedelta
from typing import Any

import pytest

from chalicelib import clock
from chalicelib.domain.staff import Role
from tests.support.crowd import fresh_address, seen_by_a_stranger
from tests.support.people import new_staff, token_of
from tests.support.portal import Answer, Patient, Portal
from tests.support.promises import Promise
from tests.support.registering import (
    PHONE,
    email_contact,
    family,
    mailbox,
    patient_of_their_own,
    phone_contact,
)
from tests.support.times import NOON, shown

_CODE = re.compile(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}")


def issue(portal: Portal, patient: Patient, *, key: str | None = None, token: str | None = None, **body: Any) -> Answer:
    path = f"/v1/clinic/patients/{patient.patient_id}/activation-codes"
    headers = {"Idempotency-Key": key or str(uuid.uuid4())}
    return portal.call("POST", path, body, headers=headers, token=token or portal.client_token())


def state(portal: Portal, patient: Patient, method: str = "GET", token: str | None = None) -> Answer:
    path = f"/v1/clinic/patients/{patient.patient_id}/activation-codes"
    return portal.call(method, path, token=token or portal.client_token())


def ask(portal: Portal, patient: Patient, *, source_ip: str | None = None, **changes: Any) -> Answer:
    asked = {"clinic_number": patient.clinic_number, "date_of_birth": patient.date_of_birth, **changes}
    return portal.call("POST", "/v1/activation-code-requests", asked, source_ip=source_ip or fresh_address())


def code_in(text: str | None) -> str:
    found = _CODE.search(text or "")
    assert found is not None
    return found[0]


def works(portal: Portal, patient: Patient, code: str) -> bool:
    return portal.start_registration(patient, code).status == 201


def test_a_code_is_sent_to_the_email_on_file_with_the_steps(portal: Portal) -> None:
    patient = patient_of_their_own(portal)
    issued = issue(portal, patient, deliver="email").json
    (email,) = portal.emails(mailbox(patient))
    assert code_in(email.text) == code_in(email.html) == issued["activation_code"]
    assert issued["sent_to"] == f"{mailbox(patient)[0]}***@e***.org"
    assert "clinic number" in (email.text or "")
    assert works(portal, patient, issued["activation_code"])


@pytest.mark.promise
def test_what_is_sent_with_a_code_says_nothing_of_the_patient(portal: Portal, promise: Promise) -> None:
    """AC 4: the code is what the message exists to carry; the clinic number stays on paper."""
    number = "+13125550177"
    patient = patient_of_their_own(portal, telecom=[email_contact(f"{family()}@example.net"), phone_contact(number)])
    before = len(portal.emails())
    for channel in ("email", "sms"):
        assert issue(portal, patient, deliver=channel).status == 201
        portal.drain()
    (email,) = portal.emails()[before:]
    (sms,) = [one for one in portal.aws.sent_sms() if one.to == number]
    texts = [email.subject, email.text or "", email.html or "", sms.text]
    private = [patient.clinic_number, patient.first_name, patient.last_name, patient.date_of_birth, "1961"]
    found = [one for one in private for text in texts if one in text]
    promise("AC 4", "values of the patient in the messages with a code", asked=0, measured=len(found))


def test_a_code_is_sent_by_sms(portal: Portal) -> None:
    patient = patient_of_their_own(portal, telecom=[phone_contact("+13125550166")])
    issued = issue(portal, patient, deliver="sms").json
    portal.drain()
    (sms,) = [one for one in portal.aws.sent_sms() if one.to == "+13125550166"]
    assert (code_in(sms.text), issued["sent_to"]) == (issued["activation_code"], "***-***-**66")
    assert len(sms.text) <= 320


@pytest.mark.parametrize("body", [{}, {"deliver": "print"}])
def test_a_printed_code_is_sent_to_nobody(portal: Portal, body: dict[str, str]) -> None:
    patient = patient_of_their_own(portal)
    issued = issue(portal, patient, **body).json
    assert (issued["sent_to"], portal.emails(mailbox(patient))) == (None, [])


@pytest.mark.parametrize(
    ("channel", "on_file"), [("email", [phone_contact()]), ("sms", [email_contact("x@example.org")]), ("email", [])]
)
def test_a_code_is_not_sent_where_nothing_is_on_file(portal: Portal, channel: str, on_file: list[Any]) -> None:
    patient = patient_of_their_own(portal, telecom=on_file)
    kept = issue(portal, patient).json["activation_code"]
    refused = issue(portal, patient, deliver=channel)
    assert (refused.status, [error["code"] for error in refused.json["errors"]]) == (422, [f"no_{channel}_on_file"])
    assert works(portal, patient, kept)


def test_the_same_key_again_sends_one_message_and_shows_the_same_code(portal: Portal) -> None:
    patient, key = patient_of_their_own(portal), str(uuid.uuid4())
    first, again = (issue(portal, patient, key=key, deliver="email") for _ in range(2))
    assert first.json == again.json
    assert len(portal.emails(mailbox(patient))) == 1


def test_a_code_that_was_replaced_while_its_message_waited_is_not_sent(portal: Portal) -> None:
    patient = patient_of_their_own(portal)
    issue(portal, patient, deliver="email")
    newer = issue(portal, patient, deliver="email").json["activation_code"]
    assert [code_in(email.text) for email in portal.emails(mailbox(patient))] == [newer]


def test_a_new_code_kills_the_one_before(portal: Portal) -> None:
    patient = patient_of_their_own(portal)
    older, newer = (issue(portal, patient).json["activation_code"] for _ in range(2))
    assert (works(portal, patient, older), works(portal, patient, newer)) == (False, True)


def test_a_revoked_code_and_what_was_begun_with_it_are_dead(portal: Portal) -> None:
    patient = patient_of_their_own(portal)
    code = issue(portal, patient, deliver="email").json["activation_code"]
    started = portal.start_registration(patient, code).json
    assert [state(portal, patient, "DELETE").status for _ in range(2)] == [204, 204]
    assert not works(portal, patient, code)
    assert portal.finish_registration(started).json["code"] == "identity_not_confirmed"
    assert portal.emails(mailbox(patient)) == []
    assert state(portal, patient).json["state"] == "none"


def test_the_clinic_sees_how_a_code_is_and_never_the_code(portal: Portal) -> None:
    with clock.frozen(NOON):
        patient = patient_of_their_own(portal)
        assert state(portal, patient).json == {
            **dict.fromkeys(("issued_at", "expires_at", "sent_to")),
            "patient_id": patient.patient_id,
            "state": "none",
            "tries_left": 0,
        }
        code = issue(portal, patient, deliver="sms").json["activation_code"]
        portal.start_registration(patient, "0000-0000-0000")
        known = state(portal, patient)
        assert code not in known.text
        assert known.json == {
            "patient_id": patient.patient_id,
            "state": "active",
            "issued_at": shown(NOON),
            "expires_at": shown(NOON + timedelta(days=21)),
            "tries_left": 4,
            "sent_to": f"***-***-**{PHONE[-2:]}",
        }
        clock.advance(timedelta(days=21))
        assert state(portal, patient).json["state"] == "expired"
        issue(portal, patient)
        for _ in range(5):
            portal.start_registration(patient, "0000-0000-0000")
        assert (state(portal, patient).json["state"], state(portal, patient).json["tries_left"]) == ("locked", 0)
    registered = portal.register().patient
    assert state(portal, registered).json["state"] == "used"


def test_nobody_who_does_not_exist_has_a_code(portal: Portal) -> None:
    nobody = Patient("pat_01ARZ3NDEKTSV4RRFFQ69G5FAV", "", "", "", "", "", "")
    assert [state(portal, nobody, method).status for method in ("GET", "DELETE")] == [404, 404]


def test_the_front_desk_may_hand_out_codes_and_billing_may_not(portal: Portal) -> None:
    patient = patient_of_their_own(portal)
    desk, billing = (token_of(new_staff(role)) for role in (Role.FRONT_DESK, Role.BILLING))
    assert issue(portal, patient, token=desk, deliver="email").status == 201
    assert state(portal, patient, token=desk).json["state"] == "active"
    assert issue(portal, patient, token=billing).status == 403
    assert [state(portal, patient, method, billing).status for method in ("GET", "DELETE")] == [403, 403]


def test_whoever_looks_at_a_code_is_written_down(portal: Portal) -> None:
    patient = patient_of_their_own(portal)
    answer = state(portal, patient)
    (entry,) = [row for row in portal.rows("audit") if row["request_id"]["S"] == answer.header("x-request-id")]
    assert (entry["action"]["S"], entry["pk"]["S"]) == ("activation_code:read", f"patient#{patient.patient_id}")


def test_a_patient_who_lost_the_letter_asks_for_a_new_code(portal: Portal) -> None:
    patient = patient_of_their_own(portal)
    lost = issue(portal, patient).json["activation_code"]
    typed = patient.clinic_number.replace("-", " ")
    assert ask(portal, patient, clinic_number=typed).json == {}
    (email,) = portal.emails(mailbox(patient))
    assert not works(portal, patient, lost)
    assert works(portal, patient, code_in(email.text))


def _in_vain(portal: Portal) -> list[tuple[Patient, dict[str, Any]]]:
    return [
        (patient_of_their_own(portal), {"clinic_number": "999-999-999"}),
        (patient_of_their_own(portal), {"clinic_number": "\ufdfa" * 200}),
        (patient_of_their_own(portal), {"date_of_birth": "1961-04-13"}),
        (patient_of_their_own(portal, telecom=[]), {}),
        (patient_of_their_own(portal, deceasedBoolean=True), {}),
        (portal.register(patient_of_their_own(portal)).patient, {}),
    ]


@pytest.mark.promise
def test_whoever_asks_for_a_code_learns_nothing(portal: Portal, promise: Promise) -> None:
    """ID 2: the same answer, and nothing sent to anybody; the reason is kept for staff."""
    in_vain = _in_vain(portal)
    right = ask(portal, patient_of_their_own(portal))
    sent = len(portal.emails()), len(portal.aws.sent_sms())
    answers = [ask(portal, patient, **changes) for patient, changes in in_vain]
    different = {json.dumps(seen_by_a_stranger(answer), sort_keys=True) for answer in [right, *answers]}
    assert right.status == 202
    promise("ID 2", f"asking for a code: different answers in {len(answers) + 1}", asked=1, measured=len(different))
    assert (len(portal.emails()), len(portal.aws.sent_sms())) == sent
    reasons = [_reason(portal, answer) for answer in answers]
    assert reasons == ["unknown", "unknown", "birth_date", "no_contact", "deceased", "account_exists"]


def _reason(portal: Portal, answer: Answer) -> str:
    request_id = answer.header("x-request-id")
    (entry,) = [row for row in portal.rows("audit") if row["request_id"]["S"] == request_id]
    reason: str = json.loads(entry["about"]["S"])["reason"]
    return reason


def test_asking_in_vain_leaves_the_code_that_a_patient_has(portal: Portal) -> None:
    patient = patient_of_their_own(portal)
    code = issue(portal, patient).json["activation_code"]
    ask(portal, patient, date_of_birth="1961-04-13")
    assert works(portal, patient, code)


@pytest.mark.promise
def test_three_codes_a_day_go_to_one_clinic_number(portal: Portal, promise: Promise) -> None:
    with clock.frozen(NOON):
        patient = patient_of_their_own(portal)
        answers = []
        for _ in range(5):
            answers.append(ask(portal, patient))
            portal.drain()
        assert [answer.status for answer in answers] == [202] * 5
        sent = portal.emails(mailbox(patient))
        promise("ID 7", "codes asked for one clinic number in a day: sent", asked=3, measured=len(sent))
        assert works(portal, patient, code_in(sent[-1].text))
        clock.advance(timedelta(days=1))
        ask(portal, patient)
        assert len(portal.emails(mailbox(patient))) == 4


@pytest.mark.promise
def test_a_network_asks_thirty_times_an_hour(portal: Portal, promise: Promise) -> None:
    """AP 5: what X-Forwarded-For says moves no bucket."""
    with clock.frozen(NOON):
        patient, network = patient_of_their_own(portal), "198.51.100.77"
        asked = {"clinic_number": "999-999-999", "date_of_birth": patient.date_of_birth}
        statuses = [
            portal.call(
                "POST",
                "/v1/activation-code-requests",
                asked,
                source_ip=network,
                headers={"X-Forwarded-For": f"203.0.113.{place}"},
            ).status
            for place in range(31)
        ]
        refused = ask(portal, patient, source_ip=network)
        assert (statuses, refused.status) == ([202] * 30 + [429], 429)
        assert refused.header("retry-after") == "3600"
        promise("AP 5", "requests for a code from one network in an hour", asked=30, measured=statuses.count(202))
