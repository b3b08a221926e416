"""Accounts that are exported and closed, as their holders do it."""

import re
import uuid
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from tests.support import amendments, contact_changes, factors, passkeys
from tests.support.caregivers import accept, ask_to_act, invite, link_of, new_email, new_invited
from tests.support.links import account_id_of
from tests.support.people import token_of
from tests.support.portal import Answer, Person, Portal

_REOPEN = re.compile(r"Open it again (?:here|within 30 days):\s+\S*?(/l/\S+)")
CLOSE = "/v1/me"
EXPORT = "/v1/me/export"


def full(portal: Portal) -> Person:
    """Somebody who has of everything that an account can have."""
    person = contact_changes.confirmed(portal)
    account_id = account_id_of(person)
    contact_changes.move_phone(person)
    renamed = f"renamed-{uuid.uuid4().hex[:10]}"
    assert contact_changes.change(person, "username", renamed).status == 200
    assert contact_changes.change(person, "email", contact_changes.new_email()).status == 202
    factors.bind(person)
    passkeys.bind_in(person)
    _have_it_their_way(portal, token_of(account_id))
    ask_to_act(account_id)
    amendments.asked(person)
    new_invited(person, "everything")
    email = new_email()
    assert invite(portal.register(), "everything", email=email).status == 201
    assert accept(portal, link_of(portal, email), token_of(account_id)).status == 200
    return person


def _have_it_their_way(portal: Portal, token: str) -> None:
    """A phone that gets pushes, a share, a document, quiet nights, a phrase, a consent, and a wish not yet decided."""
    key = {"Idempotency-Key": str(uuid.uuid4())}
    made: dict[str, dict[str, Any]] = {
        "/v1/me/devices": {"platform": "ios", "push_token": uuid.uuid4().hex},
        "/v1/patients/me/shares": {"recipient": "Dr. Okafor"},
        "/v1/patients/me/documents": {"title": "Vaccinations"},
        "/v1/patients/me/picture-readings": {"kind": "letter"},
        "/v1/patients/me/questions": {"question": "What is asthma?"},
    }
    for path, body in made.items():
        assert portal.call("POST", path, body, token=token, headers=key).status == 201, path
    changes: dict[str, tuple[str, dict[str, Any], int]] = {
        "/v1/me/notification-preferences": (
            "PUT",
            {"rows": [], "quiet_hours": {"starts": "22:00", "ends": "07:00"}},
            200,
        ),
        "/v1/patients/me/language-model-consent": ("PUT", {"consent": True}, 200),
        "/v1/me/security-phrase": ("PUT", {"security_phrase": "two grey herons"}, 200),
        "/v1/patients/me": ("PATCH", {"email": "on-file@example.org"}, 202),
    }
    for path, (method, body, status) in changes.items():
        tag = {"If-Match": portal.call("GET", path, token=token).header("etag") or ""}
        assert portal.call(method, path, body, token=token, headers=tag).status == status, path


def close(person: Person, *, token: str | None = None) -> Answer:
    """Somebody closes their account, in a session that they have just stepped up."""
    return person.portal.call("DELETE", CLOSE, token=token or token_of(account_id_of(person)))


def closed(person: Person) -> dict[str, Any]:
    """What the answer says to somebody who closes their account."""
    answer = close(person)
    assert answer.status == 200, answer.text
    found: dict[str, Any] = answer.json
    return found


def reopening_paths(portal: Portal, address: str) -> list[str]:
    """The paths of the links that open an account again, which an address got by email or SMS, oldest first."""
    portal.drain()
    texts = [email.text or "" for email in portal.emails(address)]
    texts += [sms.text for sms in portal.aws.sent_sms() if sms.to == address]
    return [found[1] for text in texts if (found := _REOPEN.search(text))]


def export(person: Person, *, key: str | None = None, token: str | None = None) -> Answer:
    """Somebody asks for a copy of what the portal keeps about their account."""
    headers = {"Idempotency-Key": key or str(uuid.uuid4())}
    return person.portal.call("POST", EXPORT, headers=headers, token=token or token_of(account_id_of(person)))


def exported(person: Person) -> dict[str, Any]:
    """The export that somebody asked for last, once everything asynchronous has happened."""
    assert export(person).status == 202
    person.portal.drain()
    answer = person.portal.call("GET", EXPORT, token=token_of(account_id_of(person)))
    assert answer.status == 200, answer.text
    found: dict[str, Any] = answer.json
    return found


def download(url: str) -> tuple[int, bytes, dict[str, str]]:
    """Status, body and headers of what lies behind an address."""
    try:
        with urlopen(url, timeout=10) as answer:
            return answer.status, answer.read(), {name.lower(): value for name, value in answer.headers.items()}
    except HTTPError as refused:
        return refused.code, refused.read(), {}


def sweep(portal: Portal) -> None:
    """The schedule takes up what is due now, and everything that follows from it happens."""
    from chalicelib.services import delivery

    delivery.sweep()
    portal.drain()


def keys_of(portal: Portal, account_id: str) -> list[tuple[str, str]]:
    """Partition and sort key of every row of an account's or a patient's that has an account's id anywhere in it.

    Not the clinic's log of events, which holds ids for 30 days, nor the counters of tries, which leave by themselves.
    """
    return [
        (row["pk"]["S"], row["sk"]["S"])
        for area in ("accounts", "patients")
        for row in portal.rows(area)
        if account_id in repr(row) and not row["pk"]["S"].startswith("limit#") and row.get("kind") != {"S": "event"}
    ]


def purge_row(portal: Portal, person: Person) -> str:
    """The id of the outbox row that asks to remove an account which was closed."""
    rows = [row for row in portal.rows("outbox") if row["topic"]["S"] == "purges"]
    return str(max(row["pk"]["S"] for row in rows if row["account_id"]["S"] == account_id_of(person)))
