"""A new password for somebody who forgot theirs, over HTTP (RC 1, 3, 5, 6 and 8)."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from chalicelib import clock
from chalicelib.models.accounts import PRINCIPAL, Account
from tests.support.crowd import fresh_address, seen_by_a_stranger
from tests.support.faults import overtaken_by
from tests.support.forged import altered
from tests.support.portal import Answer, Person, Portal
from tests.support.promises import Promise
from tests.support.resets import NEW, answer_to, ask, confirm, read, reset_emails, start
from tests.support.setting import setting
from tests.support.sign_in import confirm_email, is_signed_in, link_token, refresh
from tests.support.times import NOON, shown

MOMENT = timedelta(milliseconds=1)
ELSEWHERE = "ingrid.elsewhere@example.net"


@pytest.fixture(autouse=True)
def without_security_questions() -> Iterator[None]:
    """Those who are asked have tests of their own; an account's three more hashes only take time."""
    with setting("SECURITY_QUESTIONS", "off"):
        yield


def confirmed_person(portal: Portal) -> Person:
    person = portal.register()
    confirm_email(portal, person)
    return person


def account_id(person: Person) -> str:
    found: str = person.session["account"]["account_id"]
    return found


def signs_in(person: Person, password: str) -> bool:
    return person.portal.sign_in(person.username, password, source_ip=fresh_address()).status == 201


def history(portal: Portal, person: Person) -> list[str]:
    partition = f"account#{account_id(person)}"
    rows = [row for row in portal.rows("audit") if row["pk"]["S"] == partition]
    return [row["action"]["S"] for row in sorted(rows, key=lambda row: row["sk"]["S"])]


# --- one secret, two renderings ---------------------------------------------------------------------------------------


@pytest.mark.promise
@pytest.mark.parametrize("rendering", ["otp", "token"])
def test_one_email_has_a_code_and_a_link_and_using_either_kills_both(
    portal: Portal, promise: Promise, rendering: str
) -> None:
    """RC 1: single use."""
    person = confirmed_person(portal)
    reset = start(portal, person.username, person.patient.email)
    assert len(portal.emails(person.patient.email)) == 2
    promise("RC 1", f"{rendering}: digits of the code", asked=8, measured=len(reset.code))
    sent = {"otp": reset.code, "token": reset.token}
    first = confirm(portal, reset.reset_id, **{rendering: sent[rendering]})
    after = [confirm(portal, reset.reset_id, **{name: secret}).status for name, secret in sent.items()]
    measured = f"{first.status}, {after[0]}, {after[1]}"
    promise("RC 1", f"{rendering}, then code and link again", asked="204, 422, 422", measured=measured)
    assert portal.call("GET", f"/l/{reset.token}").status == 410
    assert (signs_in(person, NEW), signs_in(person, person.password)) == (True, False)


def test_a_code_is_taken_with_the_spaces_and_hyphens_that_people_type(portal: Portal) -> None:
    person = confirmed_person(portal)
    reset = start(portal, person.patient.email, person.patient.email)
    typed = f" {reset.code[:4]} - {reset.code[4:]} "
    assert confirm(portal, reset.reset_id, otp=typed).status == 204


@pytest.mark.promise
@pytest.mark.parametrize("rendering", ["otp", "token"])
def test_a_reset_lasts_ten_minutes_by_the_portals_clock(portal: Portal, promise: Promise, rendering: str) -> None:
    """RC 1, SE 5: the row is there, and the secret is not taken."""
    with clock.frozen(NOON):
        person = confirmed_person(portal)
        reset = start(portal, person.username, person.patient.email)
        secret = {rendering: getattr(reset, "code" if rendering == "otp" else "token")}
        clock.advance(timedelta(minutes=10) - MOMENT)
        before = confirm(portal, reset.reset_id, "short", **secret).json["code"]
        clock.advance(MOMENT)
        after = confirm(portal, reset.reset_id, "short", **secret).json["code"]
    asked = "invalid_request, reset_not_accepted"
    promise("RC 1", f"{rendering}: 1 ms before and at 10 minutes", asked=asked, measured=f"{before}, {after}")


