"""Second factors over HTTP: binding, signing in, proving anew, and losing one (PW 9, ID 9, SE 1)."""

import re
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from chalicelib import clock
from chalicelib.auth import sign_in_codes
from chalicelib.domain.second_factors import Factor
from chalicelib.domain.staff import Role
from chalicelib.models import accounts
from tests.support import factors, resets, times
from tests.support.crowd import fresh_address
from tests.support.people import appoint
from tests.support.portal import PASSWORD, Answer, Person, Portal
from tests.support.setting import setting
from tests.support.sign_in import Browser, confirm_email, is_signed_in

# In the middle of a step, so that no test runs across its edge.
NOON = times.NOON + timedelta(seconds=15)


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with clock.frozen(NOON):
        yield


@pytest.fixture
def person(portal: Portal) -> Person:
    return portal.register()


def problems(answer: Answer) -> list[tuple[str, str]]:
    return [(error["pointer"], error["code"]) for error in answer.json["errors"]]


def test_a_step_up_by_password_is_a_new_session_and_the_old_tokens_end(portal: Portal, person: Person) -> None:
    """SE 1, ID 9."""
    old = person.token
    assert person.get("/v1/sessions/current").json["step_up_until"] is None
    answer = factors.step_up(person)
    assert answer.status == 201
    assert {"access_token", "refresh_token", "token_type", "expires_in", "account"} <= answer.json.keys()
    assert not is_signed_in(portal, old)
    current = person.get("/v1/sessions/current").json
    assert current["step_up_until"] == times.shown(NOON + timedelta(minutes=5))
    assert len(person.get("/v1/sessions").json["items"]) == 1


def test_a_step_up_ends_after_five_minutes(portal: Portal, person: Person) -> None:
    """ID 9."""
    factors.step_up(person)
    portal.advance(minutes=4, seconds=59)
    assert person.call("POST", "/v1/me/mfa/totp").status == 201
    portal.advance(seconds=1)
    refused = person.call("POST", "/v1/me/mfa/totp")
    assert (refused.status, refused.json["code"]) == (403, "step_up_required")


def test_signing_in_is_no_step_up(portal: Portal, person: Person) -> None:
    token = portal.sign_in(person.username, source_ip=fresh_address()).json["access_token"]
    assert portal.call("POST", "/v1/me/mfa/totp", token=token).status == 403


def test_a_browser_steps_up_with_its_cookies(portal: Portal, person: Person) -> None:
    body = {"transport": "cookie"}
    browser = Browser(portal, portal.sign_in(person.username, source_ip=fresh_address(), body=body))
    before = browser.csrf_token
    answer = browser.call("POST", "/v1/me/step-up", {"password": PASSWORD})
    assert answer.status == 201
    assert "access_token" not in answer.json
    assert browser.csrf_token != before
    assert browser.call("POST", "/v1/me/mfa/totp").status == 201


def test_a_wrong_password_steps_nobody_up_and_is_limited(person: Person) -> None:
    """PW 5."""
    for _ in range(10):
        wrong = factors.step_up(person, password="a wrong guess of somebody")
        assert (wrong.status, problems(wrong)) == (422, [("/password", "wrong_password")])
    assert factors.step_up(person).status == 429


@pytest.mark.parametrize("proof", [{"method": "totp"}, {"password": PASSWORD, "code": "123456"}])
def test_a_step_up_takes_one_proof(person: Person, proof: dict[str, str]) -> None:
    answer = factors.step_up(person, **proof)
    assert problems(answer) == [("/password", "one_proof_expected")]


def test_an_app_is_set_up_with_a_real_uri_and_a_qr_code_of_it(person: Person) -> None:
    factors.step_up(person)
    begun = person.call("POST", "/v1/me/mfa/totp").json
    uri = urlsplit(begun["otpauth_uri"])
    assert (uri.scheme, uri.netloc, unquote(uri.path)) == ("otpauth", "totp", f"/Sample Clinic:{person.username}")
    assert parse_qs(uri.query) == {"secret": [begun["secret"]], "issuer": ["Sample Clinic"]}
    assert re.fullmatch("[A-Z2-7]{32}", begun["secret"])
    assert begun["qr_svg"].startswith("<svg")


