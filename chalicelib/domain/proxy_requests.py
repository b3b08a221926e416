"""Requests by parents, guardians and agents to act for a patient, which staff decide."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.caregivers import Relation, Scope


class ProxyStatus(StrEnum):
    """What became of a request."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class Claim:
    """For whom somebody asks to act, as they typed it: nothing of it is looked up until staff do so.

    `date_of_birth` is ISO 8601; `requester_name` is what they call themselves, `note` is free text.
    """

    relation: Relation
    first_name: str
    last_name: str
    date_of_birth: str
    clinic_number: str | None
    scopes: frozenset[Scope]
    requester_name: str | None
    note: str | None


@dataclass(frozen=True, slots=True)
class ProxyRequestView:
    """A request and how far it is; times are aware, in UTC. `patient_id` is whom staff found it to be about."""

    proxy_request_id: str
    account_id: str
    claim: Claim
    status: ProxyStatus
    created_at: datetime
    decided_at: datetime | None
    reason: str | None
    patient_id: str | None
