"""A day at the clinic: whatever staff do with the portal, for the tests that watch what it does meanwhile."""

import uuid
from typing import Any

from chalicelib.domain.caregivers import Scope
from chalicelib.domain.staff import Role
from chalicelib.models import patient_changes
from tests.support import amendments, merging
from tests.support.caregivers import new_invited
from tests.support.changing import Chart
from tests.support.fhir import condition
from tests.support.links import account_id_of
from tests.support.members import join, new_member
from tests.support.people import new_caregiver, new_staff, token_of
from tests.support.portal import Answer, Person, Portal


class _Member:
    def __init__(self, portal: Portal, role: Role) -> None:
        self.portal, self.account_id = portal, new_staff(role)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        sent = {"Idempotency-Key": str(uuid.uuid4()), **headers}
        answer = self.portal.call(method, path, body, token=token_of(self.account_id), headers=sent)
        assert answer.status < 300, answer.text
        return answer


def work(portal: Portal) -> None:
    """Staff are invited, look for patients, help with accounts, decide, open a record, and change the settings."""
    admin, desk, help_desk, clinician = (
        _Member(portal, role) for role in (Role.ADMIN, Role.FRONT_DESK, Role.HELP_DESK, Role.CLINICIAN)
    )
    join(portal)
    invited = f"/v1/clinic/staff/{new_member().staff_id}"
    admin.call("POST", f"{invited}/invitation")
    _edit(admin, invited, {"disabled": True})
    client = admin.call("POST", "/v1/clinic/clients", {"name": "Archive", "scopes": ["events.read"]}).json["client_id"]
    admin.call("POST", f"/v1/clinic/clients/{client}/rotate", {"keep_previous_seconds": 0})
    for path in ("/v1/clinic/staff", "/v1/clinic/clients", "/v1/clinic/settings", "/v1/clinic/audit"):
        admin.call("GET", path)
    person = portal.register(email=None)
    patient = f"/v1/clinic/patients/{person.patient.patient_id}"
    desk.call("POST", "/v1/clinic/patients/search", {"q": "Solb"})
    desk.call("POST", "/v1/clinic/patients/search", {"q": "1961-04-12 Solberg"})
    _edit(desk, patient, {"email": "corrected@example.org", "birth_date": "1961-04-13", "last_name": "Berg"})
    for decision in ("approve", "deny"):
        _decide(desk, person, decision)
    for q in (person.username, person.patient.clinic_number, "nobody-at-all"):
        help_desk.call("GET", f"/v1/clinic/accounts?q={q}")
    recovery = f"/v1/clinic/accounts/{account_id_of(portal.register())}/recovery"
    help_desk.call("POST", recovery, {"check": "in_person", "reset_second_factor": True})
    clinician.call("POST", f"{patient}/break-glass", {"reason": "Unconscious in the emergency room"})
    clinician.call("GET", f"/v1/patients/{person.patient.patient_id}/records")
    _correct(clinician)
    _change_the_team(portal, person)
    _merge(portal, admin, clinician)
    portal.drain()


def _edit(member: _Member, path: str, changes: dict[str, Any]) -> None:
    member.call("PATCH", path, changes, **{"If-Match": member.call("GET", path).header("etag") or ""})


def _decide(desk: _Member, person: Person, decision: str) -> None:
    """Something that a patient asks for, and what staff say to it."""
    token = token_of(account_id_of(person))
    etag = person.portal.call("GET", "/v1/patients/me", token=token).header("etag") or ""
    wanted = {"email": f"{decision}@example.org", "mobile_phone": None}
    asked = person.portal.call("PATCH", "/v1/patients/me", wanted, token=token, headers={"If-Match": etag})
    assert asked.status == 202, asked.text
    change = patient_changes.find(person.patient.patient_id)
    assert change is not None
    desk.call("GET", "/v1/clinic/contact-changes")
    desk.call(
        "POST", f"/v1/clinic/contact-changes/{change.change_id}/{decision}", {} if decision == "approve" else None
    )


def _merge(portal: Portal, admin: _Member, clinician: _Member) -> None:
    """Two files of one person, who had an account with each: joined, read as one, and parted again."""
    kept, other = portal.register(portal.new_patient()), portal.register(portal.new_patient())
    new_invited(other, "results")
    for person in (kept, other):
        assert portal.import_fhir(condition(f"Patient/{person.patient.resource_id}", "Hay fever")).status == 200
    patient_id, duplicate_id = kept.patient.patient_id, other.patient.patient_id
    choice = {"keep_account_id": account_id_of(other)}
    merge_id = merging.merged(portal, patient_id, duplicate_id, **choice)
    portal.drain()
    for path in ("records?limit=1", "records", "summary", "access-log"):
        assert other.get(f"/v1/patients/me/{path}").status == 200
    clinician.call("POST", f"/v1/clinic/patients/{patient_id}/break-glass", {"reason": "Found on the street"})
    clinician.call("GET", f"/v1/patients/{patient_id}/records")
    for q in (other.patient.clinic_number, "Solberg"):
        admin.call("POST", "/v1/clinic/patients/search", {"q": q})
    admin.call("GET", f"/v1/clinic/patients/{patient_id}/merges")
    assert merging.undo(portal, patient_id, merge_id).status == 200


def _correct(clinician: _Member) -> None:
    """Requests for corrections: granted, turned down, taken back, and read by all sides."""
    chart = Chart(clinician.portal, condition("Patient/x", "Hay fever"))
    (record_id,) = chart.records()
    caregiver = token_of(new_caregiver(chart.patient_id, Scope.EVERYTHING))
    granted, denied = (amendments.asked(chart.person, record_id=record_id) for _ in range(2))
    clinician.call("GET", f"{amendments.CLINIC}?limit=1")
    clinician.call("POST", f"{amendments.CLINIC}/{granted}/approve", {})
    clinician.call("POST", f"{amendments.CLINIC}/{denied}/deny", {"reason": "We measured it again.", "note": "Twice."})
    taken_back = amendments.asked(chart.person)
    patient = token_of(account_id_of(chart.person))
    for token in (patient, caregiver):
        paths = [amendments.path(chart.patient_id), f"/v1/patients/{chart.patient_id}/records/{record_id}"]
        for path in (*paths, f"{paths[0]}/{denied}"):
            assert chart.portal.call("GET", path, token=token).status == 200, path
    one = f"{amendments.path()}/{taken_back}"
    assert chart.portal.call("DELETE", one, token=patient).status == 204
    chart.portal.drain()


def _change_the_team(portal: Portal, person: Person) -> None:
    for doctor in ("first", "second"):
        team = {
            "resourceType": "CareTeam",
            "id": f"team-{person.patient.resource_id}",
            "status": "active",
            "subject": {"reference": f"Patient/{person.patient.resource_id}"},
            "participant": [{"member": {"reference": f"Practitioner/{doctor}"}}],
        }
        assert portal.import_fhir(team).json["refused"] == []
