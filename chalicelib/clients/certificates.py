"""Certificates under a URL: those that Amazon SNS signs with."""

import threading
from functools import lru_cache
from typing import TYPE_CHECKING

from chalicelib import observability
from chalicelib.clients.aws import Permanent, Retryable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from urllib3 import PoolManager

NO_CERTIFICATE = "no_certificate"
"""There is no certificate of an RSA key under the URL; `Permanent.code`."""

_CONNECT_SECONDS, _READ_SECONDS = 2, 3
_LONGEST = 65_536
_OK = 200
_lock = threading.Lock()


@lru_cache(maxsize=16)
def public_key(url: str) -> "RSAPublicKey":
    """The key of the certificate under a URL, which its caller trusts: read once, since SNS gives a new one a new URL.

    Raises Retryable, and Permanent where no certificate is there.
    """
    return read(_download(url))


def read(pem: bytes) -> "RSAPublicKey":
    """The key of a certificate in PEM. Raises Permanent where it is none."""
    from cryptography import x509  # noqa: PLC0415  Half of it is OpenSSL's, and only feedback needs it.
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey  # noqa: PLC0415  As above.

    try:
        found = x509.load_pem_x509_certificate(pem).public_key()
    except ValueError as wrong:
        raise Permanent(NO_CERTIFICATE) from wrong
    if not isinstance(found, RSAPublicKey):
        raise Permanent(NO_CERTIFICATE)
    return found


def _download(url: str) -> bytes:
    from urllib3.exceptions import HTTPError  # noqa: PLC0415  See _pool().

    try:
        with _pool().request("GET", url, redirect=False, retries=False, preload_content=False) as answer:
            body = answer.read(_LONGEST)
            status = answer.status
    except HTTPError as failed:
        observability.fault("client.failed", failed)
        raise Retryable(type(failed).__name__) from failed
    if status != _OK:
        # The host and the path are Amazon's own: what is signed must not be lost for an answer that passes.
        raise Retryable(str(status))
    return bytes(body)


def _pool() -> "PoolManager":
    with _lock:
        return _one_pool()


@lru_cache(maxsize=1)
def _one_pool() -> "PoolManager":
    from urllib3 import PoolManager, Timeout  # noqa: PLC0415  Every function loads this module, one needs the pool.

    return PoolManager(timeout=Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS), maxsize=1)
