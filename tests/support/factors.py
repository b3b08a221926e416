"""People with a second factor: an authenticator app on a telephone, and the steps that ask for its codes."""

from dataclasses import dataclass, field
from typing import Any

from pyotp import TOTP

from chalicelib import clock
from tests.support.crowd import fresh_address
from tests.support.portal import PASSWORD, Answer, Person, Portal


@dataclass
class App:
    """An authenticator app: it knows the secret and the time, and nothing of the portal."""

    secret: str
    recovery_codes: list[str] = field(default_factory=list)

    def code(self, steps: int = 0) -> str:
        """The code that it shows, or showed some steps of 30 seconds ago or will show."""
        return TOTP(self.secret).at(clock.now(), counter_offset=steps)


def step_up(person: Person, **proof: Any) -> Answer:
    """One try to prove anew; a right one gives the person the new tokens."""
    answer = person.call("POST", "/v1/me/step-up", proof or {"password": person.password})
    if answer.status == 201:
        person.session = answer.json
    return answer


def set_up(person: Person) -> App:
    """An app with the secret that the portal shows to somebody who has stepped up."""
    begun = person.call("POST", "/v1/me/mfa/totp")
    assert begun.status == 201, begun.text
    return App(begun.json["secret"])


def beside(person: Person) -> Person:
    """The same person in one more session, stepped up."""
    session = person.portal.sign_in(person.username, person.password, source_ip=fresh_address()).json
    there = Person(person.portal, person.patient, person.username, person.password, session)
    assert step_up(there).status == 201
    return there


def begun(person: Person) -> App:
    """An app that somebody has begun to set up, in a session beside theirs."""
    return set_up(beside(person))


def confirm(person: Person, code: str) -> Answer:
    """One try to finish setting up an app."""
    return person.call("POST", "/v1/me/mfa/totp/confirm", {"code": code})


def bind(person: Person) -> App:
    """Somebody sets an app up. The next code that works is of the next step."""
    assert step_up(person).status == 201
    app = set_up(person)
    done = confirm(person, app.code())
    assert done.status == 200, done.text
    app.recovery_codes = done.json["recovery_codes"]
    return app


def begin(portal: Portal, person: Person, **more: Any) -> str:
    """The first step of signing in, on a device that is not known; the token of the second."""
    answer = portal.sign_in(person.username, more.pop("password", PASSWORD), source_ip=fresh_address(), **more)
    assert answer.status == 202, answer.text
    token: str = answer.json["mfa_token"]
    return token


def finish(portal: Portal, mfa_token: str, code: str, *, method: str = "totp", **more: Any) -> Answer:
    """One try of the second step; `source_ip` is the caller's, all else goes into the request."""
    source_ip = more.pop("source_ip", None) or fresh_address()
    asked = {"mfa_token": mfa_token, "method": method, "code": code, **more}
    return portal.call("POST", "/v1/sessions/mfa", asked, source_ip=source_ip)
