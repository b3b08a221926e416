"""Emails: words in both forms, links from the configuration alone, and nothing that a mailbox need load."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from chalicelib.clients.email import Email
from chalicelib.domain.notices import NoticeKind
from chalicelib.services import rendering
from tests.support.portal import Portal

LINK = "https://portal.example/l/01ARZ3NDEKTSV4RRFFQ69G5FAVabcdefghijklmnopqrstuv"
VALUES: dict[NoticeKind, dict[str, object]] = {
    NoticeKind.EMAIL_CONFIRMATION: {"link": LINK, "expires_at": datetime(2026, 7, 1, 18, 5, tzinfo=UTC)},
    NoticeKind.EMAIL_IN_USE: {},
}


def _email(kind: NoticeKind, language: str = "en") -> Email:
    return rendering.email(kind, "somebody@example.org", language, "America/Chicago", VALUES[kind])


class _Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("kind", NoticeKind)
def test_every_notice_has_a_subject_a_text_and_a_page_that_say_the_same(kind: NoticeKind) -> None:
    email = _email(kind)
    page = _Page(email.html)
    assert email.subject
    assert "\n" not in email.subject
    sentences = [line for line in email.text.splitlines() if line and line != "--"]
    assert len(sentences) >= 3
    assert [line for line in sentences if line not in page.text] == []


@pytest.mark.parametrize("kind", NoticeKind)
def test_a_page_loads_nothing_runs_nothing_and_names_its_language(kind: NoticeKind) -> None:
    tags = _Page(_email(kind).html).tags
    assert {name for name, _ in tags} & {"img", "script", "link", "iframe", "form", "video", "object", "svg"} == set()
    assert [
        value for _, attributes in tags for name, value in attributes.items() if name in {"src", "background"}
    ] == []
    assert "url(" not in _email(kind).html
    assert ("html", {"lang": "en", "dir": "ltr"}) in tags
    assert all(attributes.get("role") == "presentation" for name, attributes in tags if name == "table")


def test_the_link_stands_in_the_text_and_on_the_button_and_nowhere_else_leads_away() -> None:
    email = _email(NoticeKind.EMAIL_CONFIRMATION)
    assert email.text.count(LINK) == 1
    hrefs = {attributes["href"] for name, attributes in _Page(email.html).tags if name == "a"}
    assert hrefs == {LINK}
    assert re.findall(r"https?://[^\s\"<]+", _email(NoticeKind.EMAIL_IN_USE).html) == []


def test_a_time_is_the_readers_own() -> None:
    assert "July 1, 2026, 1:05 PM CDT" in _email(NoticeKind.EMAIL_CONFIRMATION).text


@pytest.mark.parametrize("language", ["es", "xx", "", "en-GB"])
def test_a_language_that_the_portal_does_not_speak_falls_back_to_english(language: str) -> None:
    assert _email(NoticeKind.EMAIL_CONFIRMATION, language) == _email(NoticeKind.EMAIL_CONFIRMATION)


def test_what_goes_into_a_page_is_escaped() -> None:
    values = {**VALUES[NoticeKind.EMAIL_CONFIRMATION], "link": 'https://x/"><script>alert(1)</script>'}
    email = rendering.email(NoticeKind.EMAIL_CONFIRMATION, "a@example.org", "en", "UTC", values)
    assert "<script" not in email.html


@pytest.mark.parametrize("name", ["Host", "X-Forwarded-Host", "Forwarded", "Origin", "Referer"])
def test_a_forged_host_does_not_get_into_a_link(portal: Portal, name: str) -> None:
    forged = {name: "evil.example", "X-Forwarded-Proto": "gopher"}
    patient = portal.new_patient()
    code = portal.issue_code(patient).json["activation_code"]
    started = portal.start_registration(patient, code).json
    asked = {
        "registration_token": started["registration_token"],
        "username": f"forged-{patient.resource_id}",
        "password": "seven green teapots sing",
        "security_answers": portal.security_answers(),
        "terms_version": started["terms_version"],
        "email": patient.email,
    }
    path = f"/v1/registrations/{started['registration_id']}/account"
    assert portal.call("POST", path, asked, headers=forged).status == 201
    (email,) = portal.emails(patient.email)
    links = re.findall(r"\w+://[^\s\"<]+", f"{email.text} {email.html}")
    assert links
    assert {link.split("/l/")[0] for link in links} == {"http://127.0.0.1:8000"}
    assert "evil.example" not in f"{email.subject}{email.text}{email.html}"
