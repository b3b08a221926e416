"""A phrase of the patient's own, which every true message repeats: whoever made up a message does not know it."""

import re
import unicodedata

LONGEST = 60
"""Characters, so that a text message has room for the rest."""

# Letters of other scripts need the joiners; every other invisible character could make a text seem what it is not.
_JOINERS = "\u200c\u200d"
_ADDRESS = re.compile(r"://|@|\bwww\b|\bhttps?\b|[^\W_]\.[^\W\d_]{2}|\d{1,3}(\.\d{1,3}){3}")


class NotAPhrase(ValueError):
    """A text that cannot be a phrase; `problem` says why."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


def parse(text: str) -> str:
    """A phrase as it is kept, in NFC without space around it.

    Raises NotAPhrase: `too_short`, `too_long`, `unusable_characters` (control characters, line breaks and what is
    invisible), or `address` for what a mail program would make a link of, so that nobody has the clinic send links.
    """
    phrase = unicodedata.normalize("NFC", text).strip(" ")
    if not phrase.strip(_JOINERS):
        raise NotAPhrase("too_short")
    if len(phrase) > LONGEST:
        raise NotAPhrase("too_long")
    if any(not _is_usable(character) for character in phrase):
        raise NotAPhrase("unusable_characters")
    if _ADDRESS.search(_plain(phrase)):
        raise NotAPhrase("address")
    return phrase


def _is_usable(character: str) -> bool:
    """No control or format character, surrogate, unassigned code point or line separator, and no space but one."""
    category = unicodedata.category(character)
    return character in _JOINERS or (category[0] not in "CZ") or character == " "


def _plain(phrase: str) -> str:
    """The phrase as a browser reads an address (UTS 46): compatible forms and the dots of other scripts are one."""
    folded = unicodedata.normalize("NFKC", phrase).casefold()
    return re.sub(f"[{_JOINERS}]", "", folded).replace("\u3002", ".")
