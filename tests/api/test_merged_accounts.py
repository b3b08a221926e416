"""Accounts, codes, caregivers and notices of two patients who turn out to be one."""

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest

from chalicelib import clock
from chalicelib.domain.caregivers import Grant, Scope
from chalicelib.domain.notices import NoticeKind
from chalicelib.domain.staff import Role
from chalicelib.models import accounts, audit, caregivers, closures
from chalicelib.models.transaction import transaction
from tests.support import contact_changes, merging, registering
from tests.support.caregivers import accept, account_id_of, invitation_to
from tests.support.crowd import fresh_address
from tests.support.faults import overtaken_by
from tests.support.leaving import closed as closed_by_holder
from tests.support.leaving import reopening_paths, sweep
from tests.support.links import post
from tests.support.merging import body, merge, merged, send, undo
from tests.support.notices import told
from tests.support.people import new_account, new_caregiver, new_staff, token_of
from tests.support.portal import Person, Portal
from tests.support.registering import claim, patient_of_their_own, reasons_about, start
from tests.support.sign_in import is_signed_in, link_token, refresh


def home(person: Person) -> str:
    """Which patient an account is of now."""
    answer = person.portal.call("GET", "/v1/me", token=token_of(account_id_of(person)))
    assert answer.status == 200, answer.text
    patient_id: str = answer.json["patient_id"]
    return patient_id


def owner_of(patient_id: str) -> str | None:
    return accounts.find_patient_account_id(patient_id)


def account_rows(portal: Portal, *people: Person) -> list[dict[str, Any]]:
    """What is kept of some accounts, but for what counts their changes."""
    ids_of = {account_id_of(one) for one in people} | {f"patient#{one.patient.patient_id}" for one in people}
    rows = [row for row in portal.rows("accounts") if row["pk"]["S"] in ids_of]
    kept = [row for row in rows if row["kind"]["S"] in {"account", "patient_account"}]
    counts = {"version", "credentials_version", "wrong_in_a_row"}
    return sorted(({name: value for name, value in row.items() if name not in counts} for row in kept), key=str)


def texts(portal: Portal, address: str) -> list[str]:
    return [f"{email.subject}\n{email.text}" for email in portal.emails(address)]


def test_the_only_account_is_the_duplicates_and_goes_along(portal: Portal) -> None:
    kept, person = portal.new_patient(), portal.register(portal.new_patient())
    other = person.patient
    before = account_rows(portal, person)
    done = merge(portal, kept.patient_id, other.patient_id).json
    assert done["kept_account_id"] == done["moved_account_id"] == account_id_of(person)
    assert done["closed_account_id"] is None
    assert home(person) == kept.patient_id
    assert (owner_of(kept.patient_id), owner_of(other.patient_id)) == (account_id_of(person), None)
    assert person.get("/v1/patients/me").json["patient_id"] == kept.patient_id
    assert person.get(f"/v1/patients/{other.patient_id}/records").status == 404
    assert person.get(f"/v1/patients/{kept.patient_id}/records").status == 200
    assert undo(portal, kept.patient_id, done["merge_id"]).status == 200
    assert account_rows(portal, person) == before
    assert home(person) == other.patient_id
    assert person.get(f"/v1/patients/{kept.patient_id}/records").status == 404


def test_the_only_account_is_of_who_remains_and_stays(portal: Portal) -> None:
    person, other = portal.register(), portal.new_patient()
    before = account_rows(portal, person)
    named = {"keep_account_id": account_id_of(person)}
    done = merge(portal, person.patient.patient_id, other.patient_id, **named).json
    assert (done["kept_account_id"], done["moved_account_id"]) == (account_id_of(person), None)
    assert is_signed_in(portal, person.token)
    assert undo(portal, person.patient.patient_id, done["merge_id"]).status == 200
    assert account_rows(portal, person) == before


