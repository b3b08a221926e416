"""Changes of email, phone and username, as people make them."""

import itertools
import re
import uuid
from typing import Any

from tests.support.people import token_of
from tests.support.portal import Answer, Person, Portal
from tests.support.sign_in import confirm_email

_numbers = itertools.count(1000)
_UNDO = re.compile(r"Undo it here.*?\s(\S+/l/\S+)|Undo it: (\S+/l/\S+)", re.DOTALL)


def stepped_up(person: Person) -> str:
    """The token of one more session of somebody's, just stepped up."""
    return token_of(person.session["account"]["account_id"])


def change(person: Person, what: str, value: str, *, token: str | None = None) -> Answer:
    """One change that is asked for: `what` is `email`, `phone` or `username`."""
    method, field = {"email": ("POST", "email"), "phone": ("POST", "mobile_phone"), "username": ("PUT", "username")}[
        what
    ]
    return person.portal.call(method, f"/v1/me/{what}", {field: value}, token=token or stepped_up(person))


def new_email() -> str:
    """A mailbox that nobody had before."""
    return f"moved-{uuid.uuid4().hex[:10]}@example.org"


def confirmed(portal: Portal, **changes: Any) -> Person:
    """Somebody whose email is confirmed."""
    person = portal.register(portal.new_patient(**changes))
    confirm_email(portal, person)
    return person


def move_email(person: Person, email: str | None = None) -> str:
    """A change of email that is confirmed; returns the new address."""
    email = email or new_email()
    assert change(person, "email", email).status == 202
    found = re.search(r"/l/(\S+)", person.portal.emails(email)[-1].text or "")
    assert found is not None
    asked = {"token": found[1], "date_of_birth": person.patient.date_of_birth}
    assert person.portal.call("POST", "/v1/email-verifications", asked).status == 204
    return email


def new_phone() -> str:
    """A number that nobody had before, in E.164."""
    return f"+1312556{next(_numbers):04}"


def texts(portal: Portal, number: str) -> list[str]:
    """Every text that a number got, oldest first."""
    portal.drain()
    return [sms.text for sms in portal.aws.sent_sms() if sms.to == number]


def phone_code(portal: Portal, number: str) -> str:
    """The newest code that a number got."""
    found = [match[1] for text in texts(portal, number) if (match := re.search(r"Your code is (\d{6})\.", text))]
    return found[-1]


def confirm_phone(person: Person, code: str) -> Answer:
    """One try to confirm a phone."""
    return person.portal.call("POST", "/v1/me/phone/confirm", {"code": code}, token=stepped_up(person))


def move_phone(person: Person, number: str | None = None) -> str:
    """A change of phone that is confirmed; returns the new number."""
    number = number or new_phone()
    assert change(person, "phone", number).status == 202
    assert confirm_phone(person, phone_code(person.portal, number)).status == 200
    return number


def undo_path(text: str) -> str | None:
    """The path of the link in a message that undoes a change."""
    found = _UNDO.search(text)
    return None if found is None else (found[1] or found[2])[(found[1] or found[2]).index("/l/") :]


def undo_paths(portal: Portal, address: str) -> list[str]:
    """The paths of all such links that an email address got, oldest first."""
    found = (undo_path(email.text or "") for email in portal.emails(address))
    return [path for path in found if path]