def test_a_bound_app_is_listed_with_ten_recovery_codes_of_64_bits_or_more(portal: Portal, person: Person) -> None:
    """PW 9."""
    app = factors.bind(person)
    assert len(set(app.recovery_codes)) == 10
    for code in app.recovery_codes:
        assert 5 * len(code.replace("-", "")) >= 64
    found = person.get("/v1/me/mfa").json
    assert found == {
        "enabled": True,
        "methods": [{"method": "totp", "created_at": times.shown(NOON)}],
        "recovery_codes_left": 10,
    }


def test_no_table_holds_the_secret_or_a_recovery_code(portal: Portal, person: Person) -> None:
    """PW 9, DESIGN 4.4."""
    app = factors.bind(person)
    kept = repr(portal.rows("accounts")) + repr(portal.rows("audit")) + repr(portal.rows("outbox"))
    assert app.secret not in kept
    for code in app.recovery_codes:
        assert code not in kept
        assert code.replace("-", "") not in kept


def test_a_wrong_code_binds_nothing(portal: Portal, person: Person) -> None:
    factors.step_up(person)
    app = factors.set_up(person)
    wrong = factors.confirm(person, app.code(steps=2))
    assert problems(wrong) == [("/code", "wrong_code")]
    assert person.get("/v1/me/mfa").json["enabled"] is False
    assert portal.sign_in(person.username, source_ip=fresh_address()).status == 201


def test_codes_that_set_an_app_up_are_limited(person: Person) -> None:
    factors.step_up(person)
    app = factors.set_up(person)
    assert [factors.confirm(person, app.code(steps=2)).status for _ in range(11)] == [422] * 10 + [429]


def test_nothing_is_bound_that_was_not_begun_or_took_too_long(portal: Portal, person: Person) -> None:
    assert factors.confirm(person, "123456").json["code"] == "binding_ended"
    factors.step_up(person)
    app = factors.set_up(person)
    portal.advance(minutes=30)
    late = portal.sign_in(person.username, source_ip=fresh_address()).json["access_token"]
    answer = portal.call("POST", "/v1/me/mfa/totp/confirm", {"code": app.code()}, token=late)
    assert (answer.status, answer.json["code"]) == (410, "binding_ended")


def test_with_an_app_the_password_alone_signs_nobody_in(portal: Portal, person: Person) -> None:
    """PW 9."""
    app = factors.bind(person)
    portal.advance(seconds=30)
    answer = portal.sign_in(person.username, source_ip=fresh_address())
    assert answer.status == 202
    assert answer.json.keys() == {"mfa_token", "methods"}
    assert answer.json["methods"] == ["totp", "recovery_code"]
    signed_in = factors.finish(portal, answer.json["mfa_token"], app.code())
    assert signed_in.status == 201
    assert is_signed_in(portal, signed_in.json["access_token"])


def test_the_token_of_the_second_step_is_no_session(portal: Portal, person: Person) -> None:
    factors.bind(person)
    mfa_token = factors.begin(portal, person)
    for token in (mfa_token, f"{person.session['account']['account_id']}.{mfa_token}"):
        assert portal.call("GET", "/v1/me", token=token).status == 401


@pytest.mark.parametrize(("steps", "status"), [(-2, 401), (-1, 201), (0, 201), (1, 201), (2, 401)])
def test_a_code_of_the_step_before_or_after_works_and_no_other(
    portal: Portal, person: Person, steps: int, status: int
) -> None:
    """PW 9: one step of drift."""
    app = factors.bind(person)
    portal.advance(minutes=5)
    assert factors.finish(portal, factors.begin(portal, person), app.code(steps)).status == status


def test_no_code_works_twice_and_none_before_one_that_was_used(portal: Portal, person: Person) -> None:
    """PW 9: each counter once; the code that bound the app is used, too."""
    app = factors.bind(person)
    assert factors.finish(portal, factors.begin(portal, person), app.code()).status == 401
    portal.advance(minutes=5)
    assert factors.finish(portal, factors.begin(portal, person), app.code()).status == 201
    for steps in (0, -1):
        again = factors.finish(portal, factors.begin(portal, person), app.code(steps))
        assert (again.status, again.json["code"]) == (401, "wrong_code")
    assert factors.finish(portal, factors.begin(portal, person), app.code(1)).status == 201


def test_a_sign_in_is_finished_once(portal: Portal, person: Person) -> None:
    app = factors.bind(person)
    portal.advance(minutes=5)
    mfa_token = factors.begin(portal, person)
    assert factors.finish(portal, mfa_token, app.code()).status == 201
    again = factors.finish(portal, mfa_token, app.code(1))
    assert (again.status, again.json["code"]) == (401, "sign_in_ended")


