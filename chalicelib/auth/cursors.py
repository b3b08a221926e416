"""Cursors of lists, encrypted (AES-SIV, RFC 5297) and bound to caller and query.

They tell nothing, and nobody can make one up.
"""

import base64
import binascii
from typing import TYPE_CHECKING

import orjson

from chalicelib.clients import keys
from chalicelib.errors import InvalidCursor

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV


def seal(position: list[str], binding: str) -> str:
    """A cursor for a position in the list that `binding` (caller, route and filters) stands for."""
    sealed = _cipher().encrypt(orjson.dumps(position), [binding.encode()])
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def unseal(cursor: str, binding: str) -> list[str]:
    """The position in a cursor. Raises InvalidCursor for one that was altered or belongs to another list."""
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415  Only a list of more than one page pays for the library.

    if "=" in cursor:
        raise InvalidCursor
    try:
        sealed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        position: list[str] = orjson.loads(_cipher().decrypt(sealed, [binding.encode()]))
    except (InvalidTag, binascii.Error, ValueError) as altered:
        raise InvalidCursor from altered
    return position


def _cipher() -> "AESSIV":
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV  # noqa: PLC0415  See unseal().

    return AESSIV(keys.key("cursors"))
