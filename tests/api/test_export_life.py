"""What becomes of a copy of the record: its holder hears that it is ready, and may have it removed."""

import pytest

from chalicelib.domain.caregivers import Scope
from chalicelib.models.audit import AuditEntry
from tests.support import fhir
from tests.support.leaving import download
from tests.support.people import new_caregiver, token_of
from tests.support.portal import Person, Portal
from tests.support.record_exports import ask, made, own, path_of, strong


@pytest.fixture
def person(portal: Portal) -> Person:
    resource_id = fhir.fresh("p")
    person = portal.register(portal.new_patient(id=resource_id, resources=(fhir.lab(f"Patient/{resource_id}"),)))
    portal.drain()
    return person


def notices(portal: Portal, token: str) -> list[tuple[str, str]]:
    """Titles and targets of somebody's notices about copies."""
    found = portal.call("GET", "/v1/me/notices", token=token).json["items"]
    return [(one["title"], one["target"]["id"]) for one in found if one["target"]["kind"] == "export"]


def test_who_asked_hears_that_it_is_ready_and_nobody_else_does(portal: Portal, person: Person) -> None:
    caregiver = token_of(new_caregiver(person.patient.patient_id, Scope.EVERYTHING))
    copy = made(portal, person.patient.patient_id, caregiver)
    assert notices(portal, caregiver) == [("Your copy is ready", copy["export_id"])]
    assert notices(portal, strong(person)) == []


def test_the_message_has_no_health_data_and_says_until_when(portal: Portal, person: Person) -> None:
    before = len(portal.emails(person.patient.email))
    own(person)
    (email,) = portal.emails(person.patient.email)[before:]
    assert email.subject == "Your copy is ready"
    assert "until" in (email.text or "")
    assert "A1c" not in str(email)


def test_a_copy_that_is_removed_is_gone_at_once_and_its_file_soon(portal: Portal, person: Person) -> None:
    copy, token = own(person), strong(person)
    path = f"{path_of(person.patient.patient_id)}/{copy['export_id']}"
    assert portal.call("DELETE", path, token=token).status == 204
    assert portal.call("GET", path, token=token).status == 404
    assert portal.call("GET", path_of(person.patient.patient_id), token=token).json["items"] == []
    assert portal.call("DELETE", path, token=token).status == 404
    portal.drain()
    assert download(copy["download_url"])[0] in {403, 404}
    actions = [row.action for row in AuditEntry.query(f"patient#{person.patient.patient_id}")]
    assert actions.count("record:export:withdraw") == actions.count("record:export:remove") == 1
    shown = portal.call("GET", "/v1/patients/me/access-log", token=token).json["items"]
    assert "Gave up a copy of your record." in {one["text"] for one in shown}


def test_a_copy_that_is_removed_before_it_is_made_is_never_made(portal: Portal, person: Person) -> None:
    token = strong(person)
    export_id = ask(portal, person.patient.patient_id, token).json["export_id"]
    path = f"{path_of(person.patient.patient_id)}/{export_id}"
    assert portal.call("DELETE", path, token=token).status == 204
    portal.drain()
    assert portal.call("GET", path, token=token).status == 404
    assert notices(portal, token) == []


def test_nobody_removes_anothers_copy(portal: Portal, person: Person) -> None:
    copy = own(person)
    path = f"{path_of(person.patient.patient_id)}/{copy['export_id']}"
    caregiver = token_of(new_caregiver(person.patient.patient_id, Scope.EVERYTHING))
    assert portal.call("DELETE", path, token=caregiver).status == 404
    assert portal.call("GET", path, token=strong(person)).status == 200