def test_the_answer_says_when_the_reset_ends(portal: Portal) -> None:
    with clock.frozen(NOON):
        answer = ask(portal, "nobody-at-all")
    assert answer.json["expires_at"] == shown(NOON + timedelta(minutes=10))
    assert re.fullmatch(r"rst_[0-9A-HJKMNP-TV-Z]{26}", answer.json["reset_id"])


@pytest.mark.promise
def test_a_newer_request_kills_the_older(portal: Portal, promise: Promise) -> None:
    """RC 1: its code and its link, and what is still on its way is not sent."""
    person = confirmed_person(portal)
    older = start(portal, person.username, person.patient.email)
    unsent = ask(portal, person.username).json["reset_id"]
    asked = ask(portal, person.patient.email).json["reset_id"]
    newer = read(portal, asked, person.patient.email)
    statuses = [confirm(portal, older.reset_id, otp=older.code).status]
    statuses += [confirm(portal, older.reset_id, token=older.token).status]
    statuses += [portal.call("GET", f"/l/{older.token}").status]
    statuses += [confirm(portal, newer.reset_id, otp=newer.code).status]
    promise(
        "RC 1",
        "older code, link and page; newer code",
        asked="422, 422, 410, 204",
        measured=", ".join(map(str, statuses)),
    )
    assert len({older.reset_id, unsent, newer.reset_id}) == 3
    assert len(reset_emails(portal, person.patient.email)) == 2


def test_a_secret_fits_its_own_reset_only(portal: Portal) -> None:
    mine, other = confirmed_person(portal), confirmed_person(portal)
    ours = start(portal, mine.username, mine.patient.email)
    theirs = start(portal, other.username, other.patient.email)
    assert confirm(portal, theirs.reset_id, otp=ours.code).status == 422
    assert confirm(portal, theirs.reset_id, token=ours.token).status == 422
    assert confirm(portal, ours.reset_id, token=ours.code).status == 422
    assert confirm(portal, ours.reset_id, otp=ours.token).status == 422
    assert signs_in(other, other.password)


def test_a_link_of_another_purpose_resets_no_password(portal: Portal) -> None:
    person = portal.register()
    token = link_token(portal, person.patient.email)
    refused = confirm(portal, f"rst_{token[:26]}", token=token)
    assert (refused.status, refused.json["code"]) == (422, "reset_not_accepted")
    assert signs_in(person, person.password)


def test_either_the_code_or_the_token_is_sent(portal: Portal) -> None:
    person = confirmed_person(portal)
    reset = start(portal, person.username, person.patient.email)
    for sent in ({}, {"otp": reset.code, "token": reset.token}):
        refused = confirm(portal, reset.reset_id, **sent)
        found = [(error["pointer"], error["code"]) for error in refused.json["errors"]]
        assert (refused.status, found) == (422, [("/token", "otp_or_token_expected")])
    assert confirm(portal, reset.reset_id, token=reset.token).status == 204


# --- wrong tries ------------------------------------------------------------------------------------------------------


@pytest.mark.promise
def test_the_fifth_wrong_code_ends_the_reset(portal: Portal, promise: Promise) -> None:
    """RC 1 and 6: the right one then fails; after four it does not."""
    person, measured = confirmed_person(portal), []
    for wrong in (4, 5):
        reset = start(portal, person.username, person.patient.email)
        tries = [confirm(portal, reset.reset_id, otp=reset.wrong_code(number)).status for number in range(1, wrong + 1)]
        assert tries == [422] * wrong
        measured += [confirm(portal, reset.reset_id, otp=reset.code).status]
        measured += [confirm(portal, reset.reset_id, token=reset.token).status]
    promise(
        "RC 6",
        "code and link after 4 wrong tries, after 5",
        asked="204, 422, 422, 422",
        measured=", ".join(map(str, measured)),
    )


def test_wrong_tokens_count_as_wrong_codes_do(portal: Portal) -> None:
    person = confirmed_person(portal)
    reset = start(portal, person.username, person.patient.email)
    for at in range(-7, -2):
        assert confirm(portal, reset.reset_id, token=altered(reset.token, at)).status == 422
    assert confirm(portal, reset.reset_id, otp=reset.code).status == 422


