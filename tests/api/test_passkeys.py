"""Passkeys over HTTP, with an authenticator in software; tests/browser proves them in a real one (PW 9)."""

import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest

from chalicelib import clock
from tests.support import factors, passkeys, times
from tests.support.crowd import fresh_address
from tests.support.passkeys import PRESENT, VERIFIED, Authenticator
from tests.support.portal import PASSWORD, Person, Portal
from tests.support.sign_in import Browser, is_signed_in

NOON = times.NOON + timedelta(seconds=15)


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with clock.frozen(NOON):
        yield


@pytest.fixture
def person(portal: Portal) -> Person:
    return portal.register()


@pytest.fixture
def phone(person: Person) -> Authenticator:
    authenticator = Authenticator()
    passkeys.bind(person, authenticator, name="Ana's phone")
    return authenticator


def test_a_passkey_signs_in_alone_and_needs_no_second_step(
    portal: Portal, person: Person, phone: Authenticator
) -> None:
    signed_in = passkeys.sign_in(portal, phone.answer(passkeys.options(portal)))
    assert signed_in.status == 201
    assert signed_in.json["account"]["username"] == person.username
    assert is_signed_in(portal, signed_in.json["access_token"])
    assert {"access_token", "refresh_token", "device_token"} <= signed_in.json.keys()


def test_a_passkey_signs_a_browser_in_with_cookies(portal: Portal, phone: Authenticator) -> None:
    browser = Browser(portal, passkeys.sign_in(portal, phone.answer(passkeys.options(portal)), transport="cookie"))
    assert browser.call("GET", "/v1/me").status == 200
    refused = passkeys.sign_in(
        portal,
        phone.answer(passkeys.options(portal)),
        transport="cookie",
        headers={"Origin": "https://evil.example"},
    )
    assert (refused.status, refused.json["code"]) == (403, "csrf_token_missing")


def test_what_a_browser_is_asked_demands_user_verification_and_a_discoverable_passkey(
    portal: Portal, person: Person, phone: Authenticator
) -> None:
    asked = passkeys.options(portal)
    assert asked["userVerification"] == "required"
    assert asked["rpId"] == "localhost"
    assert asked.get("allowCredentials", []) == []
    making = person.call("POST", "/v1/me/passkeys/options").json
    assert making["authenticatorSelection"]["userVerification"] == "required"
    assert making["authenticatorSelection"]["residentKey"] == "required"
    assert [one["id"] for one in making["excludeCredentials"]] == [passkeys.encode(phone.credential_id)]
    assert making["rp"] == {"id": "localhost", "name": "Sample Clinic"}


def test_a_new_passkey_is_listed_and_brings_recovery_codes_where_there_were_none(person: Person) -> None:
    bound = passkeys.bind(person, Authenticator(), name="Ana's phone")
    assert len(bound.json["recovery_codes"]) == 10
    person.portal.advance(seconds=1)
    assert passkeys.send(person, passkeys_again(person)).json["recovery_codes"] is None
    items = person.get("/v1/me/passkeys").json["items"]
    assert [item["name"] for item in items] == [None, "Ana's phone"]
    assert items[1]["passkey_id"] == bound.json["passkey_id"]
    assert [one["method"] for one in person.get("/v1/me/mfa").json["methods"]] == ["passkey", "passkey"]


def passkeys_again(person: Person) -> dict[str, object]:
    return Authenticator().make(person.call("POST", "/v1/me/passkeys/options").json)


def test_with_a_passkey_the_password_alone_signs_nobody_in(
    portal: Portal, person: Person, phone: Authenticator
) -> None:
    answer = portal.sign_in(person.username, source_ip=fresh_address())
    assert (answer.status, answer.json["methods"]) == (202, ["passkey", "recovery_code"])


