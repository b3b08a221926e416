"""Password hashes: Argon2id over a keyed hash (PROMISES PW 3 and 7; OWASP Password Storage; NIST SP 800-63B-4 3.1.1.2).

A stored hash is `{key id}${Argon2's own encoding}`, for example `p1$$argon2id$v=19$m=19456,t=2,p=1$…$…`. What Argon2
hashes is HMAC-SHA-256(pepper, NFC of the password in UTF-8): without the pepper, which no table holds, a stolen
database is of no use, and every character of a password counts, however long it is.
"""

import base64
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from chalicelib.domain import passwords

if TYPE_CHECKING:
    from argon2 import PasswordHasher

__all__ = ["Peppers", "UnreadableHash", "UnusablePassword", "hash", "needs_rehash", "observers", "verify"]
__all__ += ["verify_nothing"]

MEMORY_KIB = 19 * 1024
PASSES = 2
LANES = 1
SALT_BYTES = 16
HASH_BYTES = 32
# 256 code points take at most a quarter of this; it bounds the work spent on what is refused anyway.
LONGEST_BYTES = 4096
_SHORTEST_PEPPER_BYTES = 32
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_STORED = re.compile(r"(?P<key_id>[A-Za-z0-9_-]{1,32})\$(?P<encoded>\$argon2id\$.+)")

observers: list[Callable[[], None]] = []
"""Called before each Argon2 computation, so that tests and metrics can count them (PROMISES PW 6 and 7)."""


class UnusablePassword(ValueError):
    """A password that is never hashed: over 256 code points or 4 KiB, or not Unicode text."""


class UnreadableHash(ValueError):
    """A stored hash that this module did not write: a damaged row, not a wrong password."""


@dataclass(frozen=True)
class Peppers:
    """The keys under which passwords are hashed: new ones under `current`, old ones stay as long as hashes need them.

    Args:
        current: the id of the key for new hashes; letters, digits, `_` and `-`, at most 32.
        keys: each key (32 bytes or more) by its id.

    Raises:
        ValueError: an id or a key is not as said, or `current` is not among the keys.
    """

    current: str
    keys: Mapping[str, bytes] = field(repr=False)

    def __post_init__(self) -> None:
        if self.current not in self.keys:
            raise ValueError("The current pepper is not among the keys.")
        if not all(_KEY_ID.fullmatch(key_id) for key_id in self.keys):
            raise ValueError("A pepper's id is 1 to 32 letters, digits, _ or -.")
        if any(len(key) < _SHORTEST_PEPPER_BYTES for key in self.keys.values()):
            raise ValueError("A pepper has at least 32 bytes.")


def hash(password: str, peppers: Peppers) -> str:  # noqa: A001  # hashing.hash and hashing.verify read as what they are.
    """The hash to store, under the current pepper and a new salt.

    Raises:
        UnusablePassword: before any hashing.
    """
    message = _message(password)
    if message is None:
        raise UnusablePassword("The password is too long or not text.")
    _announce()
    return f"{peppers.current}${_hasher().hash(_peppered(message, peppers.keys[peppers.current]))}"


def verify(stored: str, password: str, peppers: Peppers) -> bool:
    """Whether `stored` was made of `password`; one Argon2 computation, none for a password that is never hashed.

    A hash under a pepper that is gone answers as a wrong password does, and takes as long.

    Raises:
        UnreadableHash: `stored` was not made here.
    """
    key_id, encoded = _parts(stored)
    message = _message(password)
    if message is None:
        return False
    key = peppers.keys.get(key_id)
    if key is None:
        verify_nothing(password, peppers)
        return False
    return _matches(encoded, _peppered(message, key))


def verify_nothing(password: str, peppers: Peppers) -> None:
    """Does the work of `verify` where there is no account, so that the time taken tells nothing (PROMISES PW 4)."""
    message = _message(password)
    if message is not None:
        _matches(_nobodys_hash(), _peppered(message, peppers.keys[peppers.current]))


def needs_rehash(stored: str, peppers: Peppers) -> bool:
    """Whether the hash was made under another pepper or other parameters than new ones are (PROMISES PW 3).

    Raises:
        UnreadableHash: `stored` was not made here.
    """
    key_id, encoded = _parts(stored)
    return key_id != peppers.current or _hasher().check_needs_rehash(encoded)


def _message(password: str) -> bytes | None:
    """The bytes to hash, or None for a password that is never hashed; quick however long the password is."""
    if len(password) > LONGEST_BYTES or passwords.is_too_long(password):
        return None
    try:
        message = password.encode()
    except UnicodeEncodeError:
        return None
    return passwords.normalise(password).encode() if len(message) <= LONGEST_BYTES else None


def _peppered(message: bytes, key: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _matches(encoded: str, peppered: bytes) -> bool:
    from argon2 import exceptions  # noqa: PLC0415  # As _hasher().

    _announce()
    try:
        return _hasher().verify(encoded, peppered)
    except exceptions.VerifyMismatchError:
        return False
    except (exceptions.VerificationError, exceptions.InvalidHashError) as error:
        raise UnreadableHash("The stored hash is damaged.") from error


def _parts(stored: str) -> tuple[str, str]:
    parts = _STORED.fullmatch(stored)
    if parts is None:
        raise UnreadableHash("The stored hash has no key id or is not Argon2id.")
    return parts["key_id"], parts["encoded"]


def _announce() -> None:
    for observe in observers:
        observe()


@cache
def _nobodys_hash() -> str:
    """A hash with the parameters of real ones that no password is known to give."""
    salt, digest = (base64.b64encode(bytes(size)).decode().rstrip("=") for size in (SALT_BYTES, HASH_BYTES))
    return f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${digest}"


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher  # noqa: PLC0415  # 17 ms that only a request with a password should pay.

    return PasswordHasher(
        time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES, hash_len=HASH_BYTES, salt_len=SALT_BYTES
    )
