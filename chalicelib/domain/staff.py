"""Who works at the clinic, and what each role may do: the table of permissions, as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """What somebody does at the clinic."""

    FRONT_DESK = "front_desk"
    CLINICIAN = "clinician"
    BILLING = "billing"
    HELP_DESK = "help_desk"
    ADMIN = "admin"


class Permission(StrEnum):
    """What a role lets its holders do, in the grammar `noun:verb`."""

    RECORDS_READ = "records:read"
    """Of patients in their care, or for as long as the glass is broken."""
    RECORDS_IMPORT = "records:import"
    PATIENTS_FIND = "patients:find"
    PATIENTS_WRITE = "patients:write"
    PATIENTS_MERGE = "patients:merge"
    """Not the desk's: whoever hands out codes could open one record with another's account."""
    GLASS_BREAK = "glass:break"
    ACTIVATION_CODES_WRITE = "activation_codes:write"
    ACCOUNTS_FIND = "accounts:find"
    ACCOUNTS_RECOVER = "accounts:recover"
    CONTACT_CHANGES_DECIDE = "contact_changes:decide"
    PROXY_REQUESTS_DECIDE = "proxy_requests:decide"
    AMENDMENTS_DECIDE = "amendments:decide"
    """What patients write of their records is for clinicians, and each look stands in their history."""
    STAFF_WRITE = "staff:write"
    CLIENTS_WRITE = "clients:write"
    SETTINGS_WRITE = "settings:write"
    AUDIT_READ = "audit:read"


_DESK = frozenset({Permission.PATIENTS_FIND, Permission.PATIENTS_WRITE, Permission.ACTIVATION_CODES_WRITE})

PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.FRONT_DESK: _DESK | {Permission.CONTACT_CHANGES_DECIDE, Permission.PROXY_REQUESTS_DECIDE},
    Role.CLINICIAN: frozenset(
        {Permission.PATIENTS_FIND, Permission.RECORDS_READ, Permission.GLASS_BREAK, Permission.AMENDMENTS_DECIDE}
    ),
    Role.BILLING: frozenset({Permission.PATIENTS_FIND}),
    Role.HELP_DESK: frozenset(
        {
            Permission.PATIENTS_FIND,
            Permission.ACTIVATION_CODES_WRITE,
            Permission.ACCOUNTS_FIND,
            Permission.ACCOUNTS_RECOVER,
            Permission.CONTACT_CHANGES_DECIDE,
        }
    ),
    Role.ADMIN: frozenset(
        {
            *_DESK,
            Permission.PATIENTS_MERGE,
            Permission.RECORDS_IMPORT,
            Permission.ACCOUNTS_FIND,
            Permission.ACCOUNTS_RECOVER,
            Permission.PROXY_REQUESTS_DECIDE,
            Permission.STAFF_WRITE,
            Permission.CLIENTS_WRITE,
            Permission.SETTINGS_WRITE,
            Permission.AUDIT_READ,
        }
    ),
}
"""The table of permissions: what a role is not given here, it may not do. Only clinicians see records."""


class StaffState(StrEnum):
    """How far a member of staff is."""

    INVITED = "invited"
    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class StaffView:
    """A member of staff as admins see them; `created_at` is aware, in UTC.

    `practitioner_id` is the portal's id of the Practitioner that they are in the records, by which they are in care
    teams.
    """

    staff_id: str
    name: str
    email: str
    username: str | None
    roles: tuple[Role, ...]
    practitioner_id: str | None
    state: StaffState
    created_at: datetime
    version: int
