"""What people prove who they are with, beside the password (NIST SP 800-63B-4 §3.1), and the figures of it (PW 9)."""

from datetime import timedelta
from enum import StrEnum


class Factor(StrEnum):
    """What somebody proved who they are with."""

    PASSWORD = "password"  # noqa: S105  The name of a factor.
    TOTP = "totp"
    """A code of an authenticator app (RFC 6238)."""
    PASSKEY = "passkey"
    """With user verification it is two factors in one."""
    RECOVERY_CODE = "recovery_code"
    EMAIL = "email"
    SMS = "sms"


RECOVERY_CODES = 10
"""How many recovery codes somebody gets."""

MOST_PASSKEYS = 10
"""How many passkeys somebody may have: all of them are removed in one transaction."""

SIGN_IN_LASTS = timedelta(minutes=10)
"""How long the second step of signing in may take."""

TRUSTED = timedelta(days=30)
"""How long a device that somebody said to remember needs no second step: as long as a mobile device's session."""

WRONG_CODES = 5
"""Wrong codes after which a sign-in has to begin anew."""

BINDING_LASTS = timedelta(minutes=30)
"""How long setting up an authenticator app may take: people have to find, install and understand it."""
