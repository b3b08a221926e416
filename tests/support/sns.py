"""Notifications as Amazon SNS signs them, by a key of the tests' own: right, wrong and altered ones."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from chalicelib import clock
from chalicelib.settings import settings

# Written out here again, from "Verifying the signatures of Amazon SNS messages".
_SIGNED = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")


class Signer:
    """Somebody with a key, who claims to be SNS."""

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @cached_property
    def certificate(self) -> str:
        """The certificate of the key, in PEM."""
        name, now = x509.Name([]), datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .sign(self._key, hashes.SHA256())
        )
        return made.public_bytes(serialization.Encoding.PEM).decode()

    def notification(self, message: Mapping[str, Any] | str, *, version: str = "2", **changes: Any) -> dict[str, Any]:
        """A notification of the feedback topic; `changes` replace fields before it is signed."""
        told = {
            "Type": "Notification",
            "MessageId": str(uuid4()),
            "TopicArn": settings().feedback_topic_arn,
            "Message": message if isinstance(message, str) else json.dumps(message),
            "Timestamp": clock.stamp(clock.now()),
            "SignatureVersion": version,
            "SigningCertURL": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0a1b2c3d.pem",
            "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe",
            **changes,
        }
        signed = "".join(f"{name}\n{told[name]}\n" for name in _SIGNED if name in told).encode()
        algorithm = hashes.SHA1() if version == "1" else hashes.SHA256()  # noqa: S303  SNS's first version.
        told["Signature"] = base64.b64encode(self._key.sign(signed, padding.PKCS1v15(), algorithm)).decode()
        return told
