"""Emails: words in both forms, links from the configuration alone, and nothing that a mailbox need load."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from chalicelib.clients.email import Email
from chalicelib.domain.notices import RULES, Channel, NoticeKind
from chalicelib.services import rendering
from chalicelib.services.rendering import Reader
from tests.support.portal import Portal

LINK = "https://portal.example/l/01ARZ3NDEKTSV4RRFFQ69G5FAVabcdefghijklmnopqrstuv"
OTHER_LINK = LINK.replace("abc", "xyz")
AT = datetime(2026, 7, 1, 18, 5, tzinfo=UTC)
VALUES: dict[NoticeKind, dict[str, object]] = {
    NoticeKind.ACCOUNT_CLOSED: {"changed_at": AT, "link": LINK, "until": AT},
    NoticeKind.ACCOUNT_REOPENED: {"changed_at": AT},
    NoticeKind.ACTIVATION_CODE: {"code": "7K2M-Q9XD-4RT8", "expires_at": AT},
    NoticeKind.ACCOUNT_MERGED: {"changed_at": AT},
    NoticeKind.FILE_JOINED: {"changed_at": AT},
    NoticeKind.FILES_JOINED: {"changed_at": AT},
    NoticeKind.FILES_PARTED: {"changed_at": AT},
    NoticeKind.AGE_BOUNDARY: {},
    NoticeKind.AMENDMENT_DECIDED: {},
    NoticeKind.COMING_OF_AGE: {},
    NoticeKind.CAREGIVER_ADDED: {},
    NoticeKind.CAREGIVER_INVITATION: {"link": LINK, "expires_at": AT},
    NoticeKind.CAREGIVER_LEFT: {},
    NoticeKind.GRANT_CHANGED: {},
    NoticeKind.GRANT_ENDED: {},
    NoticeKind.PROXY_REQUEST_DECIDED: {},
    NoticeKind.CHANGE_DENIED: {},
    NoticeKind.UPLOAD_REFUSED: {},
    NoticeKind.CONTACT_REMOVED: {"changed_at": AT},
    NoticeKind.CONTACT_REPLACED: {"changed_at": AT},
    NoticeKind.BREAK_GLASS: {"changed_at": AT},
    NoticeKind.SHARE_LOCKED: {"changed_at": AT},
    NoticeKind.SHARE_OPENED: {"changed_at": AT},
    NoticeKind.CONTACT_RESTORED: {"changed_at": AT},
    NoticeKind.EMAIL_CHANGED: {"changed_at": AT, "link": LINK, "until": AT},
    NoticeKind.PHONE_CHANGED: {"changed_at": AT, "link": LINK, "until": AT},
    NoticeKind.PHONE_CODE: {"code": "482105"},
    NoticeKind.USERNAME_CHANGED: {"changed_at": AT, "link": None, "until": None},
    NoticeKind.EMAIL_CONFIRMATION: {"link": LINK, "disown_link": OTHER_LINK, "expires_at": AT},
    NoticeKind.EMAIL_IN_USE: {},
    NoticeKind.EMAIL_REMOVED: {},
    NoticeKind.EMAIL_STOPPED: {"address": "m***@e***.org"},
    NoticeKind.ACCOUNT_CREATED: {"changed_at": AT},
    NoticeKind.EXPORT_READY: {"changed_at": AT, "until": AT},
    NoticeKind.NEW_DEVICE: {"changed_at": AT},
    NoticeKind.NEW_RESULTS: {"is_own": True, "stop_link": LINK},
    NoticeKind.PASSWORD_CHANGED: {"changed_at": AT},
    NoticeKind.PASSWORD_RESET: {"link": LINK, "code": "12345678", "expires_at": AT},
    NoticeKind.SECOND_FACTOR_CHANGED: {"changed_at": AT},
    NoticeKind.REGISTRATION_CODE: {"code": "12345678", "expires_at": AT},
    NoticeKind.SIGN_IN_CODE: {"code": "48210573"},
    NoticeKind.SIGN_IN_TEXT: {"code": "48210573"},
    NoticeKind.STAFF_INVITATION: {"link": LINK, "expires_at": AT},
    NoticeKind.USERNAME_REMINDER: {"username": "margaret.e"},
}
TEXTED = [kind for kind in NoticeKind if Channel.SMS in RULES[kind].channels]


def _email(kind: NoticeKind, language: str = "en", phrase: str | None = None) -> Email:
    return rendering.email(kind, "somebody@example.org", Reader(language, "America/Chicago", phrase), VALUES[kind])


def _text(kind: NoticeKind, language: str = "en", phrase: str | None = None) -> str:
    return rendering.sms(kind, "+13125550142", Reader(language, "America/Chicago", phrase), VALUES[kind]).text


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
    hrefs = "".join(str(attributes["href"]) for name, attributes in page.tags if name == "a")
    seen = "".join(f"{page.text}{hrefs}".split())
    assert [line for line in sentences if "".join(line.split()) not in seen] == []


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
    assert hrefs == {LINK, OTHER_LINK}
    assert re.findall(r"https?://[^\s\"<]+", _email(NoticeKind.EMAIL_IN_USE).html) == []


def test_a_time_is_the_readers_own() -> None:
    assert "July 1, 2026, 1:05 PM CDT" in _email(NoticeKind.EMAIL_CONFIRMATION).text
    assert "1 de julio de 2026, 1:05 p. m. CDT" in _email(NoticeKind.EMAIL_CONFIRMATION, "es").text


@pytest.mark.parametrize("language", ["xx", "", "en-GB", "eses"])
def test_a_language_that_the_portal_does_not_speak_falls_back_to_english(language: str) -> None:
    assert _email(NoticeKind.EMAIL_CONFIRMATION, language) == _email(NoticeKind.EMAIL_CONFIRMATION)


def test_what_goes_into_a_page_is_escaped() -> None:
    values = {**VALUES[NoticeKind.EMAIL_CONFIRMATION], "link": 'https://x/"><script>alert(1)</script>'}
    reader = Reader("en", "UTC", phrase="<script>alert(2)</script>")
    email = rendering.email(NoticeKind.EMAIL_CONFIRMATION, "a@example.org", reader, values)
    assert "<script" not in email.html


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("kind", NoticeKind)
def test_every_true_email_repeats_the_security_phrase_in_both_forms(kind: NoticeKind, language: str) -> None:
    with_phrase, without = _email(kind, language, "blue {heron}"), _email(kind, language)
    assert "blue {heron}" in with_phrase.text
    assert "blue {heron}" in _Page(with_phrase.html).text
    assert "blue {heron}" not in with_phrase.subject
    assert _email(kind, language, None) == without
    assert "None" not in without.text + without.html


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("kind", TEXTED)
def test_a_text_message_is_one_line_names_the_clinic_the_phrase_and_how_to_stop(
    kind: NoticeKind, language: str
) -> None:
    text = _text(kind, language, "blue heron")
    assert "\n" not in text
    assert "  " not in text
    assert text.startswith("Sample Clinic: ")
    assert "blue heron" in text
    assert ("STOP" if language == "en" else "ALTO") in text
    # Two segments at most, also where one letter asks for UCS-2 (67 characters a segment, 3GPP TS 23.038).
    assert len(_text(kind, "en")) <= 2 * 153


@pytest.mark.parametrize("language", ["en", "es"])
def test_what_can_be_switched_off_says_how_and_what_cannot_does_not(language: str) -> None:
    for kind in NoticeKind:
        email = _email(kind, language)
        can_stop = kind is NoticeKind.NEW_RESULTS
        assert (email.unsubscribe_url == LINK) is can_stop
        if can_stop:
            assert LINK in email.text
            assert LINK in email.html


def test_a_push_says_that_there_is_news_and_no_more() -> None:
    assert rendering.push("en") == "You have news in the patient portal."
    assert rendering.push("xx") == rendering.push("en") != rendering.push("es")


def test_a_caregivers_copy_does_not_speak_of_their_own_record() -> None:
    values = {**VALUES[NoticeKind.NEW_RESULTS], "is_own": False}
    reader = Reader("en", "UTC")
    email = rendering.email(NoticeKind.NEW_RESULTS, "a@example.org", reader, values)
    assert "someone you care for" in email.text
    assert "your record" not in email.text
    assert "Someone you care for" in rendering.sms(NoticeKind.NEW_RESULTS, "+13125550142", reader, values).text


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
