"""What the portal tells people: every kind of notice, its rules, and the channels that it may go through."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from chalicelib.domain.caregivers import Scope


class NoticeKind(StrEnum):
    """Every kind of notice; each has its templates under templates/email/<kind> and, where it may be one, an SMS."""

    ACCOUNT_CLOSED = "account_closed"
    ACCOUNT_MERGED = "account_merged"
    ACCOUNT_CREATED = "account_created"
    ACCOUNT_REOPENED = "account_reopened"
    ACTIVATION_CODE = "activation_code"
    CONTACT_RESTORED = "contact_restored"
    EMAIL_CHANGED = "email_changed"
    AGE_BOUNDARY = "age_boundary"
    AMENDMENT_DECIDED = "amendment_decided"
    CAREGIVER_ADDED = "caregiver_added"
    CAREGIVER_INVITATION = "caregiver_invitation"
    CAREGIVER_LEFT = "caregiver_left"
    COMING_OF_AGE = "coming_of_age"
    BREAK_GLASS = "break_glass"
    CHANGE_DENIED = "change_denied"
    CONTACT_REMOVED = "contact_removed"
    CONTACT_REPLACED = "contact_replaced"
    EMAIL_CONFIRMATION = "email_confirmation"
    EMAIL_IN_USE = "email_in_use"
    EMAIL_REMOVED = "email_removed"
    EMAIL_STOPPED = "email_stopped"
    EXPORT_READY = "export_ready"
    FILE_JOINED = "file_joined"
    FILES_JOINED = "files_joined"
    FILES_PARTED = "files_parted"
    GRANT_CHANGED = "grant_changed"
    GRANT_ENDED = "grant_ended"
    NEW_DEVICE = "new_device"
    NEW_RESULTS = "new_results"
    PHONE_CHANGED = "phone_changed"
    PHONE_CODE = "phone_code"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105  The name of a notice.
    PASSWORD_RESET = "password_reset"  # noqa: S105  The name of a notice.
    SECOND_FACTOR_CHANGED = "second_factor_changed"
    REGISTRATION_CODE = "registration_code"
    PROXY_REQUEST_DECIDED = "proxy_request_decided"
    SHARE_LOCKED = "share_locked"
    SHARE_OPENED = "share_opened"
    SIGN_IN_CODE = "sign_in_code"
    SIGN_IN_TEXT = "sign_in_text"
    STAFF_INVITATION = "staff_invitation"
    UPLOAD_REFUSED = "upload_refused"
    USERNAME_CHANGED = "username_changed"
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
    EXPORTS = "exports"
    PURGES = "purges"
    UPLOADS = "uploads"
    PICTURES = "pictures"


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
    EVERYWHERE_BEFORE_TOO = "everywhere_before_too"
    """As `everywhere`, and to the address that a change took the place of."""
    CONFIRMED_EMAIL = "confirmed_email"
    CONFIRMED_PHONE = "confirmed_phone"
    PENDING_EMAIL = "pending_email"
    PENDING_PHONE = "pending_phone"
    RECOVERY_EMAIL = "recovery_email"
    """The confirmed email, or without one the first that the clinic has on file."""
    RECOVERY = "recovery"
    """As `recovery_email`, and where there is none the confirmed phone, else the first on file (RC 8)."""
    STRANGER = "stranger"
    """The address that stands with what a notice is about, for somebody who has no account: see `Notice.stranger`."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How one kind of notice is told.

    `channels` are those that it may use; urgent ones do not wait for the end of quiet hours; `scope` is what a
    caregiver's grant must cover, for notices about a patient; `target` is what the portal's copy leads to. Whoever has
    closed their account is told only what `reaches_closed` accounts.
    """

    type: NoticeType
    to: AddressBook
    channels: tuple[Channel, ...]
    is_urgent: bool = True
    scope: Scope | None = None
    target: str = "account"
    reaches_closed: bool = False


_ALL = tuple(Channel)
_EMAIL = (Channel.EMAIL,)

# What was changed just before an account was closed: the link that undoes it opens the account again as well.
_CHANGED = Rule(NoticeType.SECURITY, AddressBook.EVERYWHERE_BEFORE_TOO, _ALL, reaches_closed=True)

RULES: Mapping[NoticeKind, Rule] = {
    NoticeKind.ACCOUNT_CLOSED: Rule(
        NoticeType.SECURITY, AddressBook.EVERYWHERE_BEFORE_TOO, (Channel.EMAIL, Channel.SMS), reaches_closed=True
    ),
    NoticeKind.ACCOUNT_REOPENED: Rule(NoticeType.SECURITY, AddressBook.EVERYWHERE, _ALL),
    NoticeKind.ACTIVATION_CODE: Rule(NoticeType.SECURITY, AddressBook.STRANGER, (Channel.EMAIL, Channel.SMS)),
    NoticeKind.CONTACT_RESTORED: Rule(NoticeType.SECURITY, AddressBook.EVERYWHERE, _ALL),
    NoticeKind.EMAIL_CHANGED: _CHANGED,
    NoticeKind.PHONE_CHANGED: _CHANGED,
    NoticeKind.PHONE_CODE: Rule(NoticeType.SECURITY, AddressBook.PENDING_PHONE, (Channel.SMS,)),
    NoticeKind.USERNAME_CHANGED: _CHANGED,
    NoticeKind.AGE_BOUNDARY: Rule(NoticeType.SECURITY, AddressBook.PREFERRED, _ALL, is_urgent=False, target="patients"),
    NoticeKind.AMENDMENT_DECIDED: Rule(
        NoticeType.SECURITY, AddressBook.PREFERRED, _ALL, is_urgent=False, scope=Scope.EVERYTHING, target="amendment"
    ),
    NoticeKind.COMING_OF_AGE: Rule(
        NoticeType.SECURITY, AddressBook.PREFERRED, _ALL, is_urgent=False, target="caregivers"
    ),
    NoticeKind.CAREGIVER_ADDED: Rule(NoticeType.SECURITY, AddressBook.EVERYWHERE, _ALL, target="caregivers"),
    NoticeKind.CAREGIVER_INVITATION: Rule(NoticeType.SECURITY, AddressBook.STRANGER, _EMAIL),
    NoticeKind.CAREGIVER_LEFT: Rule(NoticeType.SECURITY, AddressBook.PREFERRED, _ALL, target="caregivers"),
    NoticeKind.GRANT_CHANGED: Rule(NoticeType.SECURITY, AddressBook.PREFERRED, _ALL, target="patients"),
    NoticeKind.GRANT_ENDED: Rule(NoticeType.SECURITY, AddressBook.PREFERRED, _ALL, target="patients"),
    NoticeKind.PROXY_REQUEST_DECIDED: Rule(NoticeType.SECURITY, AddressBook.PREFERRED, _ALL, target="proxy_requests"),
    NoticeKind.UPLOAD_REFUSED: Rule(NoticeType.SECURITY, AddressBook.CONFIRMED_EMAIL, _EMAIL, target="documents"),
    NoticeKind.CHANGE_DENIED: Rule(NoticeType.SECURITY, AddressBook.CONFIRMED_EMAIL, _EMAIL),
    NoticeKind.CONTACT_REMOVED: Rule(NoticeType.SECURITY, AddressBook.STRANGER, (Channel.EMAIL, Channel.SMS)),
    NoticeKind.CONTACT_REPLACED: Rule(NoticeType.SECURITY, AddressBook.EVERYWHERE, _ALL, scope=Scope.EVERYTHING),
    NoticeKind.BREAK_GLASS: Rule(
        NoticeType.SECURITY, AddressBook.EVERYWHERE, _ALL, scope=Scope.EVERYTHING, target="access_log"
    ),
    NoticeKind.ACCOUNT_MERGED: Rule(NoticeType.SECURITY, AddressBook.STRANGER, (Channel.EMAIL, Channel.SMS)),
    NoticeKind.FILE_JOINED: Rule(NoticeType.SECURITY, AddressBook.STRANGER, (Channel.EMAIL, Channel.SMS)),
    NoticeKind.FILES_JOINED: Rule(
        NoticeType.SECURITY, AddressBook.EVERYWHERE, _ALL, scope=Scope.EVERYTHING, target="access_log"
    ),
    NoticeKind.FILES_PARTED: Rule(
        NoticeType.SECURITY, AddressBook.EVERYWHERE, _ALL, scope=Scope.EVERYTHING, target="access_log"
    ),
    NoticeKind.EXPORT_READY: Rule(NoticeType.SECURITY, AddressBook.PREFERRED, _ALL, is_urgent=False, target="export"),
    NoticeKind.EMAIL_CONFIRMATION: Rule(NoticeType.SECURITY, AddressBook.PENDING_EMAIL, _EMAIL),
    NoticeKind.EMAIL_IN_USE: Rule(NoticeType.SECURITY, AddressBook.CONFIRMED_EMAIL, _EMAIL),
    NoticeKind.EMAIL_REMOVED: Rule(NoticeType.SECURITY, AddressBook.EVERYWHERE, (Channel.PUSH, Channel.SMS)),
    NoticeKind.EMAIL_STOPPED: Rule(
        NoticeType.SECURITY, AddressBook.EVERYWHERE, (Channel.PUSH, Channel.SMS), target="notification_preferences"
    ),
    NoticeKind.ACCOUNT_CREATED: Rule(NoticeType.SECURITY, AddressBook.EVERYWHERE, (Channel.EMAIL, Channel.SMS)),
    NoticeKind.NEW_DEVICE: Rule(NoticeType.SECURITY, AddressBook.EVERYWHERE, _ALL, target="sessions"),
    NoticeKind.NEW_RESULTS: Rule(
        NoticeType.RESULTS, AddressBook.PREFERRED, _ALL, is_urgent=False, scope=Scope.RESULTS, target="records"
    ),
    NoticeKind.PASSWORD_CHANGED: Rule(NoticeType.SECURITY, AddressBook.EVERYWHERE, _ALL),
    NoticeKind.PASSWORD_RESET: Rule(NoticeType.SECURITY, AddressBook.RECOVERY, (Channel.EMAIL, Channel.SMS)),
    NoticeKind.SECOND_FACTOR_CHANGED: Rule(NoticeType.SECURITY, AddressBook.EVERYWHERE, _ALL),
    NoticeKind.REGISTRATION_CODE: Rule(NoticeType.SECURITY, AddressBook.STRANGER, (Channel.EMAIL, Channel.SMS)),
    NoticeKind.SHARE_LOCKED: Rule(
        NoticeType.SECURITY, AddressBook.PREFERRED, _ALL, scope=Scope.EVERYTHING, target="share"
    ),
    NoticeKind.SHARE_OPENED: Rule(
        NoticeType.SECURITY, AddressBook.PREFERRED, _ALL, is_urgent=False, scope=Scope.EVERYTHING, target="share"
    ),
    NoticeKind.SIGN_IN_CODE: Rule(NoticeType.SECURITY, AddressBook.CONFIRMED_EMAIL, _EMAIL),
    NoticeKind.SIGN_IN_TEXT: Rule(NoticeType.SECURITY, AddressBook.CONFIRMED_PHONE, (Channel.SMS,)),
    NoticeKind.STAFF_INVITATION: Rule(NoticeType.SECURITY, AddressBook.STRANGER, _EMAIL),
    NoticeKind.USERNAME_REMINDER: Rule(NoticeType.SECURITY, AddressBook.RECOVERY_EMAIL, _EMAIL),
}


REST: Final = "rest"
"""In what a notice is about: it is for those alone who were not told of a sensitive record before."""


OTHERS: Final = "other_record_ids"
"""In what a notice is about: more of the records that it tells of, their ids separated by spaces."""

COMMENTED: Final = "commented"
"""In what a notice is about: the results are known, and it is for those who wanted to see them after a comment."""

ASKED_BY: Final = "asked_by"
"""In what a notice is about: of those who look after the patient it is for the account that asked, and for no other."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell: to the holder of an account, or to whoever looks after a patient.

    `about` holds ids; the words are made when it is sent, from what is true then. `stranger` names somebody without an
    account by what they are told of, as in `invitation:<id>`.
    """

    kind: NoticeKind
    account_id: str | None = None
    about: dict[str, str] = field(default_factory=dict)
    patient_id: str | None = None
    stranger: str | None = None
