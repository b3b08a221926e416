"""What is audited: one action for each kind of event, in the grammar `noun:verb` or `noun:noun:verb`."""

from dataclasses import dataclass, field
from enum import StrEnum

from chalicelib.domain.access import Actor


class Action(StrEnum):
    """Everything that leaves an audit entry."""

    ACCESS_REFUSE = "access:refuse"
    ACCOUNT_CREATE = "account:create"
    ACCOUNT_DEVICE_FORGET = "account:device:forget"
    ACCOUNT_EDIT = "account:edit"
    ACCOUNT_EMAIL_RESEND = "account:email:resend"
    ACCOUNT_EMAIL_VERIFY = "account:email:verify"
    ACCOUNT_EMAIL_DISOWN = "account:email:disown"
    ACCOUNT_PASSWORD_CHANGE = "account:password:change"  # noqa: S105  The name of an event.
    ACCOUNT_PASSWORD_REFUSE = "account:password:refuse"  # noqa: S105  The name of an event.
    ACCOUNT_PASSWORD_DISABLE = "account:password:disable"  # noqa: S105  The name of an event.
    ACCOUNT_PASSWORD_RESET = "account:password:reset"  # noqa: S105  The name of an event.
    ACCOUNT_PASSWORD_RESET_REFUSE = "account:password:reset:refuse"  # noqa: S105  The name of an event.
    ACCOUNT_PASSWORD_RESET_REQUEST = "account:password:reset:request"  # noqa: S105  The name of an event.
    ACCOUNT_PHRASE_EDIT = "account:phrase:edit"
    ACCOUNT_PREFERENCES_EDIT = "account:preferences:edit"
    ACCOUNT_USERNAME_REMIND = "account:username:remind"
    ACTIVATION_CODE_ISSUE = "activation_code:issue"
    ACTIVATION_CODE_REFUSE = "activation_code:refuse"
    ADDRESS_RESTORE = "address:restore"
    ADDRESS_SUPPRESS = "address:suppress"
    CLIENT_CREATE = "client:create"
    CLIENT_SESSION_CREATE = "client:session:create"
    EVENTS_READ = "events:read"
    NOTICE_READ = "notice:read"
    PATIENT_LOOKUP = "patient:lookup"
    PUSH_DEVICE_CREATE = "push_device:create"
    PUSH_DEVICE_REFRESH = "push_device:refresh"
    PUSH_DEVICE_REMOVE = "push_device:remove"
    RECORD_IMPORT = "record:import"
    REFERENCE_RESOLVE = "record:reference:resolve"
    REGISTRATION_CREATE = "registration:create"
    SESSION_CREATE = "session:create"
    SESSION_END = "session:end"
    SESSION_REFUSE = "session:refuse"
    SESSION_REUSE = "session:reuse"
    WEBHOOK_CREATE = "webhook:create"
    WEBHOOK_DISABLE = "webhook:disable"
    WEBHOOK_REMOVE = "webhook:remove"
    WEBHOOK_REPLAY = "webhook:replay"
    WEBHOOK_ROTATE = "webhook:rotate"
    WEBHOOK_SEND = "webhook:send"


@dataclass(frozen=True, slots=True)
class Entry:
    """One audited event: who did what, about which ids. It holds ids, never health data."""

    actor: Actor
    action: Action
    patient_id: str | None = None
    account_id: str | None = None
    about: dict[str, object] = field(default_factory=dict)

    @property
    def partition(self) -> str:
        """Whose history the event belongs to: a patient's, an account's, or the clinic's."""
        if self.patient_id:
            return f"patient#{self.patient_id}"
        return f"account#{self.account_id}" if self.account_id else "clinic"
