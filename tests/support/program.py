"""The real program in a process of its own, and a client that goes over HTTP alone, as a web app or a clinic does."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

PROJECT = Path(__file__).resolve().parents[2]
_READY = re.compile(r"ready http://127\.0\.0\.1:(\d+) console http://127\.0\.0\.1:(\d+)\n")
_STARTS_WITHIN = 60

Json = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def as_written(self) -> Any:
        """The body with every number as the text that it was written with."""
        return json.loads(self.body, parse_float=str, parse_int=str)


@dataclass
class Program:
    """A running portal and its console."""

    portal: int
    console: int
    log: Path
    _token: list[tuple[float, str]] = field(default_factory=list)

    def call(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, port: int = 0, **headers: str
    ) -> Reply:
        """One request; a `body` of bytes goes as it is, anything else as JSON."""
        sent = {"Content-Type": "application/json", **{name.replace("_", "-"): text for name, text in headers.items()}}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", port or self.portal, timeout=60)
        try:
            connection.request(method, path, raw, sent)
            answer = connection.getresponse()
            return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def must(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """The JSON of a request that succeeds."""
        reply = self.call(method, path, body, **more)
        assert reply.status in {200, 201}, (method, path, reply.status, reply.body[:2000])
        return reply.json

    @property
    def sample(self) -> Json:
        found: Json = self.must("GET", "/sample.json", port=self.console)
        return found

    def clinic_token(self) -> str:
        """An access token of the clinic's system, a new one every five minutes."""
        if not self._token or time.monotonic() - self._token[-1][0] > 300:
            client = {"grant_type": "client_credentials", **self.sample["clients"][0]}
            self._token.append((time.monotonic(), self.must("POST", "/v1/clinic/tokens", client)["access_token"]))
        return self._token[-1][1]

    def import_fhir(self, body: bytes) -> Reply:
        return self.call(
            "POST", "/v1/clinic/fhir", body, token=self.clinic_token(), Content_Type="application/fhir+json"
        )

    def find_patients(self, identifier: str) -> list[Json]:
        path = f"/v1/clinic/patients?identifier={quote(identifier, safe='')}"
        items: list[Json] = self.must("GET", path, token=self.clinic_token())["items"]
        return items

    def issue_code(self, patient_id: str) -> Reply:
        path = f"/v1/clinic/patients/{patient_id}/activation-codes"
        return self.call("POST", path, {}, token=self.clinic_token(), Idempotency_Key=str(uuid.uuid4()))

    def start_registration(self, found: Json, code: str) -> Reply:
        asked = {
            "method": "activation_code",
            "clinic_number": found["clinic_number"],
            "activation_code": code,
            "first_name": found["first_name"],
            "last_name": found["last_name"],
            "date_of_birth": found.get("date_of_birth") or found["birth_date"],
        }
        return self.call("POST", "/v1/registrations", asked)

    def finish_registration(self, started: Json, email: str | None, password: str) -> tuple[str, Json]:
        """The username and the session of a new account."""
        questions = self.must("GET", "/v1/security-questions")["items"][:3]
        username = f"user-{uuid.uuid4().hex[:12]}"
        asked = {
            "registration_token": started["registration_token"],
            "username": username,
            "password": password,
            "security_answers": [
                {"question_id": one["question_id"], "answer": f"answer {at}"} for at, one in enumerate(questions)
            ],
            "terms_version": started["terms_version"],
            **({"email": email} if email else {}),
        }
        path = f"/v1/registrations/{started['registration_id']}/account"
        return username, self.must("POST", path, asked)

    def forget_clinic_token(self) -> None:
        """For whoever moves the portal's clock on: the token may be too old now."""
        self._token.clear()

    def email_to(self, address: str, number: int = 0) -> Json:
        """An email to an address: the first, or one that came after `number` others."""
        for _ in range(200):
            items = self.must("GET", "/outbox.json", port=self.console)["items"]
            sent: list[Json] = [item for item in items if item["to"] == address]
            if len(sent) > number:
                return sent[number]
            time.sleep(0.05)
        raise AssertionError("no email came")

    def link_sent_to(self, email: str) -> str:
        """The path of the link in the first email to an address."""
        link = re.search(r"https?://\S+/l/\S+", self.email_to(email)["text"])
        assert link is not None, "no link in the email"
        return urlsplit(link[0]).path

    def walk(self, token: str, query: str = "", limit: int = 100) -> list[Any]:
        """Every record, page by page, numbers as written."""
        found: list[Any] = []
        cursor: str | None = None
        while True:
            path = f"/v1/patients/me/records?limit={limit}{query}{f'&cursor={quote(cursor)}' if cursor else ''}"
            reply = self.call("GET", path, token=token)
            assert reply.status == 200, reply.body
            page = reply.as_written
            found += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found


@contextmanager
def running(log: Path) -> Iterator[Program]:
    """The program on free ports; what it says goes to a file, since nobody would read its pipe."""
    env = {name: text for name, text in os.environ.items() if name != "DYNAMODB_ENDPOINT"}
    command = [sys.executable, "-m", "infra.local.run"]
    with log.open("w") as out:
        process = subprocess.Popen(command, cwd=PROJECT, env={**env, "PORT": "0"}, stdout=out, stderr=out)
    try:
        yield _ready(process, log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _ready(process: "subprocess.Popen[bytes]", log: Path) -> Program:
    until = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < until:
        if ready := _READY.search(log.read_text()):
            return Program(int(ready[1]), int(ready[2]), log)
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise AssertionError(f"the program did not start:\n{log.read_text()}")
