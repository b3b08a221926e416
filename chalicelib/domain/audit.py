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
    ACCOUNT_EMAIL_VERIFY = "account:email:verify"
    ACCOUNT_PASSWORD_CHANGE = "account:password:change"  # noqa: S105  The name of an event.
    ACCOUNT_PASSWORD_REFUSE = "account:password:refuse"  # noqa: S105  The name of an event.
    ACCOUNT_PASSWORD_DISABLE = "account:password:disable"  # noqa: S105  The name of an event.
    ACTIVATION_CODE_ISSUE = "activation_code:issue"
    ACTIVATION_CODE_REFUSE = "activation_code:refuse"
    CLIENT_CREATE = "client:create"
    CLIENT_SESSION_CREATE = "client:session:create"
    PATIENT_LOOKUP = "patient:lookup"
    RECORD_IMPORT = "record:import"
    REFERENCE_RESOLVE = "record:reference:resolve"
    REGISTRATION_CREATE = "registration:create"
    SESSION_CREATE = "session:create"
    SESSION_END = "session:end"
    SESSION_REFUSE = "session:refuse"
    SESSION_REUSE = "session:reuse"


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
