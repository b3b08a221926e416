"""Words into messages: templates/email/<kind>/{subject.txt,body.txt,body.html} and templates/sms/<kind>.txt."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Self
from zoneinfo import ZoneInfo

from chalicelib import words
from chalicelib.clients.email import Email
from chalicelib.clients.sms import Sms
from chalicelib.domain.notices import NoticeKind
from chalicelib.models.accounts import Account
from chalicelib.settings import settings
from chalicelib.words import times

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


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads a message: in which language and zone, and the phrase by which they know a true one."""

    language: str
    zone: str
    phrase: str | None = None

    @classmethod
    def of(cls, account: Account) -> Self:
        """The holder of an account."""
        return cls(account.language, account.time_zone, account.security_phrase)


def email(kind: NoticeKind, to: str, reader: Reader, values: dict[str, object]) -> Email:
    """The email of a notice."""
    context = _context(reader, values)
    parts = {
        name: templates().get_template(f"email/{kind}/{name}").render(context).strip()
        for name in ("subject.txt", "body.txt", "body.html")
    }
    stop_link = values.get("stop_link")
    return Email(
        to,
        parts["subject.txt"],
        parts["body.txt"] + "\n",
        parts["body.html"] + "\n",
        unsubscribe_url=str(stop_link) if stop_link else None,
    )


def sms(kind: NoticeKind, to: str, reader: Reader, values: dict[str, object]) -> Sms:
    """The text message of a notice: one paragraph."""
    text = templates().get_template(f"sms/{kind}.txt").render(_context(reader, values))
    return Sms(to, " ".join(text.split()))


def push(language: str) -> str:
    """What a push says, whatever the notice: that there is news."""
    return words.say("push.text", _known(language), clinic=settings().clinic_name)


def _context(reader: Reader, values: dict[str, object]) -> dict[str, object]:
    common = _common(reader.language)
    shown = {name: _shown(value, reader.zone, str(common["language"])) for name, value in values.items()}
    return {"stop_link": None, **shown, **common, "phrase": reader.phrase}


def _known(language: str) -> str:
    return language if language in words.languages() else words.DEFAULT


def _common(language: str) -> dict[str, object]:
    rules = settings()
    known = _known(language)

    def say(key: str, **values: object) -> str:
        return words.say(key, known, clinic=rules.clinic_name, **values)

    return {
        "say": say,
        "language": known,
        "clinic": rules.clinic_name,
        "clinic_phone": rules.clinic_phone,
        "portal_url": rules.portal_url,
    }


def page_context(language: str) -> dict[str, object]:
    """What every page of a link has."""
    return _common(language)


def _shown(value: object, zone: str, language: str) -> object:
    return times.moment(value, ZoneInfo(zone), language) if isinstance(value, datetime) else value