def test_of_two_accounts_one_has_to_be_chosen(portal: Portal) -> None:
    kept, other = portal.register(), portal.register()
    pair = kept.patient.patient_id, other.patient.patient_id
    for chosen, code in ((None, "missing"), (new_account(), "not_a_choice")):
        refused = merge(portal, *pair, **({"keep_account_id": chosen} if chosen else {}))
        (error,) = refused.json["errors"]
        assert (refused.status, error["pointer"], error["code"]) == (422, "/keep_account_id", code)
    assert is_signed_in(portal, kept.token)
    nobodys = merge(portal, portal.new_patient().patient_id, portal.new_patient().patient_id, keep_account_id="acc_1")
    assert nobodys.json["errors"][0]["code"] == "not_a_choice"


@pytest.mark.parametrize("keeps_the_duplicates", [True, False])
def test_the_account_that_is_not_kept_is_closed_until_the_merge_is_undone(
    portal: Portal, *, keeps_the_duplicates: bool
) -> None:
    kept, other = portal.register(), portal.register()
    stays, closed = (other, kept) if keeps_the_duplicates else (kept, other)
    pair = kept.patient.patient_id, other.patient.patient_id
    before = account_rows(portal, kept, other)
    done = merge(portal, *pair, keep_account_id=account_id_of(stays)).json
    assert (done["kept_account_id"], done["closed_account_id"]) == (account_id_of(stays), account_id_of(closed))
    assert done["moved_account_id"] == (account_id_of(other) if keeps_the_duplicates else None)
    assert not is_signed_in(portal, closed.token)
    assert refresh(portal, closed.session["refresh_token"]).status == 401
    assert portal.sign_in(closed.username).status == 401
    assert home(stays) == pair[0]
    assert owner_of(pair[0]) == account_id_of(stays)
    sent = len(portal.emails(closed.patient.email))
    assert portal.call("POST", "/v1/password-resets", {"identifier": closed.username}).status == 202
    assert len(portal.emails(closed.patient.email)) == sent
    assert undo(portal, pair[0], done["merge_id"]).status == 200
    assert account_rows(portal, kept, other) == before
    assert not is_signed_in(portal, closed.token)
    assert portal.sign_in(closed.username).status == 201
    assert [home(one) for one in (kept, other)] == list(pair)


def test_every_address_of_a_closed_account_is_told_and_who_remains_too(portal: Portal) -> None:
    kept, other = patient_of_their_own(portal), patient_of_their_own(portal)
    stays, closed = portal.register(kept), portal.register(other, email=f"own-{uuid.uuid4().hex[:8]}@example.org")
    on_file = [registering.mailbox(one) for one in (kept, other)]
    merge_id = merged(portal, kept.patient_id, other.patient_id, keep_account_id=account_id_of(stays))
    emails = [texts(portal, address)[-1] for address in on_file]
    assert emails[0].startswith("We have joined two files of yours\n")
    assert emails[1].startswith("One of your accounts was closed\n")
    assert "One of your accounts" not in "".join(texts(portal, on_file[0]))
    portal.drain()
    assert any("closed one of your two accounts" in sms.text for sms in portal.aws.sent_sms())
    for text in emails:
        assert not {kept.last_name, other.last_name, kept.clinic_number, other.clinic_number} & set(text.split())
    assert undo(portal, kept.patient_id, merge_id).status == 200
    for address in on_file:
        assert texts(portal, address)[-1].startswith("Two files are apart again\n")
    activity = portal.call("GET", "/v1/me/activity", token=token_of(account_id_of(closed))).json["items"]
    assert [one["by"] for one in activity if one["kind"].startswith("patient:merge")] == ["clinic", "clinic"]


