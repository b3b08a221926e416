"""The confirmation of an email, sent again; and what "this was not me" does to the address on file."""

import re

from tests.support.links import post
from tests.support.portal import Person, Portal

RESEND = "/v1/me/email/resend"


def _links(portal: Portal, person: Person) -> list[str]:
    emails = [one for one in portal.emails(person.patient.email) if "confirm" in one.subject.lower()]
    return [path for one in emails for path in re.findall(r"/l/\S+", one.text or "")]


def test_the_confirmation_comes_again_with_a_link_that_works(portal: Portal) -> None:
    person = portal.register()
    first = _links(portal, person)[0]
    portal.advance(days=4)
    person.session = portal.sign_in(person.username).json
    assert post(portal, first, date_of_birth=person.patient.date_of_birth).status == 410
    assert person.call("POST", RESEND).status == 204
    again = _links(portal, person)[2]
    assert post(portal, again, date_of_birth=person.patient.date_of_birth).status == 200
    assert person.get("/v1/me").json["email_verified"] is True


def test_what_is_confirmed_is_not_asked_again(portal: Portal) -> None:
    person = portal.register()
    first = _links(portal, person)[0]
    assert post(portal, first, date_of_birth=person.patient.date_of_birth).status == 200
    assert person.call("POST", RESEND).status == 204
    assert len(_links(portal, person)) == 2


def test_it_comes_five_times_an_hour_at_most(portal: Portal) -> None:
    person = portal.register()
    assert [person.call("POST", RESEND).status for _ in range(6)] == [204] * 5 + [429]
    assert len(_links(portal, person)) == 2 * 6


def test_a_disowned_address_gets_nothing_more_though_the_clinic_has_it_on_file(portal: Portal) -> None:
    person = portal.register()
    verify, disown = _links(portal, person)
    assert post(portal, verify, date_of_birth=person.patient.date_of_birth).status == 200
    assert post(portal, disown).status == 200
    before = len(portal.emails(person.patient.email))
    portal.call("POST", "/v1/password-resets", {"identifier": person.username}, source_ip="198.51.100.77")
    assert len(portal.emails(person.patient.email)) == before
    items = person.get("/v1/me/addresses").json["items"]
    assert [item for item in items if item["channel"] == "email" and item["status"] == "ok"] == []
