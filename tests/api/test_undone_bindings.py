"""ID 9: whoever undoes a change says "this was not me", so that what was bound since it began goes with it."""

import uuid
from typing import Any

from chalicelib.domain.caregivers import Grant, Relation, Scope
from chalicelib.domain.staff import Role
from chalicelib.models import audit, caregivers
from chalicelib.models.transaction import transaction
from tests.support import factors, passkeys
from tests.support.caregivers import accept, give, invitation_to, invite, link_of, new_invited
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
    undo_paths,
)
from tests.support.crowd import fresh_address
from tests.support.factors import App
from tests.support.faults import overtaken_by
from tests.support.links import post
from tests.support.passkeys import Authenticator
from tests.support.people import new_account, new_staff, token_of
from tests.support.portal import Person, Portal
from tests.support.sign_in import is_signed_in, link_token

GONE = "passkeys and devices that were added since are gone"


def _undo(person: Person, path: str | None) -> str:
    assert path is not None
    undone = post(person.portal, path, date_of_birth=person.patient.date_of_birth)
    assert undone.status == 200, undone.text
    return undone.text


def _bound(person: Person) -> dict[str, Any]:
    found: dict[str, Any] = person.portal.call("GET", "/v1/me/mfa", token=stepped_up(person)).json
    return found


def _kinds(person: Person) -> list[str]:
    return sorted(item["method"] for item in _bound(person)["methods"])


def _beside(person: Person) -> Person:
    """Whoever else is signed in to the account, just stepped up: a thief."""
    session = {**person.session, "access_token": stepped_up(person)}
    return Person(person.portal, person.patient, person.username, person.password, session)


def _bind_app(person: Person) -> App:
    app = factors.set_up(person)
    assert factors.confirm(person, app.code()).status == 200
    return app


def _bind_passkey(person: Person) -> Authenticator:
    authenticator = Authenticator()
    asked = person.call("POST", "/v1/me/passkeys/options")
    assert passkeys.send(person, authenticator.make(asked.json)).status == 201
    return authenticator


def _register_push(person: Person) -> str:
    body = {"platform": "ios", "push_token": f"token:{uuid.uuid4().hex}"}
    registered = person.call("POST", "/v1/me/devices", body, headers={"Idempotency-Key": str(uuid.uuid4())})
    assert registered.status == 201, registered.text
    device_id: str = registered.json["device_id"]
    return device_id


def _push_devices(person: Person) -> list[str]:
    items = person.portal.call("GET", "/v1/me/devices", token=stepped_up(person)).json["items"]
    return [item["device_id"] for item in items]


def _rename(person: Person) -> None:
    assert change(person, "username", f"name-{uuid.uuid4().hex[:10]}").status == 200


def test_a_code_app_passkeys_recovery_codes_and_sessions_of_after_a_change_are_gone(portal: Portal) -> None:
    person = confirmed(portal)
    _rename(person)
    thief = _beside(person)
    authenticator = _bind_passkey(thief)
    _bind_app(thief)
    assert _kinds(person) == ["passkey", "totp"]
    _undo(person, undo_paths(portal, person.patient.email)[0])
    assert not is_signed_in(portal, thief.token)
    assert _bound(person) == {"enabled": False, "methods": [], "recovery_codes_left": 0}
    answered = authenticator.answer(passkeys.options(portal))
    assert passkeys.sign_in(portal, answered).status == 401


def test_what_was_bound_before_the_change_stays(portal: Portal) -> None:
    person = confirmed(portal)
    own = _bind_passkey(_beside(person))
    device_id = _register_push(person)
    portal.advance(seconds=1)
    _rename(person)
    path = undo_paths(portal, person.patient.email)[0]
    thief = _beside(person)
    _bind_passkey(thief)
    assert _kinds(person) == ["passkey", "passkey"]
    _undo(person, path)
    assert _bound(person)["enabled"] is True
    assert (_kinds(person), _bound(person)["recovery_codes_left"]) == (["passkey"], 10)
    assert _push_devices(person) == [device_id]
    assert passkeys.sign_in(portal, own.answer(passkeys.options(portal))).status == 201


def test_recovery_codes_that_were_renewed_after_it_sign_nobody_in(portal: Portal) -> None:
    person = confirmed(portal)
    _bind_passkey(_beside(person))
    portal.advance(seconds=1)
    _rename(person)
    assert _beside(person).call("POST", "/v1/me/mfa/recovery-codes").status == 201
    _undo(person, undo_paths(portal, person.patient.email)[0])
    assert (_kinds(person), _bound(person)["recovery_codes_left"]) == (["passkey"], 0)


def test_an_app_that_is_being_set_up_cannot_be_finished(portal: Portal) -> None:
    person = confirmed(portal)
    _rename(person)
    app = factors.set_up(_beside(person))
    _undo(person, undo_paths(portal, person.patient.email)[0])
    assert factors.confirm(_beside(person), app.code()).json["code"] == "binding_ended"


