"""What the portal tells people, and through what."""

from dataclasses import dataclass, field
from enum import StrEnum


class NoticeKind(StrEnum):
    """Every kind of notice; each has its templates under templates/email/<kind>."""

    EMAIL_CONFIRMATION = "email_confirmation"
    EMAIL_IN_USE = "email_in_use"


class Topic(StrEnum):
    """Which worker an outbox row is for: a notice to a person, or a reference whose target has arrived."""

    EMAIL = "email"
    REFERENCES = "references"


class OutboxStatus(StrEnum):
    """Where a row is on its way."""

    PENDING = "pending"
    DONE = "done"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell one account's holder.

    `about` holds ids; the words are made when it is sent, from what is true then.
    """

    kind: NoticeKind
    account_id: str
    about: dict[str, str] = field(default_factory=dict)
