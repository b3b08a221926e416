"""ID 9: changes of email, phone and username need a step-up, are told to the old and the new, and can be undone."""

import re
import uuid

import pytest

from tests.support import resets
from tests.support.contact_changes import (
    change,
    confirm_phone,
    confirmed,
    move_email,
    move_phone,
    new_email,
    new_phone,
    phone_code,
    stepped_up,
    texts,
    undo_path,
    undo_paths,
)
from tests.support.links import post
from tests.support.portal import PASSWORD, Person, Portal
from tests.support.promises import Promise
from tests.support.sign_in import is_signed_in

VALUES = {"email": "another@example.org", "phone": "+13125569876", "username": "another.name"}


def _me(portal: Portal, person: Person) -> dict[str, object]:
    found: dict[str, object] = portal.call("GET", "/v1/me", token=stepped_up(person)).json
    return found


def _rename(person: Person, name: str | None = None) -> str:
    name = name or f"name-{uuid.uuid4().hex[:10]}"
    assert change(person, "username", name).status == 200
    return name


def _undo(portal: Portal, person: Person, path: str | None, status: int = 200) -> None:
    assert path is not None
    assert post(portal, path, date_of_birth=person.patient.date_of_birth).status == status


@pytest.mark.parametrize("what", VALUES)
def test_a_change_needs_a_step_up_under_five_minutes_old(portal: Portal, what: str, promise: Promise) -> None:
    person = portal.register()
    early = change(person, what, VALUES[what], token=person.token).status
    token = stepped_up(person)
    portal.advance(minutes=5)
    refused = change(person, what, VALUES[what], token=token)
    late = refused.status
    assert refused.json["code"] == "step_up_required"
    assert portal.call("DELETE", "/v1/me/phone", token=person.token).status == 403
    promise("ID 9", f"{what}: without a step-up, 5 minutes after one", asked="403, 403", measured=f"{early}, {late}")


class TestEmail:
    def test_the_old_address_stays_in_force_until_the_new_one_is_confirmed(self, portal: Portal) -> None:
        person, email = confirmed(portal), new_email()
        asked = change(person, "email", email)
        assert asked.status == 202
        assert (asked.json["email"], asked.json["pending_email"]) == (person.patient.email, email)
        assert asked.json["email_verified"] is True
        resets.start(portal, person.username, person.patient.email)
        path = re.search(r"/l/\S+", portal.emails(email)[-1].text or "")
        assert path is not None
        _undo(portal, person, path[0])
        assert _me(portal, person)["email"] == email
        assert _me(portal, person)["pending_email"] is None

    def test_the_new_address_is_confirmed_with_the_birth_date_outside_the_session(self, portal: Portal) -> None:
        person, email = confirmed(portal), new_email()
        assert change(person, "email", email).status == 202
        found = re.search(r"/l/(\S+)", portal.emails(email)[-1].text or "")
        assert found is not None
        assert portal.call("POST", "/v1/email-verifications", {"token": found[1]}).status == 422
        own = portal.call("POST", "/v1/email-verifications", {"token": found[1]}, token=stepped_up(person))
        assert own.status == 204

    def test_the_old_and_the_new_address_are_told_and_the_old_one_alone_can_undo_it(self, portal: Portal) -> None:
        person = confirmed(portal)
        email = move_email(person)
        assert portal.emails(person.patient.email)[-1].subject == "Your email address was changed"
        assert portal.emails(email)[-1].subject == "Your email address was changed"
        assert len(undo_paths(portal, person.patient.email)) == 1
        assert undo_paths(portal, email) == []

    def test_an_address_of_somebody_else_looks_the_same_and_its_owner_is_told(self, portal: Portal) -> None:
        owner, person = confirmed(portal), confirmed(portal)
        taken, free = change(person, "email", owner.patient.email), None
        assert taken.status == 202
        assert taken.json["pending_email"] == owner.patient.email
        free = change(person, "email", new_email())
        assert {**free.json, "pending_email": ""} == {**taken.json, "pending_email": ""}
        assert portal.emails(owner.patient.email)[-1].subject == "Someone used your email address"
        assert _me(portal, owner)["email"] == owner.patient.email

    def test_a_newer_change_takes_the_place_of_one_that_waits(self, portal: Portal) -> None:
        person, first = confirmed(portal), new_email()
        assert change(person, "email", first).status == 202
        path = re.search(r"/l/\S+", portal.emails(first)[-1].text or "")
        assert path is not None
        move_email(person)
        assert portal.call("GET", path[0]).status == 410

    def test_one_that_waits_can_be_forgotten(self, portal: Portal) -> None:
        person, email = confirmed(portal), new_email()
        assert change(person, "email", email).status == 202
        path = re.search(r"/l/\S+", portal.emails(email)[-1].text or "")
        assert portal.call("DELETE", "/v1/me/email/pending", token=stepped_up(person)).status == 204
        assert path is not None
        assert portal.call("GET", path[0]).status == 410
        assert _me(portal, person)["pending_email"] is None
        assert _me(portal, person)["email"] == person.patient.email

    def test_the_address_that_one_has_is_no_change(self, portal: Portal) -> None:
        person = confirmed(portal)
        same = change(person, "email", person.patient.email.upper())
        assert (same.status, same.json["errors"][0]["code"]) == (422, "email_unchanged")

    def test_five_are_asked_for_in_an_hour(self, portal: Portal) -> None:
        person = confirmed(portal)
        assert [change(person, "email", new_email()).status for _ in range(6)] == [202] * 5 + [429]

    def test_the_old_address_is_free_for_another_afterwards(self, portal: Portal) -> None:
        person, other = confirmed(portal), confirmed(portal)
        move_email(person)
        assert move_email(other, person.patient.email) == _me(portal, other)["email"]


