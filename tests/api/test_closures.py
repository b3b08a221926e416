"""OP 5: closing one's own account, opening it again, and what is removed when nobody did."""

import json
import uuid
from typing import Any

import pytest

from chalicelib import clock
from chalicelib.domain.caregivers import Grant, Relation, Scope
from chalicelib.domain.links import LinkPurpose
from chalicelib.domain.notices import Notice, NoticeKind
from chalicelib.domain.staff import Role
from chalicelib.models import accounts, audit, caregivers, outbox
from chalicelib.models.transaction import transaction
from chalicelib.services import purges
from tests.support import contact_changes, factors, passkeys, resets
from tests.support.aws_calls import failing, recorded, unreachable
from tests.support.caregivers import accept, invite, new_email, new_invited
from tests.support.caregivers import link_of as invited_link
from tests.support.clinic_system import clinic_system
from tests.support.crowd import fresh_address, seen_by_a_stranger
from tests.support.faults import overtaken_by
from tests.support.leaving import CLOSE, close, closed, exported, full, keys_of, purge_row, reopening_paths, sweep
from tests.support.links import NEW_PASSWORD, OF_ACCOUNTS, account_id_of, path_of, post
from tests.support.people import new_account, new_staff, token_of
from tests.support.portal import Person, Portal
from tests.support.sign_in import is_signed_in, refresh


def _confirmed(portal: Portal, **changes: Any) -> Person:
    return contact_changes.confirmed(portal, **changes)


def _reopen(portal: Portal, person: Person, path: str, status: int = 200) -> None:
    answer = post(portal, path, date_of_birth=person.patient.date_of_birth)
    assert answer.status == status, answer.text


def _actions(person: Person) -> list[str]:
    return [entry.action for entry in audit.find_entries(f"account#{account_id_of(person)}")]


