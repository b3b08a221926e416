"""The clinic has somebody twice: the front desk looks, joins both files and parts them again, over HTTP alone."""

import json
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pyotp
import pytest

from tests.support import fhir
from tests.support.program import Json, Program, Reply, running

pytestmark = pytest.mark.journey

PASSWORD = "seven green teapots sing"
REASON = "Registered twice after the move"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with running(tmp_path_factory.mktemp("twice") / "log.txt") as program:
        yield program


@dataclass
class Desk:
    """Somebody at the front desk, who has just proved again that it is them."""

    program: Program
    token: str

    def post(self, path: str, body: Json) -> Reply:
        path = f"/v1/clinic/patients/{path}"
        return self.program.call("POST", path, body, token=self.token, Idempotency_Key=str(uuid.uuid4()))


@pytest.fixture
def desk(program: Program) -> Desk:
    member = next(one for one in program.sample["staff"] if one["roles"] == ["admin"])

    def code() -> str:
        # A code works once: the clock goes on to the next.
        program.must("POST", "/clock", {"advance_seconds": 30}, port=program.console)
        return pyotp.TOTP(member["totp_secret"]).at(int(now(program)))

    asked = {"username": member["username"], "password": member["password"]}
    begun = program.call("POST", "/v1/sessions", asked).json
    finished = {"mfa_token": begun["mfa_token"], "method": "totp", "code": code()}
    session = program.must("POST", "/v1/sessions/mfa", finished)
    proof = {"method": "totp", "code": code()}
    return Desk(program, program.must("POST", "/v1/me/step-up", proof, token=session["access_token"])["access_token"])


def now(program: Program) -> float:
    """The portal's time, in seconds since 1970."""
    found: Json = program.must("POST", "/clock", {"advance_seconds": 0}, port=program.console)
    return datetime.fromisoformat(found["now"]).timestamp()


def somebody(program: Program, family: str, labs: int) -> tuple[Json, str, str]:
    """A patient with some results and a condition: how they are found, their username and an access token."""
    patient = fhir.patient(name=[{"given": ["Astrid"], "family": family}], birthDate="1948-02-03")
    about = {"id": patient["id"]}
    results = [fhir.lab(about, effectiveDateTime=f"2024-0{1 + number}-01T08:00:00Z") for number in range(labs)]
    records = fhir.bundle(patient, fhir.condition(about, "Gout"), *results)
    assert program.import_fhir(json.dumps(records).encode()).json["refused"] == []
    (found,) = program.find_patients(patient["id"])
    started = program.start_registration(found, program.issue_code(found["patient_id"]).json["activation_code"])
    email = f"astrid-{uuid.uuid4().hex[:8]}@example.org"
    username, session = program.finish_registration(started.json, email, PASSWORD)
    return found, username, session["access_token"]


def test_two_files_are_joined_read_as_one_and_parted_without_loss(program: Program, desk: Desk) -> None:
    kept, username, closed = somebody(program, "Holm", 4)
    other, _, token = somebody(program, "Holme", 3)
    pid, duplicate = kept["patient_id"], {"duplicate_patient_id": other["patient_id"]}
    before = program.walk(closed), program.walk(token)
    seen = desk.post(f"{pid}/merge/preview", duplicate).json
    assert seen["warnings"] == ["names_differ", "both_have_accounts"]
    assert seen["duplicate"]["records"]["by_category"] == {"condition": 1, "lab": 3}
    asked = {**duplicate, "preview_version": seen["preview_version"], "reason": REASON}
    chosen = {"keep_account_id": seen["duplicate"]["account"]["account_id"]}
    assert desk.post(f"{pid}/merge", asked).status == 422
    merge = desk.post(f"{pid}/merge", {**asked, **chosen})
    assert merge.status == 201, merge.body
    assert program.call("GET", "/v1/me", token=closed).status == 401
    both = program.walk(token, limit=2)
    assert ids(both) == ids(before[0]) + ids(before[1])
    assert program.call("GET", f"/v1/patients/{other['patient_id']}/records", token=token).status == 404
    assert [one["patient_id"] for one in program.find_patients(other["clinic_number"])] == [pid]
    undone = desk.post(f"{pid}/merges/{merge.json['merge_id']}/undo", {"reason": REASON})
    assert undone.status == 200, undone.body
    assert program.walk(token) == before[1]
    again = program.must("POST", "/v1/sessions", {"username": username, "password": PASSWORD})
    assert program.walk(again["access_token"]) == before[0]


def ids(records: list[Json]) -> Counter[str]:
    """Which records there are, and how often each."""
    return Counter(one["record_id"] for one in records)