class TestPhone:
    def test_a_phone_is_the_accounts_once_its_code_was_typed(self, portal: Portal) -> None:
        person, number = confirmed(portal), new_phone()
        asked = change(person, "phone", number)
        assert asked.status == 202
        assert (asked.json["pending_mobile_phone"], asked.json["mobile_phone_verified"]) == (number, False)
        done = confirm_phone(person, phone_code(portal, number))
        assert (done.json["mobile_phone"], done.json["mobile_phone_verified"]) == (number, True)
        assert done.json["pending_mobile_phone"] is None

    def test_a_code_works_once_for_ten_minutes_and_the_newest_alone(self, portal: Portal) -> None:
        person, number = confirmed(portal), new_phone()
        assert change(person, "phone", number).status == 202
        first = phone_code(portal, number)
        assert change(person, "phone", number).status == 202
        second = phone_code(portal, number)
        assert confirm_phone(person, first).status == 422
        portal.advance(minutes=10)
        assert confirm_phone(person, second).status == 422
        assert change(person, "phone", number).status == 202
        third = phone_code(portal, number)
        assert confirm_phone(person, third).status == 200
        assert confirm_phone(person, third).status == 422

    def test_the_fifth_wrong_code_ends_it(self, portal: Portal) -> None:
        person, number = confirmed(portal), new_phone()
        assert change(person, "phone", number).status == 202
        code = phone_code(portal, number)
        wrong = f"{(int(code) + 1) % 10**6:06}"
        assert {confirm_phone(person, wrong).status for _ in range(5)} == {422}
        assert confirm_phone(person, code).status == 422
        assert _me(portal, person)["mobile_phone_verified"] is False

    def test_the_code_is_in_no_row(self, portal: Portal) -> None:
        person, number = confirmed(portal), new_phone()
        assert change(person, "phone", number).status == 202
        code = phone_code(portal, number)
        for area in ("accounts", "outbox", "audit"):
            mine = [str(row) for row in portal.rows(area)]
            assert [row for row in mine if f"'{code}'" in row or f" {code} " in row] == []

    def test_the_old_and_the_new_number_are_told_and_the_new_one_cannot_undo_it(self, portal: Portal) -> None:
        person = confirmed(portal)
        first = move_phone(person)
        second = move_phone(person)
        told = "The phone of your portal account was changed."
        assert [undo_path(text) is not None for text in texts(portal, first) if told in text] == [False, True]
        assert [undo_path(text) is not None for text in texts(portal, second) if told in text] == [False]

    def test_codes_are_limited_for_an_account_and_for_a_number(self, portal: Portal) -> None:
        one, other, number = confirmed(portal), confirmed(portal), new_phone()
        assert [change(one, "phone", number).status for _ in range(6)] == [202] * 5 + [429]
        assert change(other, "phone", number).status == 429
        assert [change(one, "phone", new_phone()).status for _ in range(5)] == [202] * 4 + [429]

    def test_a_phone_can_be_removed_and_got_back(self, portal: Portal) -> None:
        person = confirmed(portal)
        number = move_phone(person)
        assert portal.call("DELETE", "/v1/me/phone", token=stepped_up(person)).status == 204
        assert _me(portal, person)["mobile_phone"] is None
        _undo(portal, person, undo_path(texts(portal, number)[-1]))
        assert _me(portal, person)["mobile_phone"] == number

    def test_the_only_way_to_reach_somebody_cannot_be_removed(self, portal: Portal) -> None:
        patient = portal.new_patient()
        person = portal.register(patient, email=None)
        number = move_phone(person)
        nothing_on_file = {"resourceType": "Patient", "id": patient.resource_id, "birthDate": patient.date_of_birth}
        assert portal.import_fhir(nothing_on_file).json["updated"] == 1
        refused = portal.call("DELETE", "/v1/me/phone", token=stepped_up(person))
        assert (refused.status, refused.json["code"]) == (409, "last_address")
        assert _me(portal, person)["mobile_phone"] == number


