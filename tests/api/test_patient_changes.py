"""What is on file: patients ask for changes, staff decide, every old address hears of it (RC 7)."""

from typing import Any

import pytest

from chalicelib.domain.staff import PERMISSIONS, Permission, Role
from chalicelib.models import audit
from tests.support.links import account_id_of
from tests.support.people import appoint, new_staff, token_of
from tests.support.portal import Answer, Person, Portal
from tests.support.registering import claim
from tests.support.resets import ask as ask_for_reset

PENDING = "/v1/clinic/contact-changes"
ON_FILE = "/v1/patients/me"


class Desk:
    """Somebody who decides."""

    def __init__(self, portal: Portal, role: Role = Role.FRONT_DESK) -> None:
        self.portal = portal
        self.account_id = new_staff(role)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        return self.portal.call(method, path, body, token=token_of(self.account_id), headers=headers)

    def decide(self, change_id: str, decision: str, **body: Any) -> Answer:
        return self.call("POST", f"{PENDING}/{change_id}/{decision}", body if decision == "approve" else None)

    def pending(self, query: str = "?limit=100") -> list[dict[str, Any]]:
        answer = self.call("GET", f"{PENDING}{query}")
        assert answer.status == 200, answer.text
        items: list[dict[str, Any]] = answer.json["items"]
        return items


@pytest.fixture
def desk(portal: Portal) -> Desk:
    return Desk(portal)


def _read(person: Person) -> Answer:
    return person.portal.call("GET", ON_FILE, token=token_of(account_id_of(person)))


def _ask(person: Person, etag: str | None = None, **changes: Any) -> Answer:
    headers = {"If-Match": etag or _read(person).header("etag") or ""}
    return person.portal.call("PATCH", ON_FILE, changes, token=token_of(account_id_of(person)), headers=headers)


def _asked(person: Person, **changes: Any) -> str:
    answer = _ask(person, **changes)
    assert answer.status == 202, answer.text
    change_id: str = answer.json["pending"]["change_id"]
    return change_id


def test_a_change_is_pending_until_staff_accept_it(portal: Portal, desk: Desk) -> None:
    person = portal.register()
    change_id = _asked(person, last_name="Berg", mobile_phone="+1 312 555 0177")
    read = _read(person).json
    assert (read["last_name"], read["phones"]) == ("Solberg", ["+13125550142"])
    assert read["pending"]["fields"] == {"last_name": "Berg", "mobile_phone": "+13125550177"}
    (waiting,) = [one for one in desk.pending() if one["change_id"] == change_id]
    assert waiting["patient"]["last_name"] == "Solberg"
    assert desk.decide(change_id, "approve").status == 204
    read = _read(person).json
    assert (read["last_name"], read["phones"], read["pending"]) == ("Berg", ["+13125550177"], None)
    assert change_id not in str(desk.pending())
    assert desk.decide(change_id, "approve").status == 404


def test_what_is_asked_later_is_added_to_what_waits(portal: Portal, desk: Desk) -> None:
    person = portal.register()
    first = _asked(person, first_name="Astrid")
    assert _asked(person, last_name="Berg") == first
    assert _read(person).json["pending"]["fields"] == {"first_name": "Astrid", "last_name": "Berg"}
    assert desk.decide(first, "approve").status == 204
    assert _read(person).json["names"] == ["Astrid Mae Berg"]


def test_a_denied_change_leaves_all_as_it_is_and_the_patient_is_told(portal: Portal, desk: Desk) -> None:
    person = portal.register()
    _confirm(portal, person)
    change_id = _asked(person, email="new@example.org")
    before = len(portal.emails(person.patient.email))
    assert desk.decide(change_id, "deny").status == 204
    read = _read(person).json
    assert (read["emails"], read["pending"]) == ([person.patient.email], None)
    assert len(portal.emails(person.patient.email)) == before + 1
    assert desk.decide(change_id, "deny").status == 404


def _confirm(portal: Portal, person: Person) -> None:
    from chalicelib.domain.links import LinkPurpose
    from tests.support import links

    path = links.path_of(portal, person, LinkPurpose.VERIFY_EMAIL)
    assert links.post(portal, path, date_of_birth=person.patient.date_of_birth).status == 200


def test_every_old_address_is_told_of_what_took_its_place(portal: Portal, desk: Desk) -> None:
    person = portal.register(email=None)
    old, texts = person.patient.email, len(portal.aws.sent_sms())
    before = len(portal.emails(old))
    change_id = _asked(person, email="new.address@example.org", mobile_phone="+13125550178")
    assert len(portal.emails(old)) == before
    assert desk.decide(change_id, "approve").status == 204
    (told,) = portal.emails(old)[before:]
    assert "contact details" in told.subject
    assert "new.address" not in (told.text or "")
    texted = {one.to for one in portal.aws.sent_sms()[texts:]}
    assert texted == {"+13125550142", "+13125550178"}
    assert portal.emails("new.address@example.org")


@pytest.mark.parametrize(("in_person", "at_once"), [(False, False), (True, True)])
def test_a_new_contact_serves_recovery_after_a_day_or_in_person_at_once(
    portal: Portal, desk: Desk, in_person: bool, at_once: bool
) -> None:
    person = portal.register(email=None)
    address = f"fresh-{in_person}@example.org".lower()
    change_id = _asked(person, email=address, mobile_phone=None)
    assert desk.decide(change_id, "approve", in_person=in_person).status == 204
    before = len(portal.emails(address))
    assert ask_for_reset(portal, person.username).status == 202
    assert (len(portal.emails(address)) > before) == at_once
    portal.advance(hours=24, seconds=1)
    before = len(portal.emails(address))
    assert ask_for_reset(portal, person.username).status == 202
    assert len(portal.emails(address)) > before


