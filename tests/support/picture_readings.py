"""Pictures that are read for patients: asked for, sent by the form, read."""

import uuid
from dataclasses import dataclass
from typing import Any

from tests.support.documents import send
from tests.support.pictures import SAMPLES, photographed
from tests.support.portal import Answer, Person, Portal

PATH = "/v1/patients/me/picture-readings"
CARD, LABEL, LETTER = SAMPLES[0], SAMPLES[3], SAMPLES[5]


def ask(person: Person, *, token: str | None = None, path: str = PATH, key: str | None = None, **body: Any) -> Answer:
    """Have a picture read, which is to be sent."""
    headers = {"Idempotency-Key": key or str(uuid.uuid4())}
    return person.portal.call(
        "POST", path, {"kind": "insurance_card", **body}, headers=headers, token=token or person.token
    )


@dataclass(frozen=True)
class Asked:
    """A reading whose picture was sent."""

    person: Person
    reading_id: str

    @property
    def path(self) -> str:
        return f"{PATH}/{self.reading_id}"

    @property
    def json(self) -> dict[str, Any]:
        answer = self.person.get(self.path)
        assert answer.status == 200, answer.text
        found: dict[str, Any] = answer.json
        return found

    @property
    def found(self) -> dict[str, str]:
        """The fields that were found, by their names."""
        return {one["name"]: one["value"] for one in self.json["fields"] if one["value"] is not None}

    @property
    def upload_id(self) -> str:
        from chalicelib.models import picture_readings

        row = picture_readings.find((self.person.patient.patient_id,), self.reading_id)
        assert row is not None
        return str(row.upload_id)

    def confirm(self, **fields: str) -> Answer:
        given = [{"name": name, "value": value} for name, value in fields.items()]
        return self.person.call("POST", f"{self.path}/confirm", {"fields": given})


def sent(person: Person, content: bytes | None = None, **body: Any) -> Asked:
    """A reading whose picture is in quarantine; nothing was seen to yet."""
    made = ask(person, **body)
    assert made.status == 201, made.text
    assert send(made.json["upload"], photographed(CARD) if content is None else content) == 204
    return Asked(person, made.json["reading_id"])


def seen_to(person: Person, content: bytes | None = None, **body: Any) -> Asked:
    """A reading whose picture was seen to, whatever became of it."""
    reading = sent(person, content, **body)
    person.portal.drain()
    return reading


def every_way(portal: Portal) -> None:
    """Pictures that are read, confirmed, read again, not taken, not read, and taken away."""
    from chalicelib.domain.caregivers import Scope
    from tests.support import textract
    from tests.support.aws_calls import failing, unreachable
    from tests.support.documents import pdf
    from tests.support.people import new_caregiver, token_of

    person = portal.register()
    with textract.reading(CARD):
        card = seen_to(person)
        assert card.confirm(member_id=card.found["member_id"]).status == 200
        assert seen_to(person, pdf()).json["reason_code"] == "no_picture"
        assert seen_to(person, b"MZ\x90").json["reason_code"] == "not_taken"
        with failing(lambda call: call.service == "textract", unreachable()):
            late = sent(person)
            for _ in range(8):
                portal.drain()
                portal.advance(minutes=4)
        # Access tokens are short-lived.
        person.session = portal.sign_in(person.username).json
        assert late.json["reason_code"] == "unreachable"
        assert person.call("POST", f"{late.path}/retry").status == 202
        portal.drain()
        assert late.json["status"] == "ready"
    assert person.call("DELETE", late.path).status == 204
    assert person.get(PATH).status == 200
    caregiver = token_of(new_caregiver(person.patient.patient_id, Scope.EVERYTHING))
    path = f"/v1/patients/{person.patient.patient_id}/picture-readings/{card.reading_id}"
    assert portal.call("GET", path, token=caregiver).json["picture_url"]
    portal.drain()