class TestClosing:
    def test_it_needs_a_step_up(self, portal: Portal) -> None:
        person = portal.register()
        assert close(person, token=person.token).json["code"] == "step_up_required"
        assert is_signed_in(portal, person.token)

    def test_the_answer_says_until_when_it_can_be_undone_and_whether_a_copy_was_made(self, portal: Portal) -> None:
        person, other = portal.register(), portal.register()
        exported(other)
        answer = closed(person)
        at, until = (clock.read_stamp(answer[name]) for name in ("closed_at", "reopen_until"))
        assert (until - at).total_seconds() == 30 * 86400
        assert answer["exported_at"] is None
        assert closed(other)["exported_at"] is not None

    def test_every_session_and_every_refresh_ends_at_once(self, portal: Portal) -> None:
        person = portal.register()
        other = portal.sign_in(person.username, source_ip=fresh_address()).json
        token = token_of(account_id_of(person))
        assert close(person, token=token).status == 200
        for one in (person.token, other["access_token"], token):
            assert not is_signed_in(portal, one)
        for session in (person.session, other):
            assert refresh(portal, session["refresh_token"]).status == 401

    def test_signing_in_answers_as_for_somebody_unknown(self, portal: Portal) -> None:
        """PW 4."""
        person = portal.register()
        closed(person)
        device = {"X-Device-Token": person.session["device_token"]}
        right = portal.sign_in(person.username, source_ip=fresh_address())
        known = portal.sign_in(person.username, source_ip=fresh_address(), headers=device)
        unknown = portal.sign_in("nobody-of-that-name", source_ip=fresh_address())
        assert seen_by_a_stranger(right) == seen_by_a_stranger(unknown) == seen_by_a_stranger(known)
        assert unknown.status == 401

    def test_a_passkey_and_a_sign_in_that_waits_for_its_second_step_open_nothing(self, portal: Portal) -> None:
        person = portal.register()
        app = factors.bind(person)
        waiting = factors.begin(portal, person)
        closed(person)
        assert factors.finish(portal, waiting, app.recovery_codes[0], method="recovery_code").status == 401
        person, authenticator = portal.register(), passkeys.Authenticator()
        passkeys.bind(person, authenticator)
        closed(person)
        assert passkeys.sign_in(portal, authenticator.answer(passkeys.options(portal))).status == 401

    def test_a_reset_that_was_asked_for_goes_on_no_more_and_another_tells_nobody(self, portal: Portal) -> None:
        person = _confirmed(portal)
        reset = resets.start(portal, person.username, person.patient.email)
        closed(person)
        portal.drain()
        before = len(portal.emails(person.patient.email))
        assert resets.confirm(portal, reset.reset_id, otp=reset.code).status == 422
        for identifier in (person.username, person.patient.email):
            assert resets.ask(portal, identifier).status == 202
        reminder = {"email": person.patient.email}
        assert portal.call("POST", "/v1/username-reminders", reminder, source_ip=fresh_address()).status == 202
        assert len(portal.emails(person.patient.email)) == before

    @pytest.mark.parametrize("purpose", [one for one in OF_ACCOUNTS if one is not LinkPurpose.REOPEN_ACCOUNT])
    def test_links_that_were_sent_before_are_dead(self, portal: Portal, purpose: LinkPurpose) -> None:
        """But the one that undoes a change: whoever made it may have closed the account."""
        person = portal.register()
        path = path_of(portal, person, purpose)
        closed(person)
        expected = 200 if purpose is LinkPurpose.UNDO_CHANGE else 410
        assert portal.call("GET", path).status == expected
        typed = {"new_password": NEW_PASSWORD} if purpose is LinkPurpose.RESET_PASSWORD else {}
        posted = post(portal, path, date_of_birth=person.patient.date_of_birth, **typed)
        assert posted.status == expected

    def test_devices_get_no_pushes_any_more(self, portal: Portal) -> None:
        person = portal.register()
        token, strong = f"token-{uuid.uuid4().hex}", token_of(account_id_of(person))
        device, key = {"platform": "ios", "push_token": token}, {"Idempotency-Key": str(uuid.uuid4())}
        assert portal.call("POST", "/v1/me/devices", device, token=strong, headers=key).status == 201
        closed(person)
        assert [row for row in portal.rows("accounts") if row["sk"]["S"].startswith(("push#", "push_token"))] == []

    def test_of_somebody_who_works_at_the_clinic_nobody_but_an_admin_ends_the_account(self, portal: Portal) -> None:
        for role in Role:
            refused = portal.call("DELETE", CLOSE, token=token_of(new_staff(role)))
            assert (refused.status, refused.json["code"]) == (409, "staff_account"), role

    def test_somebody_who_becomes_staff_in_that_moment_is_refused_too(self, portal: Portal) -> None:
        account_id = new_account()
        token = token_of(account_id)

        def promote() -> None:
            with transaction() as tx:
                accounts.edit_staff(
                    tx, account_id, roles=[Role.ADMIN], practitioner_id=None, disabled=False, ends_sessions=False
                )

        with overtaken_by(promote):
            refused = portal.call("DELETE", CLOSE, token=token)
        assert (refused.status, refused.json["code"]) == (409, "staff_account")
        found = accounts.find_account(account_id)
        assert found is not None
        assert not found.disabled

    def test_what_fails_changes_nothing_and_may_be_tried_again(self, portal: Portal) -> None:
        person = portal.register()
        token = token_of(account_id_of(person))
        with failing(lambda call: call.operation == "TransactWriteItems", unreachable()):
            assert close(person, token=token).status == 503
        assert is_signed_in(portal, token)
        assert close(person, token=token).status == 200

    def test_the_username_and_the_email_stay_reserved(self, portal: Portal) -> None:
        person = _confirmed(portal)
        closed(person)
        patient = portal.new_patient()
        started = portal.start_registration(patient, portal.issue_code(patient).json["activation_code"]).json
        taken = portal.finish_registration(started, username=person.username, email=patient.email)
        assert (taken.status, taken.json["code"]) == (409, "username_taken")
        other = _confirmed(portal)
        assert contact_changes.change(other, "email", person.patient.email).status == 202
        portal.drain()
        row = accounts.find_email_owner_id(person.patient.email)
        assert row == account_id_of(person)

    def test_it_is_written_down_and_shows_in_the_activity(self, portal: Portal) -> None:
        person = _confirmed(portal)
        closed(person)
        assert _actions(person)[-1] == "account:close"
        (path,) = reopening_paths(portal, person.patient.email)
        _reopen(portal, person, path)
        assert _actions(person)[-1] == "account:reopen"

    def test_the_clinics_systems_hear_of_it(self, portal: Portal) -> None:
        with clinic_system(portal) as system:
            person = _confirmed(portal)
            closed(person)
            (path,) = reopening_paths(portal, person.patient.email)
            _reopen(portal, person, path)
            portal.drain()
            account_id = account_id_of(person)
            types = [one["type"] for one in system.events("?limit=100") if one["about"].get("account_id") == account_id]
        assert types[-2:] == ["account.closed", "account.reopened"]


