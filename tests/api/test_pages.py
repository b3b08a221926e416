"""What a link in an email opens: a page that acts only when its form is posted, for people and mail scanners alike."""

import re
from html.parser import HTMLParser
from urllib.parse import quote_plus

import pytest

from tests.support.portal import Answer, Person, Portal

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class _Page(HTMLParser):
    """The elements of a page with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def one(self, tag: str) -> dict[str, str | None]:
        (attributes,) = self.all(tag)
        return attributes


def _new_link(portal: Portal) -> tuple[Person, str]:
    person = portal.register()
    (email,) = portal.emails(person.patient.email)
    found = re.search(r"https?://\S+(/l/\S+)", email.text or "")
    assert found is not None
    return person, found[1]


def _post(portal: Portal, link: str, birth_date: str) -> Answer:
    return portal.call("POST", link, raw=f"date_of_birth={quote_plus(birth_date)}".encode(), headers=_FORM)


def _is_verified(person: Person) -> bool:
    verified: bool = person.get("/v1/me").json["email_verified"]
    return verified


def test_opening_a_link_any_number_of_times_consumes_nothing(portal: Portal) -> None:
    person, link = _new_link(portal)
    for method in ("GET", "HEAD") * 5:
        assert portal.call(method, link).status == 200
    assert not _is_verified(person)
    assert _post(portal, link, "1961-04-12").status == 200
    assert _is_verified(person)


def test_head_answers_as_get_does_without_a_body(portal: Portal) -> None:
    _, link = _new_link(portal)
    for path in (link, "/l/unknown"):
        get, head = portal.call("GET", path), portal.call("HEAD", path)
        assert (head.status, head.body) == (get.status, b"")
        assert {**head.headers, "x-request-id": []} == {**get.headers, "x-request-id": []}


def test_a_used_link_is_gone_and_an_unknown_one_is_not_found(portal: Portal) -> None:
    _, link = _new_link(portal)
    _post(portal, link, "1961-04-12")
    assert [portal.call(method, link).status for method in ("GET", "HEAD")] == [410, 410]
    assert _post(portal, link, "1961-04-12").status == 410
    for unknown in ("/l/x", link[:-1], link[:-1] + ("A" if link[-1] != "A" else "B"), f"/l/{'x' * 3000}"):
        assert [portal.call(method, unknown).status for method in ("GET", "HEAD")] == [404, 404]
        assert _post(portal, unknown, "1961-04-12").status == 404


def test_what_mail_programs_add_to_a_link_does_no_harm(portal: Portal) -> None:
    _, link = _new_link(portal)
    assert portal.call("GET", f"{link}?utm_source=mail&utm_source=again&fbclid=1").status == 200


@pytest.mark.parametrize("typed", ["1961-04-12", "04/12/1961", "April 12, 1961", " apr 12 1961 ", "12 April 1961"])
def test_a_birth_date_may_be_typed_as_people_write_it(portal: Portal, typed: str) -> None:
    person, link = _new_link(portal)
    assert _post(portal, link, typed).status == 200
    assert _is_verified(person)


@pytest.mark.parametrize("typed", ["", "soon", "1961-04", "1961-13-12", "12/04/61", "1961-04-13", '"><script>alert(1)'])
def test_another_or_an_unreadable_date_shows_the_form_again_and_says_why(portal: Portal, typed: str) -> None:
    person, link = _new_link(portal)
    answer = _post(portal, link, typed)
    page = _Page(answer.text)
    field = page.one("input")
    assert answer.status == 422
    assert not _is_verified(person)
    assert (field["aria-invalid"], field["aria-describedby"]) == ("true", "problem hint")
    assert [paragraph for paragraph in page.all("p") if paragraph.get("role") == "alert"] != []
    assert "Please check:" in answer.text
    assert page.all("script") == []


def test_the_page_is_one_labelled_field_without_script_cookie_or_anything_from_elsewhere(portal: Portal) -> None:
    _, link = _new_link(portal)
    answer = portal.call("GET", link)
    page = _Page(answer.text)
    field = page.one("input")
    assert (field["name"], field["type"], field["autocomplete"]) == ("date_of_birth", "text", "bday")
    assert page.one("label")["for"] == field["id"]
    assert page.one("form") == {"method": "post"}
    assert page.one("html") == {"lang": "en"}
    assert len(page.all("h1")) == len(page.all("main")) == 1
    names = {tag for tag, _ in page.elements}
    assert not names & {"script", "img", "link", "iframe", "object"}
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert "set-cookie" not in answer.headers
    assert "script-src" not in (answer.header("content-security-policy") or "")
    assert answer.header("cache-control") == "no-store"


def test_a_page_names_nobody(portal: Portal) -> None:
    person, link = _new_link(portal)
    patient = person.patient
    for answer in (portal.call("GET", link), _post(portal, link, "1961-04-13"), _post(portal, link, "1961-04-12")):
        for known in (patient.first_name, patient.last_name, patient.clinic_number, patient.email, person.username):
            assert known not in answer.text


def test_the_form_takes_a_form_only(portal: Portal) -> None:
    _, link = _new_link(portal)
    for raw, sent in (
        (b"{}", "application/json"),
        (b"\xff=\xfe", _FORM["Content-Type"]),
        (b"a&b", _FORM["Content-Type"]),
    ):
        answer = portal.call("POST", link, raw=raw, headers={"Content-Type": sent})
        assert answer.status in {400, 415, 422}
        assert answer.header("content-type") == "text/html; charset=utf-8"
    big = portal.call("POST", link, raw=b"date_of_birth=" + b"1" * 300_000, headers=_FORM)
    assert big.status == 413
