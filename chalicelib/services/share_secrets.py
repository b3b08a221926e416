"""The secrets of a share, each derived from its id: the address of its manifest, the key of its files, and a PIN."""

import base64
import binascii
from itertools import count

from chalicelib import ids
from chalicelib.auth import secrets
from chalicelib.domain.shares import PIN_DIGITS, is_guessable
from chalicelib.models.shares import PREFIX, Share

_ID_BYTES = 16
_TOKEN_LENGTH = 64


def share_id_of(link_id: str) -> str:
    """The share that a link leads to: both have one number."""
    return f"{PREFIX}_{link_id.partition('_')[2]}"


def link_id_of(share_id: str) -> str:
    """The link that leads to a share."""
    return f"lnk_{share_id.partition('_')[2]}"


def file_key(share_id: str) -> bytes:
    """The 256 bits that the share's files are encrypted with."""
    return secrets.derive("share-files", share_id, 0)


def manifest_token(share_id: str) -> str:
    """What stands in the address of the manifest: the share's number and 256 bits, which the specification asks for.

    The number is written in 16 bytes, since an address must not be longer than 128 characters.
    """
    return secrets.encode(_number(share_id) + secrets.derive("share-manifest", share_id, 0))


def find_share_id(token: str) -> str | None:
    """The share whose manifest's token this is."""
    if len(token) != _TOKEN_LENGTH or not token.isascii():
        return None
    try:
        raw = base64.b64decode(token, altchars=b"-_", validate=True)
    except binascii.Error:
        return None
    share_id = ids.numbered_id(PREFIX, int.from_bytes(raw[:_ID_BYTES]))
    return share_id if secrets.same(manifest_token(share_id), token) else None


def made_pin(share_id: str) -> str:
    """The PIN of a share whose maker gave none: the first of those derived that nobody would guess."""
    pins = (
        f"{int.from_bytes(secrets.derive('share-pin', share_id, generation)) % 10**PIN_DIGITS:0{PIN_DIGITS}}"
        for generation in count()
    )
    return next(pin for pin in pins if not is_guessable(pin, ()))


def pin_hash(share_id: str, pin: str) -> str:
    """What is kept of a PIN of somebody's own: of two shares with one PIN it is not the same."""
    return secrets.keyed_hash("share-pin", f"{share_id}\x1f{pin}")


def is_right_pin(share: Share, typed: str) -> bool:
    """Whether somebody gave the PIN of a share; takes as long if it is not. Spaces and dashes are no part of it."""
    pin = "".join(typed.split()).replace("-", "")
    kept = share.pin_hash or pin_hash(share.share_id, made_pin(share.share_id))
    return secrets.same(pin_hash(share.share_id, pin), kept)


def _number(share_id: str) -> bytes:
    return ids.number_of(share_id).to_bytes(_ID_BYTES)