class TestPeopleWhoActForEachOther:
    def test_whom_the_patient_let_act_is_told_and_sees_nothing_any_more(self, portal: Portal) -> None:
        person = portal.register()
        _, token = new_invited(person, "everything")
        path = f"/v1/patients/{person.patient.patient_id}/records"
        assert portal.call("GET", path, token=token).status == 200
        closed(person)
        assert portal.call("GET", path, token=token).status == 404
        portal.drain()
        titles = [one["title"] for one in portal.call("GET", "/v1/me/notices", token=token).json["items"]]
        assert "You do not act for someone any more" in titles

    def test_for_whom_they_acted_is_told_that_they_left(self, portal: Portal) -> None:
        patient, person = portal.register(), portal.register()
        email = new_email()
        assert invite(patient, "everything", email=email).status == 201
        assert accept(portal, invited_link(portal, email), token_of(account_id_of(person))).status == 200
        closed(person)
        assert patient.get("/v1/patients/me/caregivers").json["items"] == []
        portal.drain()
        assert "caregiver" in patient.get("/v1/me/notices").json["items"][0]["title"]

    def test_an_invitation_that_waits_works_no_more(self, portal: Portal) -> None:
        person, email = portal.register(), new_email()
        assert invite(person, email=email).status == 201
        link = invited_link(portal, email)
        closed(person)
        assert accept(portal, link, token_of(new_account())).status in {404, 410}
        assert caregivers.find_offers(person.patient.patient_id) == []

    def test_a_parents_right_to_look_after_a_child_is_not_the_childs_to_end(self, portal: Portal) -> None:
        person, parent = portal.register(), new_account()
        with transaction() as tx:
            grant = Grant(parent, frozenset({Scope.EVERYTHING}), relation=Relation.PARENT)
            caregivers.put_grant(tx, person.patient.patient_id, grant)
        closed(person)
        assert [one.account_id for one in caregivers.find_grants(person.patient.patient_id)] == [parent]

    @pytest.mark.parametrize("relation", [Relation.PARENT, Relation.GUARDIAN, Relation.AGENT])
    def test_what_the_clinic_gave_the_closer_sleeps_and_is_there_again(
        self, portal: Portal, relation: Relation
    ) -> None:
        person = _confirmed(portal)
        patient = portal.new_patient(birthDate="2019-05-06")
        account_id = account_id_of(person)
        with transaction() as tx:
            grant = Grant(account_id, frozenset({Scope.EVERYTHING}), relation=relation)
            caregivers.put_grant(tx, patient.patient_id, grant)
        path, token = f"/v1/patients/{patient.patient_id}/records", token_of(account_id)
        assert portal.call("GET", path, token=token).status == 200
        closed(person)
        assert portal.call("GET", path, token=token).status == 401
        (reopening,) = reopening_paths(portal, person.patient.email)
        told = len(portal.emails(person.patient.email))
        with transaction() as tx:
            outbox.post(tx, Notice(NoticeKind.NEW_RESULTS, patient_id=patient.patient_id))
        assert len(portal.emails(person.patient.email)) == told
        _reopen(portal, person, reopening)
        assert portal.call("GET", path, token=token_of(account_id)).status == 200

    def test_an_agent_whom_the_patient_invited_is_none_any_more(self, portal: Portal) -> None:
        patient, person, email = portal.register(), portal.register(), new_email()
        assert invite(patient, "everything", email=email, relation="agent").status == 201
        assert accept(portal, invited_link(portal, email), token_of(account_id_of(person))).status == 200
        closed(person)
        assert caregivers.find_offers(patient.patient.patient_id) == []

    def test_what_the_clinic_gave_goes_with_the_account_and_the_patient_is_told(self, portal: Portal) -> None:
        patient, person = portal.register(), portal.register()
        with transaction() as tx:
            grant = Grant(account_id_of(person), frozenset({Scope.EVERYTHING}), relation=Relation.AGENT)
            caregivers.put_grant(tx, patient.patient.patient_id, grant)
        closed(person)
        portal.drain()
        assert len(caregivers.find_offers(patient.patient.patient_id)) == 1
        portal.advance(days=30, seconds=5)
        sweep(portal)
        assert accounts.find_account(account_id_of(person)) is None
        assert caregivers.find_offers(patient.patient.patient_id) == []
        token = token_of(account_id_of(patient))
        assert "caregiver" in portal.call("GET", "/v1/me/notices", token=token).json["items"][0]["title"]

    def test_opening_it_again_gives_nobody_their_rights_back(self, portal: Portal) -> None:
        person = _confirmed(portal)
        new_invited(person, "everything")
        closed(person)
        (path,) = reopening_paths(portal, person.patient.email)
        _reopen(portal, person, path)
        assert caregivers.find_offers(person.patient.patient_id) == []


