"""Who may do what: the actors, the scopes, and the policy that every route declares."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.caregivers import Scope
from chalicelib.domain.staff import PERMISSIONS, Permission, Role


class ActorKind(StrEnum):
    """What kind of caller acts."""

    NOBODY = "nobody"
    ACCOUNT = "account"
    CLIENT = "client"
    SYSTEM = "system"


class ClientScope(StrEnum):
    """What a clinic's system may be allowed to do, in the manner of OAuth 2.0 scopes."""

    RECORDS_READ = "records.read"
    RECORDS_WRITE = "records.write"
    PATIENTS_READ = "patients.read"
    ACTIVATION_CODES_WRITE = "activation_codes.write"
    EVENTS_READ = "events.read"
    WEBHOOKS_WRITE = "webhooks.write"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is calling. `patient_id` is the patient that an account's holder is; a caregiver need be none.

    `joined` are the patients who are merged into that one. `language` is the one that an account's holder chose;
    `stepped_up_at`, aware in UTC, is when they last proved in this session that it is them. By `practitioner_id` the
    records name somebody of the clinic. `release` is when they want to see new results, as their account's row says.
    """

    kind: ActorKind
    id: str
    patient_id: str | None = None
    session_id: str | None = None
    scopes: frozenset[str] = frozenset()
    language: str | None = None
    roles: frozenset[Role] = frozenset()
    practitioner_id: str | None = None
    stepped_up_at: datetime | None = None
    joined: tuple[str, ...] = ()
    release: str | None = None

    @property
    def key(self) -> str:
        """One text for the caller, for what is bound to them: cursors and idempotency keys."""
        return f"{self.kind}:{self.id}"

    @property
    def is_staff(self) -> bool:
        """Whether somebody of the clinic calls."""
        return bool(self.roles)

    def has(self, permission: Permission | None) -> bool:
        """Whether one of the caller's roles lets them do something."""
        return any(permission in PERMISSIONS[role] for role in self.roles)


NOBODY = Actor(ActorKind.NOBODY, "nobody")
SYSTEM = Actor(ActorKind.SYSTEM, "portal")


class PolicyKind(StrEnum):
    """The shapes of policy that a route may declare."""

    PUBLIC = "public"
    OPTIONAL = "optional"
    ACCOUNT = "account"
    PATIENT = "patient"
    CLIENT = "client"
    STAFF = "staff"
    CLINIC = "clinic"
    RESOURCE = "resource"


@dataclass(frozen=True, slots=True)
class Policy:
    """What a route demands of its caller before its handler runs.

    `grants` are the scopes of which a caregiver's grant must cover one; `permission` is what staff need.
    """

    kind: PolicyKind
    scope: ClientScope | None = None
    permission: Permission | None = None
    grants: frozenset[Scope] = frozenset()


PUBLIC = Policy(PolicyKind.PUBLIC)
"""Anybody, signed in or not."""

OPTIONAL = Policy(PolicyKind.OPTIONAL)
"""Anybody; a caller who is signed in is recognised."""

ACCOUNT = Policy(PolicyKind.ACCOUNT)
"""Any account; the route touches only the caller's own account."""

OWN_PATIENT = Policy(PolicyKind.PATIENT)
"""The patient `{pid}` themselves; anybody else gets the answer of a patient that does not exist."""


def patient(scope: Scope | None = Scope.EVERYTHING, permission: Permission | None = Permission.RECORDS_READ) -> Policy:
    """The patient `{pid}` themselves, their caregivers and staff.

    Args:
        scope: What a caregiver's grant must cover; None where any grant will do and the view looks at its scopes.
        permission: What staff need, beside a tie to the patient; None where it is not for staff.
    """
    grants = frozenset(Scope) if scope is None else frozenset({scope})
    return Policy(PolicyKind.PATIENT, permission=permission, grants=grants)


def client(scope: ClientScope) -> Policy:
    """A clinic's system that was given this scope."""
    return Policy(PolicyKind.CLIENT, scope)


def staff(permission: Permission) -> Policy:
    """Staff whose role lets them do this."""
    return Policy(PolicyKind.STAFF, permission=permission)


def clinic(scope: ClientScope, permission: Permission) -> Policy:
    """A clinic's system that was given this scope, or staff whose role lets them do this."""
    return Policy(PolicyKind.CLINIC, scope, permission)


def resource() -> Policy:
    """Whoever may read the record of the patient whom a resource turns out to be about: the view finds out who that is.

    The patient themselves, their caregivers, staff who care for them, and a clinic's system that was given the scope.
    """
    return Policy(PolicyKind.RESOURCE, ClientScope.RECORDS_READ, Permission.RECORDS_READ, frozenset(Scope))


class ReachKind(StrEnum):
    """As what a caller reaches a patient."""

    SELF = "self"
    CAREGIVER = "caregiver"
    STAFF = "staff"
    CLIENT = "client"


@dataclass(frozen=True, slots=True)
class Reach:
    """For which patient a call is, as what the caller reaches them, and how far ("" where it is for none).

    `scopes` are a caregiver's, None where there is no such limit; `closed` are those of them that the patient's age has
    closed; `sees_sensitive` is about what the law or the clinic marks as sensitive. `joined` are the patients who are
    merged into that one: their records are read with this one's.
    """

    patient_id: str = ""
    by: ReachKind = ReachKind.SELF
    scopes: frozenset[Scope] | None = None
    sees_sensitive: bool = True
    closed: frozenset[Scope] = frozenset()
    joined: tuple[str, ...] = ()

    @property
    def patient_ids(self) -> tuple[str, ...]:
        """The patient, and whoever is merged into them."""
        return (self.patient_id, *self.joined)

    def covers(self, scope: Scope) -> bool:
        """Whether a caregiver's grant goes so far; everybody else is limited by the route's policy alone."""
        return self.scopes is None or (
            scope not in self.closed and not self.scopes.isdisjoint({scope, Scope.EVERYTHING})
        )
