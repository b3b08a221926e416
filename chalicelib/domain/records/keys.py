"""What the keys of a record's row are made of, so that a query finds what an import wrote."""

import unicodedata
from typing import Final

_LONGEST_CODE: Final = 800


def code_part(system: str, code: str) -> str:
    """A code as keys begin with it; it holds no # but at its end, and no more bytes than a key has room for."""
    whole = f"{system}|{code}".replace("%", "%25").replace("#", "%23")
    return whole.encode()[:_LONGEST_CODE].decode(errors="ignore")


def folded(title: str) -> str:
    """A title, or what is searched in titles, without case and accents."""
    return bare(title)[:300]


def bare(text: str) -> str:
    """A text without case and accents."""
    apart = unicodedata.normalize("NFKD", text).casefold()
    return "".join(character for character in apart if not unicodedata.combining(character))
