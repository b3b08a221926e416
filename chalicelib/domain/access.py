"""Who may do what: the actors, the scopes, and the policy that every route declares."""

from dataclasses import dataclass
from enum import StrEnum


class ActorKind(StrEnum):
    """What kind of caller acts."""

    NOBODY = "nobody"
    ACCOUNT = "account"
    CLIENT = "client"
    SYSTEM = "system"


class ClientScope(StrEnum):
    """What a clinic's system may be allowed to do, in the manner of OAuth 2.0 scopes."""

    RECORDS_WRITE = "records.write"
    PATIENTS_READ = "patients.read"
    ACTIVATION_CODES_WRITE = "activation_codes.write"
    EVENTS_READ = "events.read"
    WEBHOOKS_WRITE = "webhooks.write"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is calling. `patient_id` is the patient that an account's holder is; a caregiver need be none.

    `language` is the one that an account's holder chose.
    """

    kind: ActorKind
    id: str
    patient_id: str | None = None
    session_id: str | None = None
    scopes: frozenset[str] = frozenset()
    language: str | None = None

    @property
    def key(self) -> str:
        """One text for the caller, for what is bound to them: cursors and idempotency keys."""
        return f"{self.kind}:{self.id}"


NOBODY = Actor(ActorKind.NOBODY, "nobody")
SYSTEM = Actor(ActorKind.SYSTEM, "portal")


class PolicyKind(StrEnum):
    """The shapes of policy that a route may declare."""

    PUBLIC = "public"
    OPTIONAL = "optional"
    ACCOUNT = "account"
    PATIENT = "patient"
    CLIENT = "client"


@dataclass(frozen=True, slots=True)
class Policy:
    """What a route demands of its caller before its handler runs."""

    kind: PolicyKind
    scope: ClientScope | None = None


PUBLIC = Policy(PolicyKind.PUBLIC)
"""Anybody, signed in or not."""

OPTIONAL = Policy(PolicyKind.OPTIONAL)
"""Anybody; a caller who is signed in is recognised."""

ACCOUNT = Policy(PolicyKind.ACCOUNT)
"""Any account; the route touches only the caller's own account."""

PATIENT = Policy(PolicyKind.PATIENT)
"""The patient `{pid}` themselves; anybody else gets the answer of a patient that does not exist."""


def client(scope: ClientScope) -> Policy:
    """A clinic's system that was given this scope."""
    return Policy(PolicyKind.CLIENT, scope)
