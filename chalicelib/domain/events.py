"""What the clinic's own systems are told: every type of event, and what one event says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from typing_extensions import TypedDict  # pydantic reads the one of Python 3.12 and newer, or this one.

from chalicelib import ids

KEPT = timedelta(days=30)
"""How long an event can be read."""

PREFIX = "evt"
"""What the ids of events begin with; the rest is their place in the log."""


class ClinicEventType(StrEnum):
    """Everything that a clinic's system can hear of, in the grammar `noun.verb` or `noun.noun.verb`."""

    ACCOUNT_CREATED = "account.created"
    ACCOUNT_CLOSED = "account.closed"
    ACCOUNT_REOPENED = "account.reopened"
    ACCOUNT_REMOVED = "account.removed"
    AMENDMENT_ASKED = "amendment.asked"
    AMENDMENT_APPROVED = "amendment.approved"
    AMENDMENT_DENIED = "amendment.denied"
    AMENDMENT_WITHDRAWN = "amendment.withdrawn"
    CONTACT_EMAIL_CONFIRMED = "contact.email.confirmed"
    CONTACT_EMAIL_REMOVED = "contact.email.removed"
    CONTACT_PHONE_CONFIRMED = "contact.phone.confirmed"
    CONTACT_PHONE_REMOVED = "contact.phone.removed"


@dataclass(frozen=True, slots=True)
class ClinicEvent:
    """One thing that happened, told by ids alone: what they stand for is read with the reader's own rights.

    `patient_id` is None where it concerns an account whose holder is no patient.
    """

    type: ClinicEventType
    patient_id: str | None
    about: Mapping[str, str] = field(default_factory=dict)


class EventRow(TypedDict):
    """An event as it is read and sent; `about` holds ids by name, as `account_id`."""

    event_id: str
    type: str
    occurred_at: str
    patient_id: str | None
    about: dict[str, str]


def event_id(position: int) -> str:
    """The id of the event at a place in the log, the first of which is 1."""
    return ids.numbered_id(PREFIX, position)
