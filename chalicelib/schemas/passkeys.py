"""Shapes of passkeys: the JSON of WebAuthn (level 3, sections 5.1.8 to 5.1.10), whose names are its own."""

from typing import Annotated, Any, Literal

from pydantic import Field

from chalicelib.schemas.accounts import DeviceName
from chalicelib.schemas.base import Body, Instant, PageQuery, Shape

Base64Url = Annotated[str, Field(min_length=1, max_length=2000, pattern="^[A-Za-z0-9_-]+$")]
Part = dict[str, Any]
"""What the authenticator says; WebAuthn lets it grow, and the signature covers what counts."""


class Assertion(Body):
    """What a browser answers when somebody signs in with a passkey (AuthenticationResponseJSON)."""

    id: Base64Url
    rawId: Base64Url  # noqa: N815  The name in the standard.
    type: Literal["public-key"]
    response: Part = Field(description="`clientDataJSON`, `authenticatorData`, `signature`, `userHandle`.")
    authenticatorAttachment: str | None = Field(default=None, max_length=50)  # noqa: N815  As above.
    clientExtensionResults: Part = Field(default={})  # noqa: N815  As above.


class PasskeySignIn(Assertion):
    """The answer of a passkey, and how to sign in."""

    device_name: DeviceName | None = None
    transport: Literal["bearer", "cookie"] = "bearer"


class NewPasskey(Body):
    """What a browser answers when somebody makes a passkey (RegistrationResponseJSON), and a name for it."""

    id: Base64Url
    rawId: Base64Url  # noqa: N815  The name in the standard.
    type: Literal["public-key"]
    response: Part = Field(description="`clientDataJSON`, `attestationObject`, `transports`.")
    authenticatorAttachment: str | None = Field(default=None, max_length=50)  # noqa: N815  As above.
    clientExtensionResults: Part = Field(default={})  # noqa: N815  As above.
    name: DeviceName | None = None


class Passkey(Shape):
    """One of one's passkeys."""

    passkey_id: str
    name: str | None
    created_at: Instant
    last_used_at: Instant | None


class BoundPasskey(Passkey):
    """A new passkey."""

    recovery_codes: list[str] | None = Field(
        description="Shown this once, where this is the first second factor; not in a replay."
    )


class PasskeyPage(Shape):
    """One's passkeys."""

    items: list[Passkey]
    next_cursor: str | None


class PasskeysQuery(PageQuery):
    """How passkeys are paged."""
