"""Shares as people make them, and as those open them who have the link: read by other means than the portal's own."""

import base64
import json
import re
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.support.crowd import fresh_address
from tests.support.html import Page
from tests.support.links import post
from tests.support.portal import Answer, Person, Portal
from tests.support.record_exports import strong

DOCTOR = "Dr. Amelia Okafor, second opinion"
PIN = "804271"


def path_of(patient_id: str) -> str:
    """Where the shares of a patient's record are."""
    return f"/v1/patients/{patient_id}/shares"


def ask(portal: Portal, patient_id: str, token: str, *, key: str | None = None, **asked: Any) -> Answer:
    """Somebody shares a record."""
    headers = {"Idempotency-Key": key or str(uuid.uuid4())}
    return portal.call("POST", path_of(patient_id), {"recipient": DOCTOR, **asked}, headers=headers, token=token)


def made(person: Person, **asked: Any) -> dict[str, Any]:
    """A share of somebody's own record, once everything asynchronous has happened."""
    return made_by(person.portal, person.patient.patient_id, strong(person), **asked)


def made_by(portal: Portal, patient_id: str, token: str, **asked: Any) -> dict[str, Any]:
    """A share of a patient's record, once everything asynchronous has happened."""
    answer = ask(portal, patient_id, token, **asked)
    assert answer.status == 201, answer.text
    portal.drain()
    found: dict[str, Any] = answer.json
    return found


def listed(person: Person) -> list[dict[str, Any]]:
    """What somebody sees of their shares."""
    items: list[dict[str, Any]] = person.get(path_of("me")).json["items"]
    return items


def page_of(share: dict[str, Any]) -> str:
    """The path of the page."""
    return urlsplit(str(share["url"])).path


def open_page(portal: Portal, share: dict[str, Any], pin: str | None = None, **fields: str) -> Answer:
    """Somebody types a PIN at the page: the one that the portal made if no other."""
    return post(portal, page_of(share), pin=pin or share["pin"], **fields)


def files_of(page: Answer) -> dict[str, str]:
    """The addresses that a page has of files, by how their names end."""
    found = [one["href"] or "" for one in Page(page.text).all("a")]
    urls = [one for one in found if "X-Amz-Signature" in one]
    return {re.sub(r"^.*\.", "", urlsplit(one).path): one for one in urls}


@dataclass(frozen=True)
class Shlink:
    """What an app reads in a SMART Health Link."""

    url: str
    key: bytes
    flag: str
    label: str
    exp: int

    @property
    def path(self) -> str:
        return urlsplit(self.url).path


def shlink_of(share: dict[str, Any]) -> Shlink:
    """A SMART Health Link, decoded."""
    scheme, _, payload = share["smart_health_link"].partition("shlink:/")
    assert scheme == ""
    read = json.loads(_decode(payload))
    return Shlink(read["url"], _decode(read["key"]), read["flag"], read["label"], read["exp"])


def ask_manifest(portal: Portal, share: dict[str, Any], pin: str | None = None, **more: Any) -> Answer:
    """An app asks for the manifest, from anywhere."""
    asked = {"recipient": "Riverside Viewer", "passcode": pin or share["pin"], **more}
    headers = {"Origin": "https://viewer.example"}
    return portal.call("POST", shlink_of(share).path, asked, headers=headers, source_ip=fresh_address())


def decrypted(jwe: str, key: bytes) -> tuple[dict[str, Any], bytes]:
    """The header and the content of a JWE in compact form, read by RFC 7516 and nothing of the portal's."""
    header, encrypted_key, nonce, content, tag = jwe.split(".")
    assert encrypted_key == ""
    plain = AESGCM(key).decrypt(_decode(nonce), _decode(content) + _decode(tag), header.encode())
    return json.loads(_decode(header)), plain


def _decode(text: str) -> bytes:
    assert "=" not in text
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
