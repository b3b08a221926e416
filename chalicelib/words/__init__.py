"""The portal's words, by language.

A language is a file beside this one; every file has the keys of English (a test says so).
"""

import json
import re
from functools import lru_cache
from importlib import resources

DEFAULT = "en"

_RANGE = re.compile(r"(?P<tag>[a-z0-9-]+)(?:\s*;\s*q=(?P<quality>[01](?:\.[0-9]{0,3})?))?")
"""A language range with its weight (RFC 9110, section 12.5.4)."""


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


def negotiate(accept_language: str | None, default: str = DEFAULT) -> str:
    """The language that fits an Accept-Language header best (RFC 4647, basic filtering), else `default`."""
    for tag in _preferred(accept_language or ""):
        for language in languages():
            if tag == language or tag.startswith(f"{language}-"):
                return language
    return default


def _preferred(header: str) -> list[str]:
    weighted = []
    for place, part in enumerate(header[:200].split(",")):
        found = _RANGE.fullmatch(part.strip().lower())
        if found is not None and (quality := float(found["quality"] or 1)) > 0:
            weighted.append((-quality, place, found["tag"]))
    return [tag for _, _, tag in sorted(weighted)]
