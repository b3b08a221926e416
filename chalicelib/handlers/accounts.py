"""One's own account."""

from chalicelib import errors
from chalicelib.domain.access import ACCOUNT, OPTIONAL
from chalicelib.handlers.routing import Answer, Call, Routes, etag
from chalicelib.handlers.sessions import session_answer, shape_account
from chalicelib.schemas import accounts as shapes
from chalicelib.services import accounts, links, passwords

routes = Routes(__name__)


@routes.post(
    "/v1/email-verifications",
    OPTIONAL,
    status=204,
    limits_refusals=True,
    errors=(errors.NotFound, errors.LinkEnded, errors.IdentityNotConfirmed, errors.EmailTaken),
)
def verify_email(call: Call, body: shapes.EmailVerification) -> Answer:
    """Confirm an email address with the token of its link."""
    birth_date = body.date_of_birth.isoformat() if body.date_of_birth else None
    links.verify_email(body.token, birth_date, call.actor)
    return Answer()


@routes.get("/v1/me", ACCOUNT, answer=shapes.Account, tells_version=True)
def read_me(call: Call) -> Answer:
    """Read your account."""
    account = accounts.read(call.actor)
    return Answer(shape_account(account), headers=etag(account.version))


@routes.patch("/v1/me", ACCOUNT, answer=shapes.Account, edits=True, tells_version=True)
def edit_me(call: Call, body: shapes.AccountEdit) -> Answer:
    """Change the language or the time zone of your account."""
    changes = body.model_dump(exclude_none=True)
    account = accounts.edit(call.actor, call.expected_version, changes)
    return Answer(shape_account(account), headers=etag(account.version))


@routes.post("/v1/me/email/resend", ACCOUNT, status=204, errors=(errors.TooManyRequests,))
def resend_confirmation(call: Call) -> Answer:
    """Have the confirmation of your email address sent again, if it still waits for you."""
    accounts.resend_confirmation(call.actor)
    return Answer()


@routes.put("/v1/me/password", ACCOUNT, answer=shapes.Session, errors=(errors.TooManyRequests,))
def change_password(call: Call, body: shapes.PasswordChange) -> Answer:
    """Change your password: every session ends, and you get a new one."""
    signed_in, transport = passwords.change(
        call.actor, body.current_password.get_secret_value(), body.new_password.get_secret_value()
    )
    return session_answer(signed_in, transport, status=200)
