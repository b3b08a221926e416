"""Shapes of the clinic's side."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from chalicelib.domain.registration import CodeState
from chalicelib.schemas.base import Body, Instant, PageQuery, Shape


class ClientCredentials(Body):
    """RFC 6749 §4.4."""

    grant_type: Literal["client_credentials"]
    client_id: Annotated[str, Field(min_length=1, max_length=100)]
    client_secret: SecretStr = Field(max_length=200)


class ClientToken(Shape):
    """An access token of a service client."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  The type of a token.
    expires_in: int = Field(description="Seconds.")


class PatientsQuery(PageQuery):
    """Find patients by an identifier."""

    identifier: Annotated[
        str,
        Field(min_length=1, max_length=300, description="`value` or `system|value`; never a Social Security number."),
    ]


class PatientRow(Shape):
    """A patient as the clinic's systems find them."""

    patient_id: str
    clinic_number: str
    first_name: str | None
    last_name: str | None
    names: list[str]
    birth_date: str | None
    deceased: bool
    merged_from: list[str] = Field(description="The ids of patients who are merged into this one.")


class PatientPage(Shape):
    """Patients with an identifier."""

    items: list[PatientRow]
    next_cursor: str | None


class NewActivationCode(Body):
    """How the code reaches the patient: at the contact on file, or handed over by the clinic itself."""

    deliver: Literal["email", "sms", "print"] | None = None


class ActivationCode(Shape):
    """What the clinic hands to the patient: the code is in this answer and its replays, and nowhere else."""

    patient_id: str
    clinic_number: str
    activation_code: str
    expires_at: Instant
    sent_to: str | None = Field(description="Masked; null where the clinic hands it over.")


class ActivationCodeState(Shape):
    """How a patient's activation code is, which is not shown again."""

    patient_id: str
    state: CodeState
    issued_at: Instant | None
    expires_at: Instant | None
    tries_left: int
    sent_to: str | None = Field(description="Masked; null where the clinic handed it over.")


class Refused(Shape):
    """An entry that was not taken, and why."""

    index: int
    reason: str


class ImportResult(Shape):
    """What an import did."""

    created: int
    updated: int
    unchanged: int
    kept_raw: int = Field(description="Of types that the portal does not know: kept as sent.")
    refused: list[Refused]