@pytest.mark.parametrize(
    ("lie", "value"),
    [
        ("flags", PRESENT),
        ("flags", VERIFIED),
        ("origin", "https://evil.example"),
        ("origin", "http://127.0.0.1:8000.evil.example"),
        ("relying_party", "evil.example"),
    ],
)
def test_an_answer_without_verification_from_elsewhere_or_for_another_site_is_refused(
    portal: Portal, person: Person, phone: Authenticator, lie: str, value: object
) -> None:
    """PW 9: user verification required by the server, exact origin."""
    honest = getattr(phone, lie)
    setattr(phone, lie, value)
    refused = passkeys.sign_in(portal, phone.answer(passkeys.options(portal)))
    assert (refused.status, refused.json["code"]) == (401, "passkey_not_accepted")
    factors.step_up(person, passkey=_honest(portal, phone, lie, honest))
    setattr(phone, lie, value)
    phone.credential_id = uuid.uuid4().bytes
    asked = person.call("POST", "/v1/me/passkeys/options").json
    assert passkeys.send(person, phone.make(asked)).status == 422


def _honest(portal: Portal, phone: Authenticator, lie: str, honest: object) -> dict[str, object]:
    setattr(phone, lie, honest)
    return phone.answer(passkeys.options(portal))


def test_a_challenge_is_answered_once(portal: Portal, phone: Authenticator) -> None:
    """PW 9."""
    asked = passkeys.options(portal)
    assert passkeys.sign_in(portal, phone.answer(asked)).status == 201
    assert passkeys.sign_in(portal, phone.answer(asked)).json["code"] == "passkey_not_accepted"
    assert passkeys.sign_in(portal, phone.answer(passkeys.options(portal))).status == 201


def test_an_answer_is_replayed_in_vain_by_a_passkey_that_does_not_count(portal: Portal, person: Person) -> None:
    """Those in the cloud always say 0: the challenge alone tells a replay."""
    authenticator = Authenticator()
    passkeys.bind(person, authenticator)
    authenticator.count = -1
    answer = authenticator.answer(passkeys.options(portal))
    assert [passkeys.sign_in(portal, answer).status for _ in range(3)] == [201, 401, 401]


def test_a_challenge_lasts_five_minutes(portal: Portal, phone: Authenticator) -> None:
    """PW 9."""
    early, late = passkeys.options(portal), passkeys.options(portal)
    portal.advance(minutes=4, seconds=59)
    assert passkeys.sign_in(portal, phone.answer(early)).status == 201
    portal.advance(seconds=1)
    assert passkeys.sign_in(portal, phone.answer(late)).status == 401


def test_a_challenge_for_one_thing_is_none_for_another(portal: Portal, person: Person, phone: Authenticator) -> None:
    making = person.call("POST", "/v1/me/passkeys/options").json
    assert passkeys.sign_in(portal, phone.answer({**making, "rpId": "localhost"})).status == 401
    asked = passkeys.options(portal)
    assert passkeys.send(person, Authenticator().make({**asked, "rp": {"id": "localhost"}})).status == 422
    other = portal.register()
    factors.step_up(other)
    theirs = other.call("POST", "/v1/me/passkeys/options").json
    assert passkeys.send(person, Authenticator().make(theirs)).status == 422


def test_a_copy_that_did_not_count_on_is_refused(portal: Portal, phone: Authenticator) -> None:
    """PW 9: the sign counter."""
    for _ in range(2):
        assert passkeys.sign_in(portal, phone.answer(passkeys.options(portal))).status == 201
    phone.count = 1
    assert passkeys.sign_in(portal, phone.answer(passkeys.options(portal))).status == 401


def test_another_key_or_an_unknown_passkey_signs_nobody_in(portal: Portal, phone: Authenticator) -> None:
    thief = Authenticator(credential_id=phone.credential_id)
    assert passkeys.sign_in(portal, thief.answer(passkeys.options(portal))).status == 401
    assert passkeys.sign_in(portal, Authenticator().answer(passkeys.options(portal))).status == 401


@pytest.mark.parametrize("part", ["clientDataJSON", "authenticatorData", "signature"])
@pytest.mark.parametrize("sent", [None, "", "AAAA", "é", 7, {}])
def test_what_is_no_answer_at_all_is_refused(portal: Portal, phone: Authenticator, part: str, sent: object) -> None:
    answer = phone.answer(passkeys.options(portal))
    answer["response"][part] = sent
    assert passkeys.sign_in(portal, answer).status == 401