class TestOpeningAgain:
    def test_every_address_gets_a_link_and_nothing_else_afterwards(self, portal: Portal) -> None:
        person = _confirmed(portal)
        number = contact_changes.move_phone(person)
        closed(person)
        assert len(reopening_paths(portal, person.patient.email)) == 1
        assert len(reopening_paths(portal, number)) == 1
        mails, texts = len(portal.emails()), len(portal.aws.sent_sms())
        for kind in (NoticeKind.PASSWORD_CHANGED, NoticeKind.NEW_DEVICE, NoticeKind.EMAIL_IN_USE):
            with transaction() as tx:
                outbox.post(tx, Notice(kind, account_id_of(person)))
        with transaction() as tx:
            outbox.post(tx, Notice(NoticeKind.NEW_RESULTS, patient_id=person.patient.patient_id))
        portal.drain()
        assert (len(portal.emails()), len(portal.aws.sent_sms())) == (mails, texts)

    def test_what_was_on_its_way_when_it_was_closed_is_not_sent(self, portal: Portal) -> None:
        person = _confirmed(portal)
        portal.drain()
        with transaction() as tx:
            outbox.post(tx, Notice(NoticeKind.PASSWORD_CHANGED, account_id_of(person)))
        with failing(lambda call: call.operation in {"SendEmail", "Publish"}, unreachable()):
            portal.drain()
        before = len(portal.emails(person.patient.email))
        closed(person)
        portal.advance(minutes=10)
        sweep(portal)
        assert len(portal.emails(person.patient.email)) == before + 1

    def test_opening_the_page_does_nothing_and_a_wrong_birth_date_neither(self, portal: Portal) -> None:
        person = _confirmed(portal)
        closed(person)
        (path,) = reopening_paths(portal, person.patient.email)
        for method in ("HEAD", "GET", "GET"):
            assert portal.call(method, path).status == 200
        assert "date_of_birth" in portal.call("GET", path).text
        assert post(portal, path, date_of_birth="1950-01-01").status == 422
        assert post(portal, path).status == 422
        found = accounts.find_account(account_id_of(person))
        assert found is not None
        assert found.disabled

    def test_the_account_is_open_again_with_a_new_password(self, portal: Portal) -> None:
        person = _confirmed(portal)
        closed(person)
        (path,) = reopening_paths(portal, person.patient.email)
        _reopen(portal, person, path)
        assert portal.emails(person.patient.email)[-1].subject == "Your account is open again"
        assert portal.sign_in(person.username, source_ip=fresh_address()).status == 401
        assert not is_signed_in(portal, person.token)
        reset = resets.start(portal, person.username, person.patient.email)
        asked = resets.confirm(portal, reset.reset_id, NEW_PASSWORD, otp=reset.code)
        answer = resets.answer_to(portal, asked)
        done = resets.confirm(portal, reset.reset_id, NEW_PASSWORD, otp=reset.code, security_answer=answer)
        assert done.status == 204
        signed_in = portal.sign_in(person.username, NEW_PASSWORD, source_ip=fresh_address())
        assert signed_in.json["account"]["email"] == person.patient.email
        assert portal.call("GET", path).status == 410

    def test_a_second_factor_is_still_asked_for_afterwards(self, portal: Portal) -> None:
        person = _confirmed(portal)
        factors.bind(person)
        closed(person)
        (path,) = reopening_paths(portal, person.patient.email)
        _reopen(portal, person, path)
        found = accounts.find_account(account_id_of(person))
        assert found is not None
        assert found.bound_factors

    def test_the_link_works_to_the_last_second_of_30_days_and_no_longer(self, portal: Portal) -> None:
        person, late = _confirmed(portal), _confirmed(portal)
        closed(person)
        closed(late)
        (path,), (too_late,) = (reopening_paths(portal, one.patient.email) for one in (person, late))
        portal.advance(days=30, seconds=-20)
        _reopen(portal, person, path)
        portal.advance(seconds=25)
        assert portal.call("GET", too_late).status == 410
        _reopen(portal, late, too_late, 410)

    def test_the_link_of_one_closing_does_not_undo_the_next(self, portal: Portal) -> None:
        person = _confirmed(portal)
        number = contact_changes.move_phone(person)
        closed(person)
        (first,), (by_phone,) = reopening_paths(portal, person.patient.email), reopening_paths(portal, number)
        assert first == by_phone
        _reopen(portal, person, first)
        closed(person)
        second = reopening_paths(portal, person.patient.email)[-1]
        assert second != first
        _reopen(portal, person, first, 410)
        _reopen(portal, person, second)

    def test_the_address_from_before_a_change_hears_of_it_too(self, portal: Portal) -> None:
        """Whoever has taken over an account may change its email first."""
        person = _confirmed(portal)
        email = contact_changes.move_email(person)
        closed(person)
        paths = [reopening_paths(portal, one) for one in (person.patient.email, email)]
        assert [len(one) for one in paths] == [1, 1]

    def test_undoing_a_change_opens_the_account_again_as_well(self, portal: Portal) -> None:
        person = _confirmed(portal)
        contact_changes.move_email(person)
        closed(person)
        (path,) = contact_changes.undo_paths(portal, person.patient.email)
        _reopen(portal, person, path)
        found = accounts.find_account(account_id_of(person))
        assert found is not None
        assert (bool(found.disabled), bool(found.closing_id), found.email) == (False, False, person.patient.email)

    def test_somebody_without_a_birth_date_is_asked_none(self, portal: Portal) -> None:
        account_id = new_account()
        assert portal.call("DELETE", CLOSE, token=token_of(account_id)).status == 200
        found = accounts.find_account(account_id)
        assert found is not None
        (path,) = reopening_paths(portal, found.email or "")
        assert post(portal, path).status == 200


