"""RC 1 to 8 by SMS: a new password for somebody whom no email reaches."""

import re

import pytest

from chalicelib import clock
from chalicelib.models.base import find_rows
from chalicelib.models.patients import PATIENT, Patient
from tests.support import contact_changes, links, registering, resets
from tests.support.crowd import fresh_address, seen_by_a_stranger
from tests.support.portal import Person, Portal
from tests.support.promises import Promise
from tests.support.resets import NEW, Reset, ask, confirm
from tests.support.setting import setting

_MESSAGE = re.compile(r"Your code for a new password is (\d{8})\. Or use this link: \S+/l/(\S+) ")


def _by_phone(portal: Portal, number: str) -> Person:
    """Somebody of whom the clinic has a number on file and no email."""
    patient = portal.new_patient(telecom=[registering.phone_contact(number)])
    return portal.register(patient, email=None)


@pytest.fixture
def number() -> str:
    return contact_changes.new_phone()


def _messages(portal: Portal, number: str) -> list[str]:
    return [text for text in contact_changes.texts(portal, number) if _MESSAGE.search(text)]


def _start(portal: Portal, person: Person, number: str) -> Reset:
    asked = ask(portal, person.username)
    assert asked.status == 202
    found = _MESSAGE.search(_messages(portal, number)[-1])
    assert found is not None
    return Reset(asked.json["reset_id"], found[1], found[2])


def _signs_in(person: Person, password: str) -> bool:
    return person.portal.sign_in(person.username, password, source_ip=fresh_address()).status == 201


@pytest.mark.parametrize("rendering", ["otp", "token"])
def test_one_text_has_a_code_and_a_link_and_using_either_kills_both(
    portal: Portal, number: str, promise: Promise, rendering: str
) -> None:
    with setting("SECURITY_QUESTIONS", "off"):
        person = _by_phone(portal, number)
        reset = _start(portal, person, number)
        secret = {"otp": reset.code, "token": reset.token}
        first = confirm(portal, reset.reset_id, **{rendering: secret[rendering]}).status
        again = [confirm(portal, reset.reset_id, **{name: value}).status for name, value in secret.items()]
    measured = ", ".join(map(str, [first, *again]))
    promise("RC 1", f"by SMS, {rendering}, then code and link again", asked="204, 422, 422", measured=measured)
    assert _signs_in(person, NEW)


def test_the_link_in_the_text_opens_the_page_that_needs_no_script(portal: Portal, number: str) -> None:
    with setting("SECURITY_QUESTIONS", "off"):
        person = _by_phone(portal, number)
        path = f"/l/{_start(portal, person, number).token}"
        for _ in range(5):
            assert portal.call("GET", path).status == 200
        done = links.post(portal, path, date_of_birth=person.patient.date_of_birth, new_password=NEW)
    assert done.status == 200
    assert "<script" not in done.text
    assert _signs_in(person, NEW)


def test_a_newer_text_kills_the_older_and_so_do_ten_minutes(portal: Portal, number: str) -> None:
    person = _by_phone(portal, number)
    older, newer = _start(portal, person, number), _start(portal, person, number)
    assert confirm(portal, older.reset_id, otp=older.code).status == 422
    portal.advance(minutes=10)
    assert confirm(portal, newer.reset_id, otp=newer.code).status == 422


def test_the_fifth_wrong_code_ends_it(portal: Portal, number: str) -> None:
    person = _by_phone(portal, number)
    reset = _start(portal, person, number)
    assert {confirm(portal, reset.reset_id, otp=reset.wrong_code(place)).status for place in range(1, 6)} == {422}
    assert confirm(portal, reset.reset_id, otp=reset.code).status == 422


def test_the_security_question_is_asked_here_too(portal: Portal, number: str) -> None:
    person = _by_phone(portal, number)
    reset = _start(portal, person, number)
    asked = confirm(portal, reset.reset_id, otp=reset.code)
    assert asked.status == 403
    answer = resets.answer_to(portal, asked)
    assert confirm(portal, reset.reset_id, otp=reset.code, security_answer=answer).status == 204


def test_the_answer_is_the_one_that_everybody_gets(portal: Portal, number: str) -> None:
    person, by_email = _by_phone(portal, number), contact_changes.confirmed(portal)
    seen = [seen_by_a_stranger(ask(portal, one)) for one in (person.username, by_email.username, "nobody.at.all")]
    assert {status for status, _, _ in seen} == {202}
    assert len({str(headers) for _, headers, _ in seen}) == 1
    assert {tuple(body) for _, _, body in seen} == {("reset_id", "expires_at")}


def test_three_an_hour_go_to_a_number_and_the_rest_look_the_same(portal: Portal, number: str) -> None:
    person = _by_phone(portal, number)
    counts = []
    for _ in range(5):
        assert ask(portal, person.username).status == 202
        counts.append(len(_messages(portal, number)))
    assert counts == [1, 2, 3, 3, 3]


def test_the_code_is_in_no_row_and_in_no_audit_entry(portal: Portal, number: str) -> None:
    reset = _start(portal, _by_phone(portal, number), number)
    for area in ("accounts", "outbox", "audit"):
        kept = str(portal.rows(area))
        assert reset.code not in kept
        assert reset.token not in kept


def test_a_verified_phone_is_used_where_there_is_no_email_and_before_one_on_file(portal: Portal, number: str) -> None:
    person = _by_phone(portal, number)
    own = contact_changes.move_phone(person)
    ask(portal, person.username)
    assert (len(_messages(portal, own)), len(_messages(portal, number))) == (1, 0)


def test_an_email_comes_before_every_phone(portal: Portal) -> None:
    person = contact_changes.confirmed(portal)
    own = contact_changes.move_phone(person)
    resets.start(portal, person.username, person.patient.email)
    assert _messages(portal, own) == []


def test_a_number_that_only_its_holder_named_gets_nothing(portal: Portal, number: str) -> None:
    other = contact_changes.new_phone()
    person = _by_phone(portal, number)
    assert contact_changes.change(person, "phone", other).status == 202
    ask(portal, person.username)
    assert (len(_messages(portal, other)), len(_messages(portal, number))) == (0, 1)


def test_a_text_for_a_new_password_has_no_phrase_of_another_and_tells_how_to_stop(portal: Portal, number: str) -> None:
    person = _by_phone(portal, number)
    _start(portal, person, number)
    (text,) = _messages(portal, number)
    assert "Do not share them." in text
    assert "STOP" in text


@pytest.mark.parametrize(("hours", "sent"), [(23.99, 0), (24, 1)])
def test_a_contact_that_staff_replaced_serves_recovery_after_24_hours(
    portal: Portal, number: str, promise: Promise, hours: float, sent: int
) -> None:
    person = _by_phone(portal, number)
    _note_replaced(person)
    portal.advance(hours=hours)
    assert ask(portal, person.username).status == 202
    measured = len(_messages(portal, number))
    promise("RC 7", f"texts to a number that staff replaced, {hours} h later", asked=sent, measured=measured)


def test_what_its_holder_proved_serves_recovery_whatever_staff_replaced(portal: Portal) -> None:
    person = contact_changes.confirmed(portal)
    _note_replaced(person)
    resets.start(portal, person.username, person.patient.email)


def _note_replaced(person: Person) -> None:
    patient = Patient(person.patient.patient_id, PATIENT)
    patient.update([Patient.contacts_replaced_at.set(clock.stamp(clock.now()))])
    assert find_rows([(Patient, patient.key)])
