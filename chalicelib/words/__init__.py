"""The portal's words, by language.

A language is a file beside this one; every file has the keys of English (a test says so).
"""

import json
from functools import lru_cache
from importlib import resources

DEFAULT = "en"


@lru_cache(maxsize=1)
def languages() -> tuple[str, ...]:
    """The languages that the portal speaks, the default one first."""
    found = {
        path.name.removesuffix(".json")
        for path in resources.files(__package__).iterdir()
        if path.name.endswith(".json")
    }
    return (DEFAULT, *sorted(found - {DEFAULT}))


@lru_cache(maxsize=8)
def catalogue(language: str) -> dict[str, str]:
    """All words of a language by key."""
    words: dict[str, str] = json.loads(resources.files(__package__).joinpath(f"{language}.json").read_text("utf-8"))
    return words


def say(key: str, language: str, **values: object) -> str:
    """The words of a key in a language, with its placeholders filled."""
    return catalogue(language)[key].format(**values)


def negotiate(accept_language: str | None) -> str:
    """The language that fits an Accept-Language header best (RFC 4647, basic filtering)."""
    for tag in _preferred(accept_language or ""):
        for language in languages():
            if tag == language or tag.startswith(f"{language}-"):
                return language
    return DEFAULT


def _preferred(header: str) -> list[str]:
    weighted = []
    for place, part in enumerate(header[:200].split(",")):
        tag, _, weight = part.strip().lower().partition(";q=")
        try:
            quality = float(weight or 1)
        except ValueError:
            continue
        if tag and quality > 0:
            weighted.append((-quality, place, tag))
    return [tag for _, _, tag in sorted(weighted)]
