"""Codes of authenticator apps (RFC 6238: SHA-1, 6 digits, 30 seconds, which every app understands).

The secret is derived from the id of its row, so that no table holds it.
"""

import base64
from datetime import datetime

from chalicelib import clock
from chalicelib.auth import secrets

STEP_SECONDS = 30
DRIFT = 1
"""How many steps a telephone's clock may be fast or slow (PW 9)."""

_SECRET_BYTES = 20
"""What RFC 4226, section 4, recommends: 160 bits."""
_DIGITS = 6


def secret(factor_id: str) -> str:
    """The secret of a factor in base32, as people type it into an app that cannot read a QR code."""
    return base64.b32encode(secrets.derive("totp", factor_id, 0)[:_SECRET_BYTES]).decode()


def uri(factor_id: str, *, username: str, issuer: str) -> str:
    """The `otpauth` URI that an app reads (Google's Key Uri Format)."""
    from pyotp import TOTP  # noqa: PLC0415  Only who sets up an app or uses one pays for the library.

    return TOTP(secret(factor_id)).provisioning_uri(name=username, issuer_name=issuer)


def qr_svg(text: str) -> str:
    """A text as a QR code: an SVG element for a page, black on white whatever the page's colours are."""
    import segno  # noqa: PLC0415  Only who sets up an app pays for the library.

    return segno.make_qr(text, error="m").svg_inline(scale=4, dark="#000", light="#fff")


def find_counter(factor_id: str, code: str, at: datetime) -> int | None:
    """The counter that a code is of, if it is one of the present step or its neighbours; takes as long if it is not."""
    from pyotp import HOTP  # noqa: PLC0415  See uri().

    typed, now = "".join(code.split()), clock.epoch(at) // STEP_SECONDS
    of = HOTP(secret(factor_id), digits=_DIGITS)
    matching = [counter for counter in range(now - DRIFT, now + DRIFT + 1) if secrets.same(of.at(counter), typed)]
    return max(matching, default=None)
