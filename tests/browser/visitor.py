"""Somebody with a mailbox and a browser: how each link comes to them, and what they do on its page."""

import itertools
import json
import re
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pyotp import TOTP

from chalicelib.domain.links import LASTS, LinkPurpose
from tests.support.program import Json, Program

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

BORN = "April 12, 1961"
NEW_PASSWORD = "quiet harbor lanterns glow"
_PASSWORD = "seven green teapots sing"
_PLACE_OF_LINK = {LinkPurpose.VERIFY_EMAIL: 0, LinkPurpose.DISOWN_EMAIL: 1}
_LOOKS = 200
_numbers = itertools.count(1)


@dataclass
class Visitor:
    """One browser window, and new people to be; the clock may be moved on for all of them."""

    program: Program
    context: "BrowserContext"
    language: str
    status: int = 0
    _page: "Page | None" = None

    @property
    def page(self) -> "Page":
        """The window that is open."""
        assert self._page is not None, "no window is open"
        return self._page

    def open_window(self) -> None:
        """A new window in the place of the one before, whatever its size and zoom were."""
        if self._page is not None:
            self._page.close()
        self._page = self.context.new_page()

    def visit(self, path: str) -> None:
        """Opens an address of the portal."""
        answer = self.page.goto(f"http://127.0.0.1:{self.program.portal}{path}")
        self.status = answer.status if answer else 0

    def submit(self, **typed: str) -> None:
        """Fills the form in and posts it."""
        for name, text in typed.items():
            self.page.fill(f"[name={name}]", text)
        with self.page.expect_navigation() as sent:
            self.page.click("button")
        self.status = sent.value.status

    def code_of_the_app(self) -> str:
        """What an app shows that was set up with the key on the page."""
        key = self.page.text_content("main p strong") or ""
        moved = self.program.must("POST", "/clock", {"advance_seconds": 1}, port=self.program.console)["now"]
        return TOTP(key.replace(" ", "")).at(datetime.fromisoformat(moved))

    def advance(self, by: timedelta) -> None:
        """Moves the portal's clock on."""
        self.program.must("POST", "/clock", {"advance_seconds": round(by.total_seconds())}, port=self.program.console)
        self.program.forget_clinic_token()

    def let_expire(self, purpose: LinkPurpose) -> None:
        """Moves the portal's clock on until a link of that purpose is too old."""
        self.advance(LASTS[purpose])

    def new_link(self, purpose: LinkPurpose) -> str:
        """The path of a link that a new person was sent."""
        if purpose is LinkPurpose.STAFF_INVITATION:
            return _Admin(self.program).invite()
        person = _Person(self.program, self.language)
        asks = {
            LinkPurpose.ACCEPT_INVITATION: person.invite_a_caregiver,
            LinkPurpose.RESET_PASSWORD: person.ask_for_a_reset,
            LinkPurpose.STOP_MESSAGES: person.wait_for_results,
            LinkPurpose.UNDO_CHANGE: person.change_the_username,
            LinkPurpose.REOPEN_ACCOUNT: person.close_the_account,
        }
        if purpose in asks:
            return asks[purpose]()
        return person.links_in_the_first_email()[_PLACE_OF_LINK[purpose]]

    def new_share(self) -> tuple[str, str]:
        """The path of the page of a new person's share, whose files are there, and its PIN."""
        return _Person(self.program, self.language).share()


@dataclass
class _Admin:
    """The sample clinic's admin."""

    program: Program

    def invite(self) -> str:
        email, key = f"member-{uuid.uuid4().hex[:8]}@example.org", str(uuid.uuid4())
        asked = {"name": "Nora Whitfield", "email": email, "roles": ["front_desk"]}
        self.program.must("POST", "/v1/clinic/staff", asked, token=self._strong_token(), Idempotency_Key=key)
        return self.program.link_sent_to(email)

    def _strong_token(self) -> str:
        sample = self.program.must("GET", "/sample.json", port=self.program.console)["staff"]
        admin = next(one for one in sample if one["roles"] == ["admin"])
        named = {"username": admin["username"], "password": admin["password"]}
        begun = self.program.call("POST", "/v1/sessions", named).json
        step = {"mfa_token": begun["mfa_token"], "method": "totp", "code": self._code(admin["totp_secret"])}
        token = self.program.must("POST", "/v1/sessions/mfa", step)["access_token"]
        proof = {"code": self._code(admin["totp_secret"])}
        strong: str = self.program.must("POST", "/v1/me/step-up", proof, token=token)["access_token"]
        return strong

    def _code(self, secret: str) -> str:
        """A code that was not used before: of the next minute, which comes at once."""
        moved = self.program.must("POST", "/clock", {"advance_seconds": 60}, port=self.program.console)["now"]
        self.program.forget_clinic_token()
        return TOTP(secret).at(datetime.fromisoformat(moved))


