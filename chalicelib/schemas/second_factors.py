"""Shapes of second factors and of proving once more who one is."""

from typing import Annotated, Literal

from pydantic import Field

from chalicelib.schemas.accounts import Password, Token
from chalicelib.schemas.base import Body, Instant, Shape, Text
from chalicelib.schemas.passkeys import Assertion

Code = Annotated[Text, Field(min_length=1, max_length=50)]
"""A code as somebody types it."""


class SecondStep(Shape):
    """What signing in goes on with."""

    mfa_token: str = Field(description="Good for 10 minutes and 5 wrong codes, and for one session.")
    methods: list[str] = Field(
        description="`totp` and `recovery_code` are codes for POST /v1/sessions/mfa; for `email` and `sms` ask for one "
        "first, at POST /v1/sessions/mfa/challenge; with `passkey` sign in at POST /v1/sessions/passkey instead."
    )


class SecondStepMessage(Body):
    """Where a code for the second step shall go."""

    mfa_token: Token
    method: Literal["email", "sms"]


class SecondStepCode(Body):
    """The second step of signing in."""

    mfa_token: Token
    method: Literal["totp", "recovery_code", "email", "sms"]
    code: Code
    remember_device: bool = Field(default=False, description="Ask for no second step on this device for 30 days.")


class StepUp(Body):
    """The password; or, where a second factor is bound, one of its codes or a passkey."""

    password: Password | None = None
    method: Literal["totp", "recovery_code"] = "totp"
    code: Code | None = None
    passkey: Assertion | None = Field(
        default=None, description="What the browser answers to the options of POST /v1/sessions/passkey/options."
    )


class TotpSetUp(Shape):
    """What an authenticator app is set up with."""

    secret: str = Field(description="Base32, for apps that cannot read the QR code.")
    otpauth_uri: str
    qr_svg: str = Field(description="The URI as a QR code: an SVG element.")


class TotpCode(Body):
    """A code of the app that was set up."""

    code: Code


class RecoveryCodes(Shape):
    """Recovery codes, shown this once; each signs in once when the app is lost."""

    recovery_codes: list[str]


class Method(Shape):
    """One second factor."""

    method: str
    created_at: Instant


class SecondFactors(Shape):
    """What is bound."""

    enabled: bool
    methods: list[Method]
    recovery_codes_left: int
