"""Shapes of registering: each way to prove who one is has its own fields."""

from datetime import date
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, RootModel, ValidationInfo, field_validator

from chalicelib.schemas.accounts import Email, Phone, Token
from chalicelib.schemas.base import Body, FieldProblem, Instant, Shape, Text

_Given = Annotated[Text, Field(min_length=1)]
_LastFour = Annotated[str, Field(pattern=r"^[0-9]{4}$")]


class _Person(Body):
    first_name: _Given
    last_name: _Given
    date_of_birth: date


class ActivationCodeRegistration(_Person):
    """With the code that the clinic gave the patient."""

    method: Literal["activation_code"]
    clinic_number: _Given
    activation_code: _Given
    email: Email | None = None
    mobile_phone: Phone | None = None


class IdentityMatchRegistration(_Person):
    """With what only the patient knows; a code goes to the contact on file. One of the two numbers is needed."""

    method: Literal["identity_match"]
    phone_last4: _LastFour | None = Field(default=None, description="Of any telephone that the clinic has on file.")
    ssn_last4: _LastFour | None = Field(default=None, validate_default=True)
    email: Email | None = None
    mobile_phone: Phone | None = None

    @field_validator("ssn_last4")
    @classmethod
    def _check_one_is_given(cls, ssn_last4: str | None, read: ValidationInfo) -> str | None:
        if ssn_last4 is None and read.data.get("phone_last4", "wrong") is None:
            raise FieldProblem("last_four_expected")
        return ssn_last4


class ClinicNumberRegistration(_Person):
    """With the clinic number; a code goes to the contact on file."""

    method: Literal["clinic_number"]
    clinic_number: _Given
    email: Email
    mobile_phone: Phone | None = None


class InvitationRegistration(_Person):
    """With the link by which a patient invited somebody, who need be no patient, to look after them."""

    method: Literal["invitation"]
    invitation_token: Token
    email: Email | None = None
    mobile_phone: Phone | None = Field(default=None, validate_default=True)

    @field_validator("mobile_phone")
    @classmethod
    def _check_one_is_given(cls, mobile_phone: str | None, read: ValidationInfo) -> str | None:
        if mobile_phone is None and read.data.get("email", "wrong") is None:
            raise FieldProblem("email_or_phone_expected")
        return mobile_phone


class NewRegistration(
    RootModel[
        Annotated[
            ActivationCodeRegistration | IdentityMatchRegistration | ClinicNumberRegistration | InvitationRegistration,
            Field(discriminator="method"),
        ]
    ]
):
    """Who somebody says they are, in one of the ways that are open (`registration.methods` of `GET /v1/config`)."""

    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True, defer_build=True)


class Registration(Shape):
    """An identity that waits for its account."""

    registration_id: str
    registration_token: str
    expires_at: Instant
    terms_version: str
    code_sent_to: str | None = Field(default=None, description="Masked; null where no code is needed.")


class ActivationCodeRequest(Body):
    """Whose code is missing."""

    clinic_number: _Given
    date_of_birth: date


class ActivationCodeRequested(Shape):
    """The request was taken; there is nothing more to say to whoever made it."""


class CodeRequest(Body):
    """Which way the code should come, where the clinic has both an email address and a telephone on file."""

    channel: Literal["email", "sms"] | None = None


class CodeSent(Shape):
    """The request was taken. Where the registration can take no more codes, nothing goes out."""

    code_sent_to: str | None = Field(description="Masked.")
