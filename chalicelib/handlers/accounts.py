"""Registering and one's own account."""

from chalicelib import errors
from chalicelib.auth.sessions import Transport
from chalicelib.clock import read_stamp
from chalicelib.domain.access import ACCOUNT, OPTIONAL, PUBLIC
from chalicelib.domain.registration import Claim
from chalicelib.domain.security_questions import SecurityAnswer
from chalicelib.handlers import cookies
from chalicelib.handlers.routing import Answer, Call, Routes, etag, path_id
from chalicelib.handlers.sessions import session_answer, shape_account
from chalicelib.schemas import accounts as shapes
from chalicelib.services import accounts, links, passwords, registrations

routes = Routes(__name__)


@routes.post(
    "/v1/registrations",
    PUBLIC,
    status=201,
    answer=shapes.Registration,
    errors=(errors.IdentityNotConfirmed, errors.BelowMinimumAge, errors.RecordClosed),
)
def register(call: Call, body: shapes.NewRegistration) -> Answer:
    """Prove who you are with the clinic number and the activation code."""
    claim = Claim(body.clinic_number, body.activation_code, body.first_name, body.last_name, body.date_of_birth)
    started = registrations.start(claim, email=body.email, mobile_phone=body.mobile_phone)
    return Answer(
        shapes.Registration(
            registration_id=started.registration_id,
            registration_token=started.registration_token,
            expires_at=read_stamp(started.expires_at),
            terms_version=started.terms_version,
        )
    )


@routes.post(
    "/v1/registrations/{registration_id}/account",
    PUBLIC,
    status=201,
    answer=shapes.Session,
    errors=(
        errors.NotFound,
        errors.RegistrationEnded,
        errors.UsernameTaken,
        errors.TermsOutdated,
        errors.IdentityNotConfirmed,
        errors.CsrfTokenMissing,
    ),
)
def create_account(call: Call, body: shapes.NewAccount) -> Answer:
    """Open the account of a proved identity, and sign in."""
    if Transport(body.transport) is Transport.COOKIE:
        cookies.check_origin(call.request)
    chosen = accounts.NewAccount(
        username=body.username,
        password=body.password.get_secret_value(),
        security_answers=[
            SecurityAnswer(given.question_id, given.answer.get_secret_value()) for given in body.security_answers
        ],
        terms_version=body.terms_version,
        email=body.email,
        device_name=body.device_name,
        transport=Transport(body.transport),
        language=call.language,
    )
    return session_answer(
        accounts.create(path_id(call, "registration_id"), body.registration_token, chosen), chosen.transport
    )


@routes.post(
    "/v1/email-verifications",
    OPTIONAL,
    status=204,
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
