"""Every message that the portal can send, with sample values: what the console shows at /previews.

A kind of notice that is added has its sample here too; a test says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from chalicelib import words
from chalicelib.domain.notices import RULES, AddressBook, Channel, NoticeKind, NoticeType
from chalicelib.services import rendering
from chalicelib.services.rendering import Reader
from chalicelib.settings import settings

WIDTHS = (320, 600)
"""Pixels: a narrow telephone, and the reading pane of a mail program."""

_WHEN = datetime(2026, 7, 1, 18, 5, tzinfo=UTC)
_LINK = "{portal}/l/01ARZ3NDEKTSV4RRFFQ69G5FAVabcdefghijklmnopqrstuv"


@dataclass(frozen=True)
class Sample:
    """The values of one message, and what is special about it where a kind has several."""

    values: Mapping[str, object]
    note: str = ""


@dataclass(frozen=True)
class Preview:
    """One message as it would go out. A push has the same text for every kind."""

    kind: NoticeKind
    channel: Channel
    language: str
    note: str
    subject: str | None
    text: str
    html: str | None


SAMPLES: Mapping[NoticeKind, Sequence[Sample]] = {
    NoticeKind.ACCOUNT_CLOSED: (Sample({"changed_at": _WHEN, "link": _LINK, "until": _WHEN}),),
    NoticeKind.ACCOUNT_REOPENED: (Sample({"changed_at": _WHEN}),),
    NoticeKind.ACTIVATION_CODE: (Sample({"code": "7K2M-Q9XD-4RT8", "expires_at": _WHEN}),),
    NoticeKind.ACCOUNT_MERGED: (Sample({"changed_at": _WHEN}),),
    NoticeKind.FILE_JOINED: (Sample({"changed_at": _WHEN}),),
    NoticeKind.FILES_JOINED: (Sample({"changed_at": _WHEN}),),
    NoticeKind.FILES_PARTED: (Sample({"changed_at": _WHEN}),),
    NoticeKind.AGE_BOUNDARY: (Sample({}),),
    NoticeKind.AMENDMENT_DECIDED: (Sample({}),),
    NoticeKind.COMING_OF_AGE: (Sample({}),),
    NoticeKind.CAREGIVER_ADDED: (Sample({}),),
    NoticeKind.CAREGIVER_INVITATION: (Sample({"link": _LINK, "expires_at": _WHEN}),),
    NoticeKind.CAREGIVER_LEFT: (Sample({}),),
    NoticeKind.GRANT_CHANGED: (Sample({}),),
    NoticeKind.GRANT_ENDED: (Sample({}),),
    NoticeKind.PROXY_REQUEST_DECIDED: (Sample({}),),
    NoticeKind.CHANGE_DENIED: (Sample({}),),
    NoticeKind.UPLOAD_REFUSED: (Sample({}),),
    NoticeKind.CONTACT_REMOVED: (Sample({"changed_at": _WHEN}),),
    NoticeKind.CONTACT_REPLACED: (Sample({"changed_at": _WHEN}),),
    NoticeKind.BREAK_GLASS: (Sample({"changed_at": _WHEN}),),
    NoticeKind.SHARE_LOCKED: (Sample({"changed_at": _WHEN}),),
    NoticeKind.SHARE_OPENED: (Sample({"changed_at": _WHEN}),),
    NoticeKind.CONTACT_RESTORED: (Sample({"changed_at": _WHEN}),),
    NoticeKind.EMAIL_CHANGED: (
        Sample({"changed_at": _WHEN, "link": _LINK, "until": _WHEN}, "to the old address"),
        Sample({"changed_at": _WHEN, "link": None, "until": None}, "to the new address"),
    ),
    NoticeKind.PHONE_CHANGED: (Sample({"changed_at": _WHEN, "link": _LINK, "until": _WHEN}),),
    NoticeKind.PHONE_CODE: (Sample({"code": "482105"}),),
    NoticeKind.USERNAME_CHANGED: (Sample({"changed_at": _WHEN, "link": _LINK, "until": _WHEN}),),
    NoticeKind.EMAIL_CONFIRMATION: (Sample({"link": _LINK, "disown_link": _LINK, "expires_at": _WHEN}),),
    NoticeKind.EMAIL_IN_USE: (Sample({}),),
    NoticeKind.EMAIL_REMOVED: (Sample({}),),
    NoticeKind.EMAIL_STOPPED: (Sample({"address": "a•••@example.com"}),),
    NoticeKind.ACCOUNT_CREATED: (Sample({"changed_at": _WHEN}),),
    NoticeKind.EXPORT_READY: (Sample({"changed_at": _WHEN, "until": _WHEN}),),
    NoticeKind.NEW_DEVICE: (Sample({"changed_at": _WHEN}),),
    NoticeKind.NEW_RESULTS: (
        Sample({"is_own": True}, "the reader's own"),
        Sample({"is_own": False}, "of somebody whom the reader cares for"),
    ),
    NoticeKind.PASSWORD_CHANGED: (Sample({"changed_at": _WHEN}),),
    NoticeKind.PASSWORD_RESET: (Sample({"link": _LINK, "code": "48210573", "expires_at": _WHEN}),),
    NoticeKind.SECOND_FACTOR_CHANGED: (Sample({"changed_at": _WHEN}),),
    NoticeKind.REGISTRATION_CODE: (Sample({"code": "48210573", "expires_at": _WHEN}),),
    NoticeKind.SIGN_IN_CODE: (Sample({"code": "48210573"}),),
    NoticeKind.SIGN_IN_TEXT: (Sample({"code": "48210573"}),),
    NoticeKind.STAFF_INVITATION: (Sample({"link": _LINK, "expires_at": _WHEN}),),
    NoticeKind.USERNAME_REMINDER: (Sample({"username": "ana.rivera"}),),
}


def by_kind() -> dict[NoticeKind, list[Preview]]:
    """Every kind of notice in every channel that it may use and every language that the portal speaks."""
    return {kind: list(_of_kind(kind)) for kind in NoticeKind}


def values_of(kind: NoticeKind, sample: Sample) -> dict[str, object]:
    """A sample's values, with links of this portal; notices that may be stopped have the link that stops them."""
    portal = settings().portal_url
    values = {
        name: value.format(portal=portal) if isinstance(value, str) else value for name, value in sample.values.items()
    }
    if RULES[kind].type is not NoticeType.SECURITY:
        values["stop_link"] = _LINK.format(portal=portal)
    return values


def _of_kind(kind: NoticeKind) -> list[Preview]:
    return [
        _preview(kind, channel, language, sample)
        for language in words.languages()
        for sample in SAMPLES[kind]
        for channel in RULES[kind].channels
    ]


def _preview(kind: NoticeKind, channel: Channel, language: str, sample: Sample) -> Preview:
    # Who has a mistyped mailbox must not learn the phrase.
    phrase = None if RULES[kind].to is AddressBook.PENDING_EMAIL else _PHRASE[language]
    reader, values = Reader(language, str(settings().clinic_zone), phrase), values_of(kind, sample)
    if channel is Channel.EMAIL:
        email = rendering.email(kind, "reader@example.com", reader, values)
        return Preview(kind, channel, language, sample.note, email.subject, email.text, email.html)
    is_push = channel is Channel.PUSH
    text = rendering.push(language) if is_push else rendering.sms(kind, "+13125550147", reader, values).text
    return Preview(kind, channel, language, sample.note, None, text, None)


_PHRASE: Mapping[str, str] = {"en": "My blue kettle sings", "es": "Mi tetera azul canta"}
