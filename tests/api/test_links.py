"""The link in a confirmation email: safe to open, single use, five tries, three days (ID 4 and 5, RC 3, SE 5)."""

import base64
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from chalicelib import clock
from chalicelib.domain.links import LinkPurpose
from chalicelib.services import links as link_service
from tests.support.aws_calls import failing, unreachable
from tests.support.crowd import at_once, seen_by_a_stranger
from tests.support.forged import altered
from tests.support.links import path_of, post
from tests.support.portal import Answer, Portal
from tests.support.promises import Promise
from tests.support.sign_in import link_token
from tests.support.times import NOON

BORN = "1961-04-12"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def confirm(portal: Portal, link: str, born: str | None = BORN, *, session: str | None = None) -> Answer:
    asked = {"token": link, **({"date_of_birth": born} if born else {})}
    return portal.call("POST", "/v1/email-verifications", asked, token=session)


def test_in_the_accounts_own_session_no_birth_date_is_asked(portal: Portal) -> None:
    person, stranger = portal.register(), portal.register()
    token = link_token(portal, person.patient.email)
    assert confirm(portal, token, None).status == 422
    assert confirm(portal, token, None, session=stranger.token).status == 422
    assert confirm(portal, token, None, session=person.token).status == 204
    assert person.get("/v1/me").json["email_verified"] is True


@pytest.mark.promise
def test_opening_a_link_consumes_nothing(portal: Portal, promise: Promise) -> None:
    """RC 3: built from configuration, opened five times, with whatever Host."""
    person = portal.register()
    token = link_token(portal, person.patient.email)
    opened = [portal.call("GET", f"/l/{token}", headers={"Host": "evil.example"}) for _ in range(5)]
    assert {answer.status for answer in opened} == {200}
    assert "<script" not in opened[0].text
    assert person.get("/v1/me").json["email_verified"] is False
    answer = portal.call("POST", f"/l/{token}", raw=f"date_of_birth={BORN}".encode(), headers=FORM)
    promise("RC 3", "form posted after 5 openings", asked=200, measured=answer.status)
    assert person.get("/v1/me").json["email_verified"] is True
    assert urlsplit(link_service.url("lnk_" + "0" * 26)).netloc == "127.0.0.1:8000"


def test_a_used_link_is_over(portal: Portal) -> None:
    person = portal.register()
    token = link_token(portal, person.patient.email)
    assert confirm(portal, token).status == 204
    assert (confirm(portal, token).status, portal.call("GET", f"/l/{token}").status) == (410, 410)


@pytest.mark.promise
def test_after_five_wrong_birth_dates_the_right_one_fails_too(portal: Portal, promise: Promise) -> None:
    person = portal.register()
    token = link_token(portal, person.patient.email)
    wrong = [confirm(portal, token, "1961-04-13").status for _ in range(4)]
    wrong.append(portal.call("POST", f"/l/{token}", raw=b"date_of_birth=1961-04-13", headers=FORM).status)
    measured = f"{wrong.count(422)}, {confirm(portal, token).status}"
    promise("RC 1", "link: wrong birth dates, then the right one", asked="5, 410", measured=measured)
    assert person.get("/v1/me").json["email_verified"] is False


def test_what_is_no_birth_date_costs_no_try_on_the_page(portal: Portal) -> None:
    person = portal.register()
    token = link_token(portal, person.patient.email)
    for _ in range(6):
        assert portal.call("POST", f"/l/{token}", raw=b"date_of_birth=yesterday", headers=FORM).status == 422
    assert confirm(portal, token).status == 204


def test_a_link_works_for_three_days_by_the_portals_clock(portal: Portal) -> None:
    """SE 5."""
    with clock.frozen(NOON):
        people = [portal.register(), portal.register()]
        tokens = [link_token(portal, person.patient.email) for person in people]
        clock.advance(timedelta(days=3) - timedelta(milliseconds=1))
        assert confirm(portal, tokens[0]).status == 204
        clock.advance(timedelta(milliseconds=1))
        assert (confirm(portal, tokens[1]).status, portal.call("GET", f"/l/{tokens[1]}").status) == (410, 410)


def test_a_token_that_was_never_sent_is_unknown(portal: Portal) -> None:
    person, other = portal.register(), portal.register()
    token, theirs = link_token(portal, person.patient.email), link_token(portal, other.patient.email)
    made_up = [altered(token), token[:-1], token + "A", f"{token[:26]}{theirs[26:]}", "x", "é" * 48]
    answers = [confirm(portal, one) for one in made_up]
    assert {answer.status for answer in answers} == {404}
    assert all(seen_by_a_stranger(answer) == seen_by_a_stranger(answers[0]) for answer in answers)
    assert confirm(portal, token).status == 204


def test_no_table_holds_a_links_token(portal: Portal) -> None:
    person = portal.register()
    token = link_token(portal, person.patient.email)
    stored = repr([portal.rows(area) for area in ("accounts", "audit", "outbox")])
    assert token not in stored
    assert token[26:] not in stored


def test_a_link_has_a_code_of_eight_digits_that_its_token_does_not_tell(portal: Portal) -> None:
    link_ids = [f"lnk_{number:026}" for number in range(500)]
    codes = [link_service.code(link_id) for link_id in link_ids]
    assert all(len(code) == 8 and code.isdecimal() for code in codes)
    assert len(set(codes)) > 495
    assert {code[0] for code in codes} == set("0123456789")
    secret = link_service.token(link_ids[0]).removeprefix(link_ids[0].removeprefix("lnk_"))
    shown = int.from_bytes(base64.urlsafe_b64decode(secret + "=="))
    assert int(codes[0]) not in {shown % 10**8, (shown >> 64) % 10**8}


def test_a_link_does_only_what_it_is_for(portal: Portal) -> None:
    person = portal.register()
    for purpose in (LinkPurpose.DISOWN_EMAIL, LinkPurpose.STOP_MESSAGES, LinkPurpose.RESET_PASSWORD):
        token = path_of(portal, person, purpose).removeprefix("/l/")
        assert confirm(portal, token).status == 404
        assert confirm(portal, token, None, session=person.token).status == 404


def test_while_the_database_does_not_answer_a_link_opens_a_page_that_says_so(portal: Portal) -> None:
    person = portal.register()
    path = path_of(portal, person, LinkPurpose.VERIFY_EMAIL)
    with failing(lambda call: call.service == "dynamodb", unreachable()):
        answers = [portal.call("GET", path), post(portal, path, date_of_birth=BORN)]
    for answer in answers:
        assert (answer.status, answer.header("content-type")) == (503, "text/html; charset=utf-8")
        assert answer.header("retry-after") is not None


def test_of_two_who_post_a_page_at_once_one_acts_and_the_other_reads_that_it_is_done(portal: Portal) -> None:
    for purpose, fields in (
        (LinkPurpose.VERIFY_EMAIL, {"date_of_birth": BORN}),
        (LinkPurpose.DISOWN_EMAIL, {}),
    ):
        person = portal.register()
        path = path_of(portal, person, purpose)
        answers = at_once(6, lambda _, path=path, fields=fields: post(portal, path, **fields))  # type: ignore[misc]
        assert [answer.status for answer in answers].count(200) == 1
        assert {answer.status for answer in answers} <= {200, 410}
