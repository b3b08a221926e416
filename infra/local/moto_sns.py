"""What moto's SNS leaves out: signatures that can be verified, and push endpoints that can be enabled again.

moto signs each notification with a key of its own, leaves its subject out of what is signed, and never reads the
texts in which an endpoint's attributes arrive.
"""

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache, wraps
from typing import Any
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from moto.sns.models import PlatformApplication, PlatformEndpoint, SNSBackend, Subscription

from chalicelib import clock

_HOST = "https://sns.us-east-1.amazonaws.com"
# In this order, those that are there, each name and value on a line of its own:
# https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
_SIGNED = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")


def install() -> None:
    """Mends moto's SNS; calling it again changes nothing."""
    if not hasattr(SNSBackend.create_platform_endpoint, "__wrapped__"):
        patches: list[tuple[type, str, Any]] = [
            (Subscription, "get_post_data", _notification),
            (SNSBackend, "create_platform_endpoint", _creating(SNSBackend.create_platform_endpoint)),
            (SNSBackend, "set_endpoint_attributes", _set_endpoint_attributes),
        ]
        for owner, name, function in patches:
            setattr(owner, name, function)


@lru_cache(maxsize=1)
def certificate() -> str:
    """The certificate of this process's SNS, in PEM: self-signed, where Amazon's is signed by its authority."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    # Valid for as long as the local clock can be moved on.
    started = datetime.now(UTC) - timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(_key().public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(started)
        .not_valid_after(started + timedelta(days=40 * 365))
        .sign(_key(), hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


def signature(notification: Mapping[str, Any]) -> str:
    """Signs a notification as SNS does in its version 2: RSA over SHA-256, in Base64."""
    text = "".join(f"{name}\n{notification[name]}\n" for name in _SIGNED if name in notification)
    return base64.b64encode(_key().sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()


@lru_cache(maxsize=1)
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _notification(
    subscription: Subscription,
    message: str,
    message_id: str,
    subject: str | None,
    message_attributes: dict[str, Any] | None = None,
) -> dict[str, Any]:
    notification: dict[str, Any] = {
        "Type": "Notification",
        "MessageId": message_id,
        "TopicArn": subscription.topic.arn,
        "Message": message,
        "Timestamp": clock.stamp(clock.now()),
        "SignatureVersion": "2",
        "SigningCertURL": f"{_HOST}/SimpleNotificationService-{uuid4().hex}.pem",
        "UnsubscribeURL": f"{_HOST}/?Action=Unsubscribe&SubscriptionArn={subscription.arn}",
    }
    if subject:
        notification["Subject"] = subject
    if message_attributes:
        notification["MessageAttributes"] = message_attributes
    return {**notification, "Signature": signature(notification)}


def _creating(moto_create: Callable[..., PlatformEndpoint]) -> Callable[..., PlatformEndpoint]:
    """As AWS does, gives the endpoint of a known token where nothing else is asked, even one that was disabled."""

    @wraps(moto_create)
    def create_platform_endpoint(
        backend: SNSBackend,
        application: PlatformApplication,
        custom_user_data: str,
        token: str,
        attributes: dict[str, Any],
    ) -> PlatformEndpoint:
        known = (one.attributes["Enabled"] for one in backend.platform_endpoints.values() if one.token == token)
        enabled = _truth(attributes.get("Enabled", next(known, True)))
        return moto_create(backend, application, custom_user_data, token, {**attributes, "Enabled": enabled})

    return create_platform_endpoint


def _set_endpoint_attributes(backend: SNSBackend, arn: str, attributes: dict[str, Any]) -> PlatformEndpoint:
    endpoint: PlatformEndpoint = backend.get_endpoint(arn)
    endpoint.attributes.update(attributes)
    endpoint.attributes["Enabled"] = _truth(endpoint.attributes["Enabled"])
    endpoint.token = endpoint.attributes["Token"]
    return endpoint


def _truth(value: Any) -> bool:
    """What moto compares with True; it is given texts."""
    return str(value).lower() == "true"
