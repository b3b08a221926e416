"""The deployment's root key (AWS Secrets Manager) and the keys derived from it."""

import hashlib
import hmac
import json
import threading
from functools import lru_cache

from chalicelib.clients.aws import client, translated
from chalicelib.settings import settings

_lock = threading.Lock()


def key(purpose: str) -> bytes:
    """The 256-bit key of one purpose, derived from the root key.

    It is one block of HKDF-Expand (RFC 5869); the root is uniform already, so nothing needs to be extracted.
    """
    return _derived(purpose, _root())


@lru_cache(maxsize=64)
def _derived(purpose: str, root: bytes) -> bytes:
    return hmac.digest(root, purpose.encode() + b"\x01", hashlib.sha256)


_root_key: list[bytes] = []


def _root() -> bytes:
    if not _root_key:
        with _lock:
            if not _root_key:
                _root_key.append(_fetch())
    return _root_key[0]


def forget() -> None:
    """Read the root key again at the next use (tests put up one stack after another in one process)."""
    _root_key.clear()


def _fetch() -> bytes:
    with translated():
        secret = client("secretsmanager").get_secret_value(SecretId=settings().root_key_secret)["SecretString"]
    root = json.loads(secret)["root"] if secret.startswith("{") else secret
    return hashlib.sha256(root.encode()).digest()
