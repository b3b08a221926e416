"""What is audited: one action for each kind of event, in the grammar `noun:verb` or `noun:noun:verb`."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from chalicelib.domain.access import Actor

KEPT = timedelta(days=6 * 366)
"""How long an entry is kept: six years (45 CFR 164.316), however many of them are leap years."""


class Action(StrEnum):
    """Everything that leaves an audit entry."""

    ACCESS_REFUSE = "access:refuse"
    ACCOUNT_CLOSE = "account:close"
    ACCOUNT_CREATE = "account:create"
    ACCOUNT_DEVICE_DISTRUST = "account:device:distrust"
    ACCOUNT_DEVICE_FORGET = "account:device:forget"
    ACCOUNT_CHANGE_UNDO = "account:change:undo"
    ACCOUNT_EDIT = "account:edit"
    ACCOUNT_EMAIL_ASK = "account:email:ask"
    ACCOUNT_EMAIL_CANCEL = "account:email:cancel"
    ACCOUNT_EMAIL_RESEND = "account:email:resend"
    ACCOUNT_EMAIL_VERIFY = "account:email:verify"
    ACCOUNT_EMAIL_DISOWN = "account:email:disown"
    ACCOUNT_EXPORT_ASK = "account:export:ask"
    ACCOUNT_EXPORT_BUILD = "account:export:build"
    ACCOUNT_EXPORT_FAIL = "account:export:fail"
    ACCOUNT_EXPORT_REMOVE = "account:export:remove"
    ACCOUNT_LOOKUP = "account:lookup"
    ACCOUNT_PASSWORD_CHANGE = "account:password:change"  # noqa: S105  The name of an event.
    ACCOUNT_PASSWORD_REFUSE = "account:password:refuse"  # noqa: S105  The name of an event.
    ACCOUNT_PASSWORD_DISABLE = "account:password:disable"  # noqa: S105  The name of an event.
    ACCOUNT_PASSWORD_RESET = "account:password:reset"  # noqa: S105  The name of an event.
    ACCOUNT_PASSWORD_RESET_REFUSE = "account:password:reset:refuse"  # noqa: S105  The name of an event.
    ACCOUNT_PASSWORD_RESET_REQUEST = "account:password:reset:request"  # noqa: S105  The name of an event.
    ACCOUNT_PHONE_ASK = "account:phone:ask"
    ACCOUNT_PHONE_CONFIRM = "account:phone:confirm"
    ACCOUNT_PHONE_REFUSE = "account:phone:refuse"
    ACCOUNT_PHONE_REMOVE = "account:phone:remove"
    ACCOUNT_PHRASE_EDIT = "account:phrase:edit"
    ACCOUNT_PREFERENCES_EDIT = "account:preferences:edit"
    ACCOUNT_PURGE = "account:purge"
    ACCOUNT_RECOVER = "account:recover"
    ACCOUNT_RELEASE_EDIT = "account:release:edit"
    ACCOUNT_REOPEN = "account:reopen"
    ACCOUNT_USERNAME_CHANGE = "account:username:change"
    ACCOUNT_USERNAME_REMIND = "account:username:remind"
    ACTIVATION_CODE_ISSUE = "activation_code:issue"
    ACTIVATION_CODE_READ = "activation_code:read"
    ACTIVATION_CODE_REQUEST = "activation_code:request"
    ACTIVATION_CODE_REVOKE = "activation_code:revoke"
    ADDRESS_RESTORE = "address:restore"
    ADDRESS_SUPPRESS = "address:suppress"
    AMENDMENT_APPROVE = "amendment:approve"
    AMENDMENT_ASK = "amendment:ask"
    AMENDMENT_DENY = "amendment:deny"
    AMENDMENT_READ = "amendment:read"
    AMENDMENT_WITHDRAW = "amendment:withdraw"
    AUDIT_READ = "audit:read"
    CAREGIVER_ADD = "caregiver:add"
    CAREGIVER_DECLINE = "caregiver:decline"
    CAREGIVER_EDIT = "caregiver:edit"
    CAREGIVER_END = "caregiver:end"
    CAREGIVER_INVITE = "caregiver:invite"
    CLIENT_CREATE = "client:create"
    CLIENT_EDIT = "client:edit"
    CLIENT_ROTATE = "client:rotate"
    CLIENT_SESSION_CREATE = "client:session:create"
    GLASS_BREAK = "glass:break"
    DOCUMENT_CREATE = "document:create"
    DOCUMENT_DOWNLOAD = "document:download"
    DOCUMENT_REMOVE = "document:remove"
    EVENTS_READ = "events:read"
    IMPORT_CANCEL = "import:cancel"
    IMPORT_CREATE = "import:create"
    IMPORT_FINISH = "import:finish"
    MODEL_ASK = "model:ask"
    MODEL_CONSENT_GIVE = "model:consent:give"
    MODEL_CONSENT_WITHDRAW = "model:consent:withdraw"
    NOTICE_READ = "notice:read"
    PATIENT_ACCESS = "patient:access"
    PATIENT_CHANGE_APPROVE = "patient:change:approve"
    PATIENT_CHANGE_ASK = "patient:change:ask"
    PATIENT_CHANGE_DENY = "patient:change:deny"
    PATIENT_CREATE = "patient:create"
    PATIENT_EDIT = "patient:edit"
    PATIENT_LOOKUP = "patient:lookup"
    PATIENT_MERGE = "patient:merge"
    PATIENT_MERGE_UNDO = "patient:merge:undo"
    PROXY_REQUESTS_READ = "proxy_requests:read"
    PROXY_REQUEST_APPROVE = "proxy_request:approve"
    PROXY_REQUEST_CREATE = "proxy_request:create"
    PROXY_REQUEST_DENY = "proxy_request:deny"
    PUSH_DEVICE_CREATE = "push_device:create"
    PUSH_DEVICE_REFRESH = "push_device:refresh"
    PUSH_DEVICE_REMOVE = "push_device:remove"
    QUESTION_ASK = "question:ask"
    QUESTION_REMOVE = "question:remove"
    RECORD_EXPORT_ASK = "record:export:ask"
    RECORD_EXPORT_BUILD = "record:export:build"
    RECORD_EXPORT_DOWNLOAD = "record:export:download"
    RECORD_EXPORT_FAIL = "record:export:fail"
    RECORD_EXPORT_REMOVE = "record:export:remove"
    RECORD_EXPORT_WITHDRAW = "record:export:withdraw"
    RECORD_IMPORT = "record:import"
    RECORD_REVEAL = "record:reveal"
    REFERENCE_RESOLVE = "record:reference:resolve"
    REGISTRATION_CODE_SEND = "registration:code:send"
    REGISTRATION_CREATE = "registration:create"
    REGISTRATION_REFUSE = "registration:refuse"
    SECOND_FACTOR_BEGIN = "second_factor:begin"
    SECOND_FACTOR_BIND = "second_factor:bind"
    SECOND_FACTOR_REFUSE = "second_factor:refuse"
    SECOND_FACTOR_REMOVE = "second_factor:remove"
    RECOVERY_CODES_RENEW = "recovery_codes:renew"
    SESSION_BEGIN = "session:begin"
    SESSION_CODE_SEND = "session:code:send"
    SESSION_CREATE = "session:create"
    SESSION_END = "session:end"
    SESSION_REFUSE = "session:refuse"
    SESSION_REUSE = "session:reuse"
    SETTINGS_EDIT = "settings:edit"
    SESSION_STEP_UP = "session:step_up"
    SHARE_CREATE = "share:create"
    SHARE_OPEN = "share:open"
    SHARE_REFUSE = "share:refuse"
    SHARE_REMOVE = "share:remove"
    SHARE_REVOKE = "share:revoke"
    SHARE_TRY = "share:try"
    STAFF_EDIT = "staff:edit"
    STAFF_INVITE = "staff:invite"
    STAFF_JOIN = "staff:join"
    UPLOAD_REFUSE = "upload:refuse"
    UPLOAD_TAKE = "upload:take"
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
