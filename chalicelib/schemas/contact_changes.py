"""Shapes of changing one's email, phone and username."""

from typing import Annotated

from pydantic import Field

from chalicelib.schemas.accounts import Email, Phone
from chalicelib.schemas.base import Body, Text


class EmailChange(Body):
    """The address that shall be the account's."""

    email: Email


class PhoneChange(Body):
    """The number that shall be the account's."""

    mobile_phone: Phone


class PhoneConfirmation(Body):
    """The code that the new number got."""

    code: Annotated[Text, Field(min_length=1)]


class UsernameChange(Body):
    """The name to sign in by."""

    username: Annotated[Text, Field(min_length=1)]
