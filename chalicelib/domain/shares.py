"""Shares: a part of a record that whoever has a link and its PIN may read for a while, and how it ends."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Final

from chalicelib.domain.access import Policy, patient
from chalicelib.domain.exports import ExportFormat, Wanted
from chalicelib.domain.links import LinkEnd
from chalicelib.domain.passwords.own_words import forms_of

SHARING: Final[Policy] = patient(permission=None)
"""Who may share a record: the patient themselves, and whoever may see and do everything for them."""

LASTS: Final = timedelta(days=7)
"""How long a share works where nobody says how long."""

LONGEST: Final = timedelta(days=90)

TRIES: Final = 5
"""Wrong PINs in all, at the page and by SMART Health Link together, after which a share is over for good."""

FORMATS: Final = (ExportFormat.PDF, ExportFormat.FHIR)
"""What is made of the record for a share: pages for people, and a Bundle, which the SMART Health Link has encrypted."""

OPENINGS_SHOWN: Final = 50
"""How many openings a share tells of, the newest; the patient's history has all of them."""

PIN_DIGITS: Final = 6
LONGEST_PIN: Final = 12
_FEWEST_DIFFERENT = 4
_KEYPAD: Final = frozenset(
    {"147258", "258369", "147852", "258963", "369852", "159357", "159753", "357159", "753159", "741852", "852741"}
    | {"852963", "963852", "789456", "456789", "456123", "123654", "987456", "456987", "321654", "321456", "789123"}
)
"""Ways over the keys of a telephone; rows and repeats of digits are found by rule."""


class OpenedBy(StrEnum):
    """By which of its two links a share was opened."""

    LINK = "link"
    SMART_HEALTH_LINK = "smart_health_link"


class ShareEnd(StrEnum):
    """Why a share opens no more."""

    EXPIRED = "expired"
    REVOKED = "revoked"
    LOCKED = "locked"
    """Too many wrong PINs."""
    LOST = "lost"
    """Whoever made it may not see so much any more."""


class ShareStatus(StrEnum):
    """How far a share is."""

    BUILDING = "building"
    READY = "ready"
    FAILED = "failed"
    EXPIRED = "expired"
    REVOKED = "revoked"
    LOCKED = "locked"
    LOST = "lost"


LINK_ENDS: Final[Mapping[ShareEnd, LinkEnd]] = {
    ShareEnd.EXPIRED: LinkEnd.EXPIRED,
    ShareEnd.REVOKED: LinkEnd.REPLACED,
    ShareEnd.LOCKED: LinkEnd.TRIED,
    ShareEnd.LOST: LinkEnd.REPLACED,
}
"""What the page of its link says of each end; that its maker may do less than before is nobody else's business."""


@dataclass(frozen=True, slots=True)
class NewShare:
    """What somebody wants to share: for whom, what of the record, until when (aware), and their own PIN if any.

    The format of `wanted` is not looked at: a share is made in `FORMATS`.
    """

    recipient: str
    wanted: Wanted
    expires_at: datetime
    pin: str | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """One time that a share was opened: when (aware, in UTC), by which link, and who they said they were."""

    opened_at: datetime
    by: OpenedBy
    recipient: str | None


@dataclass(frozen=True, slots=True)
class ShareView:
    """A share as its maker and the patient see it; times are aware, in UTC. `counts` is there once it is built."""

    share_id: str
    recipient: str
    wanted: Wanted
    status: ShareStatus
    created_at: datetime
    expires_at: datetime
    is_own: bool
    wrong_tries: int
    openings: tuple[Opening, ...]
    opening_count: int
    counts: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class ShareLinks:
    """What its maker hands on: `pin` is there only where the portal made it."""

    url: str
    smart_health_link: str
    qr_svg: str
    pin: str | None


@dataclass(frozen=True, slots=True)
class Contents:
    """What somebody with the PIN finds: addresses that work for five minutes. `is_building` while there are none."""

    is_building: bool = False
    patient_name: str = ""
    wanted: Wanted | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    made_at: datetime | None = None
    urls: Mapping[ExportFormat, str] = field(default_factory=dict)
    sealed_url: str | None = None
    embedded: str | None = None


def is_guessable(pin: str, own_words: Iterable[str]) -> bool:
    """Whether a PIN is one of those that everybody tries first, or made of what is known of the patient.

    Args:
        pin: digits.
        own_words: the birth date (`YYYY-MM-DD`) and numbers of the patient; empty ones are ignored.
    """
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(pin)}
    numbers = {form for word in own_words for form in (*forms_of(word), "".join(filter(str.isdecimal, word)))}
    return (
        len(set(pin)) < _FEWEST_DIFFERENT
        or len(steps) == 1
        or pin in _KEYPAD
        or any(len(one) >= PIN_DIGITS and one.isdecimal() and one in pin for one in numbers)
    )
