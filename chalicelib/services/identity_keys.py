"""By what a patient is found who gives a name and a birth date: keyed hashes, so that nobody can be read from them."""

from collections.abc import Iterable

from chalicelib.auth import secrets
from chalicelib.domain import identity

_FULL_DATE = len("YYYY-MM-DD")
_MOST = 8
"""Keys of one patient: more names than anybody has, each in both its spellings."""


def hashes(birth_date: str, families: Iterable[str]) -> list[str]:
    """The keys of a birth date (ISO 8601) and some last names; none for a date that is not a full one."""
    if len(birth_date) != _FULL_DATE:
        return []
    found = dict.fromkeys(key for family in families for key in sorted(identity.family_keys(family)))
    return [secrets.keyed_hash("identity", f"{birth_date}|{key}") for key in list(found)[:_MOST]]
