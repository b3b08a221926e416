"""Every way to an account of one's own, over HTTP alone, as the people of the sample clinic go it."""

import re
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.program import Json, Program, Reply, running

pytestmark = pytest.mark.journey

PASSWORD = "seven green teapots sing"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with running(tmp_path_factory.mktemp("registering") / "log.txt") as program:
        yield program


def _people(program: Program) -> list[Json]:
    """The adults of the sample clinic of whom it has both a telephone and an email address."""
    found = [
        one for one in program.sample["patients"] if one["activation_code"] and one["email"] and one["phone_last4"]
    ]
    assert len(found) >= 3
    return found


def _claim(person: Json, method: str, *more: str, **typed: str) -> Json:
    names = ("first_name", "last_name", "date_of_birth", *more)
    return {"method": method, **{name: person[name] for name in names}, **typed}


def _message(program: Program, pattern: str, after: int) -> str:
    """The newest message that says what a pattern describes, of those that came after some others."""
    for _ in range(200):
        items = program.must("GET", "/outbox.json", port=program.console)["items"][after:]
        found = [str(one["text"]) for one in items if re.search(pattern, one["text"])]
        if found:
            return found[-1]
        time.sleep(0.05)
    raise AssertionError(f"no message says {pattern!r}")


def _sent(program: Program) -> int:
    return len(program.must("GET", "/outbox.json", port=program.console)["items"])


def _open_account(program: Program, started: Json, **more: Any) -> Reply:
    questions = program.must("GET", "/v1/security-questions")["items"][:3]
    answers = [{"question_id": one["question_id"], "answer": f"answer {at}"} for at, one in enumerate(questions)]
    asked = {
        "registration_token": started["registration_token"],
        "terms_version": started["terms_version"],
        "username": f"user-{uuid.uuid4().hex[:12]}",
        "password": PASSWORD,
        "security_answers": answers,
        **more,
    }
    return program.call("POST", f"/v1/registrations/{started['registration_id']}/account", asked)


def _reads_own_record(program: Program, made: Reply, person: Json) -> None:
    assert made.status == 201, made.body
    summary = program.must("GET", "/v1/patients/me/summary", token=made.json["access_token"])
    assert summary["patient"]["patient_id"] == person["patient_id"]


def test_all_ways_are_open(program: Program) -> None:
    config = program.must("GET", "/v1/config")
    ways = ["activation_code", "identity_match", "clinic_number", "invitation"]
    assert config["registration"]["methods"] == ways


def test_with_what_only_the_patient_knows(program: Program) -> None:
    person, before = _people(program)[0], _sent(program)
    started = program.must("POST", "/v1/registrations", _claim(person, "identity_match", "phone_last4"))
    text = _message(program, "Type this code", before)
    code = re.findall(r"\b\d{8}\b", text)[0]
    wrong = f"{(int(code) + 1) % 10**8:08}"
    assert _open_account(program, started, code=wrong).json["code"] == "identity_not_confirmed"
    _reads_own_record(program, _open_account(program, started, code=code, email=person["email"]), person)


def test_with_the_clinic_number_and_a_second_code_by_text_message(program: Program) -> None:
    person, before = _people(program)[1], _sent(program)
    claim = _claim(person, "clinic_number", "clinic_number", email="typed@example.org")
    started = program.must("POST", "/v1/registrations", claim)
    assert "*" in started["code_sent_to"]
    _message(program, "Type this code", before)
    again = program.call("POST", f"/v1/registrations/{started['registration_id']}/code", {"channel": "sms"})
    assert (again.status, again.json["code_sent_to"]) == (202, f"***-***-**{person['phone_last4'][-2:]}")
    code = re.findall(r"\b\d{8}\b", _message(program, "Your code to open an account", before))[0]
    _reads_own_record(program, _open_account(program, started, code=code), person)


def test_with_a_letter_that_was_lost(program: Program) -> None:
    person, before = _people(program)[2], _sent(program)
    asked = {name: person[name] for name in ("clinic_number", "date_of_birth")}
    assert program.call("POST", "/v1/activation-code-requests", asked).status == 202
    # In Spanish, which the clinic knows to be her language.
    text = _message(program, "Su código de activación", before)
    code = re.findall(r"\b\w{4}-\w{4}-\w{4}\b", text)[0]
    claim = _claim(person, "activation_code", "clinic_number", "activation_code")
    assert program.call("POST", "/v1/registrations", claim).json["code"] == "identity_not_confirmed"
    started = program.must("POST", "/v1/registrations", {**claim, "activation_code": code})
    _reads_own_record(program, _open_account(program, started, email=person["email"]), person)