class TestUsername:
    def test_one_signs_in_by_the_new_name_and_no_more_by_the_old(self, portal: Portal) -> None:
        person = confirmed(portal)
        name = _rename(person)
        assert portal.sign_in(name).status == 201
        assert portal.sign_in(person.username).status == 401
        assert is_signed_in(portal, stepped_up(person))

    def test_a_name_of_somebody_else_is_taken_however_it_is_spelled(self, portal: Portal) -> None:
        person, other = confirmed(portal), confirmed(portal)
        refused = change(person, "username", f" {other.username.upper()} ")
        assert (refused.status, refused.json["code"]) == (409, "username_taken")
        refused = change(person, "username", "admin")
        assert (refused.status, refused.json["errors"][0]["code"]) == (422, "username_reserved")

    def test_the_old_name_stays_reserved_for_72_hours(self, portal: Portal) -> None:
        person, other = confirmed(portal), confirmed(portal)
        _rename(person)
        assert change(other, "username", person.username).status == 409
        portal.advance(hours=72)
        assert change(other, "username", person.username).status == 200
        assert portal.sign_in(person.username).json["account"]["account_id"] == _me(portal, other)["account_id"]

    def test_its_holder_may_take_it_back_at_once(self, portal: Portal) -> None:
        person = confirmed(portal)
        _rename(person)
        _rename(person, person.username)
        assert portal.sign_in(person.username).status == 201

    def test_it_is_told_and_can_be_undone(self, portal: Portal) -> None:
        person = confirmed(portal)
        name = _rename(person)
        assert portal.emails(person.patient.email)[-1].subject == "Your username was changed"
        _undo(portal, person, undo_paths(portal, person.patient.email)[-1])
        assert _me(portal, person)["username"] == person.username
        other = confirmed(portal)
        assert change(other, "username", name).status == 200

    def test_five_changes_are_made_in_a_day(self, portal: Portal) -> None:
        person = confirmed(portal)
        for _ in range(5):
            _rename(person)
        assert change(person, "username", "sixth.name.today").status == 429


