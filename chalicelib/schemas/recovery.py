"""Shapes of recovering an account: a new password, a forgotten username."""

from typing import Annotated

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from chalicelib.schemas.accounts import Email, Password, Token
from chalicelib.schemas.base import Body, FieldProblem, Instant, Shape, Text


class PasswordResetRequest(Body):
    """Whose password is forgotten."""

    identifier: str = Field(min_length=1, max_length=320, description="A username or an email address.")


class PasswordReset(Shape):
    """A reset that was asked for. It looks the same whether anybody has the identifier or not."""

    reset_id: str
    expires_at: Instant


class PasswordResetConfirmation(Body):
    """The code from the message or the token of its link, not both, and the password that shall be."""

    otp: Annotated[Text, Field(min_length=1)] | None = None
    token: Token | None = Field(default=None, validate_default=True)
    new_password: Password
    security_answer: SecretStr | None = Field(default=None, max_length=200)

    @field_validator("token")
    @classmethod
    def _check_one_is_given(cls, token: str | None, read: ValidationInfo) -> str | None:
        if "otp" in read.data and (token is None) == (read.data["otp"] is None):
            raise FieldProblem("otp_or_token_expected")
        return token


class UsernameReminderRequest(Body):
    """The address that was confirmed for the account."""

    email: Email


class UsernameReminder(Shape):
    """The request was taken; there is nothing more to say to whoever made it."""
