"""Passkeys: binding them, and signing in with them."""

from chalicelib import errors
from chalicelib.auth.sessions import Transport
from chalicelib.domain.access import ACCOUNT, PUBLIC
from chalicelib.handlers import cookies, paging
from chalicelib.handlers.routing import Answer, Call, Routes, path_id
from chalicelib.handlers.sessions import session_answer
from chalicelib.schemas import passkeys as shapes
from chalicelib.schemas.accounts import Session
from chalicelib.services import passkeys
from chalicelib.services.passkeys import PasskeyView

routes = Routes(__name__)

_OPTIONS = {"type": "object", "required": ["challenge"]}
_OF_SIGN_IN = {"device_name", "transport"}


@routes.post("/v1/sessions/passkey/options", PUBLIC, answer_schema=_OPTIONS)
def sign_in_options(call: Call) -> Answer:
    """Get what a browser signs in with (PublicKeyCredentialRequestOptionsJSON); good for 5 minutes."""
    return Answer(passkeys.request_options())


@routes.post(
    "/v1/sessions/passkey",
    PUBLIC,
    status=201,
    answer=Session,
    errors=(errors.PasskeyNotAccepted, errors.TooManyRequests, errors.CsrfTokenMissing),
)
def sign_in(call: Call, body: shapes.PasskeySignIn) -> Answer:
    """Sign in with a passkey; no further step is asked for."""
    transport = Transport(body.transport)
    if transport is Transport.COOKIE:
        cookies.check_origin(call.request)
    device_token = call.cookie(cookies.DEVICE) or call.header("x-device-token")
    credential = body.model_dump(exclude=_OF_SIGN_IN)
    signed_in = passkeys.sign_in(credential, transport, (device_token, body.device_name), call.source_ip)
    return session_answer(signed_in, transport)


@routes.post("/v1/me/passkeys/options", ACCOUNT, answer_schema=_OPTIONS, step_up=True)
def creation_options(call: Call) -> Answer:
    """Get what a browser makes a passkey with (PublicKeyCredentialCreationOptionsJSON); good for 5 minutes."""
    return Answer(passkeys.creation_options(call.actor))


@routes.post(
    "/v1/me/passkeys",
    ACCOUNT,
    status=201,
    answer=shapes.BoundPasskey,
    creates=True,
    step_up=True,
    errors=(errors.PasskeyLimitReached, errors.Conflict, errors.NotFound),
)
def bind_passkey(call: Call, body: shapes.NewPasskey) -> Answer:
    """Sign in with a passkey from now on."""
    made = passkeys.bind(call.actor, body.model_dump(exclude={"name"}), body.name, call.once)
    return Answer(shapes.BoundPasskey(**_shape(made).model_dump(), recovery_codes=made.recovery_codes))


@routes.get("/v1/me/passkeys", ACCOUNT, answer=shapes.PasskeyPage)
def list_passkeys(call: Call, query: shapes.PasskeysQuery) -> Answer:
    """List your passkeys."""
    page, next_cursor = paging.page(call, passkeys.find_all(call.actor), _place, query)
    return Answer(shapes.PasskeyPage(items=[_shape(passkey) for passkey in page], next_cursor=next_cursor))


@routes.delete(
    "/v1/me/passkeys/{passkey_id}",
    ACCOUNT,
    status=204,
    step_up=True,
    errors=(errors.SecondFactorRequired, errors.LongerPasswordNeeded, errors.Conflict),
)
def remove_passkey(call: Call) -> Answer:
    """Sign in with a passkey no more."""
    passkeys.remove(call.actor, path_id(call, "passkey_id"))
    return Answer()


def _place(passkey: PasskeyView) -> str:
    return passkey.passkey_id


def _shape(passkey: PasskeyView) -> shapes.Passkey:
    return shapes.Passkey(
        passkey_id=passkey.passkey_id,
        name=passkey.name,
        created_at=passkey.created_at,
        last_used_at=passkey.last_used_at,
    )
