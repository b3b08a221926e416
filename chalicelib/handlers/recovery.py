"""Recovering an account: a new password by what the mailbox or the phone got, and the forgotten username."""

from chalicelib import errors
from chalicelib.domain.access import PUBLIC
from chalicelib.handlers.routing import Answer, Call, Routes, path_id
from chalicelib.schemas import recovery as shapes
from chalicelib.services import password_resets, username_reminders

routes = Routes(__name__)


@routes.post(
    "/v1/password-resets",
    PUBLIC,
    status=202,
    answer=shapes.PasswordReset,
    errors=(errors.TooManyRequests,),
)
def request_reset(call: Call, body: shapes.PasswordResetRequest) -> Answer:
    """Ask for a new password: a code and a link go to the account's own mailbox, else its phone."""
    requested = password_resets.request(body.identifier, call.source_ip)
    return Answer(shapes.PasswordReset(reset_id=requested.reset_id, expires_at=requested.expires_at))


@routes.post(
    "/v1/password-resets/{reset_id}/confirm",
    PUBLIC,
    status=204,
    limits_refusals=True,
    errors=(errors.ResetNotAccepted, errors.SecurityAnswerRequired),
)
def confirm_reset(call: Call, body: shapes.PasswordResetConfirmation) -> Answer:
    """Set a new password with the code or the link's token: every session ends."""
    password_resets.confirm(
        path_id(call, "reset_id"),
        otp=body.otp,
        token=body.token,
        new_password=body.new_password.get_secret_value(),
        security_answer=body.security_answer.get_secret_value() if body.security_answer else None,
    )
    return Answer()


@routes.post(
    "/v1/username-reminders", PUBLIC, status=202, answer=shapes.UsernameReminder, errors=(errors.TooManyRequests,)
)
def remind_of_username(call: Call, body: shapes.UsernameReminderRequest) -> Answer:
    """Have your username sent to the email address that you confirmed."""
    username_reminders.request(body.email, call.source_ip)
    return Answer(shapes.UsernameReminder())
