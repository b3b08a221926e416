"""Passkeys (WebAuthn level 3): what browsers are asked, and whether their answers are right (PW 9).

A challenge names itself: the id, whose ULID is the time, and a derived secret. Nothing is stored until it is used.
"""

import base64
import binascii
import ipaddress
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from chalicelib import clock, ids
from chalicelib.auth import secrets
from chalicelib.settings import settings

CHALLENGE_LASTS = timedelta(minutes=5)

_PREFIX = "wch"
_ID_BYTES = 30


class NotAPasskey(Exception):
    """What a browser sent is no right answer to the challenge; the cause says why."""


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """A passkey that a browser made; id and public key as base64url."""

    credential_id: str
    public_key: str
    sign_count: int


def new_challenge(purpose: str) -> bytes:
    """A challenge for one purpose; `find_challenge` knows it again."""
    return _challenge(ids.new_id(_PREFIX), purpose)


def find_challenge(credential: dict[str, Any], purpose: str) -> tuple[str, bytes]:
    """The id of the challenge that an answer is to, and the challenge itself.

    Raises NotAPasskey for one that is too old, of another purpose, or not the portal's.
    """
    try:
        told: object = json.loads(_decode(credential["response"]["clientDataJSON"]))["challenge"]
        sent = _decode(told)
        challenge_id = sent[:_ID_BYTES].decode()
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise NotAPasskey("clientDataJSON") from error
    if not ids.has_prefix(challenge_id, _PREFIX) or not secrets.same(
        secrets.encode(sent), secrets.encode(_challenge(challenge_id, purpose))
    ):
        raise NotAPasskey("challenge")
    if clock.now() >= ids.time_of(challenge_id) + CHALLENGE_LASTS:
        raise NotAPasskey("too late")
    return challenge_id, sent


def _challenge(challenge_id: str, purpose: str) -> bytes:
    return challenge_id.encode() + secrets.derive(f"passkey-challenge:{purpose}", challenge_id, 0)


def _decode(text: object) -> bytes:
    if not isinstance(text, str):
        raise TypeError
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ValueError from error


def relying_party() -> str:
    """The id that passkeys are bound to: the portal's host. No passkey can be bound to an address, but to localhost."""
    host = urlsplit(settings().portal_url).hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host
    return "localhost"


def creation_options(challenge: bytes, account_id: str, username: str, known: Iterable[str]) -> str:
    """What a browser makes a passkey with, as JSON; `known` are the ids of those that it shall not make again."""
    import webauthn  # noqa: PLC0415  400 ms that only who uses a passkey should pay.
    from webauthn.helpers import structs  # noqa: PLC0415  As above.

    options = webauthn.generate_registration_options(
        rp_id=relying_party(),
        rp_name=settings().clinic_name,
        user_id=account_id.encode(),
        user_name=username,
        challenge=challenge,
        timeout=round(CHALLENGE_LASTS.total_seconds() * 1000),
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[structs.PublicKeyCredentialDescriptor(id=_decode(one)) for one in known],
    )
    return webauthn.options_to_json(options)


def request_options(challenge: bytes) -> str:
    """What a browser signs in with, as JSON; whose passkey it is, the passkey says."""
    import webauthn  # noqa: PLC0415  As in creation_options().
    from webauthn.helpers import structs  # noqa: PLC0415  As above.

    options = webauthn.generate_authentication_options(
        rp_id=relying_party(),
        challenge=challenge,
        timeout=round(CHALLENGE_LASTS.total_seconds() * 1000),
        user_verification=structs.UserVerificationRequirement.REQUIRED,
    )
    return webauthn.options_to_json(options)


def check_new(credential: dict[str, Any], challenge: bytes) -> NewPasskey:
    """The passkey that a browser made for a challenge, with user verification. Raises NotAPasskey."""
    import webauthn  # noqa: PLC0415  As in creation_options().

    try:
        made = webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=relying_party(),
            expected_origin=sorted(settings().origins),
            require_user_verification=True,
        )
    except (
        Exception
    ) as error:  # What a stranger sends goes through parsers of JSON, CBOR and ASN.1, which raise their own.
        raise NotAPasskey from error
    return NewPasskey(
        secrets.encode(made.credential_id), secrets.encode(made.credential_public_key), int(made.sign_count)
    )


def check(credential: dict[str, Any], challenge: bytes, public_key: str, sign_count: int) -> int:
    """How often a passkey says that it was used, once its signature is right. Raises NotAPasskey.

    One that counts has to have counted on: else it may be a copy (WebAuthn level 3, section 6.1.1).
    """
    import webauthn  # noqa: PLC0415  As in creation_options().

    try:
        verified = webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=relying_party(),
            expected_origin=sorted(settings().origins),
            credential_public_key=_decode(public_key),
            credential_current_sign_count=sign_count,
            require_user_verification=True,
        )
    except Exception as error:  # As in check_new().
        raise NotAPasskey from error
    return int(verified.new_sign_count)
