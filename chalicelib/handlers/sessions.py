"""Signing in and out, and the list of sessions."""

from chalicelib import errors
from chalicelib.auth.sessions import Transport, csrf_token
from chalicelib.clock import now, read_stamp, stamp
from chalicelib.domain.access import ACCOUNT, PUBLIC
from chalicelib.domain.accounts import AccountView, SessionView
from chalicelib.domain.second_factors import Factor
from chalicelib.handlers import cookies, paging
from chalicelib.handlers.routing import Answer, Call, Routes, path_id
from chalicelib.schemas import accounts as shapes
from chalicelib.schemas import second_factors as factors
from chalicelib.services import devices, second_steps, sessions, step_up
from chalicelib.services.access import STEP_UP_LASTS
from chalicelib.services.accounts import SignedIn
from chalicelib.services.sessions import Attempt

routes = Routes(__name__)

_OTHER_PROOFS = 2
_DEVICE_SECONDS = round(devices.REMEMBERED.total_seconds())


@routes.post(
    "/v1/sessions",
    PUBLIC,
    status=201,
    answer=shapes.Session,
    other_statuses={202: factors.SecondStep},
    errors=(
        errors.WrongCredentials,
        errors.TooManyRequests,
        errors.CsrfTokenMissing,
        errors.SecondFactorRequired,
    ),
)
def sign_in(call: Call, body: shapes.SignIn) -> Answer:
    """Sign in with username and password; where the account has a second factor, 202 asks for the second step."""
    if Transport(body.transport) is Transport.COOKIE:
        cookies.check_origin(call.request)
    device_token = call.cookie(cookies.DEVICE) or call.header("x-device-token")
    attempt = Attempt(
        username=body.username,
        password=body.password.get_secret_value(),
        source_ip=call.source_ip,
        transport=Transport(body.transport),
        device_name=body.device_name,
        device_token=device_token,
    )
    opened = sessions.sign_in(attempt)
    if isinstance(opened, SignedIn):
        return session_answer(opened, attempt.transport)
    return Answer(factors.SecondStep(mfa_token=opened.mfa_token, methods=list(opened.methods)), status=202)


@routes.post(
    "/v1/sessions/mfa/challenge",
    PUBLIC,
    status=202,
    errors=(errors.SignInEnded, errors.TooManyRequests),
)
def send_code(call: Call, body: factors.SecondStepMessage) -> Answer:
    """Have a code for the second step sent to your confirmed email or phone, where the clinic allows it."""
    second_steps.send_code(second_steps.find(body.mfa_token), Factor(body.method), call.source_ip)
    return Answer()


@routes.post(
    "/v1/sessions/mfa",
    PUBLIC,
    status=201,
    answer=shapes.Session,
    errors=(errors.WrongCode, errors.SignInEnded, errors.TooManyRequests, errors.CsrfTokenMissing),
)
def finish_sign_in(call: Call, body: factors.SecondStepCode) -> Answer:
    """Sign in with the second step."""
    waiting = second_steps.find(body.mfa_token)
    transport = Transport(waiting.transport)
    if transport is Transport.COOKIE:
        cookies.check_origin(call.request)
    signed_in = second_steps.finish(
        waiting,
        Factor(body.method),
        body.code,
        remember_device=body.remember_device,
        source_ip=call.source_ip,
    )
    return session_answer(signed_in, transport)


@routes.post(
    "/v1/me/step-up",
    ACCOUNT,
    status=201,
    answer=shapes.Session,
    errors=(errors.SecondFactorRequired, errors.TooManyRequests),
)
def prove_again(call: Call, body: factors.StepUp) -> Answer:
    """Prove once more that it is you: a new session in the place of this one."""
    if [body.password, body.code, body.passkey].count(None) != _OTHER_PROOFS:
        raise errors.Invalid([errors.FieldError("/password", "one_proof_expected")])
    if body.password is not None:
        return session_answer(*step_up.by_password(call.actor, body.password.get_secret_value()))
    if body.passkey is not None:
        return session_answer(*step_up.by_passkey(call.actor, body.passkey.model_dump()))
    return session_answer(*step_up.by_code(call.actor, Factor(body.method), body.code or ""))


@routes.post(
    "/v1/sessions/refresh",
    PUBLIC,
    status=201,
    answer=shapes.Session,
    limits_refusals=True,
    errors=(errors.SessionEnded, errors.CsrfTokenMissing),
)
def refresh(call: Call, body: shapes.Refresh) -> Answer:
    """Get the next tokens of a session."""
    if body.refresh_token is not None:
        return session_answer(sessions.refresh(body.refresh_token, Transport.BEARER), Transport.BEARER)
    token = call.cookie(cookies.REFRESH)
    if token is None:
        raise errors.SessionEnded
    call.require_csrf(sessions.session_id_of(token))
    return session_answer(sessions.refresh(token, Transport.COOKIE), Transport.COOKIE)


