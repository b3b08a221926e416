"""Recovery codes: for whoever has lost the second factor. Shown once, kept as keyed hashes (PW 9)."""

import secrets as random

from chalicelib.auth import secrets

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: no letters that look like digits or like one another."""
_LENGTH, _GROUP = 16, 4
_READ_AS = str.maketrans({"I": "1", "L": "1", "O": "0"})


def new_codes(count: int) -> list[str]:
    """New codes of 80 bits each, such as `7HK2-M4QX-0ZP9-V3TB`."""
    codes = ["".join(random.choice(_ALPHABET) for _ in range(_LENGTH)) for _ in range(count)]
    return ["-".join(code[at : at + _GROUP] for at in range(0, _LENGTH, _GROUP)) for code in codes]


def code_hash(account_id: str, code: str) -> str:
    """What is kept of an account's code, however it was typed."""
    typed = "".join(one for one in code.upper() if one.isalnum()).translate(_READ_AS)
    return secrets.keyed_hash("recovery-code", f"{account_id}\x1f{typed}")
