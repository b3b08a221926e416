"""Who looks after a patient, what they may see and do as the patient grows up, and who is told what about them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from chalicelib.domain import identity


class Scope(StrEnum):
    """What a grant may open to a caregiver."""

    APPOINTMENTS = "appointments"
    MESSAGES = "messages"
    MEDICATIONS = "medications"
    RESULTS = "results"
    BILLING = "billing"
    EVERYTHING = "everything"


class Relation(StrEnum):
    """What a caregiver is to a patient."""

    PARENT = "parent"
    GUARDIAN = "guardian"
    """Of a child; who acts for an adult by law or by a power of attorney is an agent."""
    AGENT = "agent"
    FAMILY = "family"
    FRIEND = "friend"
    OTHER = "other"


PARENTAL: Final = frozenset({Relation.PARENT, Relation.GUARDIAN})
"""Whose rights follow the age of the child; only the clinic gives them."""


class CaregiverStatus(StrEnum):
    """How far a caregiver is."""

    INVITED = "invited"
    ACTIVE = "active"
    DECLINED = "declined"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class AgeBand:
    """What parents' grants are worth from an age on, in full years.

    `closes` are scopes that are closed, and sensitive items are as `opens_sensitive` says, unless the patient or the
    clinic has decided otherwise since the patient reached the band.
    """

    since: int
    opens_sensitive: bool
    closes: frozenset[Scope] = frozenset()
    ends: bool = False


AGE_BANDS: Final = (
    AgeBand(0, opens_sensitive=True),
    AgeBand(12, opens_sensitive=False, closes=frozenset({Scope.MESSAGES})),
    AgeBand(18, opens_sensitive=False, ends=True),
)
"""The ages at which parents' rights change, by the clinic's calendar."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a caregiver, by their account, may see and do for a patient; times are aware, in UTC.

    What is marked as sensitive is apart from the scopes: it shows only where `sees_sensitive` says so. `decided_at` is
    when the patient or the clinic last decided what it opens; `closed` are scopes that age has closed. `name` and
    `email` are the caregiver's, as they or the patient gave them.
    """

    account_id: str
    scopes: frozenset[Scope]
    expires_at: datetime | None = None
    sees_sensitive: bool = False
    relation: Relation = Relation.FAMILY
    caregiver_id: str = ""
    decided_at: datetime | None = None
    closed: frozenset[Scope] = frozenset()
    name: str | None = None
    email: str | None = None
    version: int = 1

    def covers(self, scope: Scope | None, now: datetime) -> bool:
        """Whether it reaches so far, now. What needs no scope of its own is covered by `everything` only."""
        return not self.is_over(now) and (
            (scope is not None and scope in self.scopes - self.closed)
            or (Scope.EVERYTHING in self.scopes and scope not in self.closed)
        )

    def is_over(self, now: datetime) -> bool:
        """Whether its own end has come."""
        return self.expires_at is not None and now >= self.expires_at

    @property
    def is_clinics(self) -> bool:
        """Whether the clinic gave it: a parent's, a guardian's, or that of an agent to whom no invitation went."""
        return self.relation in PARENTAL or (self.relation is Relation.AGENT and self.email is None)


def in_force(grant: Grant, birth_date: str | None, now: datetime, zone: ZoneInfo) -> Grant | None:
    """What a grant is worth now, by its end and by the patient's age in the clinic's zone; None where it is over.

    Of a birth date that is not known to the day (FHIR's `YYYY`, `YYYY-MM`) the first one counts, and with none at all
    nobody knows that the patient is a child.
    """
    if grant.is_over(now):
        return None
    if grant.relation not in PARENTAL:
        return grant
    born = identity.earliest_birth_date(birth_date) if birth_date else None
    band = _band_at(born, now, zone) if born else AGE_BANDS[-1]
    if born is None or band.ends:
        return None
    if grant.decided_at is not None and band.since and _band_at(born, grant.decided_at, zone) is band:
        return replace(grant, closed=band.closes - grant.scopes)
    return replace(grant, sees_sensitive=band.opens_sensitive, closed=band.closes)


def _band_at(born: date, at: datetime, zone: ZoneInfo) -> AgeBand:
    age = identity.age_on(born, at.astimezone(zone).date())
    return max((band for band in AGE_BANDS if band.since <= age), key=lambda band: band.since, default=AGE_BANDS[0])


def readers(
    own_account_id: str | None, *, is_child: bool, grants: Iterable[Grant], scope: Scope | None, now: datetime
) -> list[str]:
    """The accounts that a notice about a patient goes to, each once: the patient's own, unless they are a child, first.

    A child's notices go to the caregivers alone.
    """
    own = [own_account_id] if own_account_id and not is_child else []
    covered = [grant.account_id for grant in grants if grant.covers(scope, now)]
    return list(dict.fromkeys([*own, *covered]))
