"""Shapes of the forms behind links; fields are named as in the API."""

import re
from datetime import date
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, SecretStr, WithJsonSchema

from chalicelib.schemas.accounts import Password
from chalicelib.schemas.base import FieldProblem, Query
from chalicelib.words import times

_PARTS, _YEAR_DIGITS, _MONTHS = 3, 4, 12
_LONGEST_DATE, _LONGEST_ANSWER, _LONGEST_SEAL = 40, 200, 24 * 1024
_LONGEST_NAME, _LONGEST_CODE = 200, 40
_LINKING = frozenset({"de", "del", "of", "the"})
_ORDINAL = re.compile(r"(?<=\d)(st|nd|rd|th)\b")


def read_birth_date(text: str) -> date | None:
    """A birth date as people write it, None where they wrote nothing.

    1950-03-31; 03/31/1950, month first, as on the clinic's forms, unless there is no such month; March 31, 1950;
    31 de marzo de 1950. Raises FieldProblem for anything else.
    """
    if not text.strip():
        return None
    words = re.findall(r"[^\W\d_]+|\d+", _ORDINAL.sub("", text.lower()[:_LONGEST_DATE]))
    parts = [word for word in words if word not in _LINKING]
    found = _date(*_in_order(*parts)) if len(parts) == _PARTS else None
    if found is None:
        raise FieldProblem("birth_date_unreadable")
    return found


def _in_order(first: str, second: str, third: str) -> tuple[str, str, str]:
    """Three parts as year, month, day."""
    if len(first) == _YEAR_DIGITS and first.isdecimal():
        return first, second, third
    is_day_first = not second.isdecimal() or (first.isdecimal() and int(first) > _MONTHS)
    return (third, second, first) if is_day_first else (third, first, second)


def _date(year: str, month: str, day: str) -> date | None:
    number = month if month.isdecimal() else times.month_number(month)
    if len(year) != _YEAR_DIGITS or number is None:
        return None
    try:
        return date(int(year), int(number), int(day))
    except ValueError:
        return None


BirthDate = Annotated[
    date | None,
    BeforeValidator(read_birth_date),
    WithJsonSchema({"type": "string", "maxLength": _LONGEST_DATE, "examples": ["1950-03-31", "March 31, 1950"]}),
]


class LinkForm(Query):
    """The first form of every page: the birth date, in one text field, where the account is a patient's."""

    on_the_first_form: ClassVar[frozenset[str]] = frozenset({"date_of_birth"})
    """The fields that a page can ask to be mended."""

    date_of_birth: BirthDate = None

    def missing(self, *, asks_birth_date: bool) -> list[str]:
        """The fields without which the page cannot act."""
        return ["date_of_birth"] if asks_birth_date and self.date_of_birth is None else []


class NewPasswordForm(LinkForm):
    """A birth date and a new password; or, once a security question was asked, both sealed and the answer."""

    on_the_first_form: ClassVar[frozenset[str]] = frozenset({"date_of_birth", "new_password"})

    new_password: Password = SecretStr("")
    security_answer: Annotated[SecretStr, Field(max_length=_LONGEST_ANSWER)] = SecretStr("")
    sealed: Annotated[str, Field(max_length=_LONGEST_SEAL)] = ""

    def missing(self, *, asks_birth_date: bool) -> list[str]:
        """The fields without which the page cannot act."""
        if self.sealed:
            return []
        return [
            *super().missing(asks_birth_date=asks_birth_date),
            *([] if self.new_password.get_secret_value() else ["new_password"]),
        ]

    @property
    def answer(self) -> str | None:
        """The answer to the security question, if one was given."""
        return self.security_answer.get_secret_value().strip() or None


class StaffInvitationForm(LinkForm):
    """A username and a password; then both sealed, and a code of the authenticator app that was set up."""

    on_the_first_form: ClassVar[frozenset[str]] = frozenset({"username", "new_password"})

    username: Annotated[str, Field(max_length=_LONGEST_NAME)] = ""
    new_password: Password = SecretStr("")
    sealed: Annotated[str, Field(max_length=_LONGEST_SEAL)] = ""
    code: Annotated[str, Field(max_length=_LONGEST_CODE)] = ""

    def missing(self, *, asks_birth_date: bool) -> list[str]:
        """The fields without which the page cannot act."""
        if self.sealed:
            return []
        return [
            *super().missing(asks_birth_date=asks_birth_date),
            *([] if self.username.strip() else ["username"]),
            *([] if self.new_password.get_secret_value() else ["new_password"]),
        ]


class ShareForm(LinkForm):
    """The PIN of a share, and who reads it, if they say."""

    on_the_first_form: ClassVar[frozenset[str]] = frozenset({"pin", "recipient"})

    pin: Annotated[SecretStr, Field(max_length=_LONGEST_CODE)] = SecretStr("")
    recipient: Annotated[str, Field(max_length=_LONGEST_NAME)] = ""

    def missing(self, *, asks_birth_date: bool) -> list[str]:
        """The fields without which the page cannot act."""
        return [
            *super().missing(asks_birth_date=asks_birth_date),
            *([] if self.pin.get_secret_value().strip() else ["pin"]),
        ]
