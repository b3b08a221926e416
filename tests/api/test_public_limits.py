"""Every public POST has its limit: what guesses or costs something cannot be tried without end."""

import pytest

from chalicelib.domain.access import PolicyKind
from chalicelib.errors import TooManyRequests
from chalicelib.handlers.operations import REGISTRY
from tests.support.crowd import fresh_address
from tests.support.portal import PASSWORD, Answer, Portal

PUBLIC = {PolicyKind.PUBLIC, PolicyKind.OPTIONAL}

UNLIMITED = {"passkeys_sign_in_options"}
"""A challenge is kept nowhere until it is used, and says nothing of anybody."""

ACCOUNT = {"registration_token": "x" * 43, "username": "nobody.at.all", "password": PASSWORD, "terms_version": "1"}
TRIES = {
    "accounts_verify_email": ("/v1/email-verifications", {"token": "lnk_nobodys.x"}),
    "sessions_refresh": ("/v1/sessions/refresh", {"refresh_token": "nobodys"}),
    "recovery_confirm_reset": (
        f"/v1/password-resets/rst_{'0' * 26}/confirm",
        {"otp": "12345678", "new_password": PASSWORD},
    ),
    "shares_read_manifest": (f"/v1/shl/{'A' * 64}", {"recipient": "Nobody", "passcode": "123456"}),
    "registrations_create_account": (f"/v1/registrations/reg_{'0' * 26}/account", ACCOUNT),
}


@pytest.mark.usefixtures("portal")
def test_every_public_operation_that_changes_anything_declares_its_limit() -> None:
    public = [operation for operation in REGISTRY if operation.policy.kind in PUBLIC and not operation.is_safe]
    limited = [one for one in public if one.limits_refusals or TooManyRequests in one.errors]
    assert {one.id for one in public} - {one.id for one in limited} == UNLIMITED
    assert {operation.id for operation in REGISTRY if operation.limits_refusals} == set(TRIES)


@pytest.mark.parametrize("operation_id", TRIES)
def test_a_network_that_is_refused_too_often_has_to_wait(portal: Portal, operation_id: str) -> None:
    path, body = TRIES[operation_id]
    address = fresh_address()

    def tried(source_ip: str = address) -> Answer:
        return portal.call("POST", path, body, source_ip=source_ip)

    statuses = [tried().status for _ in range(100)]
    assert {status for status in statuses if status not in {401, 404, 410, 422}} == set()
    late = tried()
    assert (late.status, late.json["code"]) == (429, "too_many_requests")
    assert 0 < int(late.header("retry-after") or 0) <= 300
    assert tried(fresh_address()).status == statuses[0]
    portal.advance(minutes=5)
    assert tried().status == statuses[0]


def test_what_is_done_counts_nothing(portal: Portal) -> None:
    address = fresh_address()
    person = portal.register()
    token = person.session["refresh_token"]
    for _ in range(110):
        portal.advance(seconds=1)
        answer = portal.call("POST", "/v1/sessions/refresh", {"refresh_token": token}, source_ip=address)
        assert answer.status == 201, answer.text
        token = answer.json["refresh_token"]