class TestHelpDesk:
    @pytest.fixture
    def desk(self) -> str:
        return token_of(new_staff(Role.HELP_DESK))

    def _recover(self, portal: Portal, desk: str, person: Person) -> Any:
        path = f"/v1/clinic/accounts/{account_id_of(person)}/recovery"
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        return portal.call("POST", path, {"check": "phone"}, token=desk, headers=headers)

    def test_it_sees_that_an_account_was_closed_and_until_when_it_can_be_opened(
        self, portal: Portal, desk: str
    ) -> None:
        person = _confirmed(portal)
        path = f"/v1/clinic/accounts?q={person.username}"
        before = portal.call("GET", path, token=desk).json["items"][0]
        until = closed(person)["reopen_until"]
        after = portal.call("GET", path, token=desk).json["items"][0]
        assert (before["state"], before["closed_until"]) == ("active", None)
        assert (after["state"], after["closed_until"]) == ("closed", until)

    def test_it_sends_the_link_again_and_cannot_open_it_itself(self, portal: Portal, desk: str) -> None:
        person = _confirmed(portal)
        until = closed(person)["reopen_until"]
        portal.advance(minutes=2)
        sent = self._recover(portal, desk, person)
        assert (sent.status, sent.json["expires_at"]) == (202, until)
        assert any(one.endswith("@e***.org") for one in sent.json["sent_to"])
        found = accounts.find_account(account_id_of(person))
        assert found is not None
        assert found.disabled
        first, second = reopening_paths(portal, person.patient.email)
        _reopen(portal, person, second)
        _reopen(portal, person, first, 410)

    def test_after_30_days_there_is_nothing_to_send(self, portal: Portal) -> None:
        person = _confirmed(portal)
        closed(person)
        portal.advance(days=30, seconds=1)
        assert self._recover(portal, token_of(new_staff(Role.HELP_DESK)), person).json["code"] == "account_disabled"