def test_right_tries_do_not_count(portal: Portal) -> None:
    """A password that is refused consumes nothing, however often."""
    person = confirmed_person(portal)
    reset = start(portal, person.username, person.patient.email)
    for password in ("short", "Ingrid Solberg 61", person.username, "passwordpassword", "abcdabcdabcdabcd", "qwerty"):
        refused = confirm(portal, reset.reset_id, password, otp=reset.code)
        assert (refused.status, refused.json["code"]) == (422, "invalid_request")
        assert {error["pointer"] for error in refused.json["errors"]} == {"/new_password"}
    assert confirm(portal, reset.reset_id, otp=reset.code).status == 204


@pytest.mark.promise
def test_whatever_is_wrong_with_a_reset_is_one_answer(portal: Portal, promise: Promise) -> None:
    """RC 6: status, headers and body."""
    answers: dict[str, Answer] = {}
    person = confirmed_person(portal)
    older = start(portal, person.username, person.patient.email)
    reset = start(portal, person.username, person.patient.email)
    answers["superseded"] = confirm(portal, older.reset_id, otp=older.code)
    answers["wrong code"] = confirm(portal, reset.reset_id, otp=reset.wrong_code())
    answers["wrong token"] = confirm(portal, reset.reset_id, token="A" * 48)
    assert confirm(portal, reset.reset_id, otp=reset.code).status == 204
    answers["used"] = confirm(portal, reset.reset_id, otp=reset.code)
    answers["nobody's"] = confirm(portal, ask(portal, "nobody-at-all").json["reset_id"], otp=reset.code)
    answers["unknown"] = confirm(portal, f"rst_{'0' * 26}", otp=reset.code)
    answers["no id"] = confirm(portal, "Ingrid", otp=reset.code)
    portal.advance(hours=2)
    expired = start(portal, person.username, person.patient.email)
    portal.advance(minutes=11)
    answers["expired"] = confirm(portal, expired.reset_id, otp=expired.code)
    ended = start(portal, person.username, person.patient.email)
    answers["ended"] = [confirm(portal, ended.reset_id, otp=ended.wrong_code(n)) for n in range(1, 7)][-1]
    different = {repr(seen_by_a_stranger(answer)) for answer in answers.values()}
    promise("RC 6", f"{len(answers)} kinds of wrong: different answers", asked=1, measured=len(different))
    assert (answers["used"].status, answers["used"].json["code"]) == (422, "reset_not_accepted")


def test_wrong_tries_and_the_reset_are_in_the_accounts_history(portal: Portal) -> None:
    """AC 5."""
    person = confirmed_person(portal)
    reset = start(portal, person.username, person.patient.email)
    confirm(portal, reset.reset_id, otp=reset.wrong_code())
    confirm(portal, reset.reset_id, otp=reset.code)
    confirm(portal, reset.reset_id, otp=reset.code)
    made = [action for action in history(portal, person) if action.startswith("account:password")]
    assert made == [
        "account:password:reset:request",
        "account:password:reset:refuse",
        "account:password:reset",
        "account:password:reset:refuse",
    ]


# --- the security question --------------------------------------------------------------------------------------------


@pytest.fixture
def asked_person(portal: Portal) -> Iterator[Person]:
    """Somebody of a clinic that asks security questions."""
    with setting("SECURITY_QUESTIONS", "on"):
        yield confirmed_person(portal)


def test_after_a_right_code_the_security_question_is_asked_and_nothing_is_consumed(
    portal: Portal, asked_person: Person
) -> None:
    """ID 8: an extra hurdle, and the same question however often somebody looks."""
    reset = start(portal, asked_person.username, asked_person.patient.email)
    assert confirm(portal, reset.reset_id, otp=reset.wrong_code()).status == 422
    asked = [confirm(portal, reset.reset_id, otp=reset.code) for _ in range(6)]
    assert {(answer.status, answer.json["code"]) for answer in asked} == {(403, "security_answer_required")}
    assert len({repr(seen_by_a_stranger(answer)) for answer in asked}) == 1
    spanish = portal.call(
        "POST",
        f"/v1/password-resets/{reset.reset_id}/confirm",
        {"otp": reset.code, "new_password": NEW, "security_answer": "  "},
        headers={"Accept-Language": "es"},
    )
    assert spanish.json["question"]["question_id"] == asked[0].json["question"]["question_id"]
    assert spanish.json["question"]["text"] != asked[0].json["question"]["text"]
    answer = answer_to(portal, asked[0])
    assert confirm(portal, reset.reset_id, otp=reset.code, security_answer=f" {answer.upper()}!").status == 204
    assert signs_in(asked_person, NEW)