def test_after_five_wrong_codes_the_right_one_fails_too(portal: Portal, person: Person) -> None:
    app = factors.bind(person)
    portal.advance(minutes=5)
    mfa_token = factors.begin(portal, person)
    answers = [factors.finish(portal, mfa_token, "000000") for _ in range(5)]
    assert [answer.json["code"] for answer in answers] == ["wrong_code"] * 5
    assert factors.finish(portal, mfa_token, app.code()).json["code"] == "sign_in_ended"


def test_a_second_step_has_ten_minutes(portal: Portal, person: Person) -> None:
    app = factors.bind(person)
    early, late = (factors.begin(portal, person) for _ in range(2))
    portal.advance(minutes=9, seconds=59)
    assert factors.finish(portal, early, app.code()).status == 201
    portal.advance(seconds=1)
    assert factors.finish(portal, late, app.code(1)).json["code"] == "sign_in_ended"


def test_a_second_step_ends_with_the_password_that_the_first_was_for(portal: Portal, person: Person) -> None:
    app = factors.bind(person)
    portal.advance(minutes=5)
    mfa_token = factors.begin(portal, person)
    body = {"current_password": PASSWORD, "new_password": "eleven blue kettles hum"}
    assert person.call("PUT", "/v1/me/password", body).status == 200
    assert factors.finish(portal, mfa_token, app.code()).json["code"] == "sign_in_ended"


@pytest.mark.parametrize("token", ["x", "mfa_1.x", f"mfa_{'0' * 26}.{'A' * 43}", "é.ü"])
def test_a_token_that_nobody_was_given_is_one_that_is_over(portal: Portal, token: str) -> None:
    assert factors.finish(portal, token, "123456").json["code"] == "sign_in_ended"


def test_wrong_codes_are_limited_for_each_account_and_in_a_day(portal: Portal, person: Person) -> None:
    """PW 5 for codes: whoever has the password gets no more guesses by signing in again."""
    app = factors.bind(person)
    portal.advance(minutes=5)
    for _ in range(5):
        statuses = []
        for _ in range(2):
            mfa_token = factors.begin(portal, person)
            statuses += [factors.finish(portal, mfa_token, "000000").status for _ in range(5)]
        assert statuses == [401] * 10
        refused = factors.finish(portal, factors.begin(portal, person), app.code())
        assert refused.status == 429
        portal.advance(minutes=5, seconds=1)
    refused = factors.finish(portal, factors.begin(portal, person), app.code())
    assert refused.status == 429
    assert int(refused.header("retry-after") or 0) > 80_000


def test_wrong_codes_are_limited_for_each_source_address(portal: Portal) -> None:
    address, statuses = fresh_address(), []
    for _ in range(3):
        person = portal.register()
        factors.bind(person)
        mfa_token = factors.begin(portal, person)
        statuses += [factors.finish(portal, mfa_token, "000000", source_ip=address).status for _ in range(4)]
    assert statuses == [401] * 10 + [429] * 2


def test_strangers_wrong_codes_do_not_lock_out_a_device_that_is_known(portal: Portal, person: Person) -> None:
    """PW 5."""
    known = {"X-Device-Token": person.session["device_token"]}
    app = factors.bind(person)
    portal.advance(minutes=5)
    for _ in range(2):
        mfa_token = factors.begin(portal, person)
        for _ in range(5):
            factors.finish(portal, mfa_token, "000000")
    mfa_token = factors.begin(portal, person, headers=known)
    assert factors.finish(portal, mfa_token, app.code()).status == 201


def test_a_recovery_code_signs_in_once_however_it_is_typed(portal: Portal, person: Person) -> None:
    """PW 9."""
    app = factors.bind(person)
    typed = app.recovery_codes[3].lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert factors.finish(portal, factors.begin(portal, person), typed, method="recovery_code").status == 201
    again = factors.finish(portal, factors.begin(portal, person), app.recovery_codes[3], method="recovery_code")
    assert (again.status, again.json["code"]) == (401, "wrong_code")
    assert person.get("/v1/me/mfa").json["recovery_codes_left"] == 9


