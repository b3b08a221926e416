"""AC 6: breaking the glass needs a reason, lasts 60 minutes, tells the patient and alarms. And who cares for whom."""

import uuid
from typing import Any

import pytest

from chalicelib.domain.fhir.identity import identity_key
from chalicelib.domain.staff import Role
from chalicelib.models import accounts, audit, care_ties
from chalicelib.services.resource_keys import resource_id
from tests.support.people import new_staff, token_of
from tests.support.portal import Answer, Patient, Portal
from tests.support.promises import Promise

REASON = "Unconscious in the emergency room"


def _break(portal: Portal, token: str, patient_id: str, reason: str = REASON, key: str | None = None) -> Answer:
    path, headers = f"/v1/clinic/patients/{patient_id}/break-glass", {"Idempotency-Key": key or str(uuid.uuid4())}
    return portal.call("POST", path, {"reason": reason}, token=token, headers=headers)


def _look(portal: Portal, token: str, patient_id: str) -> Answer:
    return portal.call("GET", f"/v1/patients/{patient_id}/records", token=token)


@pytest.mark.promise
def test_the_glass_lasts_sixty_minutes_and_the_patient_is_told(portal: Portal, promise: Promise) -> None:
    person = portal.register()
    patient_id, clinician = person.patient.patient_id, new_staff(Role.CLINICIAN)
    token = token_of(clinician)
    before = len(portal.emails(person.patient.email))
    refused = _look(portal, token, patient_id)
    assert (refused.status, refused.json["code"]) == (403, "not_in_care_team")
    broken = _break(portal, token, patient_id)
    assert broken.status == 201, broken.text
    assert _look(portal, token, patient_id).status == 200
    portal.advance(minutes=59, seconds=58)
    assert _look(portal, token_of(clinician), patient_id).status == 200
    portal.advance(seconds=2)
    assert _look(portal, token_of(clinician), patient_id).status == 403
    told = portal.emails(person.patient.email)[before:]
    promise("AC 6", "emails to the patient whose glass was broken", asked=1, measured=len(told))
    assert "emergency" in told[0].subject


def test_breaking_the_glass_alarms_and_leaves_an_entry_that_names_the_reason(
    portal: Portal, capsys: pytest.CaptureFixture[str]
) -> None:
    patient, clinician = portal.new_patient(), new_staff(Role.CLINICIAN)
    capsys.readouterr()
    assert _break(portal, token_of(clinician), patient.patient_id).status == 201
    assert '"BreakGlass"' in capsys.readouterr().out
    entries = [one for one in audit.find_entries(f"patient#{patient.patient_id}") if one.action == "glass:break"]
    (entry,) = entries
    assert (entry.actor_id, REASON in entry.about) == (clinician, False)
    (tie,) = care_ties.find_ties(patient.patient_id, [clinician])
    assert tie.reason == REASON
    assert str(entry.details["glass_id"]) in tie.source


@pytest.mark.parametrize("reason", ["", "too short", "x" * 501])
def test_a_reason_is_needed(portal: Portal, reason: str) -> None:
    patient, token = portal.new_patient(), token_of(new_staff(Role.CLINICIAN))
    assert _break(portal, token, patient.patient_id, reason).status == 422
    assert _look(portal, token, patient.patient_id).status == 403


def test_only_clinicians_break_the_glass_and_it_opens_one_patient_to_one_of_them(portal: Portal) -> None:
    patient, other = portal.new_patient(), portal.new_patient()
    for role in set(Role) - {Role.CLINICIAN}:
        assert _break(portal, token_of(new_staff(role)), patient.patient_id).status == 403
    token = token_of(new_staff(Role.CLINICIAN))
    assert _break(portal, token, patient.patient_id).status == 201
    assert _look(portal, token, other.patient_id).status == 403
    assert _look(portal, token_of(new_staff(Role.CLINICIAN)), patient.patient_id).status == 403
    assert _break(portal, token, f"pat_{'0' * 26}").status == 404


def test_replays_alarm_nobody_and_tell_nobody_again(portal: Portal, capsys: pytest.CaptureFixture[str]) -> None:
    person, clinician, key = portal.register(), new_staff(Role.CLINICIAN), str(uuid.uuid4())
    token = token_of(clinician)
    before = len(portal.emails(person.patient.email))
    capsys.readouterr()
    answers = [_break(portal, token, person.patient.patient_id, key=key) for _ in range(3)]
    assert [answer.status for answer in answers] == [201] * 3
    assert len({answer.text for answer in answers}) == 1
    assert capsys.readouterr().out.count('"BreakGlass":') == 1
    assert len(portal.emails(person.patient.email)) == before + 1
    assert _break(portal, token, person.patient.patient_id, key=str(uuid.uuid4())).status == 201
    assert capsys.readouterr().out.count('"BreakGlass":') == 1


def test_a_replay_lasts_no_longer_than_the_first(portal: Portal) -> None:
    patient, clinician, key = portal.new_patient(), new_staff(Role.CLINICIAN), str(uuid.uuid4())
    first = _break(portal, token_of(clinician), patient.patient_id, key=key).json
    portal.advance(minutes=30)
    again = _break(portal, token_of(clinician), patient.patient_id, key=key).json
    assert again == first
    portal.advance(minutes=31)
    assert _look(portal, token_of(clinician), patient.patient_id).status == 403