def test_what_the_desk_itself_replaces_is_told_and_waits_too(portal: Portal, desk: Desk) -> None:
    person = portal.register(email=None)
    path, old = f"/v1/clinic/patients/{person.patient.patient_id}", person.patient.email
    before = len(portal.emails(old))
    etag = desk.call("GET", path).header("etag") or ""
    changes = {"email": "desk.made@example.org", "mobile_phone": None}
    assert desk.call("PATCH", path, changes, **{"If-Match": etag}).status == 200
    assert len(portal.emails(old)) == before + 1
    sent = len(portal.emails("desk.made@example.org"))
    assert ask_for_reset(portal, person.username).status == 202
    assert len(portal.emails("desk.made@example.org")) == sent


def test_what_the_desk_replaced_serves_no_registration_for_a_day(portal: Portal, desk: Desk) -> None:
    patient = portal.new_patient()
    path = f"/v1/clinic/patients/{patient.patient_id}"
    etag = desk.call("GET", path).header("etag") or ""
    changes = {"email": "talked.into@example.org", "mobile_phone": None}
    assert desk.call("PATCH", path, changes, **{"If-Match": etag}).status == 200
    asked = claim(patient, "clinic_number")
    assert portal.call("POST", "/v1/registrations", asked).json["code"] == "identity_not_confirmed"
    portal.advance(hours=24, seconds=1)
    assert portal.call("POST", "/v1/registrations", asked).status == 201
    assert [email.subject for email in portal.emails("talked.into@example.org")] == ["Your code for the patient portal"]


def test_another_name_tells_nobody_and_makes_nothing_wait(portal: Portal, desk: Desk) -> None:
    person = portal.register(email=None)
    before = len(portal.emails(person.patient.email))
    assert desk.decide(_asked(person, first_name="Astrid"), "approve").status == 204
    assert len(portal.emails(person.patient.email)) == before
    assert ask_for_reset(portal, person.username).status == 202
    assert len(portal.emails(person.patient.email)) == before + 1


def test_the_new_time_survives_the_next_import(portal: Portal, desk: Desk) -> None:
    from chalicelib.models import patients

    person = portal.register(email=None)
    assert desk.decide(_asked(person, email="other@example.org"), "approve").status == 204
    portal.new_patient(id=person.patient.resource_id, birthDate="1961-04-13")
    found = patients.find(person.patient.patient_id)
    assert found is not None
    assert found.contacts_replaced_at is not None


def test_a_change_of_a_version_that_is_past_is_refused(portal: Portal, desk: Desk) -> None:
    person = portal.register()
    first = _read(person).header("etag") or ""
    change_id = _asked(person, first_name="Astrid")
    assert _ask(person, first, first_name="Sigrid").status == 412
    second = _read(person).header("etag") or ""
    assert desk.decide(change_id, "approve").status == 204
    assert _ask(person, second, first_name="Sigrid").status == 412
    assert _ask(person, first_name="Sigrid").status == 202


def test_asking_needs_a_step_up_and_so_does_deciding(portal: Portal, desk: Desk) -> None:
    person = portal.register()
    etag = {"If-Match": _read(person).header("etag") or ""}
    plain = token_of(account_id_of(person), stepped_up=False)
    refused = portal.call("PATCH", ON_FILE, {"first_name": "Astrid"}, token=plain, headers=etag)
    assert refused.json["code"] == "step_up_required"
    change_id = _asked(person, first_name="Astrid")
    plain = token_of(desk.account_id, stepped_up=False)
    for decision, body in (("approve", {}), ("deny", None)):
        answer = portal.call("POST", f"{PENDING}/{change_id}/{decision}", body, token=plain)
        assert answer.json["code"] == "step_up_required"
    for role in Role:
        if Permission.CONTACT_CHANGES_DECIDE not in PERMISSIONS[role]:
            assert Desk(portal, role).decide(change_id, "approve").status == 403


def test_nobody_decides_for_themselves(portal: Portal, desk: Desk) -> None:
    person = portal.register()
    change_id = _asked(person, first_name="Astrid")
    appoint(account_id_of(person), Role.FRONT_DESK)
    token = token_of(account_id_of(person))
    refused = portal.call("POST", f"{PENDING}/{change_id}/approve", {}, token=token)
    assert (refused.status, refused.json["code"]) == (409, "own_request")
    assert desk.decide(change_id, "approve").status == 204


def test_pages_show_every_request_once_the_oldest_first(portal: Portal, desk: Desk) -> None:
    made = [_asked(portal.register(), first_name="Astrid") for _ in range(3)]
    found, query = [], "?limit=2"
    while query:
        page = desk.call("GET", f"{PENDING}{query}").json
        found += [one["change_id"] for one in page["items"]]
        query = f"?limit=2&cursor={page['next_cursor']}" if page["next_cursor"] else ""
    assert [one for one in found if one in made] == made
    assert len(found) == len(set(found))


def test_the_history_says_who_asked_and_who_decided_and_no_value(portal: Portal, desk: Desk) -> None:
    person = portal.register()
    change_id = _asked(person, last_name="Canary-Berg")
    assert desk.decide(change_id, "approve").status == 204
    entries = [one for one in audit.find_entries(f"patient#{person.patient.patient_id}") if change_id in one.about]
    assert {(one.action, one.actor_id) for one in entries} >= {
        ("patient:change:ask", account_id_of(person)),
        ("patient:change:approve", desk.account_id),
    }
    assert "Canary" not in str([one.about for one in entries])