def test_wrong_answers_are_limited_for_each_source_address(portal: Portal, phone: Authenticator) -> None:
    address = fresh_address()
    statuses = [
        passkeys.sign_in(portal, Authenticator().answer(passkeys.options(portal)), source_ip=address).status
        for _ in range(11)
    ]
    assert statuses == [401] * 10 + [429]


def test_a_passkey_is_one_accounts(portal: Portal, person: Person, phone: Authenticator) -> None:
    other = portal.register()
    factors.step_up(other)
    taken = passkeys.send(other, phone.make(other.call("POST", "/v1/me/passkeys/options").json))
    assert (taken.status, taken.json["code"]) == (409, "conflict")
    assert (
        passkeys.sign_in(portal, phone.answer(passkeys.options(portal))).json["account"]["username"] == person.username
    )


def test_binding_is_done_once_for_a_key(person: Person) -> None:
    """AP 3: the codes are shown once, in the first answer."""
    factors.step_up(person)
    asked = person.call("POST", "/v1/me/passkeys/options").json
    credential, key = Authenticator().make(asked), str(uuid.uuid4())
    first, again = (passkeys.send(person, credential, key=key) for _ in range(2))
    assert (first.status, again.status) == (201, 201)
    assert first.json["passkey_id"] == again.json["passkey_id"]
    assert (len(first.json["recovery_codes"]), again.json["recovery_codes"]) == (10, None)
    refused = passkeys.send(person, credential)
    assert [error["code"] for error in refused.json["errors"]] == ["passkey_not_accepted"]


def test_passkeys_are_bound_and_removed_only_after_a_step_up(portal: Portal, person: Person) -> None:
    passkey_id = passkeys.bind_in(person)
    for method, path in (("POST", "/v1/me/passkeys/options"), ("DELETE", f"/v1/me/passkeys/{passkey_id}")):
        assert person.call(method, path).json["code"] == "step_up_required"


def test_a_passkey_steps_its_owner_up_and_nobody_else(portal: Portal, person: Person, phone: Authenticator) -> None:
    """ID 9."""
    portal.advance(minutes=6)
    refused = factors.step_up(person, password=PASSWORD)
    assert refused.json["code"] == "second_factor_required"
    other = portal.register()
    stranger = factors.step_up(other, passkey=phone.answer(passkeys.options(portal)))
    assert [error["pointer"] for error in stranger.json["errors"]] == ["/passkey"]
    old = person.token
    assert factors.step_up(person, passkey=phone.answer(passkeys.options(portal))).status == 201
    assert not is_signed_in(portal, old)


def test_who_removes_the_last_passkey_signs_in_with_the_password_again(
    portal: Portal, person: Person, phone: Authenticator
) -> None:
    first, second = Authenticator(), phone
    portal.advance(seconds=1)
    passkeys.send(person, first.make(person.call("POST", "/v1/me/passkeys/options").json))
    newest, oldest = (item["passkey_id"] for item in person.get("/v1/me/passkeys").json["items"])
    assert person.call("DELETE", f"/v1/me/passkeys/{newest}").status == 204
    assert passkeys.sign_in(portal, first.answer(passkeys.options(portal))).status == 401
    assert passkeys.sign_in(portal, second.answer(passkeys.options(portal))).status == 201
    assert portal.sign_in(person.username, source_ip=fresh_address()).status == 202
    assert person.call("DELETE", f"/v1/me/passkeys/{oldest}").status == 204
    assert person.call("DELETE", f"/v1/me/passkeys/{oldest}").status == 404
    assert portal.sign_in(person.username, source_ip=fresh_address()).status == 201
    assert person.get("/v1/me/mfa").json["recovery_codes_left"] == 0


def test_nobody_has_more_than_ten_passkeys(person: Person) -> None:
    for _ in range(10):
        passkeys.bind_in(person)
    factors.step_up(person)
    refused = passkeys.send(person, passkeys_again(person))
    assert (refused.status, refused.json["code"]) == (409, "passkey_limit_reached")


def test_every_address_is_told_of_a_new_passkey(portal: Portal, person: Person, phone: Authenticator) -> None:
    assert [email.subject for email in portal.emails(person.patient.email)].count("How you sign in was changed") == 1
