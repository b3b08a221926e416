"""Pictures of insurance cards, medicine labels and letters, read into text and fields that somebody confirms."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from chalicelib.domain.access import ReachKind
from chalicelib.domain.uploads import UploadView


class PictureKind(StrEnum):
    """What a picture shows, as its sender says."""

    INSURANCE_CARD = "insurance_card"
    MEDICINE_LABEL = "medicine_label"
    LETTER = "letter"


FIELDS: Final[Mapping[PictureKind, tuple[str, ...]]] = MappingProxyType(
    {
        PictureKind.INSURANCE_CARD: (
            *("payer", "member_id", "group_number", "plan", "bin", "pcn", "subscriber_name", "phone"),
        ),
        PictureKind.MEDICINE_LABEL: (
            *("medicine", "strength", "instructions", "rx_number", "pharmacy", "pharmacy_phone", "prescriber"),
            *("filled_on", "refills_left", "quantity"),
        ),
        PictureKind.LETTER: ("sender", "date", "subject", "phone", "appointment_on"),
    }
)
"""The fields of each kind, in the order in which they are shown. Days are `YYYY-MM-DD`, telephones E.164."""


class ReadingStatus(StrEnum):
    """How far a reading is: `waiting` for its picture, which is then `checking` (scanned, cleaned) and `reading`."""

    WAITING = "waiting"
    CHECKING = "checking"
    READING = "reading"
    READY = "ready"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    NOT_AVAILABLE = "not_available"


class Reason(StrEnum):
    """Why there is nothing to confirm; each has its words (`reading.<reason>`)."""

    OFF = "off"
    NO_ENGINE = "no_engine"
    NOT_TAKEN = "not_taken"
    NO_PICTURE = "no_picture"
    NO_TEXT = "no_text"
    UNREADABLE = "unreadable"
    UNREACHABLE = "unreachable"


TRIED_AGAIN: Final = frozenset({Reason.OFF, Reason.NO_ENGINE, Reason.UNREACHABLE, Reason.UNREADABLE})
"""What may be better another time, with the same picture."""


TRIES: Final = 6
"""After so many tries for a passing reason, which takes about eight minutes, a picture is given up."""

TRIED_FOR: Final = timedelta(hours=1)
"""After so long a picture is given up as well."""


@dataclass(frozen=True, slots=True)
class Field:
    """What was found for a field: None for nothing. What is not certain is to be looked at by whoever confirms it."""

    name: str
    value: str | None
    confidence: float
    is_certain: bool


@dataclass(frozen=True, slots=True)
class Content:
    """What was read: the text by its rows, from top to bottom, and every field of the kind."""

    text: tuple[str, ...]
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What somebody says stands on the picture: who, as what they reached the patient, and when (aware, UTC)."""

    fields: Mapping[str, str]
    account_id: str
    by: ReachKind
    at: datetime


@dataclass(frozen=True, slots=True)
class ReadingView:
    """A reading as those see it who may; `by` is as what its sender reached the patient. Times are aware, in UTC."""

    reading_id: str
    kind: PictureKind
    status: ReadingStatus
    reason: Reason | None
    account_id: str
    by: ReachKind
    created_at: datetime
    upload: UploadView | None
    content: Content | None = None
    confirmation: Confirmation | None = None
    can_retry: bool = False
