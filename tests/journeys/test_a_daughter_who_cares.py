"""A mother invites her daughter for appointments and medications only, over HTTP alone, and takes it back."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support import fhir
from tests.support.program import Json, Program, Reply, running

pytestmark = pytest.mark.journey

PASSWORD = "seven green teapots sing"
SCOPES = ["appointments", "medications"]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with running(tmp_path_factory.mktemp("daughter") / "log.txt") as program:
        yield program


@dataclass
class Mother:
    """A patient who has signed in and proved once more that it is her."""

    program: Program
    patient_id: str
    token: str

    def invite(self, email: str) -> Json:
        asked = {"email": email, "scopes": SCOPES, "relation": "family"}
        path = f"/v1/patients/{self.patient_id}/caregivers"
        found: Json = self.program.must("POST", path, asked, token=self.token, Idempotency_Key=str(uuid.uuid4()))
        return found

    def link_to(self, email: str) -> str:
        """The token of the link in the invitation."""
        return self.program.link_sent_to(email).removeprefix("/l/")


@pytest.fixture
def mother(program: Program) -> Mother:
    """A new patient with a medication, a result and a diagnosis."""
    patient = fhir.patient(name=[{"given": ["Astrid"], "family": "Holm"}], birthDate="1948-02-03")
    about = {"id": patient["id"]}
    records = fhir.bundle(patient, fhir.prescription(about), fhir.lab(about), fhir.condition(about, "Gout"))
    assert program.import_fhir(json.dumps(records).encode()).json["refused"] == []
    (found,) = program.find_patients(patient["id"])
    started = program.start_registration(found, program.issue_code(found["patient_id"]).json["activation_code"])
    _, session = program.finish_registration(started.json, f"astrid-{uuid.uuid4().hex[:8]}@example.org", PASSWORD)
    strong = program.must("POST", "/v1/me/step-up", {"password": PASSWORD}, token=session["access_token"])
    return Mother(program, found["patient_id"], strong["access_token"])


def register_by_invitation(program: Program, token: str, email: str) -> str:
    """The access token of a daughter who is no patient: her account is the invitation's."""
    asked = {
        "method": "invitation",
        "invitation_token": token,
        "first_name": "Kari",
        "last_name": "Moe",
        "date_of_birth": "1975-04-05",
        "email": email,
    }
    started = program.must("POST", "/v1/registrations", asked)
    access_token: str = program.finish_registration(started, email, PASSWORD)[1]["access_token"]
    return access_token


def accept_with_an_account(program: Program, token: str, _email: str) -> str:
    """The access token of a daughter who is a patient herself, and says yes with the account that she has."""
    patient = fhir.patient(name=[{"given": ["Kari"], "family": "Moe"}], birthDate="1975-04-05")
    assert program.import_fhir(json.dumps(patient).encode()).json["refused"] == []
    (found,) = program.find_patients(patient["id"])
    started = program.start_registration(found, program.issue_code(found["patient_id"]).json["activation_code"])
    _, session = program.finish_registration(started.json, f"kari-{uuid.uuid4().hex[:8]}@example.org", PASSWORD)
    access_token: str = session["access_token"]
    program.must("POST", f"/v1/caregiver-invitations/{token}/accept", token=access_token)
    return access_token


@pytest.mark.parametrize("comes", [register_by_invitation, accept_with_an_account])
def test_a_daughter_sees_what_she_was_invited_to_see_until_it_is_taken_back(
    program: Program, mother: Mother, comes: object
) -> None:
    assert callable(comes)
    email = f"kari-{uuid.uuid4().hex[:8]}@example.org"
    invited = mother.invite(email)
    assert (invited["status"], invited["scopes"]) == ("invited", SCOPES)
    daughter = comes(program, mother.link_to(email), email)

    def see(path: str) -> Reply:
        return program.call("GET", f"/v1/patients/{mother.patient_id}{path}", token=daughter)

    in_care = program.must("GET", "/v1/patients", token=daughter)["items"][-1]
    assert (in_care["patient_id"], in_care["name"], in_care["scopes"]) == (mother.patient_id, "Astrid Holm", SCOPES)
    assert [row["category"] for row in see("/records").json["items"]] == ["medication"]
    assert [row["category"] for row in see("/records?category=medication").json["items"]] == ["medication"]
    assert see("/records?category=lab").status == 404
    hers = program.must("GET", "/v1/patients/me/records", token=mother.token)["items"]
    seen = {row["category"]: see(f"/records/{row['record_id']}").status for row in hers}
    assert seen == {"medication": 200, "lab": 404, "condition": 404}
    summary = see("/summary").json
    assert (len(summary["medications"]), summary["new_results"], summary["conditions"]) == (1, [], [])

    caregiver = f"/v1/patients/me/caregivers/{invited['caregiver_id']}"
    assert program.must("GET", caregiver, token=mother.token)["name"] == "Kari Moe"
    log = program.must("GET", "/v1/patients/me/access-log?limit=100", token=mother.token)["items"]
    assert ("Kari Moe", "Looked at your summary.") in [(item["name"], item["text"]) for item in log]
    assert program.call("DELETE", caregiver, token=mother.token).status == 204
    assert see("/records").status == 404
    assert program.must("GET", "/v1/patients", token=daughter)["items"][1:] == []


def test_a_daughter_who_says_no_leaves_nothing_behind(program: Program, mother: Mother) -> None:
    email = f"kari-{uuid.uuid4().hex[:8]}@example.org"
    invited = mother.invite(email)
    page = f"/l/{mother.link_to(email)}"
    opened = program.call("GET", page)
    assert opened.status == 200
    assert b"Holm" not in opened.body
    assert program.call("POST", page, b"", Content_Type="application/x-www-form-urlencoded").status == 200
    one = program.must("GET", f"/v1/patients/me/caregivers/{invited['caregiver_id']}", token=mother.token)
    assert (one["status"], one["email"]) == ("declined", None)
    assert program.call("GET", page).status == 410


def test_the_sample_clinics_father_sees_his_child_and_its_neighbour_what_she_was_given(program: Program) -> None:
    father, neighbour = program.sample["caregivers"]
    seen = {}
    for one in (father, neighbour):
        signed_in = {"username": one["username"], "password": one["password"]}
        token = program.must("POST", "/v1/sessions", signed_in)["access_token"]
        (charge,) = program.must("GET", "/v1/patients", token=token)["items"]
        assert charge["patient_id"] == one["patients"][0]["patient_id"]
        rows = program.must("GET", f"/v1/patients/{charge['patient_id']}/records?limit=100", token=token)["items"]
        seen[charge["name"]] = {row["category"] for row in rows}
    assert len(seen.pop("Micah Obinna Okafor")) > 3
    assert list(seen.values()) == [{"medication"}]