@routes.get("/v1/sessions", ACCOUNT, answer=shapes.SessionPage)
def list_sessions(call: Call, query: shapes.SessionsQuery) -> Answer:
    """List where you are signed in."""
    page, next_cursor = paging.page(call, sessions.find_all(call.actor), _place, query)
    return Answer(shapes.SessionPage(items=[_shape(session, call) for session in page], next_cursor=next_cursor))


@routes.get("/v1/sessions/current", ACCOUNT, answer=shapes.CurrentSession)
def read_current(call: Call) -> Answer:
    """Read the session of this call."""
    session = sessions.find_current(call.actor)
    return Answer(
        shapes.CurrentSession(
            session_id=session.session_id,
            transport=session.transport,
            csrf_token=csrf_token(session.session_id),
            expires_at=session.expires_at,
            step_up_until=session.stepped_up_at + STEP_UP_LASTS if session.stepped_up_at else None,
        )
    )


@routes.delete("/v1/sessions/current", ACCOUNT, status=204)
def sign_out(call: Call) -> Answer:
    """Sign out here."""
    sessions.end(call.actor, call.actor.session_id or "")
    return Answer(headers={"Set-Cookie": [cookies.ended(cookies.ACCESS), cookies.ended(cookies.REFRESH)]})


@routes.delete("/v1/sessions/others", ACCOUNT, status=204)
def sign_out_others(call: Call) -> Answer:
    """Sign out everywhere else."""
    sessions.end_others(call.actor)
    return Answer()


@routes.delete("/v1/sessions/{session_id}", ACCOUNT, status=204, errors=(errors.NotFound,))
def end_session(call: Call) -> Answer:
    """Sign out one session of yours."""
    sessions.end(call.actor, path_id(call, "session_id"))
    return Answer()


def session_answer(signed_in: SignedIn, transport: Transport, status: int = 201) -> Answer:
    """A session as its transport hands it out: tokens in the body, or cookies that no script can read."""
    tokens = signed_in.tokens
    account = shape_account(signed_in.account)
    if transport is Transport.BEARER:
        body = shapes.Session(
            account=account,
            session_id=tokens.session_id,
            token_type="Bearer",  # noqa: S106  The type of a token.
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token,
            expires_in=tokens.expires_in,
            device_token=signed_in.device_token,
        )
        return Answer(body.model_dump_json(exclude_unset=True), status=status)
    left = max(0, round((read_stamp(tokens.session_expires_at) - now()).total_seconds()))
    set_cookies = [cookies.write(cookies.ACCESS, tokens.access_token, tokens.expires_in)]
    if tokens.refresh_token is not None:
        set_cookies.append(cookies.write(cookies.REFRESH, tokens.refresh_token, left))
    if signed_in.device_token is not None:
        set_cookies.append(cookies.write(cookies.DEVICE, signed_in.device_token, _DEVICE_SECONDS))
    body = shapes.Session(
        account=account, session_id=tokens.session_id, expires_in=tokens.expires_in, csrf_token=tokens.csrf_token
    )
    # What a cookie session has not is not null but not there: no script shall even look for a token.
    return Answer(body.model_dump_json(exclude_unset=True), status=status, headers={"Set-Cookie": set_cookies})


def shape_account(account: AccountView) -> shapes.Account:
    """An account as its holder sees it."""
    return shapes.Account(
        account_id=account.account_id,
        patient_id=account.patient_id,
        username=account.username,
        email=account.email,
        email_verified=account.email_verified,
        pending_email=account.pending_email,
        mobile_phone=account.mobile_phone,
        mobile_phone_verified=account.mobile_phone_verified,
        pending_mobile_phone=account.pending_mobile_phone,
        language=account.language,
        time_zone=account.time_zone,
        roles=[*(["patient"] if account.patient_id else []), *account.roles],
    )


def _place(session: SessionView) -> str:
    return f"{stamp(session.created_at)}#{session.session_id}"


def _shape(session: SessionView, call: Call) -> shapes.SessionRow:
    return shapes.SessionRow(
        session_id=session.session_id,
        device_name=session.device_name,
        transport=session.transport,
        created_at=session.created_at,
        last_refreshed_at=session.refreshed_at,
        expires_at=session.expires_at,
        current=session.session_id == call.actor.session_id,
    )
