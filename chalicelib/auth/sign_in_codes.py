"""Codes for the second step of signing in that go out in a message: derived, so that no table holds them."""

from chalicelib.auth import secrets
from chalicelib.domain.second_factors import Factor

_DIGITS = 8


def code(sign_in_id: str, method: Factor) -> str:
    """The code of one sign-in, sent by email or SMS: another one for each."""
    secret = secrets.derive(f"sign-in-code:{method}", sign_in_id, 0)
    return f"{int.from_bytes(secret) % 10**_DIGITS:0{_DIGITS}}"


def is_code(sign_in_id: str, method: Factor, typed: str) -> bool:
    """Whether somebody typed it, with or without spaces."""
    return secrets.same("".join(typed.replace("-", " ").split()), code(sign_in_id, method))
