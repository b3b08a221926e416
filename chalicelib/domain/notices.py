"""What the portal tells people: every kind of notice, its rules, and the channels that it may go through."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from chalicelib.domain.caregivers import Scope


class NoticeKind(StrEnum):
    """Every kind of notice; each has its templates under templates/email/<kind> and, where it may be one, an SMS."""

    EMAIL_CONFIRMATION = "email_confirmation"
    EMAIL_IN_USE = "email_in_use"
    EMAIL_REMOVED = "email_removed"
    EMAIL_STOPPED = "email_stopped"
    NEW_RESULTS = "new_results"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105  The name of a notice.
    PASSWORD_RESET = "password_reset"  # noqa: S105  The name of a notice.
    USERNAME_REMINDER = "username_reminder"


class NoticeType(StrEnum):
    """What people choose channels for; several kinds may be of one type."""

    SECURITY = "security"
    RESULTS = "results"


class Channel(StrEnum):
    """What a notice goes out through, in the order in which they are tried."""

    PUSH = "push"
    EMAIL = "email"
    SMS = "sms"


class Topic(StrEnum):
    """Which worker an outbox row is for; each has its queue."""

    NOTICES = "notices"
    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"
    EVENTS = "events"
    WEBHOOKS = "webhooks"
    REFERENCES = "references"


class OutboxStatus(StrEnum):
    """Where a row is on its way. `dropped` is no longer true or wanted; `failed` was never taken by its channel."""

    PENDING = "pending"
    DONE = "done"
    DROPPED = "dropped"
    FAILED = "failed"


class DeliveryStatus(StrEnum):
    """What the portal's own copy says of a channel."""

    QUEUED = "queued"
    HELD = "held"
    SENT = "sent"
    FAILED = "failed"
    BOUNCED = "bounced"
    DROPPED = "dropped"


class AddressBook(StrEnum):
    """Which addresses of somebody a kind of notice goes to."""

    PREFERRED = "preferred"
    """By the reader's own choice of channels, to the confirmed or on-file address of each."""
    EVERYWHERE = "everywhere"
    """To every address that is confirmed or on file, so that a thief of one cannot hide it."""
    CONFIRMED_EMAIL = "confirmed_email"
    PENDING_EMAIL = "pending_email"
    RECOVERY_EMAIL = "recovery_email"
    """The confirmed email, or without one those that the clinic has on file."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How one kind of notice is told.

    `channels` are those that it may use; urgent ones do not wait for the end of quiet hours; `scope` is what a
    caregiver's grant must cover, for notices about a patient; `target` is what the portal's copy leads to.
    """

    type: NoticeType
    to: AddressBook
    channels: tuple[Channel, ...]
    is_urgent: bool = True
    scope: Scope | None = None
    target: str = "account"


_ALL = tuple(Channel)
_EMAIL = (Channel.EMAIL,)

RULES: Mapping[NoticeKind, Rule] = {
    NoticeKind.EMAIL_CONFIRMATION: Rule(NoticeType.SECURITY, AddressBook.PENDING_EMAIL, _EMAIL),
    NoticeKind.EMAIL_IN_USE: Rule(NoticeType.SECURITY, AddressBook.CONFIRMED_EMAIL, _EMAIL),
    NoticeKind.EMAIL_REMOVED: Rule(NoticeType.SECURITY, AddressBook.EVERYWHERE, (Channel.PUSH, Channel.SMS)),
    NoticeKind.EMAIL_STOPPED: Rule(
        NoticeType.SECURITY, AddressBook.EVERYWHERE, (Channel.PUSH, Channel.SMS), target="notification_preferences"
    ),
    NoticeKind.NEW_RESULTS: Rule(
        NoticeType.RESULTS, AddressBook.PREFERRED, _ALL, is_urgent=False, scope=Scope.RESULTS, target="records"
    ),
    NoticeKind.PASSWORD_CHANGED: Rule(NoticeType.SECURITY, AddressBook.EVERYWHERE, _ALL),
    NoticeKind.PASSWORD_RESET: Rule(NoticeType.SECURITY, AddressBook.RECOVERY_EMAIL, _EMAIL),
    NoticeKind.USERNAME_REMINDER: Rule(NoticeType.SECURITY, AddressBook.RECOVERY_EMAIL, _EMAIL),
}


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell: to the holder of an account, or to whoever looks after a patient.

    `about` holds ids; the words are made when it is sent, from what is true then.
    """

    kind: NoticeKind
    account_id: str | None = None
    about: dict[str, str] = field(default_factory=dict)
    patient_id: str | None = None