def test_an_answer_never_stands_for_the_code(portal: Portal, asked_person: Person) -> None:
    """ID 8."""
    reset = start(portal, asked_person.username, asked_person.patient.email)
    answer = answer_to(portal, confirm(portal, reset.reset_id, otp=reset.code))
    refused = confirm(portal, reset.reset_id, otp=reset.wrong_code(), security_answer=answer)
    assert (refused.status, refused.json["code"]) == (422, "reset_not_accepted")


@pytest.mark.promise
def test_the_third_wrong_answer_ends_the_reset(
    portal: Portal, asked_person: Person, hashes: list[None], promise: Promise
) -> None:
    """RC 6: the right answer then fails, and a new reset has three answers of its own."""
    reset = start(portal, asked_person.username, asked_person.patient.email)
    answer = answer_to(portal, confirm(portal, reset.reset_id, otp=reset.code))
    wrong = [confirm(portal, reset.reset_id, otp=reset.code, security_answer=f"wrong {n}").status for n in range(3)]
    hashes.clear()
    after = [confirm(portal, reset.reset_id, otp=reset.code, security_answer=answer).status]
    after += [confirm(portal, reset.reset_id, otp=reset.code).status, portal.call("GET", f"/l/{reset.token}").status]
    measured = ", ".join(map(str, [*wrong, *after]))
    promise("RC 6", "3 wrong answers, then right, none, page", asked="403, 403, 422, 422, 422, 410", measured=measured)
    assert len(hashes) == 0
    reset = start(portal, asked_person.username, asked_person.patient.email)
    answer = answer_to(portal, confirm(portal, reset.reset_id, otp=reset.code))
    wrong = [confirm(portal, reset.reset_id, otp=reset.code, security_answer=f"wrong {n}").status for n in range(2)]
    assert confirm(portal, reset.reset_id, otp=reset.code, security_answer=answer).status == 204


def test_a_password_that_is_refused_is_refused_before_the_question(portal: Portal, asked_person: Person) -> None:
    reset = start(portal, asked_person.username, asked_person.patient.email)
    assert confirm(portal, reset.reset_id, "short", otp=reset.code).json["code"] == "invalid_request"


def test_the_setting_turns_the_question_off(portal: Portal, asked_person: Person) -> None:
    """ID 8."""
    reset = start(portal, asked_person.username, asked_person.patient.email)
    with setting("SECURITY_QUESTIONS", "off"):
        assert confirm(portal, reset.reset_id, otp=reset.code).status == 204


# --- what follows -----------------------------------------------------------------------------------------------------


@pytest.mark.promise
def test_after_a_reset_every_session_is_dead_at_once_and_none_is_opened(portal: Portal, promise: Promise) -> None:
    """RC 5."""
    person = confirmed_person(portal)
    sessions = [person.session, *(portal.sign_in(person.username).json for _ in range(2))]
    sessions.append(refresh(portal, sessions[2]["refresh_token"]).json)
    reset = start(portal, person.username, person.patient.email)
    before = sum(is_signed_in(portal, session["access_token"]) for session in sessions)
    answer = confirm(portal, reset.reset_id, otp=reset.code)
    alive = sum(is_signed_in(portal, session["access_token"]) for session in sessions)
    alive += sum(refresh(portal, session["refresh_token"]).status == 201 for session in sessions)
    promise("RC 5", "4 sessions' tokens: alive before, after", asked="4, 0", measured=f"{before}, {alive}")
    assert (answer.status, answer.body, "set-cookie" in answer.headers) == (204, b"", False)