def test_somebody_elses_recovery_code_is_worth_nothing(portal: Portal, person: Person) -> None:
    factors.bind(person)
    other = factors.bind(portal.register())
    answer = factors.finish(portal, factors.begin(portal, person), other.recovery_codes[0], method="recovery_code")
    assert answer.status == 401


def test_who_lost_the_app_signs_in_with_a_recovery_code_and_binds_a_new_one(portal: Portal, person: Person) -> None:
    lost = factors.bind(person)
    signed_in = factors.finish(portal, factors.begin(portal, person), lost.recovery_codes[0], method="recovery_code")
    person.session = signed_in.json
    assert factors.step_up(person, method="recovery_code", code=lost.recovery_codes[1]).status == 201
    app = factors.set_up(person)
    assert factors.confirm(person, app.code()).status == 200
    portal.advance(minutes=5)
    assert factors.finish(portal, factors.begin(portal, person), lost.code()).status == 401
    assert factors.finish(portal, factors.begin(portal, person), app.code()).status == 201


def test_renewed_recovery_codes_take_the_place_of_the_old(portal: Portal, person: Person) -> None:
    app = factors.bind(person)
    portal.advance(minutes=5)
    assert factors.step_up(person, code=app.code()).status == 201
    renewed = person.call("POST", "/v1/me/mfa/recovery-codes")
    assert renewed.status == 201
    new = renewed.json["recovery_codes"]
    assert len(new) == 10
    assert not set(new) & set(app.recovery_codes)
    finish = [
        factors.finish(portal, factors.begin(portal, person), code, method="recovery_code").status
        for code in (app.recovery_codes[0], new[0])
    ]
    assert finish == [401, 201]


def test_without_a_factor_there_are_no_recovery_codes(person: Person) -> None:
    factors.step_up(person)
    assert person.call("POST", "/v1/me/mfa/recovery-codes").status == 404


def test_with_an_app_a_step_up_takes_its_code_and_not_the_password(portal: Portal, person: Person) -> None:
    """ID 9."""
    app = factors.bind(person)
    portal.advance(minutes=10)
    refused = factors.step_up(person, password=PASSWORD)
    assert (refused.status, refused.json["code"]) == (403, "second_factor_required")
    wrong = factors.step_up(person, code="000000")
    assert problems(wrong) == [("/code", "wrong_code")]
    assert factors.step_up(person, code=app.code()).status == 201
    assert person.call("POST", "/v1/me/mfa/totp").status == 201


def test_codes_that_prove_anew_are_limited(portal: Portal, person: Person) -> None:
    app = factors.bind(person)
    portal.advance(minutes=5)
    assert [factors.step_up(person, code="000000").status for _ in range(11)] == [422] * 10 + [429]
    assert factors.step_up(person, code=app.code()).status == 429


def test_who_removes_the_app_signs_in_with_the_password_alone(portal: Portal, person: Person) -> None:
    app = factors.bind(person)
    portal.advance(minutes=10)
    assert person.call("DELETE", "/v1/me/mfa/totp").json["code"] == "step_up_required"
    factors.step_up(person, code=app.code())
    assert person.call("DELETE", "/v1/me/mfa/totp").status == 204
    assert person.call("DELETE", "/v1/me/mfa/totp").status == 404
    assert person.get("/v1/me/mfa").json == {"enabled": False, "methods": [], "recovery_codes_left": 0}
    assert portal.sign_in(person.username, source_ip=fresh_address()).status == 201


def test_every_address_is_told_when_a_factor_is_bound_or_removed(portal: Portal, person: Person) -> None:
    app = factors.bind(person)
    portal.advance(minutes=5)
    factors.step_up(person, code=app.code())
    person.call("DELETE", "/v1/me/mfa/totp")
    subjects = [email.subject for email in portal.emails(person.patient.email)]
    assert [subject for subject in subjects if subject == "How you sign in was changed"] == [
        "How you sign in was changed"
    ] * 2
    texts = [sms.text for sms in portal.aws.sent_sms() if "second step" in sms.text]
    assert len(texts) >= 2


def test_all_of_it_is_written_down(portal: Portal, person: Person) -> None:
    """AC 5."""
    app = factors.bind(person)
    portal.advance(minutes=5)
    mfa_token = factors.begin(portal, person)
    factors.finish(portal, mfa_token, "000000")
    factors.finish(portal, mfa_token, app.code())
    account_id = person.session["account"]["account_id"]
    actions = {row["action"]["S"] for row in portal.rows("audit") if row["pk"]["S"] == f"account#{account_id}"}
    assert actions >= {
        "session:step_up",
        "second_factor:begin",
        "second_factor:bind",
        "session:begin",
        "second_factor:refuse",
        "session:create",
    }