class TestUndo:
    def test_the_old_address_is_restored_sessions_end_and_the_password_helps_nobody(self, portal: Portal) -> None:
        person = confirmed(portal)
        thief = move_email(person)
        session = stepped_up(person)
        running = resets.start(portal, person.username, thief)
        (path,) = undo_paths(portal, person.patient.email)
        _undo(portal, person, path)
        assert not is_signed_in(portal, session)
        assert portal.sign_in(person.username, person.password).status == 401
        device = {"X-Device-Token": person.session["device_token"]}
        assert portal.sign_in(person.username, person.password, headers=device).status == 401
        assert resets.confirm(portal, running.reset_id, otp=running.code).status == 422
        assert _me(portal, person)["email"] == person.patient.email
        asked = resets.start(portal, person.username, person.patient.email)
        refused = resets.confirm(portal, asked.reset_id, otp=asked.code)
        answer = resets.answer_to(portal, refused)
        assert resets.confirm(portal, asked.reset_id, otp=asked.code, security_answer=answer).status == 204
        assert portal.sign_in(person.username, resets.NEW).status == 201

    def test_opening_the_page_does_nothing_and_says_what_it_is_about(self, portal: Portal) -> None:
        person = confirmed(portal)
        email = move_email(person)
        (path,) = undo_paths(portal, person.patient.email)
        for _ in range(5):
            shown = portal.call("GET", path)
            assert shown.status == 200
            assert "the change of your email address" in shown.text
            assert email not in shown.text
        assert _me(portal, person)["email"] == email

    def test_it_asks_the_birth_date_and_five_wrong_ones_end_it(self, portal: Portal) -> None:
        person = confirmed(portal)
        email = move_email(person)
        (path,) = undo_paths(portal, person.patient.email)
        assert post(portal, path).status == 422
        for _ in range(5):
            assert post(portal, path, date_of_birth="1950-01-01").status in {410, 422}
        _undo(portal, person, path, 410)
        assert _me(portal, person)["email"] == email

    def test_it_works_for_72_hours_and_no_longer(self, portal: Portal, promise: Promise) -> None:
        statuses = []
        for hours in (71.99, 72):
            person = confirmed(portal)
            move_email(person)
            (path,) = undo_paths(portal, person.patient.email)
            portal.advance(hours=hours)
            statuses.append(post(portal, path, date_of_birth=person.patient.date_of_birth).status)
        promise("ID 9", "undone just before and at 72 h", asked="200, 410", measured=", ".join(map(str, statuses)))

    @pytest.mark.parametrize("times", [2, 4])
    def test_whoever_changes_it_again_does_not_win(self, portal: Portal, times: int) -> None:
        person = confirmed(portal)
        thieves = [move_email(person) for _ in range(times)]
        path = undo_paths(portal, person.patient.email)[0]
        later = [one for thief in thieves for one in undo_paths(portal, thief)]
        assert len(later) == times - 1
        _undo(portal, person, path)
        assert _me(portal, person)["email"] == person.patient.email
        for one in later:
            _undo(portal, person, one, 410)
        assert _me(portal, person)["email"] == person.patient.email

    def test_what_was_changed_after_it_is_undone_with_it_and_what_was_before_stays(self, portal: Portal) -> None:
        person = confirmed(portal)
        own = _rename(person)
        thief = move_email(person)
        number = move_phone(person)
        _rename(person)
        path = undo_paths(portal, person.patient.email)[1]
        assert thief != number
        _undo(portal, person, path)
        me = _me(portal, person)
        assert (me["email"], me["mobile_phone"], me["username"]) == (person.patient.email, None, own)

    def test_an_address_that_waits_is_forgotten_with_it(self, portal: Portal) -> None:
        person, waiting = confirmed(portal), new_email()
        _rename(person)
        (path,) = undo_paths(portal, person.patient.email)
        assert change(person, "email", waiting).status == 202
        confirmation = re.search(r"/l/\S+", portal.emails(waiting)[-1].text or "")
        _undo(portal, person, path)
        assert confirmation is not None
        assert portal.call("GET", confirmation[0]).status == 410
        assert _me(portal, person)["pending_email"] is None

    def test_it_works_once(self, portal: Portal) -> None:
        person = confirmed(portal)
        move_email(person)
        (path,) = undo_paths(portal, person.patient.email)
        _undo(portal, person, path)
        _undo(portal, person, path, 410)
        assert portal.sign_in(person.username, PASSWORD).status == 401
