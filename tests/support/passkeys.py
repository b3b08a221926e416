"""An authenticator in software: makes passkeys and answers with them as browsers do (WebAuthn level 3, section 6)."""

import base64
import hashlib
import json
import secrets
import uuid
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from chalicelib import clock, ids
from chalicelib.models import accounts
from chalicelib.models import passkeys as storage
from chalicelib.models.passkeys import Passkey
from chalicelib.models.transaction import transaction
from chalicelib.settings import settings
from tests.support import factors
from tests.support.crowd import fresh_address
from tests.support.portal import Answer, Person, Portal

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class Authenticator:
    """One passkey, on a telephone say. What it says of itself can be changed, as a thief's would be."""

    origin: str | None = None
    relying_party: str | None = None
    flags: int = PRESENT | VERIFIED
    count: int = 0
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def make(self, options: dict[str, Any]) -> dict[str, Any]:
        """What the browser sends for a new passkey."""
        data = self._data(options["rp"]["id"], self.flags | ATTESTED) + bytes(16)
        data += len(self.credential_id).to_bytes(2, "big") + self.credential_id + self._public_key()
        attested = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        told = self._told("webauthn.create", options)
        return self._credential({"clientDataJSON": encode(told), "attestationObject": encode(attested)})

    def answer(self, options: dict[str, Any]) -> dict[str, Any]:
        """What the browser sends to sign in."""
        self.count += 1
        data, told = self._data(options["rpId"], self.flags), self._told("webauthn.get", options)
        signed = self.key.sign(data + hashlib.sha256(told).digest(), ec.ECDSA(SHA256()))
        return self._credential(
            {
                "clientDataJSON": encode(told),
                "authenticatorData": encode(data),
                "signature": encode(signed),
                "userHandle": None,
            }
        )

    def _credential(self, response: dict[str, Any]) -> dict[str, Any]:
        known_as = encode(self.credential_id)
        return {
            "id": known_as,
            "rawId": known_as,
            "type": "public-key",
            "response": response,
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
        }

    def _data(self, relying_party: str, flags: int) -> bytes:
        known_as = hashlib.sha256((self.relying_party or relying_party).encode()).digest()
        return known_as + bytes([flags]) + self.count.to_bytes(4, "big")

    def _told(self, what: str, options: dict[str, Any]) -> bytes:
        origin = self.origin or min(settings().origins)
        return json.dumps({"type": what, "challenge": options["challenge"], "origin": origin}).encode()

    def _public_key(self) -> bytes:
        point = self.key.public_key().public_numbers()
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")})


def options(portal: Portal) -> dict[str, Any]:
    """What the portal asks a browser that signs in."""
    found: dict[str, Any] = portal.call("POST", "/v1/sessions/passkey/options").json
    return found


def new(person: Person, authenticator: Authenticator) -> dict[str, Any]:
    """What an authenticator answers to somebody who begins to bind it in a session beside theirs."""
    asked = factors.beside(person).call("POST", "/v1/me/passkeys/options")
    assert asked.status == 200, asked.text
    return authenticator.make(asked.json)


def send(person: Person, credential: dict[str, Any], *, key: str | None = None, **more: Any) -> Answer:
    """One try of somebody who has stepped up to bind a passkey."""
    headers = {"Idempotency-Key": key or str(uuid.uuid4())}
    return person.call("POST", "/v1/me/passkeys", {**credential, **more}, headers=headers)


def bind(person: Person, authenticator: Authenticator, **more: Any) -> Answer:
    """Somebody binds an authenticator."""
    assert factors.step_up(person).status == 201
    asked = person.call("POST", "/v1/me/passkeys/options")
    assert asked.status == 200, asked.text
    bound = send(person, authenticator.make(asked.json), **more)
    assert bound.status == 201, bound.text
    return bound


def bind_in(person: Person) -> str:
    """The id of one more passkey of somebody, without the steps by which it comes to be."""
    account = accounts.find_account(person.session["account"]["account_id"])
    assert account is not None
    passkey_id = ids.new_id("pky")
    passkey = Passkey(
        *storage.passkey_key(account.pk, passkey_id),
        passkey_id=passkey_id,
        credential_id=encode(secrets.token_bytes(32)),
        credential_hash=secrets.token_hex(32),
        public_key="AA",
        created_at=clock.stamp(clock.now()),
    )
    with transaction() as tx:
        storage.bind(tx, passkey)
    return passkey_id


def sign_in(portal: Portal, credential: dict[str, Any], **more: Any) -> Answer:
    """One try to sign in with what an authenticator answered."""
    source_ip, headers = more.pop("source_ip", None) or fresh_address(), more.pop("headers", {})
    return portal.call("POST", "/v1/sessions/passkey", {**credential, **more}, source_ip=source_ip, headers=headers)