def trusting(portal: Portal, person: Person, app: factors.App, **more: object) -> str:
    """The token of a device that is signed in on and remembered."""
    portal.advance(minutes=5)
    body = {"device_name": "Ana's phone"}
    mfa_token = factors.begin(portal, person, body=body)
    answer = factors.finish(portal, mfa_token, app.code(), remember_device=True)
    assert answer.status == 201, answer.text
    person.session = answer.json
    token: str = answer.json["device_token"]
    return token


def sign_in_on(portal: Portal, person: Person, device_token: str, password: str = PASSWORD) -> int:
    headers = {"X-Device-Token": device_token}
    return portal.sign_in(person.username, password, headers=headers, source_ip=fresh_address()).status


def test_a_remembered_device_needs_no_second_step_for_thirty_days(portal: Portal, person: Person) -> None:
    token = trusting(portal, person, factors.bind(person))
    portal.advance(days=29, hours=23)
    assert sign_in_on(portal, person, token) == 201
    portal.advance(hours=1)
    assert sign_in_on(portal, person, token) == 202


def test_a_device_is_remembered_only_where_its_owner_says_so(portal: Portal, person: Person) -> None:
    app = factors.bind(person)
    portal.advance(minutes=5)
    answer = factors.finish(portal, factors.begin(portal, person), app.code())
    assert sign_in_on(portal, person, answer.json["device_token"]) == 202


def test_a_known_device_becomes_a_remembered_one(portal: Portal, person: Person) -> None:
    token = person.session["device_token"]
    app = factors.bind(person)
    portal.advance(minutes=5)
    mfa_token = factors.begin(portal, person, headers={"X-Device-Token": token})
    assert factors.finish(portal, mfa_token, app.code(), remember_device=True).status == 201
    assert sign_in_on(portal, person, token) == 201


def test_a_remembered_device_still_needs_the_right_password(portal: Portal, person: Person) -> None:
    token = trusting(portal, person, factors.bind(person))
    assert sign_in_on(portal, person, token, "a wrong guess of somebody") == 401


def test_staff_take_the_second_step_on_every_device(portal: Portal, person: Person) -> None:
    token = trusting(portal, person, factors.bind(person))
    appoint(person.session["account"]["account_id"], Role.BILLING)
    assert sign_in_on(portal, person, token) == 202


def test_remembered_devices_are_listed_and_each_can_be_forgotten(portal: Portal, person: Person) -> None:
    app = factors.bind(person)
    tokens = [trusting(portal, person, app) for _ in range(3)]
    items = person.get("/v1/me/trusted-devices").json["items"]
    assert [item["device_name"] for item in items] == ["Ana's phone"] * 3
    assert items[0]["trusted_at"] == times.shown(NOON + timedelta(minutes=15))
    assert items[0]["trusted_until"] == times.shown(NOON + timedelta(minutes=15, days=30))
    assert items[0]["device_id"] == tokens[2].split(".")[1]
    assert person.call("DELETE", f"/v1/me/trusted-devices/{items[0]['device_id']}").status == 204
    assert [sign_in_on(portal, person, token) for token in tokens] == [201, 201, 202]
    assert person.call("DELETE", f"/v1/me/trusted-devices/{items[0]['device_id']}").status == 404
    assert person.call("DELETE", "/v1/me/trusted-devices").status == 204
    assert [sign_in_on(portal, person, token) for token in tokens] == [202, 202, 202]
    assert person.get("/v1/me/trusted-devices").json["items"] == []


def test_another_password_ends_all_trust(portal: Portal, person: Person) -> None:
    token = trusting(portal, person, factors.bind(person))
    new = "eleven blue kettles hum"
    body = {"current_password": PASSWORD, "new_password": new}
    changed = person.call("PUT", "/v1/me/password", body)
    person.session = changed.json
    assert sign_in_on(portal, person, token, new) == 202
    assert person.get("/v1/me/trusted-devices").json["items"] == []


def test_another_factor_ends_all_trust(portal: Portal, person: Person) -> None:
    app = factors.bind(person)
    token = trusting(portal, person, app)
    portal.advance(minutes=5)
    factors.step_up(person, code=app.code())
    new = factors.set_up(person)
    assert factors.confirm(person, new.code()).status == 200
    assert sign_in_on(portal, person, token) == 202


