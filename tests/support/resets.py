"""Password resets as people go through them: asked for, read in the mailbox, confirmed."""

import re
from dataclasses import dataclass
from typing import Any

from infra.local.outgoing import SentEmail
from tests.support.crowd import fresh_address
from tests.support.portal import Answer, Portal
from tests.support.sign_in import token_in

NEW = "eleven blue kettles hum"
_SUBJECT = "Set a new password"
_CODE = re.compile(r"Type this code where you asked for it: (\d+)\s")


@dataclass(frozen=True)
class Reset:
    """A reset that was asked for, and what the mailbox got for it."""

    reset_id: str
    code: str
    token: str

    def wrong_code(self, number: int = 1) -> str:
        """A code that is not this one's."""
        return f"{(int(self.code) + number) % 10**8:08}"


def ask(portal: Portal, identifier: str, **more: Any) -> Answer:
    """One request for a reset, from an address that asked nothing before unless `source_ip` says so."""
    return portal.call(
        "POST", "/v1/password-resets", {"identifier": identifier}, **{"source_ip": fresh_address(), **more}
    )


def reset_emails(portal: Portal, address: str) -> list[SentEmail]:
    """The emails with a code that an address got, oldest first."""
    return [email for email in portal.emails(address) if email.subject == _SUBJECT]


def code_in(email: SentEmail) -> str:
    """The one code in an email."""
    (code,) = _CODE.findall(email.text or "")
    return str(code)


def start(portal: Portal, identifier: str, address: str) -> Reset:
    """A reset, asked for and read in the mailbox of an address."""
    before = len(reset_emails(portal, address))
    asked = ask(portal, identifier)
    assert asked.status == 202, asked.text
    assert len(reset_emails(portal, address)) == before + 1
    return read(portal, asked.json["reset_id"], address)


def read(portal: Portal, reset_id: str, address: str) -> Reset:
    """The newest reset that an address got, which should be the one of an id."""
    email = reset_emails(portal, address)[-1]
    return Reset(reset_id, code_in(email), token_in(email))


def confirm(portal: Portal, reset_id: str, new_password: str = NEW, **fields: str) -> Answer:
    """One try to set a new password, from an address of its own; `fields`: `otp` or `token`, and `security_answer`."""
    body = {"new_password": new_password, **fields}
    return portal.call("POST", f"/v1/password-resets/{reset_id}/confirm", body, source_ip=fresh_address())


def answer_to(portal: Portal, asked: Answer) -> str:
    """What somebody whom the portal registered answers to the question of a refusal."""
    given = {one["question_id"]: one["answer"] for one in portal.security_answers()}
    return given[asked.json["question"]["question_id"]]
