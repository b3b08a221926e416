"""Copies of a record as people ask for them and get them, and what a second program reads in the files."""

import io
import json
import re
import uuid
from collections import Counter
from typing import Any
from xml.etree import ElementTree as ET

from pypdf import PdfReader

from chalicelib import words
from chalicelib.domain.records.categories import Category, category_of
from tests.support.leaving import download
from tests.support.links import account_id_of
from tests.support.people import token_of
from tests.support.portal import Answer, Person, Portal

_CDA = "{urn:hl7-org:v3}"
_NUMBERED = re.compile(r"(\d+)\. \S")


def path_of(patient_id: str) -> str:
    """Where a patient's copies are."""
    return f"/v1/patients/{patient_id}/exports"


def ask(portal: Portal, patient_id: str, token: str, *, key: str | None = None, **asked: Any) -> Answer:
    """Somebody asks for a copy: a text where nothing else is said."""
    headers = {"Idempotency-Key": key or str(uuid.uuid4())}
    return portal.call("POST", path_of(patient_id), {"format": "text", **asked}, headers=headers, token=token)


def made(portal: Portal, patient_id: str, token: str, **asked: Any) -> dict[str, Any]:
    """A copy that somebody asked for, once everything asynchronous has happened."""
    answer = ask(portal, patient_id, token, **asked)
    assert answer.status == 202, answer.text
    portal.drain()
    return read(portal, patient_id, token, answer.json["export_id"])


def read(portal: Portal, patient_id: str, token: str, export_id: str) -> dict[str, Any]:
    """A copy as somebody sees it."""
    answer = portal.call("GET", f"{path_of(patient_id)}/{export_id}", token=token)
    assert answer.status == 200, answer.text
    found: dict[str, Any] = answer.json
    return found


def own(person: Person, **asked: Any) -> dict[str, Any]:
    """A copy of somebody's own record."""
    return made(person.portal, person.patient.patient_id, strong(person), **asked)


def strong(person: Person) -> str:
    """The token of a session of theirs that was stepped up just now."""
    return token_of(account_id_of(person))


def file_of(found: dict[str, Any]) -> bytes:
    """The file of a copy that is ready."""
    assert found["status"] == "ready", found
    status, body, _ = download(found["download_url"])
    assert status == 200
    return body


def pages_of(portal: Portal, patient_id: str, token: str, query: str = "") -> list[dict[str, Any]]:
    """Everything that the screens show, page by page."""
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = portal.call("GET", f"/v1/patients/{patient_id}/records?limit=100{query}{cursor}", token=token).json
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = f"&cursor={page['next_cursor']}"


def counted(items: list[dict[str, Any]]) -> dict[str, int]:
    """How many there are of each category."""
    return dict(Counter(item["category"] for item in items))


def counted_in_bundle(body: bytes) -> dict[str, int]:
    """How many records of each category a Bundle has."""
    bundle = json.loads(body)
    found = (category_of(entry["resource"]) for entry in bundle["entry"])
    return dict(Counter(str(category) for category in found if category))


def counted_in_document(body: bytes) -> dict[str, int]:
    """How many rows of each category the tables of a C-CDA document have."""
    root = ET.fromstring(body)  # noqa: S314  A file that the portal wrote.
    rows = [row.get("ID", "") for row in root.iter(f"{_CDA}tr")]
    return dict(Counter(row.partition("-")[0] for row in rows if row))


def counted_in_text(text: str, language: str = "en") -> dict[str, int]:
    """How many numbered entries stand under the title of each category, whatever the title says of it."""
    titles = {words.say(f"export.category.{category}", language): str(category) for category in Category}
    found: Counter[str] = Counter()
    place = ""
    for line in text.splitlines():
        title = re.fullmatch(r"(.+) \(\d+\)", line.strip())
        if title and title[1] in titles:
            place = titles[title[1]]
        elif (numbered := _NUMBERED.match(line)) and int(numbered[1]) == found[place] + 1:
            found[place] += 1
    return dict(found)


def text_of(pdf: bytes) -> str:
    """The words of a PDF."""
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)


def counts_of(found: dict[str, Any], language: str = "en") -> dict[str, int]:
    """What a second program counts in the file of a copy."""
    body = file_of(found)
    match found["format"]:
        case "fhir":
            return counted_in_bundle(body)
        case "ccda":
            return counted_in_document(body)
        case "pdf":
            return counted_in_text(text_of(body), language)
        case _:
            return counted_in_text(body.decode(), language)
