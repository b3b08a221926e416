"""Second factors of one's own account."""

from chalicelib import errors
from chalicelib.domain.access import ACCOUNT
from chalicelib.handlers.routing import Answer, Call, Routes
from chalicelib.schemas import second_factors as shapes
from chalicelib.services import second_factors

routes = Routes(__name__)


@routes.get("/v1/me/mfa", ACCOUNT, answer=shapes.SecondFactors)
def read_factors(call: Call) -> Answer:
    """Read which second factors you have."""
    found = second_factors.read(call.actor)
    methods = [shapes.Method(method=factor, created_at=since) for factor, since in found.since]
    left = found.recovery_codes_left
    return Answer(shapes.SecondFactors(enabled=bool(methods), methods=methods, recovery_codes_left=left))


@routes.post("/v1/me/mfa/totp", ACCOUNT, status=201, answer=shapes.TotpSetUp, step_up=True)
def begin_totp(call: Call) -> Answer:
    """Begin to set up an authenticator app."""
    made = second_factors.begin_totp(call.actor)
    return Answer(shapes.TotpSetUp(secret=made.secret, otpauth_uri=made.otpauth_uri, qr_svg=made.qr_svg))


@routes.post(
    "/v1/me/mfa/totp/confirm",
    ACCOUNT,
    answer=shapes.RecoveryCodes,
    errors=(errors.BindingEnded, errors.TooManyRequests, errors.Conflict),
)
def confirm_totp(call: Call, body: shapes.TotpCode) -> Answer:
    """Finish setting up an authenticator app with one of its codes."""
    return Answer(shapes.RecoveryCodes(recovery_codes=second_factors.confirm_totp(call.actor, body.code)))


@routes.delete(
    "/v1/me/mfa/totp",
    ACCOUNT,
    status=204,
    step_up=True,
    errors=(errors.NotFound, errors.SecondFactorRequired, errors.LongerPasswordNeeded, errors.Conflict),
)
def remove_totp(call: Call) -> Answer:
    """Sign in without your authenticator app from now on."""
    second_factors.remove_totp(call.actor)
    return Answer()


@routes.post(
    "/v1/me/mfa/recovery-codes",
    ACCOUNT,
    status=201,
    answer=shapes.RecoveryCodes,
    step_up=True,
    errors=(errors.NotFound, errors.Conflict),
)
def renew_recovery_codes(call: Call) -> Answer:
    """Get new recovery codes; the old ones work no more."""
    return Answer(shapes.RecoveryCodes(recovery_codes=second_factors.renew_recovery_codes(call.actor)))
