"""Passkeys in a real browser, with the virtual authenticator that chromium has for tests (CDP, WebAuthn; PW 9)."""

import json
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.program import Json, Program

if TYPE_CHECKING:
    from playwright.sync_api import Browser, CDPSession, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PASSWORD = "seven green teapots sing"
_MAKE = """async options => (await navigator.credentials.create(
    {publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options)})).toJSON()"""
_ANSWER = """async options => (await navigator.credentials.get(
    {publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options)})).toJSON()"""


@pytest.fixture
def page(browser: "Browser", program: Program) -> "Iterator[Page]":
    with browser.new_context() as context:
        page = context.new_page()
        # A passkey is bound to a name, and an address is none.
        page.goto(f"http://localhost:{program.portal}/v1/health")
        yield page


@pytest.fixture
def devices(page: "Page") -> "CDPSession":
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    return session


def add_authenticator(devices: "CDPSession", *, verifies: bool = True) -> str:
    """A telephone's authenticator; where it `verifies`, its owner is recognised."""
    told = {
        "protocol": "ctap2",
        "ctap2Version": "ctap2_1",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": verifies,
        "automaticPresenceSimulation": True,
    }
    added: str = devices.send("WebAuthn.addVirtualAuthenticator", {"options": told})["authenticatorId"]
    return added


def new_person(program: Program) -> Json:
    """A session of somebody new who has stepped up."""
    resource_id = f"passkey-{uuid.uuid4().hex[:8]}"
    patient = {
        "resourceType": "Patient",
        "id": resource_id,
        "identifier": [{"system": "https://test.example/mrn", "value": resource_id}],
        "name": [{"use": "official", "given": ["Ingrid"], "family": "Solberg"}],
        "birthDate": "1961-04-12",
        "telecom": [{"system": "email", "value": f"{resource_id}@example.org"}],
    }
    assert program.import_fhir(json.dumps(patient).encode()).json["refused"] == []
    (found,) = program.find_patients(resource_id)
    code = program.issue_code(found["patient_id"]).json["activation_code"]
    started = program.start_registration(found, code).json
    _, session = program.finish_registration(started, f"{resource_id}@example.org", PASSWORD)
    stepped_up: Json = program.must("POST", "/v1/me/step-up", {"password": PASSWORD}, token=session["access_token"])
    return stepped_up


def bind(program: Program, page: "Page", session: Json) -> Any:
    token = session["access_token"]
    options = program.must("POST", "/v1/me/passkeys/options", token=token)
    made = page.evaluate(_MAKE, options)
    return program.call(
        "POST", "/v1/me/passkeys", {**made, "name": "Phone"}, token=token, Idempotency_Key=str(uuid.uuid4())
    )


def answer(program: Program, page: "Page") -> Json:
    options = program.must("POST", "/v1/sessions/passkey/options")
    answered: Json = page.evaluate(_ANSWER, options)
    return answered


def test_a_passkey_that_a_browser_made_signs_its_owner_in(
    program: Program, page: "Page", devices: "CDPSession"
) -> None:
    authenticator = add_authenticator(devices)
    session = new_person(program)
    bound = bind(program, page, session)
    assert bound.status == 201, bound.body
    (kept,) = devices.send("WebAuthn.getCredentials", {"authenticatorId": authenticator})["credentials"]
    assert kept["isResidentCredential"]
    assert kept["rpId"] == "localhost"
    credential = answer(program, page)
    signed_in = program.must("POST", "/v1/sessions/passkey", credential)
    assert signed_in["account"]["account_id"] == session["account"]["account_id"]
    me = program.must("GET", "/v1/me", token=signed_in["access_token"])
    assert me["account_id"] == session["account"]["account_id"]
    again = program.call("POST", "/v1/sessions/passkey", credential)
    assert (again.status, again.json["code"]) == (401, "passkey_not_accepted")


def test_a_passkey_steps_its_owner_up(program: Program, page: "Page", devices: "CDPSession") -> None:
    add_authenticator(devices)
    session = new_person(program)
    assert bind(program, page, session).status == 201
    proof = {"passkey": answer(program, page)}
    stepped_up = program.must("POST", "/v1/me/step-up", proof, token=session["access_token"])
    current = program.must("GET", "/v1/sessions/current", token=stepped_up["access_token"])
    assert current["step_up_until"] is not None


def test_a_browser_that_cannot_tell_whose_finger_it_is_signs_nobody_in(
    program: Program, page: "Page", devices: "CDPSession"
) -> None:
    """User verification is required, and the authenticator keeps to it."""
    authenticator = add_authenticator(devices)
    assert bind(program, page, new_person(program)).status == 201
    devices.send("WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": False})
    options = program.must("POST", "/v1/sessions/passkey/options")
    refused = page.evaluate(
        "async options => { try { await (" + _ANSWER + ")(options) } catch (error) { return error.name } }", options
    )
    assert refused == "NotAllowedError"
    # A browser that was told to be less strict is refused by the portal.
    lax = page.evaluate(_ANSWER, {**options, "userVerification": "discouraged"})
    answered = program.call("POST", "/v1/sessions/passkey", lax)
    assert (answered.status, answered.json["code"]) == (401, "passkey_not_accepted")


def test_a_passkey_works_on_no_other_page(program: Program, page: "Page", devices: "CDPSession") -> None:
    """Another port of this machine is another origin, of the same relying party."""
    add_authenticator(devices)
    assert bind(program, page, new_person(program)).status == 201
    page.goto(f"http://localhost:{program.console}/")
    credential = answer(program, page)
    refused = program.call("POST", "/v1/sessions/passkey", credential)
    assert (refused.status, refused.json["code"]) == (401, "passkey_not_accepted")
