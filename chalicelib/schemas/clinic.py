"""Shapes of the clinic's side."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr

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


class PatientPage(Shape):
    """Patients with an identifier."""

    items: list[PatientRow]
    next_cursor: str | None


class NewActivationCode(Body):
    """How the code reaches the patient; without `deliver` the clinic hands it over itself."""

    deliver: Literal["print"] | None = None


class ActivationCode(Shape):
    """What the clinic hands to the patient: the code is in this answer and its replays, and nowhere else."""

    patient_id: str
    clinic_number: str
    activation_code: str
    expires_at: Instant


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