@dataclass
class _Person:
    program: Program
    language: str
    email: str = field(init=False)
    username: str = field(init=False)
    resource_id: str = field(init=False)
    _token: str = field(init=False)

    def __post_init__(self) -> None:
        self.resource_id = f"visitor-{next(_numbers)}-{uuid.uuid4().hex[:8]}"
        self.email = f"{self.resource_id}@example.org"
        self._be_imported(self._patient())
        (found,) = self.program.find_patients(self.resource_id)
        code = self.program.issue_code(found["patient_id"]).json["activation_code"]
        started = self.program.start_registration(found, code).json
        self.username, session = self.program.finish_registration(started, self.email, _PASSWORD)
        self._token = session["access_token"]
        self._choose_language(self._token)

    def links_in_the_first_email(self) -> list[str]:
        return self._links(0)

    def ask_for_a_reset(self) -> str:
        self._links(0)
        assert self.program.call("POST", "/v1/password-resets", {"identifier": self.username}).status == 202
        return self._links(1)[0]

    def change_the_username(self) -> str:
        self._links(0)
        strong = self.program.must("POST", "/v1/me/step-up", {"password": _PASSWORD}, token=self._token)
        name = {"username": f"renamed-{uuid.uuid4().hex[:8]}"}
        changed = self.program.call("PUT", "/v1/me/username", name, token=strong["access_token"])
        assert changed.status == 200, changed.body
        return self._links(1)[0]

    def invite_a_caregiver(self) -> str:
        strong = self.program.must("POST", "/v1/me/step-up", {"password": _PASSWORD}, token=self._token)
        email = f"caregiver-{uuid.uuid4().hex[:8]}@example.org"
        asked = {"email": email, "scopes": ["appointments"]}
        key, token = str(uuid.uuid4()), strong["access_token"]
        self.program.must("POST", "/v1/patients/me/caregivers", asked, token=token, Idempotency_Key=key)
        return self.program.link_sent_to(email)

    def share(self) -> tuple[str, str]:
        strong = self.program.must("POST", "/v1/me/step-up", {"password": _PASSWORD}, token=self._token)
        path, key, token = "/v1/patients/me/shares", str(uuid.uuid4()), strong["access_token"]
        made = self.program.must("POST", path, {"recipient": "Dr. Okafor"}, token=token, Idempotency_Key=key)
        for _ in range(_LOOKS):
            if self.program.must("GET", f"{path}/{made['share_id']}", token=token)["status"] == "ready":
                return urlsplit(made["url"]).path, made["pin"]
            time.sleep(0.1)
        raise AssertionError("the files of a share were not made in time")

    def close_the_account(self) -> str:
        verify, _ = self._links(0)
        confirmed = {"token": verify.removeprefix("/l/"), "date_of_birth": "1961-04-12"}
        assert self.program.call("POST", "/v1/email-verifications", confirmed).status == 204
        strong = self.program.must("POST", "/v1/me/step-up", {"password": _PASSWORD}, token=self._token)
        closed = self.program.call("DELETE", "/v1/me", token=strong["access_token"])
        assert closed.status == 200, closed.body
        return self._links(1)[0]

    def wait_for_results(self) -> str:
        verify, _ = self._links(0)
        confirmed = {"token": verify.removeprefix("/l/"), "date_of_birth": "1961-04-12"}
        assert self.program.call("POST", "/v1/email-verifications", confirmed).status == 204
        self._be_imported(self._result())
        return self._links(1)[-1]

    def _links(self, number: int) -> list[str]:
        text = self.program.email_to(self.email, number)["text"]
        return [urlsplit(link).path for link in re.findall(r"https?://\S+/l/\S+", text)]

    def _be_imported(self, resource: Json) -> None:
        done = self.program.import_fhir(json.dumps(resource).encode())
        assert (done.status, done.json["refused"]) == (200, []), done.body

    def _choose_language(self, token: str) -> None:
        tag = self.program.call("GET", "/v1/me", token=token).headers["etag"]
        changed = self.program.call("PATCH", "/v1/me", {"language": self.language}, token=token, If_Match=tag)
        assert changed.status == 200, changed.body

    def _patient(self) -> Json:
        return {
            "resourceType": "Patient",
            "id": self.resource_id,
            "identifier": [{"system": "https://test.example/mrn", "value": self.resource_id}],
            "name": [{"use": "official", "given": ["Ingrid", "Mae"], "family": "Solberg"}],
            "birthDate": "1961-04-12",
            "telecom": [{"system": "email", "value": self.email}],
        }

    def _result(self) -> Json:
        return {
            "resourceType": "Observation",
            "id": f"result-{self.resource_id}",
            "status": "final",
            "category": [{"coding": [{"code": "laboratory"}]}],
            "code": {"text": "Sodium"},
            "subject": {"reference": f"Patient/{self.resource_id}"},
            "effectiveDateTime": self._now(),
            "valueQuantity": {"value": 140, "unit": "mmol/L"},
        }

    def _now(self) -> str:
        moved: str = self.program.must("POST", "/clock", {"advance_seconds": 1}, port=self.program.console)["now"]
        return datetime.fromisoformat(moved).astimezone(UTC).isoformat()