def test_an_account_of_staff_is_not_closed(portal: Portal) -> None:
    kept, other = portal.register(), portal.register()
    with transaction() as tx:
        accounts.edit_staff(
            tx,
            account_id_of(other),
            roles=[Role.BILLING],
            practitioner_id=None,
            disabled=False,
            ends_sessions=False,
        )
    pair = kept.patient.patient_id, other.patient.patient_id
    refused = merge(portal, *pair, keep_account_id=account_id_of(kept))
    assert (refused.status, refused.json["code"]) == (409, "merge_of_staff")
    assert merge(portal, *pair, keep_account_id=account_id_of(other)).status == 201


def test_merges_of_three_are_taken_apart_to_what_they_were(portal: Portal) -> None:
    people = [portal.register() for _ in range(3)]
    first, *others = (one.patient.patient_id for one in people)
    before = account_rows(portal, *people)
    merges = [
        merged(portal, first, other, keep_account_id=account_id_of(person))
        for other, person in zip(others, people[1:], strict=True)
    ]
    assert home(people[2]) == first
    for merge_id in reversed(merges):
        assert undo(portal, first, merge_id).status == 200
    assert account_rows(portal, *people) == before
    assert [home(one) for one in people] == [first, *others]


def test_who_registers_after_the_merge_sees_both_and_keeps_the_account(portal: Portal) -> None:
    kept, other = portal.new_patient(), portal.new_patient()
    merge_id = merged(portal, kept.patient_id, other.patient_id)
    person = portal.register(kept)
    account = accounts.find_account(account_id_of(person))
    assert account is not None
    assert account.joined_patients == {other.patient_id}
    assert undo(portal, kept.patient_id, merge_id).status == 200
    assert (home(person), owner_of(other.patient_id)) == (kept.patient_id, None)
    account = accounts.find_account(account_id_of(person))
    assert account is not None
    assert not account.joined_patients


def test_nobody_registers_for_the_duplicate(portal: Portal) -> None:
    kept, other = patient_of_their_own(portal), patient_of_their_own(portal)
    code = portal.issue_code(other).json["activation_code"]
    merge_id = merged(portal, kept.patient_id, other.patient_id)
    answers = [portal.start_registration(other, code)]
    answers += [start(portal, claim(other, method)) for method in ("clinic_number", "identity_match")]
    for answer in answers:
        assert (answer.status, answer.json["code"]) == (422, "identity_not_confirmed")
    # By a number it is known whom it was of; nobody has the duplicate's name and birth date any more.
    assert reasons_about(portal, kept) == ["merged", "merged"]
    asked = {"clinic_number": other.clinic_number, "date_of_birth": other.date_of_birth}
    sent = len(portal.emails(registering.mailbox(other)))
    assert portal.call("POST", "/v1/activation-code-requests", asked).status == 202
    assert len(portal.emails(registering.mailbox(other))) == sent
    assert portal.register(kept).patient.patient_id == kept.patient_id
    assert undo(portal, kept.patient_id, merge_id).status == 200
    assert portal.start_registration(other, code).status == 422
    assert portal.register(other).patient.patient_id == other.patient_id


def test_a_registration_for_the_duplicate_that_was_begun_ends(portal: Portal) -> None:
    kept, other = portal.new_patient(), patient_of_their_own(portal)
    begun = portal.start_registration(other, portal.issue_code(other).json["activation_code"]).json
    waiting = start(portal, claim(other, "clinic_number")).json
    code = registering.emailed_code(portal, other)
    merged(portal, kept.patient_id, other.patient_id)
    finished = portal.finish_registration(begun)
    assert (finished.status, finished.json["code"]) == (422, "record_closed")
    assert portal.finish_registration(waiting, code=code).json["code"] == "record_closed"
    sent = len(portal.emails(registering.mailbox(other)))
    again = portal.call("POST", f"/v1/registrations/{waiting['registration_id']}/code", {})
    assert again.status == 202
    assert len(portal.emails(registering.mailbox(other))) == sent


