"""Numbers that a patient types from a letter: the clinic number and the activation code."""

import re
import unicodedata
from random import Random

# Crockford's base 32: no I, L, O, U, so that nothing is misread and nothing is said by accident.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans("OIL", "011")
_CODE_BITS = 60
_CODE_BYTES = 8
_BITS_OF_A_CHARACTER = 5
_GROUP = 4
_LONGEST_TYPED = 40
_LONGEST_NUMBER = 200
_CODE = re.compile(rf"[{_ALPHABET}]{{12}}")
_ASSIGNED_NUMBER = re.compile(r"[1-9]\d{8}", re.ASCII)
_GROUP_OF_NUMBER = 3
# Damm's quasigroup of order 10 finds every wrong digit and every two neighbours that changed places.
_DAMM = (
    *("0317598642", "7092154863", "4206871359", "1750983426", "6123045978"),
    *("3674209581", "5869720134", "8945362017", "9438617205", "2581436790"),
)


def canonical_clinic_number(text: str) -> str:
    """The clinic number with letters and digits only, in upper case; empty where there are none, or too many.

    Leading zeros count. Look-alikes are not mended: the number may be any system's.
    """
    number = "".join(character for character in unicodedata.normalize("NFKC", text).upper() if character.isalnum())
    return number if len(number) <= _LONGEST_NUMBER else ""


def new_clinic_number(random: Random) -> str:
    """A number for a patient who has none: eight random digits and a check digit, as `123-456-789`.

    It is shorter than any card number and starts with no zero. Uniqueness is the caller's to check.
    """
    digits = str(random.randrange(10_000_000, 100_000_000))
    return _grouped(digits + str(_check_digit(digits)), _GROUP_OF_NUMBER)


def has_right_check_digit(text: str) -> bool:
    """Whether the text is a number as `new_clinic_number` makes them, with the right check digit."""
    number = canonical_clinic_number(text)
    return bool(_ASSIGNED_NUMBER.fullmatch(number)) and _check_digit(number) == 0


def format_activation_code(secret: bytes) -> str:
    """The first 60 bits of a secret, as a letter to a patient shows them: `XXXX-XXXX-XXXX` in Crockford's base 32.

    Raises:
        ValueError: the secret has fewer than 8 bytes.
    """
    if len(secret) < _CODE_BYTES:
        raise ValueError("An activation code needs at least 8 bytes.")
    number = int.from_bytes(secret[:_CODE_BYTES]) >> (_CODE_BYTES * 8 - _CODE_BITS)
    shifts = range(_CODE_BITS - _BITS_OF_A_CHARACTER, -1, -_BITS_OF_A_CHARACTER)
    return _grouped("".join(_ALPHABET[number >> shift & 31] for shift in shifts), _GROUP)


def canonical_activation_code(text: str) -> str:
    """A typed code in the form of `format_activation_code`, whatever its case, spaces, dashes, O for 0, I or L for 1.

    What can be no code gives the empty string, which equals no code.
    """
    if len(text) > _LONGEST_TYPED:
        return ""
    letters = unicodedata.normalize("NFKC", text).upper().translate(_MISREAD)
    code = "".join(
        character for character in letters if unicodedata.category(character) not in {"Zs", "Pd", "Cf", "Cc"}
    )
    return _grouped(code, _GROUP) if _CODE.fullmatch(code) else ""


def _grouped(text: str, size: int) -> str:
    return "-".join(text[start : start + size] for start in range(0, len(text), size))


def _check_digit(digits: str) -> int:
    interim = 0
    for digit in digits:
        interim = int(_DAMM[interim][int(digit)])
    return interim