@pytest.mark.promise
def test_after_a_reset_every_address_is_told(portal: Portal, promise: Promise) -> None:
    """RC 5: the confirmed one, the one on file, and none that nobody confirmed."""
    person = portal.register(email=ELSEWHERE.replace("@", f"-{fresh_address().split(':')[2]}@"))
    mine = person.get("/v1/me").json["email"]
    assert (
        portal.call(
            "POST",
            "/v1/email-verifications",
            {"token": link_token(portal, mine), "date_of_birth": person.patient.date_of_birth},
        ).status
        == 204
    )
    reset = start(portal, person.username, mine)
    assert reset_emails(portal, person.patient.email) == []
    assert confirm(portal, reset.reset_id, otp=reset.code).status == 204
    told = [
        address
        for address in (mine, person.patient.email)
        if "Your password was changed" in {email.subject for email in portal.emails(address)}
    ]
    promise("RC 5", "addresses of 2 that were told of the new password", asked=2, measured=len(told))


def test_the_new_password_signs_its_owner_in_at_once_whatever_strangers_do(portal: Portal) -> None:
    """PW 5: from a device that nobody knows, though strangers filled the account's limit and disabled the password."""
    person = confirmed_person(portal)
    Account(account_id(person), PRINCIPAL).update(
        [Account.wrong_in_a_row.set(100), Account.password_disabled.set(True)]
    )
    for _ in range(10):
        portal.sign_in(person.username, "a wrong guess", source_ip=fresh_address())
    assert portal.sign_in(person.username, source_ip=fresh_address()).status == 429
    reset = start(portal, person.username, person.patient.email)
    assert confirm(portal, reset.reset_id, otp=reset.wrong_code()).status == 422
    assert portal.sign_in(person.username, source_ip=fresh_address()).status == 429
    assert confirm(portal, reset.reset_id, otp=reset.code).status == 204
    assert signs_in(person, NEW)


def test_a_password_that_was_changed_meanwhile_is_not_changed_again(portal: Portal) -> None:
    """Nothing of the reset is consumed, so that trying again works."""
    person = confirmed_person(portal)
    reset = start(portal, person.username, person.patient.email)
    body = {"current_password": person.password, "new_password": "nine violet harbors wait"}
    with overtaken_by(lambda: person.call("PUT", "/v1/me/password", body)):
        assert confirm(portal, reset.reset_id, otp=reset.code).status == 503
    assert signs_in(person, "nine violet harbors wait")
    assert confirm(portal, reset.reset_id, otp=reset.code).status == 204


def test_a_disabled_account_gets_no_reset(portal: Portal) -> None:
    person = confirmed_person(portal)
    reset = start(portal, person.username, person.patient.email)
    Account(account_id(person), PRINCIPAL).update([Account.disabled.set(True)])
    assert confirm(portal, reset.reset_id, otp=reset.code).json["code"] == "reset_not_accepted"
    assert ask(portal, person.username).status == 202
    assert len(reset_emails(portal, person.patient.email)) == 1


# --- links ------------------------------------------------------------------------------------------------------------


@pytest.mark.promise
def test_opening_the_link_consumes_nothing(portal: Portal, promise: Promise) -> None:
    """RC 3."""
    person = confirmed_person(portal)
    reset = start(portal, person.username, person.patient.email)
    opened = [portal.call(method, f"/l/{reset.token}").status for method in ("GET", "HEAD") * 5]
    after = confirm(portal, reset.reset_id, token=reset.token).status
    measured = f"{opened.count(200)}, {after}"
    promise("RC 3", "link opened 10 times: 200s; the reset then", asked="10, 204", measured=measured)


@pytest.mark.promise
def test_links_are_built_from_the_configuration_and_from_no_header(portal: Portal, promise: Promise) -> None:
    """RC 3."""
    person = confirmed_person(portal)
    evil = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    assert ask(portal, person.username, headers={**evil, "Origin": "https://evil.example"}).status == 202
    (email,) = reset_emails(portal, person.patient.email)
    hosts = set(re.findall(r"https?://[^/\s\"<]+", f"{email.text} {email.html}"))
    promise("RC 3", "hosts in the email", asked="http://127.0.0.1:8000", measured=", ".join(sorted(hosts)))


# --- whom an identifier means -----------------------------------------------------------------------------------------


