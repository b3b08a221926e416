"""Shapes of registering, signing in and one's own account."""

from datetime import date
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, SecretStr, WithJsonSchema

from chalicelib import words
from chalicelib.domain import identity
from chalicelib.schemas.base import Body, FieldProblem, Instant, PageQuery, Shape, Text

_PASSWORD_SENT = 4096
"""Characters of a password that are read at all; the rule of 256 is told by its own code."""


def _email(text: str) -> str:
    try:
        return identity.parse_email(text).display
    except identity.NotAnEmail:
        raise FieldProblem("email_expected") from None


def _phone(text: str) -> str:
    try:
        return identity.parse_phone(text)
    except identity.NotAPhone:
        raise FieldProblem("phone_expected") from None


def _zone(text: str) -> str:
    if text not in available_timezones():
        raise FieldProblem("zone_expected")
    return text


def _language(text: str) -> str:
    if text not in words.languages():
        raise FieldProblem("language_expected")
    return text


Email = Annotated[
    str,
    Field(max_length=320),
    AfterValidator(_email),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": 320}),
]
Phone = Annotated[
    str,
    Field(max_length=40),
    AfterValidator(_phone),
    WithJsonSchema({"type": "string", "maxLength": 40, "examples": ["+1 312 555 0142"]}),
]
Language = Annotated[str, Field(max_length=35), AfterValidator(_language)]
Password = Annotated[SecretStr, Field(max_length=_PASSWORD_SENT)]
Token = Annotated[str, Field(min_length=1, max_length=500)]
DeviceName = Annotated[Text, Field(max_length=100)]


class SecurityAnswer(Body):
    """An answer to one of the listed questions."""

    question_id: Annotated[Text, Field(min_length=1)]
    answer: SecretStr = Field(max_length=200)


class NewAccount(Body):
    """What somebody chooses for their account."""

    registration_token: Token
    username: Annotated[Text, Field(min_length=1)]
    password: Password
    security_answers: list[SecurityAnswer] = Field(default=[], max_length=10)
    terms_version: Text
    code: Text | None = None
    email: Email | None = None
    device_name: DeviceName | None = None
    transport: Literal["bearer", "cookie"] = "bearer"


class Account(Shape):
    """One's own account."""

    account_id: str
    patient_id: str | None
    username: str
    email: str | None
    email_verified: bool
    pending_email: str | None = Field(description="An address that waits to be confirmed.")
    mobile_phone: str | None
    mobile_phone_verified: bool
    pending_mobile_phone: str | None = Field(description="A number that waits for its code.")
    language: str
    time_zone: str
    roles: list[str]


class Session(Shape):
    """A session as it is handed out. A cookie session has a CSRF token and no others."""

    account: Account
    session_id: str
    token_type: Literal["Bearer"] | None = None
    access_token: str | None = None
    refresh_token: str | None = None
    expires_in: int = Field(description="Seconds until the access token ends.")
    csrf_token: str | None = None
    device_token: str | None = Field(
        default=None,
        description="Send it as X-Device-Token when signing in: strangers' wrong tries do not lock this device out.",
    )


class SignIn(Body):
    """Username and password."""

    username: Annotated[Text, Field(min_length=1)]
    password: Password
    device_name: DeviceName | None = None
    transport: Literal["bearer", "cookie"] = "bearer"


class Refresh(Body):
    """A refresh token; a cookie session sends none."""

    refresh_token: Token | None = None


class EmailVerification(Body):
    """The token of the link in a confirmation email."""

    token: Token
    date_of_birth: date | None = None


class AccountEdit(Body):
    """What may be changed of one's account by itself."""

    language: Language | None = None
    time_zone: Annotated[str, Field(max_length=64), AfterValidator(_zone)] | None = None


class PasswordChange(Body):
    """The password that is, and the one that shall be."""

    current_password: Password
    new_password: Password


class SessionRow(Shape):
    """One of one's sessions."""

    session_id: str
    device_name: str | None
    transport: str
    created_at: Instant
    last_refreshed_at: Instant
    expires_at: Instant
    current: bool


class SessionPage(Shape):
    """One's open sessions."""

    items: list[SessionRow]
    next_cursor: str | None


class CurrentSession(Shape):
    """The session of this very call."""

    session_id: str
    transport: str
    csrf_token: str
    expires_at: Instant
    step_up_until: Instant | None


class SessionsQuery(PageQuery):
    """How sessions are paged."""