def test_a_registration_for_who_remains_goes_on(portal: Portal) -> None:
    kept, other = portal.new_patient(), portal.new_patient()
    begun = portal.start_registration(kept, portal.issue_code(kept).json["activation_code"]).json
    merged(portal, kept.patient_id, other.patient_id)
    finished = portal.finish_registration(begun)
    assert finished.status == 201
    account = accounts.find_account(finished.json["account"]["account_id"])
    assert account is not None
    assert account.joined_patients == {other.patient_id}


def grant(patient_id: str, account_id: str, **more: Any) -> None:
    with transaction() as tx:
        caregivers.put_grant(tx, patient_id, Grant(account_id, frozenset({Scope.EVERYTHING}), **more))


def test_caregivers_of_the_duplicate_rest_and_come_back_unless_their_time_is_over(portal: Portal) -> None:
    kept, other = portal.new_patient().patient_id, portal.new_patient().patient_id
    stays, for_long, for_a_day = new_account(), new_account(), new_account()
    grant(kept, stays)
    grant(other, for_long)
    grant(other, for_a_day, expires_at=clock.now() + timedelta(days=1))

    def sees(account_id: str) -> list[bool]:
        token = token_of(account_id)
        return [portal.call("GET", f"/v1/patients/{one}/records", token=token).status == 200 for one in (kept, other)]

    def listed(account_id: str) -> set[str]:
        items = portal.call("GET", "/v1/patients", token=token_of(account_id)).json["items"]
        return {item["patient_id"] for item in items}

    merge_id = merged(portal, kept, other)
    assert [sees(one) for one in (stays, for_long, for_a_day)] == [[True, False], [False, False], [False, False]]
    assert [listed(one) for one in (stays, for_long)] == [{kept}, set()]
    portal.drain()
    titles = [item["title"] for item in portal.call("GET", "/v1/me/notices", token=token_of(for_long)).json["items"]]
    assert len(titles) == 1
    portal.advance(days=2)
    assert undo(portal, kept, merge_id).status == 200
    assert [sees(one) for one in (stays, for_long, for_a_day)] == [[True, False], [False, True], [False, False]]
    assert listed(for_long) == {other}


def test_an_invitation_to_the_duplicate_rests_too(portal: Portal) -> None:
    kept, other = portal.new_patient().patient_id, portal.new_patient().patient_id
    link, token = invitation_to(other), token_of(new_account())
    merge_id = merged(portal, kept, other)
    assert accept(portal, link, token).status == 410
    assert undo(portal, kept, merge_id).status == 200
    assert accept(portal, link, token).status == 200


def test_who_cares_for_the_duplicate_hears_nothing_of_who_remains(portal: Portal) -> None:
    kept, other = portal.register().patient.patient_id, portal.new_patient().patient_id
    caregiver = new_caregiver(other, Scope.EVERYTHING)
    merged(portal, kept, other)
    portal.drain()
    items = portal.call("GET", "/v1/me/notices", token=token_of(caregiver)).json["items"]
    assert {item["patient_id"] for item in items} == {None}


def test_the_birth_date_that_links_ask_is_that_of_who_remains(portal: Portal) -> None:
    kept, person = portal.new_patient(birthDate="1961-04-21"), portal.register()
    merged(portal, kept.patient_id, person.patient.patient_id)
    link = link_token(portal, person.patient.email)
    for date_of_birth, status in ((person.patient.date_of_birth, 422), ("1961-04-21", 204)):
        verified = portal.call("POST", "/v1/email-verifications", {"token": link, "date_of_birth": date_of_birth})
        assert verified.status == status, verified.text


def test_an_account_that_changed_since_the_preview_stops_the_merge(portal: Portal) -> None:
    person, other = portal.register(), portal.new_patient()
    asked = body(portal, person.patient.patient_id, other.patient_id)
    etag = person.get("/v1/me").header("etag") or ""
    assert person.call("PATCH", "/v1/me", {"time_zone": "Europe/Madrid"}, headers={"If-Match": etag}).status == 200
    refused = send(portal, person.patient.patient_id, asked)
    assert (refused.status, refused.json["code"]) == (409, "merge_outdated")
    assert merging.find_all(portal, person.patient.patient_id).json["items"] == []


