"""Shapes of patients as staff write them down and look for them."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from chalicelib.schemas.accounts import Email, Phone
from chalicelib.schemas.base import Body, PageQuery, PersonName, Text
from chalicelib.schemas.clinic import PatientRow

_Number = Annotated[Text, Field(min_length=1, max_length=50)]
_Gender = Literal["female", "male", "other", "unknown"]


class NewPatient(Body):
    """A patient whom the clinic writes down; without a clinic number one is assigned."""

    first_name: PersonName
    last_name: PersonName
    birth_date: date
    gender: _Gender | None = None
    email: Email | None = None
    mobile_phone: Phone | None = None
    clinic_number: _Number | None = None


class PatientEdit(Body):
    """What is to be corrected; what is left out stays as it is."""

    first_name: PersonName | None = None
    last_name: PersonName | None = None
    birth_date: date | None = None
    gender: _Gender | None = Field(default=None, description="null takes it away.")
    email: Email | None = Field(default=None, description="null takes every email address away.")
    mobile_phone: Phone | None = Field(default=None, description="null takes every mobile phone away.")
    in_person: bool = Field(default=False, description="The patient came in and showed who they are.")


class DeskPatient(PatientRow):
    """A patient with the contacts on file."""

    gender: str | None
    emails: list[str]
    phones: list[str]


class PatientSearch(Body):
    """Whom to look for."""

    q: Annotated[
        Text,
        Field(min_length=2, description="The beginnings of names, a birth date, both; or a clinic number."),
    ]


class SearchPage(PageQuery):
    """How what is found is paged."""
