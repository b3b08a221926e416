"""What a patient should look at beside their record: what they asked for, and what is amiss with their account."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class RequestKind(StrEnum):
    """What somebody asks the clinic for."""

    AMENDMENT = "amendment"
    CONTACT_CHANGE = "contact_change"
    PROXY_REQUEST = "proxy_request"


class AlertCode(StrEnum):
    """What is amiss."""

    EMAIL_UNCONFIRMED = "email_unconfirmed"
    ADDRESS_BOUNCED = "address_bounced"
    ADDRESS_COMPLAINED = "address_complained"
    ADDRESS_STOPPED = "address_stopped"


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """Something that the clinic has not decided yet; the time is aware, in UTC."""

    kind: RequestKind
    request_id: str
    status: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that is amiss, in the reader's words, and where it is mended: an address, or the account."""

    code: AlertCode
    text: str
    target_kind: str
    target_id: str