def test_addresses_on_file_that_no_account_is_told_through_are_told_too(portal: Portal) -> None:
    kept, other = patient_of_their_own(portal), patient_of_their_own(portal)
    merged(portal, kept.patient_id, other.patient_id)
    for patient in (kept, other):
        (email,) = texts(portal, registering.mailbox(patient))
        assert email.startswith("We have joined two files of yours\n")
    person = portal.register(patient_of_their_own(portal))
    third = patient_of_their_own(portal, email=registering.mailbox(person.patient))
    sent = len(texts(portal, registering.mailbox(person.patient)))
    merged(portal, person.patient.patient_id, third.patient_id)
    assert len(texts(portal, registering.mailbox(person.patient))) == sent + 1


def test_what_is_on_the_other_file_recovers_no_account_for_a_day(portal: Portal) -> None:
    """RC 7: who is talked into a merge shall not hand an account over with it."""
    kept, person = patient_of_their_own(portal), portal.register(patient_of_their_own(portal))
    mailbox = registering.mailbox(kept)
    merged(portal, kept.patient_id, person.patient.patient_id)

    def resets() -> int:
        asked = {"identifier": person.username}
        assert portal.call("POST", "/v1/password-resets", asked, source_ip=fresh_address()).status == 202
        return sum("new password" in text for text in texts(portal, mailbox))

    assert resets() == 0
    portal.advance(hours=25)
    assert resets() == 1


def test_what_was_told_of_the_duplicate_leads_to_who_remains(portal: Portal) -> None:
    kept, person = portal.new_patient(), portal.register()
    told(person, NoticeKind.NEW_RESULTS)

    def about() -> list[tuple[str, str]]:
        items = portal.call("GET", "/v1/me/notices", token=token_of(account_id_of(person))).json["items"]
        return [(one["patient_id"], one["target"]["id"]) for one in items if one["target"]["kind"] == "records"]

    own = person.patient.patient_id
    assert about() == [(own, own)]
    merge_id = merged(portal, kept.patient_id, own)
    assert about() == [(kept.patient_id, kept.patient_id)]
    assert undo(portal, kept.patient_id, merge_id).status == 200
    assert about() == [(own, own)]


def test_who_looked_after_their_own_other_file_stands_once_in_the_list(portal: Portal) -> None:
    kept, person = portal.new_patient().patient_id, portal.register()
    grant(kept, account_id_of(person))
    merged(portal, kept, person.patient.patient_id)
    items = portal.call("GET", "/v1/patients", token=token_of(account_id_of(person))).json["items"]
    assert [(item["patient_id"], item["relation"]) for item in items] == [(kept, "self")]


def _reopen(portal: Portal, person: Person, path: str) -> int:
    return post(portal, path, date_of_birth=person.patient.date_of_birth).status


