"""What somebody may confirm of a picture: fields of its kind, in the form of each, and no number of a payment card."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from chalicelib.domain.identity.contacts import NotAPhone, parse_phone
from chalicelib.domain.picture_readings import FIELDS, PictureKind
from chalicelib.domain.picture_readings.cards import has_card_number

_DAYS: Final = frozenset({"filled_on", "date", "appointment_on"})
_PHONES: Final = frozenset({"phone", "pharmacy_phone"})


class NotThat(Exception):
    """A value that a field cannot have; `code` is of the catalogue (`field.<code>`)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def checked(name: str, text: str) -> str:
    """A value in the form of its field; empty for nothing. Raises NotThat."""
    value = " ".join(text.split())
    if has_card_number(value):
        raise NotThat("card_number")
    if not value:
        return ""
    if name in _DAYS:
        return _day(value)
    return _phone(value) if name in _PHONES else value


def wrong_names(kind: PictureKind, names: Sequence[str]) -> Iterator[tuple[int, str]]:
    """The places of names that are no fields of the kind, or stand there again; with the code of what is wrong."""
    for place, name in enumerate(names):
        if name not in FIELDS[kind]:
            yield place, "unknown_field"
        elif name in names[:place]:
            yield place, "given_twice"


def _day(value: str) -> str:
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise NotThat("date_expected") from None


def _phone(value: str) -> str:
    try:
        return parse_phone(value)
    except NotAPhone:
        raise NotThat("phone_expected") from None