def test_an_email_change_began_when_it_was_asked_for(portal: Portal) -> None:
    person, email = confirmed(portal), new_email()
    assert change(person, "email", email).status == 202
    portal.advance(minutes=1)
    _bind_app(_beside(person))
    portal.advance(minutes=1)
    confirmation = {"token": link_token(portal, email), "date_of_birth": person.patient.date_of_birth}
    assert portal.call("POST", "/v1/email-verifications", confirmation).status == 204
    _undo(person, undo_paths(portal, person.patient.email)[-1])
    assert _kinds(person) == []


def test_a_change_of_phone_began_when_its_code_was_asked_for(portal: Portal) -> None:
    person, number = confirmed(portal), new_phone()
    assert change(person, "phone", number).status == 202
    portal.advance(minutes=1)
    _bind_app(_beside(person))
    portal.advance(minutes=1)
    assert confirm_phone(person, phone_code(portal, number)).status == 200
    _undo(person, undo_paths(portal, person.patient.email)[-1])
    assert _kinds(person) == []


def _push_tokens(portal: Portal) -> set[str]:
    """The rows of everybody's push tokens."""
    return {row["pk"]["S"] for row in portal.rows("accounts") if row["pk"]["S"].startswith("push_token#")}


def test_devices_of_after_it_get_no_push_and_are_strangers_again(portal: Portal) -> None:
    person = confirmed(portal)
    _rename(person)
    path = undo_paths(portal, person.patient.email)[0]
    name = portal.call("GET", "/v1/me", token=person.token).json["username"]
    before = _push_tokens(portal)
    thiefs = portal.sign_in(name, source_ip=fresh_address(), body={"device_name": "thief"}).json
    for _ in range(30):
        _register_push(_beside(person))
    _undo(person, path)
    assert _push_devices(person) == []
    kept = {row["device_id"]["S"] for row in portal.rows("accounts") if row["sk"]["S"].startswith("device#")}
    assert thiefs["device_token"].split(".")[1] not in kept
    assert person.session["device_token"].split(".")[1] in kept
    assert _push_tokens(portal) == before


def test_the_page_and_the_messages_say_it_in_both_languages(portal: Portal) -> None:
    person = confirmed(portal)
    move_email(person)
    path = undo_paths(portal, person.patient.email)[0]
    assert "added since are taken off" in portal.call("GET", path).text
    spanish = portal.call("GET", path, headers={"Accept-Language": "es"}).text
    assert "los dispositivos que se agregaron después" in spanish
    assert GONE in _undo(person, path)
    assert GONE in (portal.emails(person.patient.email)[-1].text or "")


def test_however_many_changes_somebody_made_the_first_undoes_them_all(portal: Portal) -> None:
    person = confirmed(portal)
    for day in range(3):
        for number in range(5):
            _rename(person)
            move_phone(person)
            if number < 3:
                move_email(person)
        portal.advance(hours=24 if day < 2 else 0)
    for _ in range(9):
        passkeys.bind_in(person)
    for _ in range(6):
        give(person.patient.patient_id)
    _wish(person, last_name="Berg")
    _undo(person, undo_paths(portal, person.patient.email)[0])
    me = portal.call("GET", "/v1/me", token=stepped_up(person)).json
    assert (me["username"], me["email"], me["mobile_phone"]) == (person.username, person.patient.email, None)
    undone = [row for row in portal.rows("accounts") if row["sk"]["S"].startswith("contact_change#")]
    mine = [row for row in undone if row["pk"]["S"] == person.session["account"]["account_id"]]
    assert len(mine) == 39
    assert caregivers.find_offers(person.patient.patient_id) == []
    assert all("undone_at" in row for row in mine)


def _notices(portal: Portal, token: str) -> list[str]:
    portal.drain()
    return [one["title"] for one in portal.call("GET", "/v1/me/notices", token=token).json["items"]]


def _wish(person: Person, **changes: Any) -> str:
    """What somebody asks staff to change of what is on file; returns its id."""
    path, token = "/v1/patients/me", stepped_up(person)
    tag = {"If-Match": person.portal.call("GET", path, token=token).header("etag") or ""}
    asked = person.portal.call("PATCH", path, changes, token=token, headers=tag)
    assert asked.status == 202, asked.text
    change_id: str = asked.json["pending"]["change_id"]
    return change_id


def _approve(portal: Portal, change_id: str) -> int:
    path = f"/v1/clinic/contact-changes/{change_id}/approve"
    return portal.call("POST", path, {}, token=token_of(new_staff(Role.FRONT_DESK))).status


def _caregivers(person: Person) -> dict[str, str]:
    items = person.portal.call("GET", "/v1/patients/me/caregivers", token=stepped_up(person)).json["items"]
    return {item["caregiver_id"]: item["status"] for item in items}


def _undo_entry(person: Person) -> dict[str, object]:
    account_id = person.session["account"]["account_id"]
    return [one.details for one in audit.find_entries(f"account#{account_id}") if one.action == "account:change:undo"][
        -1
    ]


