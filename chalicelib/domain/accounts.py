"""Accounts and sessions as their holder sees them."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class AccountView:
    """One's own account. `email` is the confirmed one, else the one that waits to be confirmed; `roles` are staff's."""

    account_id: str
    patient_id: str | None
    username: str
    email: str | None
    email_verified: bool
    mobile_phone: str | None
    language: str
    time_zone: str
    version: int
    pending_email: str | None = None
    mobile_phone_verified: bool = False
    pending_mobile_phone: str | None = None
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SessionView:
    """One of one's sessions; times are aware, in UTC."""

    session_id: str
    device_id: str | None
    device_name: str | None
    transport: str
    created_at: datetime
    refreshed_at: datetime
    expires_at: datetime
    stepped_up_at: datetime | None = None
    factors: tuple[str, ...] = ()
