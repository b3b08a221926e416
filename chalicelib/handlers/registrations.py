"""Registering: saying and proving who one is, and opening the account."""

from chalicelib import errors
from chalicelib.auth.sessions import Transport
from chalicelib.clock import read_stamp
from chalicelib.domain.access import PUBLIC
from chalicelib.domain.clinic_settings import Feature
from chalicelib.domain.notices import Channel
from chalicelib.domain.registration import (
    ActivationClaim,
    Claim,
    ClinicNumberClaim,
    IdentityClaim,
    InvitationClaim,
    Person,
)
from chalicelib.domain.security_questions import SecurityAnswer
from chalicelib.handlers import cookies
from chalicelib.handlers.routing import Answer, Call, Routes, path_id
from chalicelib.handlers.sessions import session_answer
from chalicelib.schemas import accounts as account_shapes
from chalicelib.schemas import registrations as shapes
from chalicelib.services import activation_requests, new_accounts, registrations

routes = Routes(__name__)


@routes.post(
    "/v1/registrations",
    PUBLIC,
    feature=Feature.REGISTRATION,
    status=201,
    answer=shapes.Registration,
    errors=(errors.IdentityNotConfirmed, errors.BelowMinimumAge, errors.RecordClosed, errors.TooManyRequests),
)
def register(call: Call, body: shapes.NewRegistration) -> Answer:
    """Prove who you are, or have a code sent to the contact that the clinic has on file."""
    given = body.root
    wanted = registrations.Wanted(given.email, given.mobile_phone, call.language)
    started = registrations.start(_claim(body), wanted, call.source_ip)
    return Answer(
        shapes.Registration(
            registration_id=started.registration_id,
            registration_token=started.registration_token,
            expires_at=read_stamp(started.expires_at),
            terms_version=started.terms_version,
            code_sent_to=started.code_sent_to,
        )
    )


def _claim(body: shapes.NewRegistration) -> Claim:
    given = body.root
    person = Person(given.first_name, given.last_name, given.date_of_birth)
    match given:
        case shapes.ActivationCodeRegistration():
            return ActivationClaim(person, given.clinic_number, given.activation_code)
        case shapes.ClinicNumberRegistration():
            return ClinicNumberClaim(person, given.clinic_number)
        case shapes.InvitationRegistration():
            return InvitationClaim(person, given.invitation_token)
        case shapes.IdentityMatchRegistration():
            return IdentityClaim(person, given.phone_last4, given.ssn_last4)


@routes.post(
    "/v1/registrations/{registration_id}/code",
    PUBLIC,
    feature=Feature.REGISTRATION,
    status=202,
    answer=shapes.CodeSent,
    errors=(errors.NotFound, errors.RegistrationEnded, errors.TooManyRequests),
)
def resend_code(call: Call, body: shapes.CodeRequest) -> Answer:
    """Have a new code sent to the contact on file; the one before it is dead."""
    channel = Channel(body.channel) if body.channel else None
    sent_to = registrations.resend_code(path_id(call, "registration_id"), channel)
    return Answer(shapes.CodeSent(code_sent_to=sent_to))


@routes.post(
    "/v1/activation-code-requests",
    PUBLIC,
    feature=Feature.REGISTRATION,
    status=202,
    answer=shapes.ActivationCodeRequested,
    errors=(errors.TooManyRequests,),
)
def request_activation_code(call: Call, body: shapes.ActivationCodeRequest) -> Answer:
    """Have a new activation code sent to the contact that the clinic has on file, if there is one."""
    activation_requests.request(body.clinic_number, body.date_of_birth, call.source_ip)
    return Answer(shapes.ActivationCodeRequested())


@routes.post(
    "/v1/registrations/{registration_id}/account",
    PUBLIC,
    feature=Feature.REGISTRATION,
    status=201,
    answer=account_shapes.Session,
    limits_refusals=True,
    errors=(
        errors.NotFound,
        errors.RegistrationEnded,
        errors.LinkEnded,
        errors.UsernameTaken,
        errors.TermsOutdated,
        errors.IdentityNotConfirmed,
        errors.BelowMinimumAge,
        errors.RecordClosed,
        errors.CsrfTokenMissing,
    ),
)
def create_account(call: Call, body: account_shapes.NewAccount) -> Answer:
    """Open the account of a proved identity, and sign in."""
    if Transport(body.transport) is Transport.COOKIE:
        cookies.check_origin(call.request)
    chosen = new_accounts.NewAccount(
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
        code=body.code,
    )
    return session_answer(
        new_accounts.create(path_id(call, "registration_id"), body.registration_token, chosen), chosen.transport
    )