@pytest.mark.promise
def test_an_address_that_nobody_confirmed_gets_nothing(portal: Portal, promise: Promise) -> None:
    """RC 8: the reset goes to the address on file instead, and only there."""
    strange = f"stranger-{fresh_address().split(':')[2]}@example.net"
    person = portal.register(email=strange)
    start(portal, person.username, person.patient.email)
    assert ask(portal, strange).status == 202
    measured = f"{len(reset_emails(portal, strange))}, {len(reset_emails(portal, person.patient.email))}"
    promise("RC 8", "resets by name and address: to the unconfirmed, the one on file", asked="0, 1", measured=measured)


def test_an_address_on_file_finds_the_account_that_gave_and_did_not_confirm_it(portal: Portal) -> None:
    """RC 8."""
    person = portal.register()
    reset = start(portal, person.patient.email.upper(), person.patient.email)
    assert confirm(portal, reset.reset_id, otp=reset.code).status == 204
    assert signs_in(person, NEW)


def test_an_address_leads_to_those_who_did_not_confirm_it_until_they_do(portal: Portal) -> None:
    """As a row of its own, which proves nothing."""
    person = portal.register()
    key = f"pending_email#{person.patient.email}"
    assert [row["account_id"]["S"] for row in portal.rows("accounts") if row["pk"]["S"] == key] == [account_id(person)]
    confirm_email(portal, person)
    assert [row for row in portal.rows("accounts") if row["pk"]["S"] == key] == []


def test_an_unconfirmed_address_stops_leading_to_the_account_once_another_confirmed_it(portal: Portal) -> None:
    patient = portal.new_patient()
    first, owner = portal.register(patient), portal.register(email=patient.email)
    token = link_token(portal, patient.email)
    born = {"token": token, "date_of_birth": owner.patient.date_of_birth}
    assert portal.call("POST", "/v1/email-verifications", born).status == 204
    reset = start(portal, patient.email, patient.email)
    assert confirm(portal, reset.reset_id, otp=reset.code).status == 204
    assert (signs_in(owner, NEW), signs_in(first, first.password)) == (True, True)


def test_an_address_on_file_for_two_who_did_not_confirm_it_finds_neither(portal: Portal) -> None:
    """It does not say who asks; their usernames do."""
    shared = f"family-{fresh_address().split(':')[2]}@example.org"
    telecom = [{"system": "email", "value": shared}]
    people = [portal.register(portal.new_patient(telecom=telecom), email=shared) for _ in range(2)]
    assert ask(portal, shared).status == 202
    assert reset_emails(portal, shared) == []
    reset = start(portal, people[1].username, shared)
    assert confirm(portal, reset.reset_id, otp=reset.code).status == 204
    assert (signs_in(people[0], people[0].password), signs_in(people[1], NEW)) == (True, True)


@pytest.mark.promise
@pytest.mark.parametrize("is_confirmed", [True, False])
def test_somebody_whose_username_is_anothers_address_gets_nothing(
    portal: Portal, promise: Promise, *, is_confirmed: bool
) -> None:
    """RC 8: neither where its owner confirmed it nor where the clinic has it on file for them."""
    owner = portal.register()
    if is_confirmed:
        confirm_email(portal, owner)
    thief = portal.register(username=owner.patient.email, email=owner.patient.email)
    reset = start(portal, owner.patient.email, owner.patient.email)
    stolen = len(reset_emails(portal, thief.patient.email))
    promise("RC 8", "resets that an address for a username caught", asked=0, measured=stolen)
    assert confirm(portal, reset.reset_id, otp=reset.code).status == 204
    assert (signs_in(owner, NEW), signs_in(thief, thief.password)) == (True, True)


def test_an_address_that_its_holder_disowned_finds_nobody(portal: Portal) -> None:
    """RC 8: "this was not me" unbinds it."""
    person = portal.register()
    (email,) = portal.emails(person.patient.email)
    disown = re.findall(r"/l/(\S+)", email.text or "")[1]
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert portal.call("POST", f"/l/{disown}", raw=b"", headers=form).status == 200
    assert ask(portal, person.patient.email).status == 202
    assert reset_emails(portal, person.patient.email) == []