class TestClosedByItsHolderAndMergedAway:
    @pytest.mark.parametrize("keeps_the_duplicates", [True, False])
    def test_undoing_the_merge_leaves_it_closed_and_its_removal_due(
        self, portal: Portal, *, keeps_the_duplicates: bool
    ) -> None:
        kept, other = contact_changes.confirmed(portal), contact_changes.confirmed(portal)
        stays, leaves = (other, kept) if keeps_the_duplicates else (kept, other)
        closed_by_holder(leaves)
        (path,) = reopening_paths(portal, leaves.patient.email)
        before = account_rows(portal, kept, other)
        merge_id = merged(
            portal, kept.patient.patient_id, other.patient.patient_id, keep_account_id=account_id_of(stays)
        )
        assert undo(portal, kept.patient.patient_id, merge_id).status == 200
        assert account_rows(portal, kept, other) == before
        assert portal.sign_in(leaves.username).status == 401
        assert portal.call("GET", path).status == 200
        portal.advance(days=30, seconds=1)
        sweep(portal)
        assert accounts.find_account(account_id_of(leaves)) is None
        assert accounts.find_account(account_id_of(stays)) is not None

    def test_no_link_opens_it_while_the_merge_stands(self, portal: Portal) -> None:
        kept, leaves = portal.register(), contact_changes.confirmed(portal)
        contact_changes.move_email(leaves)
        closed_by_holder(leaves)
        (path,) = reopening_paths(portal, leaves.patient.email)
        (undo_path,) = contact_changes.undo_paths(portal, leaves.patient.email)
        merge_id = merged(
            portal, kept.patient.patient_id, leaves.patient.patient_id, keep_account_id=account_id_of(kept)
        )
        for one in (path, undo_path):
            assert portal.call("GET", one).status == 410
            assert _reopen(portal, leaves, one) == 410
        found = accounts.find_account(account_id_of(leaves))
        assert found is not None
        assert found.disabled
        assert undo(portal, kept.patient.patient_id, merge_id).status == 200
        assert _reopen(portal, leaves, path) == 200
        found = accounts.find_account(account_id_of(leaves))
        assert found is not None
        assert not found.disabled

    @pytest.mark.parametrize("kind", ["reopening", "undoing_a_change"])
    def test_a_merge_that_is_a_moment_earlier_wins(self, portal: Portal, kind: str) -> None:
        kept, leaves = portal.register(), contact_changes.confirmed(portal)
        contact_changes.move_email(leaves)
        closed_by_holder(leaves)
        of_kind = {"reopening": reopening_paths, "undoing_a_change": contact_changes.undo_paths}[kind]
        (path,) = of_kind(portal, leaves.patient.email)
        pair = kept.patient.patient_id, leaves.patient.patient_id
        with overtaken_by(lambda: merged(portal, *pair, keep_account_id=account_id_of(kept))):
            assert _reopen(portal, leaves, path) == 410
        found = accounts.find_account(account_id_of(leaves))
        assert found is not None
        assert found.disabled
        assert found.closing_id

    def test_the_help_desk_sends_no_link_that_does_nothing(self, portal: Portal) -> None:
        kept, leaves = portal.register(), contact_changes.confirmed(portal)
        closed_by_holder(leaves)
        merged(portal, kept.patient.patient_id, leaves.patient.patient_id, keep_account_id=account_id_of(kept))
        sent = len(reopening_paths(portal, leaves.patient.email))
        refused = portal.call(
            "POST",
            f"/v1/clinic/accounts/{account_id_of(leaves)}/recovery",
            {"check": "phone"},
            token=token_of(new_staff(Role.HELP_DESK)),
            headers={"Idempotency-Key": str(uuid.uuid4())},
        )
        assert (refused.status, refused.json["code"]) == (409, "account_disabled")
        assert len(reopening_paths(portal, leaves.patient.email)) == sent

    def test_it_is_removed_though_its_patient_is_at_another_account_by_now(self, portal: Portal) -> None:
        leaves, stays = contact_changes.confirmed(portal), portal.register()
        pair = leaves.patient.patient_id, stays.patient.patient_id
        closed_by_holder(leaves)
        portal.advance(days=10)
        merge_id = merged(portal, *pair, keep_account_id=account_id_of(stays))
        portal.advance(days=20, seconds=1)
        sweep(portal)
        assert accounts.find_account(account_id_of(leaves)) is None
        assert owner_of(pair[0]) == account_id_of(stays)
        assert home(stays) == pair[0]
        assert undo(portal, pair[0], merge_id).status == 200
        assert (owner_of(pair[0]), home(stays)) == (None, pair[1])
        again = portal.register(leaves.patient, username=leaves.username)
        assert home(again) == pair[0]


