"""Secrets that are sent, derived instead of stored: HMAC(key outside the database, purpose, row id, generation).

See also RFC 5869.
"""

import base64
import hashlib
import hmac
import secrets

from chalicelib.clients import keys

TOKEN_BYTES = 32


def derive(purpose: str, row_id: str, generation: int) -> bytes:
    """The 256-bit secret of one purpose, row and generation.

    The worker that renders an email makes the same one again.
    """
    message = f"{row_id}\x1f{generation}".encode()
    return hmac.digest(keys.key(f"derived:{purpose}"), message, hashlib.sha256)


def keyed_hash(purpose: str, text: str) -> str:
    """A keyed SHA-256 of a text that must be looked up or compared and not be read back, in hexadecimal."""
    return hmac.new(keys.key(f"hash:{purpose}"), text.encode(), hashlib.sha256).hexdigest()


def random_token() -> str:
    """256 random bits as base64url."""
    return encode(secrets.token_bytes(TOKEN_BYTES))


def token_hash(token: str) -> str:
    """What is kept of a token: SHA-256 is enough for 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two secrets are equal, in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())


def encode(raw: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
