"""Somebody of 78 who forgot it all, over HTTP alone: the reminder, the link on the phone, signing in again."""

import json
import re
import time
import uuid
from collections.abc import Iterator
from urllib.parse import urlencode, urlsplit

import pytest

from tests.support import fhir
from tests.support.program import Json, Program, Reply, running

pytestmark = pytest.mark.journey

PASSWORD = "seven green teapots sing"
NEW = "three old clocks tick on"
BORN = "1948-02-03"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with running(tmp_path_factory.mktemp("forgotten") / "log.txt") as program:
        yield program


def _register(program: Program, telecom: Json, email: str | None) -> str:
    """The username that somebody of 78 chose some time ago."""
    patient = fhir.patient(name=[{"given": ["Harold"], "family": "Moe"}], birthDate=BORN, telecom=[telecom])
    assert program.import_fhir(json.dumps(patient).encode()).json["refused"] == []
    (found,) = program.find_patients(patient["id"])
    started = program.start_registration(found, program.issue_code(found["patient_id"]).json["activation_code"])
    return program.finish_registration(started.json, email, PASSWORD)[0]


def _message(program: Program, to: str, channel: str, words: str) -> str:
    """The text of the message to an address that says something."""
    for _ in range(200):
        items = program.must("GET", "/outbox.json", port=program.console)["items"]
        found = [one["text"] for one in items if (one["to"], one["channel"]) == (to, channel) and words in one["text"]]
        if found:
            return str(found[-1])
        time.sleep(0.05)
    raise AssertionError(f"nothing that says {words!r} came to {to}")


def _path(text: str) -> str:
    found = re.search(r"https?://\S+/l/\S+", text)
    assert found is not None
    return urlsplit(found[0]).path


def _post(program: Program, path: str, **fields: str) -> Reply:
    """A page's form, as a browser without JavaScript posts it."""
    form = "application/x-www-form-urlencoded"
    return program.call("POST", path, urlencode(fields).encode(), Content_Type=form)


def _reset_on_the_page(program: Program, path: str) -> None:
    """Open the link, type the birth date and a new password, answer the question that was chosen."""
    page = program.call("GET", path)
    assert page.status == 200
    assert b"<script" not in page.body
    answered = _post(program, path, date_of_birth="February 3, 1948", new_password=NEW)
    assert answered.status == 200
    sealed = re.search(r'name="sealed" value="([^"]+)"', answered.body.decode())
    assert sealed is not None
    tried = (_post(program, path, sealed=sealed[1], security_answer=f"answer {number}") for number in range(3))
    assert any(one.status == 200 and b"Your new password is saved" in one.body for one in tried)


def test_the_username_comes_by_email_and_the_link_on_the_phone_sets_a_new_password(program: Program) -> None:
    email = f"harold-{uuid.uuid4().hex[:8]}@example.org"
    username = _register(program, {"system": "email", "value": email}, email)
    confirmed = _post(program, program.link_sent_to(email), date_of_birth="2/3/1948")
    assert confirmed.status == 200

    assert program.call("POST", "/v1/username-reminders", {"email": email.upper()}).status == 202
    reminder = _message(program, email, "email", "Your username")
    assert username in reminder
    forgotten = program.call("POST", "/v1/sessions", {"username": username, "password": "was it this one, Harold?"})
    assert forgotten.status == 401

    assert program.call("POST", "/v1/password-resets", {"identifier": username}).status == 202
    _reset_on_the_page(program, _path(_message(program, email, "email", "new password")))
    session = program.must("POST", "/v1/sessions", {"username": username, "password": NEW})
    me = program.must("GET", "/v1/me", token=session["access_token"])
    assert (me["username"], me["email"]) == (username, email)
    assert program.call("POST", "/v1/sessions", {"username": username, "password": PASSWORD}).status == 401


def test_whom_no_email_reaches_gets_the_link_as_a_text(program: Program) -> None:
    number = "+13125550175"
    username = _register(program, {"system": "phone", "value": number}, None)
    assert program.call("POST", "/v1/password-resets", {"identifier": username}).status == 202
    _reset_on_the_page(program, _path(_message(program, number, "sms", "Your code for a new password")))
    session = program.must("POST", "/v1/sessions", {"username": username, "password": NEW})
    lines = program.must("GET", "/v1/me/activity", token=session["access_token"])["items"]
    told = [line["text"] for line in lines if "refused" not in line["text"]]
    assert told[:3] == [
        "You signed in.",
        "A new password was set with a code or a link.",
        "Somebody asked for a new password.",
    ]
