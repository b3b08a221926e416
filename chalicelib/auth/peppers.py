"""The peppers of password hashes, out of the root key."""

from chalicelib.auth.hashing import Peppers
from chalicelib.clients import keys

_CURRENT = "p1"


def peppers() -> Peppers:
    """The keys under which passwords and security answers are hashed."""
    return Peppers(current=_CURRENT, keys={_CURRENT: keys.key("pepper:p1")})
