"""Changing one's own email, phone and username: each told to the old and the new address, and undone by link."""

from chalicelib import errors
from chalicelib.domain.access import ACCOUNT
from chalicelib.handlers.routing import Answer, Call, Routes
from chalicelib.handlers.sessions import shape_account
from chalicelib.schemas import accounts as account_shapes
from chalicelib.schemas import contact_changes as shapes
from chalicelib.services import accounts, email_changes, phones, usernames

routes = Routes(__name__)


@routes.post(
    "/v1/me/email",
    ACCOUNT,
    status=202,
    answer=account_shapes.Account,
    step_up=True,
    errors=(errors.TooManyRequests,),
)
def change_email(call: Call, body: shapes.EmailChange) -> Answer:
    """Have another email address confirmed; the old one stays yours until then."""
    email_changes.ask(call.actor, body.email)
    return _account(call)


@routes.delete("/v1/me/email/pending", ACCOUNT, status=204)
def cancel_email(call: Call) -> Answer:
    """Forget the email address that waits to be confirmed."""
    email_changes.cancel(call.actor)
    return Answer()


@routes.post(
    "/v1/me/phone",
    ACCOUNT,
    status=202,
    answer=account_shapes.Account,
    step_up=True,
    errors=(errors.TooManyRequests,),
)
def change_phone(call: Call, body: shapes.PhoneChange) -> Answer:
    """Have a code sent to a phone, which is yours once you typed the code."""
    phones.ask(call.actor, body.mobile_phone)
    return _account(call)


@routes.post("/v1/me/phone/confirm", ACCOUNT, answer=account_shapes.Account, errors=(errors.TooManyRequests,))
def confirm_phone(call: Call, body: shapes.PhoneConfirmation) -> Answer:
    """Make a phone yours with the code that it got."""
    phones.confirm(call.actor, body.code)
    return _account(call)


@routes.delete("/v1/me/phone", ACCOUNT, status=204, step_up=True, errors=(errors.LastAddress, errors.TooManyRequests))
def remove_phone(call: Call) -> Answer:
    """Take the phone off your account."""
    phones.remove(call.actor)
    return Answer()


@routes.put(
    "/v1/me/username",
    ACCOUNT,
    answer=account_shapes.Account,
    step_up=True,
    errors=(errors.UsernameTaken, errors.TooManyRequests),
)
def change_username(call: Call, body: shapes.UsernameChange) -> Answer:
    """Choose another username; the old one stays reserved for you while you can undo it."""
    usernames.change(call.actor, body.username)
    return _account(call)


def _account(call: Call) -> Answer:
    return Answer(shape_account(accounts.read(call.actor)))
