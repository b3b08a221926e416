"""The clinic's staff: invited by a link, always with a second factor, and out at once when their role ends."""

import json
import uuid
from typing import Any

import pytest

from chalicelib.domain.links import LASTS, LinkPurpose
from chalicelib.domain.staff import PERMISSIONS, Permission, Role
from chalicelib.models import accounts, links, staff
from chalicelib.models.staff import StaffMember
from tests.support import factors
from tests.support.crowd import fresh_address
from tests.support.members import PASSWORD, Joining, join, new_email, new_member, path_of
from tests.support.people import new_staff, token_of
from tests.support.portal import Answer, Portal

PATH = "/v1/clinic/staff"


class Admin:
    """An admin, and what they do with the clinic's staff."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.token = token_of(new_staff(Role.ADMIN))

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        return self.portal.call(method, path, body, token=self.token, headers=headers)

    def invite(self, key: str | None = None, **changes: Any) -> Answer:
        body = {"name": "Nora Whitfield", "email": new_email(), "roles": ["front_desk"], **changes}
        return self.call("POST", PATH, body, **{"Idempotency-Key": key or str(uuid.uuid4())})

    def invite_again(self, staff_id: str) -> Answer:
        return self.call("POST", f"{PATH}/{staff_id}/invitation", **{"Idempotency-Key": str(uuid.uuid4())})

    def edit(self, staff_id: str, **changes: Any) -> Answer:
        etag = self.call("GET", f"{PATH}/{staff_id}").header("etag") or ""
        return self.call("PATCH", f"{PATH}/{staff_id}", changes, **{"If-Match": etag})


@pytest.fixture
def admin(portal: Portal) -> Admin:
    return Admin(portal)


def _member_of(joining: Joining) -> StaffMember:
    (found,) = [member for member in staff.find_all() if member.username == joining.username]
    return found


def _token(joining: Joining) -> str:
    return token_of(_member_of(joining).account_id or "")


def test_an_invited_member_gets_a_link_and_sets_up_an_account_with_it(portal: Portal, admin: Admin) -> None:
    email = new_email()
    made = admin.invite(email=email, roles=["front_desk", "billing"])
    assert (made.status, made.json["state"], made.json["username"]) == (201, "invited", None)
    (sent,) = portal.emails(email)
    path = "/l/" + (sent.text or "").split("/l/")[1].split()[0]
    assert "Nora" not in (sent.text or "")
    joining = Joining(portal, path)
    assert joining.choose().status == 200
    done = joining.finish()
    assert done.status == 200
    assert done.text.count("<strong>") == 10
    read = admin.call("GET", f"{PATH}/{made.json['staff_id']}").json
    assert (read["state"], read["username"]) == ("active", joining.username)
    me = portal.call("GET", "/v1/me", token=_token(joining)).json
    assert sorted(me["roles"]) == ["billing", "front_desk"]
    assert (me["email"], me["email_verified"], me["patient_id"]) == (email, True, None)


def test_opening_the_link_shows_no_secret_and_uses_nothing_up(portal: Portal) -> None:
    member = new_member()
    joining = Joining(portal, path_of(member))
    for method in ("GET", "HEAD", "GET"):
        opened = portal.call(method, joining.path)
        assert opened.status == 200
        assert "otpauth" not in opened.text
    assert joining.choose().status == 200
    assert "<svg" in joining.choose().text
    assert joining.finish().status == 200


def test_a_wrong_code_sets_up_nothing_and_can_be_mended(portal: Portal) -> None:
    joining = Joining(portal, path_of(new_member()))
    joining.choose()
    wrong = f"{(int(joining.code()) + 500_000) % 1_000_000:06}"
    for code, status in ((wrong, 422), ("", 422)):
        answer = joining.post(sealed=joining.sealed, code=code)
        assert answer.status == status
        assert 'name="code"' in answer.text
    assert accounts.find_account_id(joining.username) is None
    assert joining.finish().status == 200


def test_a_link_sets_up_one_account(portal: Portal) -> None:
    joining = Joining(portal, path_of(new_member()))
    joining.choose()
    assert joining.finish().status == 200
    assert joining.finish().status == 410
    assert portal.call("GET", joining.path).status == 410


def test_a_form_of_another_link_is_refused(portal: Portal) -> None:
    one, other = (Joining(portal, path_of(new_member())) for _ in range(2))
    one.choose()
    other.choose()
    one.sealed = other.sealed
    assert one.finish().status == 400


def test_a_link_ends_with_its_time_and_when_another_is_sent(portal: Portal, admin: Admin) -> None:
    email = new_email()
    made = admin.invite(email=email).json
    first = path_of(staff.find(made["staff_id"]) or new_member())
    assert admin.invite_again(made["staff_id"]).status == 202
    assert portal.call("GET", first).status == 410
    assert len(portal.emails(email)) == 2
    second = path_of(staff.find(made["staff_id"]) or new_member())
    portal.advance(seconds=LASTS[LinkPurpose.STAFF_INVITATION].total_seconds() + 1)
    assert portal.call("GET", second).status == 410
    assert Joining(portal, second).choose().status == 410


def test_an_invitation_that_is_no_longer_true_is_not_sent(portal: Portal, admin: Admin) -> None:
    email = new_email()
    made = admin.invite(email=email).json
    assert admin.edit(made["staff_id"], disabled=True).json["state"] == "disabled"
    assert portal.emails(email) == []


def test_somebody_with_an_account_is_not_invited_again(portal: Portal, admin: Admin) -> None:
    member = _member_of(join(portal))
    refused = admin.invite_again(member.staff_id)
    assert (refused.status, refused.json["code"]) == (409, "staff_joined")


def test_a_member_who_lost_the_app_sets_the_same_account_up_anew(portal: Portal, admin: Admin) -> None:
    joining = join(portal, Role.FRONT_DESK)
    member = _member_of(joining)
    recovery = {"check": "in_person", "reset_second_factor": True}
    path, key = f"/v1/clinic/accounts/{member.account_id}/recovery", {"Idempotency-Key": str(uuid.uuid4())}
    assert admin.call("POST", path, recovery, **key).status == 202
    lost = portal.sign_in(joining.username, PASSWORD)
    assert admin.invite_again(member.staff_id).status == 202
    portal.drain()
    again = Joining(portal, path_of(_member_of(joining)))
    refused = again.choose(username="somebody.else")
    assert (refused.status, "Type the username that you have had before." in refused.text) == (422, True)
    assert again.choose(password="nine teapots", username=joining.username).status == 200
    done = again.finish()
    assert (lost.status, done.status, done.text.count("<strong>")) == (401, 200, 10)
    begun = portal.sign_in(joining.username, "nine teapots", source_ip=fresh_address())
    assert begun.status == 202
    assert factors.finish(portal, begun.json["mfa_token"], joining.code()).status == 401
    portal.advance(minutes=1)
    assert factors.finish(portal, begun.json["mfa_token"], again.code()).status == 201
    assert admin.invite_again(member.staff_id).json["code"] == "staff_joined"
    assert again.post(username=joining.username, new_password="ten teapots").status == 410


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"password": "short 7"}, "new_password"),
        ({"password": "Nora Whitfield"}, "new_password"),
        ({"password": "password1"}, "new_password"),
        ({"username": "a"}, "username"),
        ({"username": ""}, "username"),
    ],
)
def test_what_is_chosen_is_checked_before_the_second_step(portal: Portal, fields: dict[str, str], wrong: str) -> None:
    answer = Joining(portal, path_of(new_member())).choose(**fields)
    assert answer.status == 422
    assert f'id="{wrong}-wrong"' in answer.text
    assert "otpauth" not in answer.text


def test_a_username_that_is_taken_is_refused_beside_its_field(portal: Portal) -> None:
    taken = join(portal).username
    answer = Joining(portal, path_of(new_member())).choose(username=taken.upper())
    assert answer.status == 422
    assert 'id="username-wrong"' in answer.text


def test_eight_characters_are_enough_beside_the_second_factor(portal: Portal) -> None:
    assert len("lorq vax") == 8
    assert Joining(portal, path_of(new_member())).choose("lorq vax").status == 200
    assert Joining(portal, path_of(new_member())).choose("lorq va").status == 422


def test_the_account_has_its_second_factor_from_the_first_moment(portal: Portal) -> None:
    joining = join(portal)
    account = accounts.find_account(_member_of(joining).account_id or "")
    assert account is not None
    assert json.loads(account.second_factors) == ["totp"]
    answer = portal.sign_in(joining.username, PASSWORD, source_ip="198.51.100.77")
    assert answer.status == 202, answer.text
    assert "access_token" not in answer.json


def test_the_address_of_another_account_invites_nobody(portal: Portal, admin: Admin) -> None:
    member = _member_of(join(portal))
    refused = admin.invite(email=member.email)
    assert (refused.status, refused.json["code"]) == (409, "email_taken")
    second = new_member(email=(address := new_email()))
    first = Joining(portal, path_of(new_member(email=address)))
    late = Joining(portal, path_of(second))
    late.choose()
    first.choose()
    assert first.finish().status == 200
    assert late.finish().status == 409


def test_another_role_ends_every_session_at_once(portal: Portal, admin: Admin) -> None:
    joining = join(portal, Role.HELP_DESK)
    token = _token(joining)
    assert portal.call("GET", "/v1/me", token=token).status == 200
    changed = admin.edit(_member_of(joining).staff_id, roles=["billing"])
    assert changed.json["roles"] == ["billing"]
    assert portal.call("GET", "/v1/me", token=token).status == 401
    assert portal.call("GET", "/v1/me", token=_token(joining)).json["roles"] == ["billing"]


@pytest.mark.parametrize("more", [{"roles": ["admin", "clinician"]}, {"practitioner_id": f"dir_{'0' * 26}"}])
def test_nobody_gives_more_to_themselves(portal: Portal, admin: Admin, more: dict[str, Any]) -> None:
    member = _member_of(join(portal, Role.ADMIN, Role.BILLING))
    admin.token = token_of(member.account_id or "")
    refused = admin.edit(member.staff_id, **more)
    assert (refused.status, refused.json["code"]) == (403, "not_allowed")
    assert admin.edit(member.staff_id, roles=["admin"]).status == 200


def test_a_new_name_ends_no_session(portal: Portal, admin: Admin) -> None:
    joining = join(portal)
    token = _token(joining)
    assert admin.edit(_member_of(joining).staff_id, name="Nora W.").json["name"] == "Nora W."
    assert portal.call("GET", "/v1/me", token=token).status == 200


def test_a_disabled_member_is_out_at_once_and_cannot_sign_in(portal: Portal, admin: Admin) -> None:
    joining = join(portal)
    token = _token(joining)
    assert admin.edit(_member_of(joining).staff_id, disabled=True).json["state"] == "disabled"
    assert portal.call("GET", "/v1/me", token=token).status == 401
    assert portal.sign_in(joining.username, PASSWORD, source_ip="198.51.100.78").status == 401
    assert admin.edit(_member_of(joining).staff_id, disabled=False).json["state"] == "active"
    assert portal.call("GET", "/v1/me", token=token).status == 401
    assert portal.sign_in(joining.username, PASSWORD, source_ip="198.51.100.79").status == 202


def _end_every_admin(admin: Admin) -> None:
    """Until there is only one left of those who came by a link."""
    acting = [member for member in staff.find_all() if member.is_acting_admin]
    for member in acting[1:]:
        assert admin.edit(member.staff_id, disabled=True).status == 200


@pytest.mark.parametrize("change", [{"disabled": True}, {"roles": ["billing"]}])
def test_nobody_takes_the_last_admin_away(portal: Portal, admin: Admin, change: dict[str, Any]) -> None:
    join(portal, Role.ADMIN)
    _end_every_admin(admin)
    (last,) = [member for member in staff.find_all() if member.is_acting_admin]
    refused = admin.edit(last.staff_id, **change)
    assert (refused.status, refused.json["code"]) == (409, "last_admin")
    assert (staff.find(last.staff_id) or last).version == last.version
    token = token_of(last.account_id or "")
    assert portal.call("GET", PATH, token=token).status == 200
    # One who is invited cannot manage anybody yet.
    new_member(Role.ADMIN)
    assert admin.edit(last.staff_id, **change).status == 409
    join(portal, Role.ADMIN)
    assert admin.edit(last.staff_id, **change).status == 200
    assert portal.call("GET", PATH, token=token).status == 401


def test_an_edit_of_a_version_that_is_past_changes_nothing(admin: Admin) -> None:
    made = admin.invite().json
    assert admin.edit(made["staff_id"], name="First").status == 200
    stale = admin.call("PATCH", f"{PATH}/{made['staff_id']}", {"roles": ["admin"]}, **{"If-Match": '"1"'})
    assert stale.status == 412
    assert admin.call("GET", f"{PATH}/{made['staff_id']}").json["roles"] == ["front_desk"]


def test_a_practitioner_can_be_named_and_taken_away(admin: Admin) -> None:
    practitioner_id = f"dir_{'0' * 26}"
    made = admin.invite(practitioner_id=practitioner_id).json
    assert made["practitioner_id"] == practitioner_id
    assert admin.edit(made["staff_id"], name="Other").json["practitioner_id"] == practitioner_id
    assert admin.edit(made["staff_id"], practitioner_id=None).json["practitioner_id"] is None
    assert admin.invite(practitioner_id="Practitioner/1").status == 422


def test_a_replay_invites_nobody_twice(portal: Portal, admin: Admin) -> None:
    email, key = new_email(), str(uuid.uuid4())
    first, again = admin.invite(key, email=email), admin.invite(key, email=email)
    assert first.json == again.json
    assert len(portal.emails(email)) == 1


def test_a_replay_after_the_member_has_joined_answers_what_is_true_now(portal: Portal, admin: Admin) -> None:
    email, key = new_email(), str(uuid.uuid4())
    made = admin.invite(key, email=email).json
    joining = Joining(portal, path_of(staff.find(made["staff_id"]) or new_member()))
    joining.choose()
    assert joining.finish().status == 200
    again = admin.invite(key, email=email)
    assert (again.status, again.json["staff_id"], again.json["state"]) == (201, made["staff_id"], "active")


def test_every_member_is_listed_once(admin: Admin) -> None:
    made = [admin.invite().json["staff_id"] for _ in range(3)]
    page = admin.call("GET", f"{PATH}?limit=2").json
    rest = admin.call("GET", f"{PATH}?limit=1&cursor={page['next_cursor']}").json
    assert [item["staff_id"] for item in [*page["items"], *rest["items"]]] == made[::-1]


def test_only_an_admin_who_has_just_stepped_up_invites(portal: Portal) -> None:
    body = {"name": "Nora", "email": new_email(), "roles": ["admin"]}
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    plain = token_of(new_staff(Role.ADMIN), stepped_up=False)
    assert portal.call("POST", PATH, body, headers=headers, token=plain).json["code"] == "step_up_required"
    for role in set(Role) - {Role.ADMIN}:
        assert portal.call("POST", PATH, body, headers=headers, token=token_of(new_staff(role))).status == 403


def test_the_page_says_nothing_of_a_member_who_is_named_nowhere(portal: Portal) -> None:
    member = new_member()
    opened = portal.call("GET", path_of(member)).text
    assert member.name not in opened
    assert member.email not in opened
    link = links.find(member.link_id)
    assert link is not None
    assert link.account_id == ""


def test_the_table_of_permissions_is_as_the_clinic_wants_it() -> None:
    holders = {permission: {role for role in Role if permission in PERMISSIONS[role]} for permission in Permission}
    assert holders[Permission.RECORDS_READ] == holders[Permission.GLASS_BREAK] == {Role.CLINICIAN}
    for managed in (Permission.STAFF_WRITE, Permission.CLIENTS_WRITE, Permission.SETTINGS_WRITE):
        assert holders[managed] == {Role.ADMIN}
    assert Role.BILLING not in holders[Permission.ACCOUNTS_RECOVER]
    assert all(holders.values())