class TestPurge:
    def test_after_30_days_nothing_personal_is_left_and_the_audit_is(self, portal: Portal) -> None:
        person = full(portal)
        exported(person)
        account_id, patient_id = account_id_of(person), person.patient.patient_id
        entries = [entry.audit_id for entry in audit.find_entries(f"account#{account_id}")]
        closed(person)
        portal.advance(days=29, hours=23)
        sweep(portal)
        assert accounts.find_account(account_id) is not None
        portal.advance(hours=2)
        sweep(portal)
        left = keys_of(portal, account_id)
        # Links that are over hold ids, and a hash of what they were sent to; what the clinic was asked is the clinic's.
        assert {sk.partition("#")[0] for _, sk in left} == {"link", "pending_change", "amendment"}
        listed = portal.aws.client("s3").list_objects_v2(Bucket=portal.aws.deployed.outputs["RecordsBucketName"])
        assert account_id not in repr(listed.get("Contents"))
        after = [entry.audit_id for entry in audit.find_entries(f"account#{account_id}")]
        assert after[: len(entries)] == entries
        assert _actions(person)[-1] == "account:purge"
        personal = (person.patient.email, person.username)
        assert [one for one in personal if one in repr(portal.rows("accounts"))] == []
        kept = {row["sk"]["S"].partition("#")[0] for row in portal.rows("patients") if row["pk"]["S"] == patient_id}
        assert kept
        assert not kept & {"model_consent", "document", "picture_reading"}

    def test_names_are_free_and_the_patient_can_register_anew(self, portal: Portal) -> None:
        person = _confirmed(portal)
        closed(person)
        issued = portal.issue_code(person.patient)
        assert (issued.status, issued.json["code"]) == (409, "account_exists")
        portal.advance(days=30, seconds=1)
        sweep(portal)
        again = portal.register(person.patient, username=person.username)
        assert account_id_of(again) != account_id_of(person)
        assert again.get("/v1/patients/me/summary").status == 200

    def test_a_username_that_was_given_up_is_free_as_well_unless_somebody_has_it_by_now(self, portal: Portal) -> None:
        person, other = _confirmed(portal), portal.register()
        token = token_of(account_id_of(person))
        for number in range(2):
            name = f"given-up-{number}-{uuid.uuid4().hex[:8]}"
            assert portal.call("PUT", "/v1/me/username", {"username": name}, token=token).status == 200
        assert closed(person)
        portal.advance(days=4)
        assert contact_changes.change(other, "username", person.username).status == 200
        portal.advance(days=26, seconds=1)
        sweep(portal)
        names = [row["pk"]["S"] for row in portal.rows("accounts") if row["sk"]["S"] == "username"]
        assert [one for one in names if "given-up" in one] == []
        assert accounts.find_account_id(person.username) == account_id_of(other)

    def test_an_account_that_was_opened_again_is_not_removed(self, portal: Portal) -> None:
        person = _confirmed(portal)
        closed(person)
        (path,) = reopening_paths(portal, person.patient.email)
        _reopen(portal, person, path)
        portal.advance(days=31)
        sweep(portal)
        assert accounts.find_account(account_id_of(person)) is not None

    def test_one_that_was_closed_again_is_removed_30_days_after_that(self, portal: Portal) -> None:
        person = _confirmed(portal)
        closed(person)
        (path,) = reopening_paths(portal, person.patient.email)
        portal.advance(days=10)
        _reopen(portal, person, path)
        closed(person)
        portal.advance(days=21)
        sweep(portal)
        assert accounts.find_account(account_id_of(person)) is not None
        portal.advance(days=10)
        sweep(portal)
        assert accounts.find_account(account_id_of(person)) is None

    def test_a_link_of_an_account_that_is_gone_is_over(self, portal: Portal) -> None:
        person = _confirmed(portal)
        closed(person)
        (path,) = reopening_paths(portal, person.patient.email)
        portal.advance(days=30, seconds=1)
        sweep(portal)
        assert accounts.find_account(account_id_of(person)) is None
        assert portal.call("GET", path).status == 410
        _reopen(portal, person, path, 410)

    def test_nobody_is_told_of_the_removal(self, portal: Portal) -> None:
        person = _confirmed(portal)
        closed(person)
        portal.drain()
        sent = len(portal.emails()), len(portal.aws.sent_sms())
        portal.advance(days=30, seconds=1)
        sweep(portal)
        assert (len(portal.emails()), len(portal.aws.sent_sms())) == sent

    def test_the_clinics_systems_hear_of_it(self, portal: Portal) -> None:
        person = portal.register()
        closed(person)
        portal.advance(days=30, seconds=1)
        sweep(portal)
        events = [row for row in portal.rows("accounts") if row.get("kind") == {"S": "event"}]
        (told,) = [row for row in events if account_id_of(person) in repr(row) and "removed" in row["type"]["S"]]
        assert (told["type"]["S"], told["patient_id"]["S"]) == ("account.removed", person.patient.patient_id)

    def test_a_row_that_comes_early_waits(self, portal: Portal) -> None:
        person = _confirmed(portal)
        closed(person)
        purges.work(purge_row(portal, person))
        assert accounts.find_account(account_id_of(person)) is not None

    def test_every_step_is_written_down_by_ids_alone(self, portal: Portal) -> None:
        person = full(portal)
        exported(person)
        closed(person)
        portal.advance(days=30, seconds=1)
        with recorded() as calls:
            purges.work(purge_row(portal, person))
        writes = [call for call in calls if call.writes_to("accounts") and call.operation == "TransactWriteItems"]
        assert writes
        for write in writes:
            entries = [item for kind, item in write.items if kind == "Put" and item["TableName"].endswith("-audit")]
            assert len(entries) == 1
        kept = audit.find_entries(f"account#{account_id_of(person)}")
        steps = [json.loads(entry.about)["step"] for entry in kept if entry.action == "account:purge"]
        assert (steps[0], steps[-1]) == ("begin", "end")
        assert person.patient.email not in repr([entry.about for entry in kept])