def test_whom_a_thief_let_in_reads_nothing_any_more_and_is_told(portal: Portal) -> None:
    person = confirmed(portal)
    _rename(person)
    caregiver_id, token = new_invited(person, "everything")
    records = f"/v1/patients/{person.patient.patient_id}/records"
    assert portal.call("GET", records, token=token).status == 200
    _undo(person, undo_paths(portal, person.patient.email)[0])
    assert portal.call("GET", records, token=token).status == 404
    assert "You do not act for someone any more" in _notices(portal, token)
    assert _caregivers(person) == {}
    assert _undo_entry(person)["caregiver_ids"] == [caregiver_id]
    history = [one.details for one in audit.find_entries(f"patient#{person.patient.patient_id}")]
    assert history[-1] == {"caregiver_id": caregiver_id}


def test_an_invitation_of_after_it_makes_nobody_a_caregiver(portal: Portal) -> None:
    person, email = confirmed(portal), new_email()
    _rename(person)
    assert invite(person, "everything", email=email).status == 201
    link = link_of(portal, email)
    _undo(person, undo_paths(portal, person.patient.email)[0])
    assert accept(portal, link, token_of(new_account())).status in {404, 410}
    assert _caregivers(person) == {}


def test_a_caregiver_of_before_stays_unless_they_were_given_more(portal: Portal) -> None:
    person = confirmed(portal)
    (stays, _), (widened, token) = new_invited(person, "results"), new_invited(person, "results")
    portal.advance(seconds=1)
    _rename(person)
    path = f"/v1/patients/me/caregivers/{widened}"
    tag = {"If-Match": portal.call("GET", path, token=stepped_up(person)).header("etag") or ""}
    edited = portal.call("PATCH", path, {"scopes": ["everything"]}, token=stepped_up(person), headers=tag)
    assert edited.status == 200, edited.text
    _undo(person, undo_paths(portal, person.patient.email)[0])
    assert _caregivers(person) == {stays: "active"}
    assert portal.call("GET", f"/v1/patients/{person.patient.patient_id}/records", token=token).status == 404


def test_what_the_clinic_gave_after_it_stays(portal: Portal) -> None:
    person = confirmed(portal)
    _rename(person)
    for relation in (Relation.PARENT, Relation.AGENT):
        with transaction() as tx:
            grant = Grant(new_account(), frozenset({Scope.EVERYTHING}), relation=relation)
            caregivers.put_grant(tx, person.patient.patient_id, grant)
    _undo(person, undo_paths(portal, person.patient.email)[0])
    assert len(caregivers.find_grants(person.patient.patient_id)) == 2


def test_a_wish_of_after_it_for_another_email_on_file_waits_for_nobody(portal: Portal) -> None:
    person = confirmed(portal)
    _rename(person)
    change_id = _wish(person, email=new_email())
    _undo(person, undo_paths(portal, person.patient.email)[0])
    assert _approve(portal, change_id) == 404
    read = portal.call("GET", "/v1/patients/me", token=stepped_up(person)).json
    assert (read["emails"], read["pending"]) == ([person.patient.email], None)
    assert _undo_entry(person)["patient_change_id"] == change_id


def test_a_wish_of_before_it_still_waits(portal: Portal) -> None:
    person = confirmed(portal)
    change_id = _wish(person, last_name="Berg")
    portal.advance(seconds=1)
    _rename(person)
    _undo(person, undo_paths(portal, person.patient.email)[0])
    assert _approve(portal, change_id) == 204


def test_an_invitation_that_is_accepted_in_that_moment_ends_all_the_same(portal: Portal) -> None:
    person, email = confirmed(portal), new_email()
    _rename(person)
    assert invite(person, "everything", email=email).status == 201
    link, token = link_of(portal, email), token_of(new_account())
    path = undo_paths(portal, person.patient.email)[0]
    with overtaken_by(lambda: accept(portal, link, token)):
        _undo(person, path)
    assert caregivers.find_offers(person.patient.patient_id) == []


def test_however_many_a_thief_let_in_all_of_them_are_out(portal: Portal) -> None:
    person = confirmed(portal)
    _rename(person)
    for number in range(28):
        give(person.patient.patient_id) if number % 2 else invitation_to(person.patient.patient_id)
    _undo(person, undo_paths(portal, person.patient.email)[0])
    assert caregivers.find_offers(person.patient.patient_id) == []
    named = _undo_entry(person)["caregiver_ids"]
    assert isinstance(named, list)
    assert len(named) == 28


def test_the_page_and_the_messages_tell_of_people_who_were_let_in(portal: Portal) -> None:
    person = confirmed(portal)
    _rename(person)
    path = undo_paths(portal, person.patient.email)[0]
    assert "no longer act for you" in portal.call("GET", path).text
    assert "actuar por usted" in portal.call("GET", path, headers={"Accept-Language": "es"}).text
    assert "no longer act for you" in _undo(person, path)
    assert "no longer act for you" in (portal.emails(person.patient.email)[-1].text or "")
