"""Usernames that cannot be taken for another's (PROMISES ID 4; Unicode UTS 39)."""

import re
import unicodedata
from enum import StrEnum

from chalicelib.domain.identity.contacts import NotAnEmail, canonical_email

SHORTEST = 3
LONGEST = 64
# No text becomes shorter in NFKC than a quarter of what it was.
_SHRINKING = 4
_SIGNS = frozenset("._-@+")
_MARKS_IN_A_ROW = 2
# The longest key of a valid name: a letter folds to at most three. Longer texts are nobody's and still must be a key.
_LONGEST_KEY = LONGEST * 3
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Fillers and selectors that Unicode counts as letters or marks and that show nothing.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800") | {chr(code) for code in range(0xFE00, 0xFE10)}
# Scripts that are written together (UTS 39, "highly restrictive"); the Latin script may stand beside the East Asian.
_TOGETHER = (
    frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"}),
    frozenset({"LATIN", "CJK", "BOPOMOFO"}),
    frozenset({"LATIN", "CJK", "HANGUL"}),
)
# Cyrillic and Greek letters that look like Latin ones; a name of nothing else looks like a Latin name.
_LOOK_LATIN = frozenset("асԁеһіјӏорԛѕԝухүґαινορυχγκτω")
_RESERVED = frozenset(
    (
        *("abuse", "accounts", "admin", "admins", "administration", "administrator", "anonymous", "api"),
        *("appointments", "billing", "clinic", "clinician", "compliance", "contact", "doctor", "emergency"),
        *("everyone", "frontdesk", "guest", "help", "helpdesk", "hostmaster", "info", "it", "ithelp", "itsupport"),
        *("login", "mail", "mailerdaemon", "me", "messages", "moderator", "noreply", "nobody", "null", "nurse"),
        *("office", "official", "operator", "owner", "patient", "patientportal", "patients", "pharmacy", "portal"),
        *("postmaster", "privacy", "reception", "receptionist", "records", "root", "schedule", "scheduling"),
        *("security", "service", "signin", "staff", "support", "sysadmin", "system", "team", "undefined", "unknown"),
        *("user", "users", "webmaster"),
    )
)


class UsernameReason(StrEnum):
    """Why a username is refused; the values are stable codes for clients."""

    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    CHARACTERS = "characters"
    INVISIBLE = "invisible_characters"
    MIXED_SCRIPTS = "mixed_scripts"
    RESERVED = "reserved"
    NOT_YOUR_EMAIL = "not_your_email"


def canonical_username(text: str) -> str:
    """The key under which two spellings of one username meet: NFKC, case-folded, nothing invisible, no outer spaces."""
    key = "".join(character for character in text if not _is_invisible(character))
    for _ in range(2):  # Folding may leave what NFKC composes, and the other way round (Unicode's NFKC_Casefold).
        key = unicodedata.normalize("NFKC", key).casefold()
    return key.strip()[: _LONGEST_KEY + 1]


def check_username(text: str, *, own_email: str | None) -> list[UsernameReason]:
    """Every reason to refuse a username; empty when it is fine.

    It has 3 to 64 letters, digits and `._-@+`, starts with a letter or digit, and keeps to one script. One with an
    `@` must be the person's own email address: else it would catch what another asks for by theirs.

    Args:
        text: as typed; spaces around it are not part of it.
        own_email: the address that this account registers with, if any.
    """
    if len(text) > LONGEST * _SHRINKING:
        return [UsernameReason.TOO_LONG]
    name = unicodedata.normalize("NFKC", text.strip())
    found = {
        UsernameReason.TOO_SHORT: len(name) < SHORTEST,
        UsernameReason.TOO_LONG: len(name) > LONGEST,
        UsernameReason.INVISIBLE: any(map(_is_invisible, text)),
        UsernameReason.CHARACTERS: not _has_allowed_characters(name),
        UsernameReason.MIXED_SCRIPTS: _is_mixed(name) or _looks_latin(name),
        UsernameReason.RESERVED: re.sub(r"[._+-]", "", canonical_username(name)) in _RESERVED,
        UsernameReason.NOT_YOUR_EMAIL: "@" in name and not _is_same_email(name, own_email),
    }
    return [reason for reason, is_so in found.items() if is_so]


def _is_invisible(character: str) -> bool:
    return character in _BLANK or unicodedata.category(character) in _INVISIBLE


def _has_allowed_characters(name: str) -> bool:
    visible = "".join(character for character in name if not _is_invisible(character))
    if visible and not _is_letter_or_digit(visible[0]):
        return False
    categories = "".join(unicodedata.category(character)[0] for character in visible)
    return "M" * (_MARKS_IN_A_ROW + 1) not in categories and all(
        _is_letter_or_digit(one) or one in _SIGNS or unicodedata.category(one)[0] == "M" for one in visible
    )


def _is_letter_or_digit(character: str) -> bool:
    # Other digits than 0 to 9 look alike and mean the same number: ٣ and 3 must not be two names.
    return character.isalpha() or (character.isascii() and character.isdigit())


def _is_mixed(name: str) -> bool:
    scripts = {_script(character) for character in name if character.isalpha()}
    return len(scripts) > 1 and not any(scripts <= together for together in _TOGETHER)


def _script(letter: str) -> str:
    """The first word of a letter's Unicode name, which is its script: LATIN, CYRILLIC, CJK."""
    return unicodedata.name(letter, "UNKNOWN").split(" ", maxsplit=1)[0]


def _looks_latin(name: str) -> bool:
    letters = {character for character in name.casefold() if character.isalpha()}
    return bool(letters) and letters <= _LOOK_LATIN


def _is_same_email(name: str, own_email: str | None) -> bool:
    try:
        return own_email is not None and canonical_email(name) == canonical_email(own_email)
    except NotAnEmail:
        return False