class TestClosedByAMergeAlone:
    def test_it_is_removed_when_the_merge_can_be_undone_no_more(self, portal: Portal) -> None:
        kept, stays = contact_changes.confirmed(portal), portal.register()
        pair = kept.patient.patient_id, stays.patient.patient_id
        merge_id = merged(portal, *pair, keep_account_id=account_id_of(stays))
        portal.advance(days=29, hours=23)
        sweep(portal)
        assert accounts.find_account(account_id_of(kept)) is not None
        portal.advance(hours=1, seconds=1)
        sweep(portal)
        assert accounts.find_account(account_id_of(kept)) is None
        personal = (kept.patient.email, kept.username)
        # What the address was told of the merge leaves by itself.
        rows = [row for row in portal.rows("accounts") if row.get("kind") != {"S": "former_contact"}]
        assert [one for one in personal if one in repr(rows)] == []
        assert home(stays) == pair[0]
        assert undo(portal, pair[0], merge_id).json["code"] == "merge_settled"
        renamed = contact_changes.change(stays, "username", kept.username)
        assert renamed.status == 200, renamed.text
        assert contact_changes.move_email(stays, kept.patient.email) == kept.patient.email
        steps = audit.find_entries(f"account#{account_id_of(kept)}")
        assert {json.loads(one.about).get("merge_id") for one in steps if one.action == "account:purge"} == {merge_id}

    def test_one_that_came_back_is_not_removed(self, portal: Portal) -> None:
        kept, other = portal.register(), portal.register()
        pair = kept.patient.patient_id, other.patient.patient_id
        merge_id = merged(portal, *pair, keep_account_id=account_id_of(kept))
        assert undo(portal, pair[0], merge_id).status == 200
        portal.advance(days=10)
        again = merged(portal, *pair, keep_account_id=account_id_of(kept))
        portal.advance(days=21)
        sweep(portal)
        assert accounts.find_account(account_id_of(other)) is not None
        assert undo(portal, pair[0], again).status == 200
        portal.advance(days=31)
        sweep(portal)
        assert portal.sign_in(other.username).status == 201

    def test_a_removal_that_has_begun_stops_the_undoing(self, portal: Portal) -> None:
        """A worker's clock is a moment ahead."""
        kept, other = portal.register(), portal.register()
        pair = kept.patient.patient_id, other.patient.patient_id
        merge_id = merged(portal, *pair, keep_account_id=account_id_of(kept))
        found = accounts.find_account(account_id_of(other))
        assert found is not None
        with transaction() as tx:
            closures.begin_purge(tx, found)
        assert undo(portal, pair[0], merge_id).json["code"] == "merge_settled"

    def test_its_address_leads_to_the_account_that_stays(self, portal: Portal) -> None:
        leaves, kept = contact_changes.confirmed(portal), patient_of_their_own(portal)
        email = leaves.patient.email
        stays = portal.register(kept, email=email)
        on_file = [{"system": "email", "value": email}]
        changed = {"resourceType": "Patient", "id": kept.resource_id, "telecom": on_file}
        assert portal.import_fhir(changed).json["updated"] == 1

        def reset_of() -> list[str]:
            """Whose password can be set anew now by what was sent to that address."""
            portal.advance(hours=25)
            asked, sent = {"identifier": email}, len(texts(portal, email))
            before = {row["pk"]["S"] for row in portal.rows("outbox")}
            assert portal.call("POST", "/v1/password-resets", asked, source_ip=fresh_address()).status == 202
            assert [one.startswith("Set a new password\n") for one in texts(portal, email)[sent:]] == [True]
            rows = [row for row in portal.rows("outbox") if row["pk"]["S"] not in before]
            return [row["account_id"]["S"] for row in rows if row["topic"]["S"] == "notices"]

        assert reset_of() == [account_id_of(leaves)]
        pair = kept.patient_id, leaves.patient.patient_id
        merge_id = merged(portal, *pair, keep_account_id=account_id_of(stays))
        assert reset_of() == [account_id_of(stays)]
        assert undo(portal, kept.patient_id, merge_id).status == 200
        assert reset_of() == [account_id_of(leaves)]
