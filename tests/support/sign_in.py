"""What clients keep between requests: cookies, and the links in their mail."""

import re
from http.cookies import Morsel, SimpleCookie
from typing import Any

from infra.local.outgoing import SentEmail
from tests.support.portal import Answer, Person, Portal

_LINK = re.compile(r"/l/(\S+)")


def cookies_of(answer: Answer) -> dict[str, "Morsel[str]"]:
    """The cookies that an answer sets, with their attributes."""
    found: dict[str, Morsel[str]] = {}
    for header in answer.headers.get("set-cookie", []):
        found.update(SimpleCookie(header))
    return found


class Browser:
    """The web app: sends the cookies it was given, and the CSRF token unless told otherwise."""

    def __init__(self, portal: Portal, signed_in: Answer) -> None:
        self._portal = portal
        self._jar: dict[str, str] = {}
        self.csrf_token = ""
        self._keep(signed_in)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One request; `headers` are named with underscores."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self._portal.call(method, path, body, headers=self.cookie | {"X-CSRF-Token": self.csrf_token} | sent)
        self._keep(answer)
        return answer

    @property
    def cookie(self) -> dict[str, str]:
        """The Cookie header."""
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self._jar.items())}

    def _keep(self, answer: Answer) -> None:
        self._jar |= {name: morsel.value for name, morsel in cookies_of(answer).items()}
        if answer.status in {200, 201} and "csrf_token" in answer.json:
            self.csrf_token = answer.json["csrf_token"] or self.csrf_token


def refresh(portal: Portal, token: str) -> Answer:
    """One try to refresh a session."""
    return portal.call("POST", "/v1/sessions/refresh", {"refresh_token": token})


def is_signed_in(portal: Portal, access_token: str) -> bool:
    """Whether an access token works."""
    return portal.call("GET", "/v1/me", token=access_token).status == 200


def link_token(portal: Portal, address: str) -> str:
    """The token of the newest link that an address got."""
    linking = [email for email in portal.emails(address) if _LINK.search(email.text or "")]
    return token_in(linking[-1])


def token_in(email: SentEmail) -> str:
    """The token of the link in an email."""
    found = _LINK.search(email.text or "")
    assert found is not None, "no link in the email"
    return found[1]


def confirm_email(portal: Portal, person: Person) -> None:
    """The person follows the link in their mailbox."""
    asked = {"token": link_token(portal, person.patient.email), "date_of_birth": person.patient.date_of_birth}
    assert portal.call("POST", "/v1/email-verifications", asked).status == 204
