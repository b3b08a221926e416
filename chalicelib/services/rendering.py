"""Words into emails: templates/email/<kind>/{subject.txt,body.txt,body.html} with the catalogue's sentences."""

from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from chalicelib import words
from chalicelib.clients.email import Email
from chalicelib.domain.notices import NoticeKind
from chalicelib.settings import settings

if TYPE_CHECKING:
    from jinja2 import Environment


@lru_cache(maxsize=1)
def templates() -> "Environment":
    """The template environment: everything that goes into HTML is escaped, and a missing value is an error."""
    from jinja2 import (  # noqa: PLC0415  Most cold starts serve the API, which renders nothing.
        Environment,
        PackageLoader,
        StrictUndefined,
        select_autoescape,
    )

    return Environment(
        loader=PackageLoader("chalicelib"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def email(kind: NoticeKind, to: str, language: str, zone: str, values: dict[str, object]) -> Email:
    """The message of a notice in a language, with times in the reader's zone."""
    context = {**{name: _shown(value, zone) for name, value in values.items()}, **_common(language)}
    parts = {
        name: templates().get_template(f"email/{kind}/{name}").render(context).strip()
        for name in ("subject.txt", "body.txt", "body.html")
    }
    return Email(to, parts["subject.txt"], parts["body.txt"] + "\n", parts["body.html"] + "\n")


def _common(language: str) -> dict[str, object]:
    rules = settings()
    known = language if language in words.languages() else words.DEFAULT

    def say(key: str, **values: object) -> str:
        return words.say(key, known, clinic=rules.clinic_name, **values)

    return {"say": say, "language": known, "clinic": rules.clinic_name, "portal_url": rules.portal_url}


def page_context(language: str) -> dict[str, object]:
    """What every page of a link has."""
    return _common(language)


def _shown(value: object, zone: str) -> object:
    return (
        value.astimezone(ZoneInfo(zone)).strftime("%B %-d, %Y, %-I:%M %p %Z") if isinstance(value, datetime) else value
    )