def test_after_a_reset_the_second_step_is_still_asked_for_even_on_a_remembered_device(
    portal: Portal, person: Person
) -> None:
    """RC 5: who has the mailbox alone has not the account; and the reset itself signs nobody in."""
    app = factors.bind(person)
    token = trusting(portal, person, app)
    reset = resets.start(portal, person.username, person.patient.email)
    done = resets.confirm(portal, reset.reset_id, otp=reset.code)
    if done.status == 403:
        answer = resets.answer_to(portal, done)
        done = resets.confirm(portal, reset.reset_id, otp=reset.code, security_answer=answer)
    assert (done.status, done.body, done.header("set-cookie")) == (204, b"", None)
    assert sign_in_on(portal, person, token, resets.NEW) == 202
    portal.advance(minutes=5)
    mfa_token = factors.begin(portal, person, password=resets.NEW)
    assert factors.finish(portal, mfa_token, app.code()).status == 201


SHORT, TOO_SHORT = "mq7 zwv4", "mq7 zwv"


def change(person: Person, new: str) -> Answer:
    answer = person.call("PUT", "/v1/me/password", {"current_password": person.password, "new_password": new})
    if answer.status == 200:
        person.session, person.password = answer.json, new
    return answer


def test_with_a_second_factor_eight_characters_are_enough(portal: Portal, person: Person) -> None:
    """PW 1."""
    assert ("/new_password", "password_too_short") in problems(change(person, SHORT))
    factors.bind(person)
    assert ("/new_password", "password_too_short") in problems(change(person, TOO_SHORT))
    assert change(person, SHORT).status == 200
    assert portal.sign_in(person.username, SHORT, source_ip=fresh_address()).status == 202


def test_the_last_factor_stays_while_the_password_is_short(portal: Portal, person: Person) -> None:
    """PW 1."""
    app = factors.bind(person)
    change(person, SHORT)
    portal.advance(minutes=5)
    factors.step_up(person, code=app.code())
    refused = person.call("DELETE", "/v1/me/mfa/totp")
    assert (refused.status, refused.json["code"]) == (409, "longer_password_needed")
    change(person, "eleven blue kettles hum")
    portal.advance(minutes=5)
    factors.step_up(person, code=app.code())
    assert person.call("DELETE", "/v1/me/mfa/totp").status == 204


def told_of(portal: Portal, person: Person) -> list[str]:
    subjects = [email.subject for email in portal.emails(person.patient.email)]
    return [subject for subject in subjects if subject == "A new device signed in"]


def test_a_sign_in_on_a_new_device_is_told_within_a_minute_and_a_known_one_is_not(
    portal: Portal, person: Person
) -> None:
    """PW 8; opening the account is none."""
    assert told_of(portal, person) == []
    answer = portal.sign_in(person.username, source_ip=fresh_address())
    assert len(told_of(portal, person)) == 1
    assert any("new device" in sms.text for sms in portal.aws.sent_sms())
    sign_in_on(portal, person, answer.json["device_token"])
    assert len(told_of(portal, person)) == 1


def test_of_a_wrong_password_or_half_a_sign_in_nobody_is_told(portal: Portal, person: Person) -> None:
    app = factors.bind(person)
    portal.sign_in(person.username, "a wrong guess of somebody", source_ip=fresh_address())
    portal.advance(minutes=5)
    mfa_token = factors.begin(portal, person)
    assert told_of(portal, person) == []
    factors.finish(portal, mfa_token, app.code())
    assert len(told_of(portal, person)) == 1


def test_staff_without_a_second_factor_cannot_sign_in_and_hear_what_to_do(portal: Portal, person: Person) -> None:
    account = accounts.find_account(person.session["account"]["account_id"])
    assert account is not None
    account.update([accounts.Account.roles.set({Role.FRONT_DESK})])
    refused = portal.sign_in(person.username, source_ip=fresh_address())
    assert (refused.status, refused.json["code"]) == (403, "second_factor_required")
    assert portal.sign_in(person.username, "a wrong guess of somebody", source_ip=fresh_address()).status == 401
    assert factors.step_up(person).json["code"] == "second_factor_required"