class Clinic:
    """A clinic whose records name one doctor, who has an account."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.practitioner = f"doctor-{uuid.uuid4().hex[:8]}"
        resource = {"resourceType": "Practitioner", "id": self.practitioner, "name": [{"family": "Okonkwo"}]}
        resource["identifier"] = [{"system": "http://hl7.org/fhir/sid/us-npi", "value": self.practitioner}]
        assert portal.import_fhir(resource).json["created"] == 1
        client_id, _ = portal.client_credentials
        self.account_id = new_staff(Role.CLINICIAN)
        account = accounts.find_account(self.account_id)
        assert account is not None
        practitioner_id = resource_id(identity_key(client_id, "Practitioner", self.practitioner), "dir")
        account.update([accounts.Account.practitioner_id.set(practitioner_id)])

    @property
    def literal(self) -> dict[str, str]:
        return {"reference": f"Practitioner/{self.practitioner}"}

    @property
    def conditional(self) -> dict[str, str]:
        return {"reference": f"Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|{self.practitioner}"}

    def sees(self, patient: Patient) -> bool:
        return _look(self.portal, token_of(self.account_id), patient.patient_id).status == 200

    def send(self, *resources: dict[str, Any]) -> None:
        for resource in resources:
            answer = self.portal.import_fhir(resource)
            assert answer.json["refused"] == [], answer.text


@pytest.fixture
def clinic(portal: Portal) -> Clinic:
    return Clinic(portal)


def _team(patient: Patient, *members: dict[str, str], **changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "CareTeam",
        "id": f"team-{patient.resource_id}",
        "status": "active",
        "subject": {"reference": f"Patient/{patient.resource_id}"},
        "participant": [{"member": member} for member in members],
        **changes,
    }


def _visit(patient: Patient, *people: dict[str, str], **changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": f"visit-{patient.resource_id}",
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": {"reference": f"Patient/{patient.resource_id}"},
        "participant": [{"individual": person} for person in people],
        **changes,
    }


def test_who_is_the_general_practitioner_sees_the_record_until_another_is(portal: Portal, clinic: Clinic) -> None:
    patient = portal.new_patient(generalPractitioner=[clinic.literal])
    assert clinic.sees(patient)
    assert not clinic.sees(portal.new_patient())
    portal.new_patient(id=patient.resource_id, generalPractitioner=[{"reference": "Practitioner/somebody-else"}])
    assert not clinic.sees(patient)


@pytest.mark.parametrize("way", ["literal", "conditional"])
def test_who_is_in_the_care_team_sees_the_record_while_it_says_so(portal: Portal, clinic: Clinic, way: str) -> None:
    patient = portal.new_patient()
    clinic.send(_team(patient, getattr(clinic, way)))
    assert clinic.sees(patient)
    clinic.send(_team(patient, {"reference": "Practitioner/somebody-else"}))
    assert not clinic.sees(patient)
    clinic.send(_team(patient, getattr(clinic, way)), _team(patient, getattr(clinic, way), status="inactive"))
    assert not clinic.sees(patient)


def test_a_team_that_ends_leaves_nobody_inside(portal: Portal, clinic: Clinic) -> None:
    from chalicelib import clock

    patient = portal.new_patient()
    end = (clock.now()).date().isoformat()
    clinic.send(_team(patient, clinic.literal, period={"end": f"{int(end[:4]) + 1}{end[4:]}"}))
    assert clinic.sees(patient)
    portal.advance(days=367)
    assert not clinic.sees(patient)


def test_a_visit_opens_the_record_for_a_year(portal: Portal, clinic: Clinic) -> None:
    from chalicelib import clock

    patient = portal.new_patient()
    now = clock.stamp(clock.now())
    clinic.send(_visit(patient, clinic.conditional, period={"start": now, "end": now}))
    assert clinic.sees(patient)
    portal.advance(days=364)
    assert clinic.sees(patient)
    portal.advance(days=1)
    assert not clinic.sees(patient)


def test_a_visit_of_years_ago_or_that_never_was_opens_nothing(portal: Portal, clinic: Clinic) -> None:
    patient, other = portal.new_patient(), portal.new_patient()
    clinic.send(_visit(patient, clinic.literal, period={"end": "2019-02-12"}))
    clinic.send(_visit(other, clinic.literal, status="entered-in-error"))
    assert not clinic.sees(patient)
    assert not clinic.sees(other)


def test_a_visit_that_was_another_patients_closes_the_first_record(portal: Portal, clinic: Clinic) -> None:
    first, second = portal.new_patient(), portal.new_patient()
    visit = _visit(first, clinic.literal)
    clinic.send(visit)
    assert clinic.sees(first)
    clinic.send({**visit, "subject": {"reference": f"Patient/{second.resource_id}"}})
    assert (clinic.sees(first), clinic.sees(second)) == (False, True)


def test_a_clinician_without_records_rights_is_nobody_here(portal: Portal) -> None:
    patient = portal.new_patient()
    for role in set(Role) - {Role.CLINICIAN}:
        token = token_of(new_staff(role, cares_for=patient.patient_id))
        assert _look(portal, token, patient.patient_id).status == 404
