"""Patients as staff write them down, correct and look for them."""

import json
import uuid
from typing import Any

import pytest

from chalicelib.domain.staff import Role
from tests.support.aws_calls import recorded
from tests.support.people import new_staff, token_of
from tests.support.portal import Answer, Portal

PATH = "/v1/clinic/patients"


class Desk:
    """Somebody at the front desk."""

    def __init__(self, portal: Portal, role: Role = Role.FRONT_DESK) -> None:
        self.portal = portal
        self.token = token_of(new_staff(role))

    def create(self, key: str | None = None, **changes: Any) -> Answer:
        body = {"first_name": "Ingrid", "last_name": "Solberg", "birth_date": "1961-04-12", **changes}
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        return self.portal.call("POST", PATH, body, token=self.token, headers=headers)

    def read(self, patient_id: str) -> Answer:
        return self.portal.call("GET", f"{PATH}/{patient_id}", token=self.token)

    def edit(self, patient_id: str, etag: str | None = None, **changes: Any) -> Answer:
        etag = etag or self.read(patient_id).header("etag") or ""
        return self.portal.call("PATCH", f"{PATH}/{patient_id}", changes, token=self.token, headers={"If-Match": etag})

    def search(self, q: str, query: str = "") -> Answer:
        return self.portal.call("POST", f"{PATH}/search{query}", {"q": q}, token=self.token)

    def found(self, q: str) -> set[str]:
        answer = self.search(q, "?limit=100")
        assert answer.status == 200, answer.text
        return {item["patient_id"] for item in answer.json["items"]}


@pytest.fixture(scope="module")
def desk(portal: Portal) -> Desk:
    return Desk(portal)


def _word() -> str:
    """A name that nobody else in the tests has."""
    return "".join(chr(ord("a") + int(digit, 16)) for digit in uuid.uuid4().hex[:10])


def test_a_new_patient_has_a_number_and_can_register(portal: Portal, desk: Desk) -> None:
    made = desk.create(email="ingrid@example.org", mobile_phone="+1 312 555 0142", gender="female")
    assert made.status == 201, made.text
    assert made.json["clinic_number"]
    assert (made.json["emails"], made.json["phones"]) == (["ingrid@example.org"], ["+13125550142"])
    path = f"{PATH}/{made.json['patient_id']}/activation-codes"
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    code = portal.call("POST", path, {}, token=portal.client_token(), headers=headers).json["activation_code"]
    claim = {
        "method": "activation_code",
        "clinic_number": made.json["clinic_number"],
        "activation_code": code,
        "first_name": "Ingrid",
        "last_name": "Solberg",
        "date_of_birth": "1961-04-12",
    }
    assert portal.call("POST", "/v1/registrations", claim).status == 201


def test_a_replay_makes_no_second_patient(desk: Desk) -> None:
    key, name = str(uuid.uuid4()), _word()
    first, again = desk.create(key, last_name=name), desk.create(key, last_name=name)
    assert (again.status, again.json) == (201, first.json)
    assert desk.found(name) == {first.json["patient_id"]}
    assert desk.create(key, last_name="Another").status == 422


def test_the_same_name_twice_is_two_patients(desk: Desk) -> None:
    name = _word()
    made = {desk.create(last_name=name).json["patient_id"] for _ in range(2)}
    assert len(made) == 2
    assert desk.found(name) == made


def test_a_clinic_number_is_one_patients(desk: Desk) -> None:
    number = f"D-{uuid.uuid4().int % 10**8}"
    assert desk.create(clinic_number=number).json["clinic_number"] == number
    refused = desk.create(clinic_number=number)
    assert (refused.status, refused.json["code"]) == (409, "clinic_number_taken")


def test_a_correction_replaces_what_was_sent_and_keeps_the_rest(portal: Portal, desk: Desk) -> None:
    patient = portal.new_patient()
    name = _word()
    changed = desk.edit(patient.patient_id, last_name=name, birth_date="1961-04-13", email="new@example.org")
    assert changed.status == 200, changed.text
    assert (changed.json["last_name"], changed.json["birth_date"]) == (name, "1961-04-13")
    assert changed.json["names"] == [f"Ingrid Mae {name}"]
    assert changed.json["clinic_number"] == patient.clinic_number
    assert changed.json["emails"] == ["new@example.org"]
    assert changed.json["phones"] == ["+13125550142"]
    assert desk.read(patient.patient_id).json == changed.json
    mrn = f"{PATH}?identifier=MRN-{patient.resource_id}"
    assert len(portal.call("GET", mrn, token=desk.token).json["items"]) == 1


def test_null_takes_a_contact_away(portal: Portal, desk: Desk) -> None:
    patient = portal.new_patient()
    assert desk.edit(patient.patient_id, email=None).json["emails"] == []
    assert desk.edit(patient.patient_id, mobile_phone=None).json["phones"] == []


