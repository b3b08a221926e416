"""Files as JSON Web Encryption in compact form (RFC 7516), as SMART Health Links have them: one key, AES-256-GCM.

It is written as it is read, so that a long record needs little memory; what encrypts is the library's. Nothing is
compressed, which the specification leaves open: widely used readers refuse what is, or more of it than 250 KB.
"""

import base64
import os
from typing import IO, Final

import orjson

from chalicelib.auth import secrets

MEDIA_TYPE: Final = "application/jose"
_NONCE_BYTES: Final = 12
_CHUNK: Final = 3 << 18
"""Three bytes are four letters: parts of this size can be written one after the other."""


def encrypt(plain: IO[bytes], out: IO[bytes], key: bytes, content_type: str) -> None:
    """Write a file encrypted. Each call takes a nonce of its own, since one key serves a share's every file."""
    from cryptography.hazmat.primitives.ciphers import Cipher  # noqa: PLC0415  The API loads this and encrypts nothing.
    from cryptography.hazmat.primitives.ciphers.algorithms import AES  # noqa: PLC0415  As above.
    from cryptography.hazmat.primitives.ciphers.modes import GCM  # noqa: PLC0415  As above.

    nonce = os.urandom(_NONCE_BYTES)
    header = secrets.encode(orjson.dumps({"alg": "dir", "enc": "A256GCM", "cty": content_type})).encode()
    cipher = Cipher(AES(key), GCM(nonce)).encryptor()
    cipher.authenticate_additional_data(header)
    # Between the dots there would be the encrypted key: "dir" has none.
    out.write(header + b".." + secrets.encode(nonce).encode() + b".")
    while chunk := plain.read(_CHUNK):
        # A stream cipher: what comes out is as long as what goes in.
        out.write(base64.urlsafe_b64encode(cipher.update(chunk)).rstrip(b"="))
    cipher.finalize()
    out.write(b"." + secrets.encode(cipher.tag).encode())