class _Died(BaseException):
    """The process ended: nothing catches it."""


def test_a_purge_that_dies_at_any_call_is_finished_by_the_next(portal: Portal) -> None:
    """One account whose worker dies before its first call, then before its second, and so on until it is done."""
    person = full(portal)
    exported(person)
    closed(person)
    portal.drain()
    row_id = purge_row(portal, person)
    portal.advance(days=30, seconds=1)
    deaths = 0
    for place in range(1, 200):
        made: list[object] = []

        def is_the_last(call: object, made: list[object] = made, place: int = place) -> bool:
            made.append(call)
            return len(made) == place

        try:
            with failing(is_the_last, _Died()):
                purges.work(row_id)
        except _Died:
            deaths += 1
            portal.advance(seconds=91)
            continue
        break
    assert deaths > 10
    assert accounts.find_account(account_id_of(person)) is None
    left = {sk.partition("#")[0] for _, sk in keys_of(portal, account_id_of(person))}
    assert left == {"link", "pending_change", "amendment"}
    (done,) = [row for row in portal.rows("outbox") if row["pk"]["S"] == row_id]
    assert done["status"]["S"] == "done"
    again = [row for row in portal.rows("outbox") if "account.removed" in row["about"]["S"]]
    assert len([row for row in again if account_id_of(person) in row["about"]["S"]]) == 1


def test_an_answer_that_was_lost_is_no_second_removal(portal: Portal) -> None:
    """The last transaction went through, and the worker never knew: the next one finds the row settled."""
    person = _confirmed(portal)
    closed(person)
    row_id = purge_row(portal, person)
    portal.advance(days=30, seconds=1)
    purges.work(row_id)
    entries = _actions(person)
    purges.work(row_id)
    assert _actions(person) == entries