def test_a_correction_of_a_version_that_is_past_changes_nothing(portal: Portal, desk: Desk) -> None:
    patient = portal.new_patient()
    assert desk.edit(patient.patient_id, first_name="Astrid").status == 200
    stale = desk.edit(patient.patient_id, '"1"', first_name="Sigrid")
    assert stale.status == 412
    assert desk.read(patient.patient_id).json["first_name"] == "Astrid"


def test_a_correction_keeps_what_the_last_digits_prove(portal: Portal, desk: Desk) -> None:
    resource_id = f"ssn-{_word()}"
    mrn = {"system": "https://test.example/mrn", "value": f"MRN-{resource_id}"}
    ssn = {"system": "http://hl7.org/fhir/sid/us-ssn", "value": "123-45-6789"}
    patient = portal.new_patient(id=resource_id, identifier=[mrn, ssn])
    row = _row(portal, patient.patient_id)
    assert desk.edit(patient.patient_id, first_name="Astrid").status == 200
    assert _row(portal, patient.patient_id)["ssn_last4_hash"] == row["ssn_last4_hash"]


def _row(portal: Portal, patient_id: str) -> dict[str, Any]:
    (row,) = [one for one in portal.rows("patients") if one["pk"]["S"] == patient_id and one["sk"]["S"] == "patient"]
    return row


def test_patients_are_found_by_the_beginnings_of_names_and_by_birth_date(portal: Portal, desk: Desk) -> None:
    family = _word()
    one = portal.new_patient(name=[{"given": ["Zoë", "Mae"], "family": family}], birthDate="1971-02-03")
    two = portal.new_patient(name=[{"given": ["Ana"], "family": family}], birthDate="1984-11-30")
    for q, who in (
        (family, {one, two}),
        (family[:5].upper(), {one, two}),
        (f"zoe {family[:4]}", {one}),
        (f"{family}, Ana", {two}),
        (f"{family[:6]} 1971-02-03", {one}),
        (f"11/30/1984 {family[:3]}", {two}),
        (f"{family} 1984-11-29", set()),
        (one.clinic_number, {one}),
    ):
        assert desk.found(q) == {patient.patient_id for patient in who}, q
    assert {one.patient_id} <= desk.found("1971-02-03")


def test_a_name_that_was_corrected_finds_nobody_any_more(portal: Portal, desk: Desk) -> None:
    old, new = _word(), _word()
    patient = portal.new_patient(name=[{"given": ["Ingrid"], "family": old}], birthDate="1951-01-07")
    assert desk.edit(patient.patient_id, last_name=new, birth_date="1951-01-08").status == 200
    assert (desk.found(old), desk.found(new)) == (set(), {patient.patient_id})
    assert patient.patient_id not in desk.found("1951-01-07")
    assert patient.patient_id in desk.found("1951-01-08")
    kept = [row for row in portal.rows("patients") if row["kind"]["S"] == "found_by" and patient.patient_id in str(row)]
    assert old not in str(kept)
    assert "1951-01-07" not in str(kept)


def test_a_search_that_would_find_everybody_is_refused(desk: Desk) -> None:
    for q in ("a b", "--", "..", "a,"):
        assert desk.search(q).status == 422, q


def test_pages_of_a_search_show_everybody_once(portal: Portal, desk: Desk) -> None:
    family = _word()
    made = {portal.new_patient(name=[{"given": ["Ana"], "family": family}]).patient_id for _ in range(3)}
    first = desk.search(family, "?limit=2").json
    second = desk.search(family, f"?limit=2&cursor={first['next_cursor']}").json
    shown = [item["patient_id"] for item in [*first["items"], *second["items"]]]
    assert (sorted(shown), second["next_cursor"]) == (sorted(made), None)


def test_each_patient_who_is_shown_has_it_in_their_history_and_the_words_are_kept_nowhere(
    portal: Portal, desk: Desk
) -> None:
    family = _word()
    made = {portal.new_patient(name=[{"given": ["Ana"], "family": family}]).patient_id for _ in range(2)}
    with recorded() as calls:
        assert len(desk.found(family)) == 2
    items = [item["Item"] for call in calls for kind, item in call.items if item["TableName"].endswith("-audit")]
    assert {item["pk"]["S"] for item in items} == {f"patient#{patient_id}" for patient_id in made}
    assert {item["action"]["S"] for item in items} == {"patient:lookup"}
    assert family not in json.dumps(items)


def test_who_may_do_what(portal: Portal) -> None:
    patient = portal.new_patient()
    for role in Role:
        desk = Desk(portal, role)
        may_write = role in {Role.FRONT_DESK, Role.ADMIN}
        assert (desk.create().status == 201) == may_write, role
        assert desk.read(patient.patient_id).status == 200
        assert (desk.edit(patient.patient_id, first_name=f"Ingrid {role}").status == 200) == may_write, role
    plain = Desk(portal)
    plain.token = token_of(new_staff(Role.FRONT_DESK), stepped_up=False)
    assert plain.edit(patient.patient_id, first_name="Astrid").json["code"] == "step_up_required"
