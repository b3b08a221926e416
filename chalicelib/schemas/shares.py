"""Shapes of shares, and of the manifests of SMART Health Links."""

from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from chalicelib.domain.records.categories import Category
from chalicelib.domain.shares import LONGEST_PIN, PIN_DIGITS, OpenedBy, ShareStatus
from chalicelib.schemas.base import Body, FieldProblem, Instant, PageQuery, Shape, Text
from chalicelib.schemas.exports import Categories, check_span
from chalicelib.schemas.records import Moment

_LONGEST_RECIPIENT = 1_000
_LONGEST_PASSCODE = 200


def _is_said(text: str) -> str:
    if not text.strip():
        raise FieldProblem("missing")
    return text


def _digits(pin: str) -> str:
    if not (pin.isascii() and pin.isdecimal() and PIN_DIGITS <= len(pin) <= LONGEST_PIN):
        raise FieldProblem("pin_expected", minimum=PIN_DIGITS, maximum=LONGEST_PIN)
    return pin


class NewShare(Body):
    """A part of the record that is to be shared."""

    recipient: Annotated[Text, AfterValidator(_is_said)] = Field(
        description="For whom it is, for your own memory: only you and the patient see it."
    )
    categories: Categories = Field(default=[], description="Only these; none for all that you see.")
    from_: Moment | None = Field(
        default=None,
        alias="from",
        description="The first day, from its beginning in the clinic's zone, or a time, included. With it, or with "
        "`to`, what has no date is left out.",
    )
    to: Moment | None = Field(
        default=None, description="The last day, included to its end in the clinic's zone, or a time, included."
    )
    expires_at: Annotated[Instant, Field(strict=False)] | None = Field(
        default=None, description="In 7 days if not given, and in 90 at the latest."
    )
    pin: Annotated[str, Field(max_length=64), AfterValidator(_digits)] | None = Field(
        default=None,
        description="6 to 12 digits that nobody would guess. Without it the portal makes one.",
    )

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        check_span(self.from_, self.to)
        return self


class Opening(Shape):
    """One time that a share was opened."""

    opened_at: Instant
    by: OpenedBy
    recipient: str | None = Field(description="Who they said they were; nobody has checked it.")


class Share(Shape):
    """A part of the record that is shared."""

    model_config = ConfigDict(serialize_by_alias=True)

    share_id: str
    recipient: str
    status: ShareStatus = Field(
        description="It opens while it is `building` or `ready`. `failed`: it could not be made. `locked`: five wrong "
        "PINs were tried. `lost`: whoever made it may not see so much any more."
    )
    categories: list[Category] = Field(description="Empty: all that its maker sees.")
    from_: date | datetime | None = Field(alias="from")
    to: date | datetime | None
    created_at: Instant
    expires_at: Instant
    is_own: bool = Field(description="Whether you made it; a caregiver may have.")
    wrong_pins: int = Field(description="How many wrong PINs were tried, of five.")
    counts: dict[str, int] | None = Field(description="How many entries of each category are in it, once it is made.")
    openings: list[Opening] = Field(description="The newest 50, the newest first.")
    opening_count: int


class SharePage(Shape):
    """Shares of a record, the newest first: your own; for the patient, also those that caregivers made."""

    items: list[Share]
    next_cursor: str | None


class SharesQuery(PageQuery):
    """Which page."""


class OpenShare(Share):
    """A share with what opens it, which is handed on. The PIN goes another way than the link."""

    url: str | None = Field(description="A page for people. Null where it is not yours, or over.")
    smart_health_link: str | None = Field(description="For apps: a SMART Health Link (`shlink:/…`).")
    qr_svg: str | None = Field(description="The SMART Health Link as a QR code: an SVG element.")


class MadeShare(OpenShare):
    """A share that was just made, also in the answer's replays."""

    pin: str | None = Field(description="The PIN that the portal made; null where you gave your own.")


class ManifestRequest(BaseModel):
    """What an app asks of a SMART Health Link. What the portal does not know of it is passed over, as they demand."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, hide_input_in_errors=True, defer_build=True)

    recipient: Annotated[str, Field(max_length=_LONGEST_RECIPIENT), AfterValidator(_is_said)] = Field(
        description="Who reads it, for the patient to see."
    )
    passcode: Annotated[str, Field(max_length=_LONGEST_PASSCODE)] | None = Field(
        default=None, description="The PIN. Without it the answer says how many tries are left, and none is spent."
    )
    embedded_length_max: int | None = Field(
        default=None,
        ge=0,
        alias="embeddedLengthMax",
        description="How long a file may be at most that stands in the manifest itself.",
    )


class ManifestFile(Shape):
    """One encrypted file: a JSON Web Encryption in compact form (`dir`, `A256GCM`), at its location or embedded."""

    content_type: Literal["application/fhir+json"] = Field(alias="contentType")
    location: str | None = Field(default=None, description="Works for five minutes, for whoever has it.")
    embedded: str | None = None
    last_updated: Instant = Field(alias="lastUpdated")
    status: Literal["finalized"] = "finalized"
    fhir_version: Literal["4.0.1"] = Field(default="4.0.1", alias="fhirVersion")


class ShareManifest(Shape):
    """What a SMART Health Link leads to. While the file is being made there is none: ask again after `Retry-After`."""

    status: Literal["can-change", "finalized"]
    files: list[ManifestFile]