def ask_for_code(portal: Portal, mfa_token: str, method: str = "email") -> Answer:
    asked = {"mfa_token": mfa_token, "method": method}
    return portal.call("POST", "/v1/sessions/mfa/challenge", asked, source_ip=fresh_address())


def codes_sent_to(portal: Portal, person: Person) -> list[str]:
    emails = [email for email in portal.emails(person.patient.email) if email.subject == "Your code to sign in"]
    return [re.findall(r"^(\d{8})$", email.text or "", re.MULTILINE)[0] for email in emails]


def test_a_code_in_an_email_is_a_second_step_where_the_clinic_allows_it(portal: Portal, person: Person) -> None:
    confirm_email(portal, person)
    factors.bind(person)
    answer = portal.sign_in(person.username, source_ip=fresh_address())
    assert answer.json["methods"] == ["totp", "recovery_code", "email"]
    mfa_token = answer.json["mfa_token"]
    assert ask_for_code(portal, mfa_token).status == 202
    (code,) = codes_sent_to(portal, person)
    assert code not in repr([portal.rows(area) for area in ("accounts", "outbox", "audit")])
    assert factors.finish(portal, mfa_token, f"{code[:4]} {code[4:]}", method="email").status == 201
    assert factors.finish(portal, mfa_token, code, method="email").json["code"] == "sign_in_ended"


def test_a_code_in_a_text_message_goes_to_the_confirmed_phone_alone(portal: Portal, person: Person) -> None:
    factors.bind(person)
    assert portal.sign_in(person.username, source_ip=fresh_address()).json["methods"] == ["totp", "recovery_code"]
    account = accounts.find_account(person.session["account"]["account_id"])
    assert account is not None
    account.update([accounts.Account.phone.set("+13125550199")])
    mfa_token = factors.begin(portal, person)
    assert ask_for_code(portal, mfa_token, "sms").status == 202
    portal.drain()
    sent = portal.aws.sent_sms()[-1]
    assert sent.to == "+13125550199"
    (code,) = re.findall(r"\d{8}", sent.text)
    assert factors.finish(portal, mfa_token, code, method="sms").status == 201


def test_a_code_is_of_one_sign_in_and_one_way(portal: Portal, person: Person) -> None:
    confirm_email(portal, person)
    factors.bind(person)
    mfa_token, other = (factors.begin(portal, person) for _ in range(2))
    assert ask_for_code(portal, mfa_token).status == ask_for_code(portal, other).status == 202
    code, _ = codes_sent_to(portal, person)
    assert factors.finish(portal, other, code, method="email").status == 401
    for method in ("sms", "totp", "recovery_code"):
        assert factors.finish(portal, mfa_token, code, method=method).status == 401
    assert factors.finish(portal, mfa_token, code, method="email").status == 201


def test_a_code_that_was_not_asked_for_is_none(portal: Portal, person: Person) -> None:
    confirm_email(portal, person)
    factors.bind(person)
    mfa_token = factors.begin(portal, person)
    code = sign_in_codes.code(mfa_token.split(".")[0], Factor.EMAIL)
    assert factors.finish(portal, mfa_token, code, method="email").status == 401


def test_no_code_goes_where_nothing_is_confirmed_or_the_clinic_does_not_allow_it(
    portal: Portal, person: Person
) -> None:
    factors.bind(person)
    refused = ask_for_code(portal, factors.begin(portal, person))
    assert problems(refused) == [("/method", "method_not_offered")]
    confirm_email(portal, person)
    mfa_token = factors.begin(portal, person)
    assert ask_for_code(portal, mfa_token).status == 202
    (code,) = codes_sent_to(portal, person)
    with setting("MFA_BY_MESSAGE", "off"):
        answer = portal.sign_in(person.username, source_ip=fresh_address())
        assert answer.json["methods"] == ["totp", "recovery_code"]
        assert problems(ask_for_code(portal, answer.json["mfa_token"])) == [("/method", "method_not_offered")]
        assert factors.finish(portal, mfa_token, code, method="email").status == 401


def test_five_codes_an_hour_go_out(portal: Portal, person: Person) -> None:
    confirm_email(portal, person)
    factors.bind(person)
    mfa_token = factors.begin(portal, person)
    assert [ask_for_code(portal, mfa_token).status for _ in range(6)] == [202] * 5 + [429]
    assert ask_for_code(portal, f"mfa_{'0' * 26}.{'A' * 43}").json["code"] == "sign_in_ended"
