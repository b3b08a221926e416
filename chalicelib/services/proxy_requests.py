"""Asking to act for a patient, and what the clinic's staff decide.

Nothing that is answered to who asks depends on whether there is such a patient: nobody looks until staff do.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from chalicelib import clock, ids
from chalicelib.auth import limits
from chalicelib.auth.limits import Limit
from chalicelib.domain import caregivers as rules
from chalicelib.domain import identity
from chalicelib.domain.access import Actor
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.caregivers import Grant, Scope
from chalicelib.domain.notices import Notice, NoticeKind
from chalicelib.domain.proxy_requests import Claim, ProxyRequestView, ProxyStatus
from chalicelib.errors import Conflict, FieldError, Invalid, NotFound, OwnRequest
from chalicelib.models import accounts, audit, outbox, patients
from chalicelib.models import caregivers as caregiver_storage
from chalicelib.models import proxy_requests as storage
from chalicelib.models.patients import Patient
from chalicelib.models.proxy_requests import ProxyRequest
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.services import birth_dates, boundaries, caregivers
from chalicelib.services.once import Once
from chalicelib.settings import settings

REQUESTS = Limit(tries=10, seconds=24 * 3600)
"""How often somebody may ask."""


@dataclass(frozen=True, slots=True)
class Approval:
    """For whom somebody may act, as staff have found, and how far; no scopes are those that were asked for."""

    patient_id: str
    scopes: Collection[Scope] | None
    expires_at: datetime | None
    sees_sensitive: bool
    differs: bool = False
    """Whether staff have seen that name or birth date are not those of the request."""


@dataclass(frozen=True, slots=True)
class RequestPage:
    """A page of requests, and the id that the next one comes after, if there are more."""

    items: list[ProxyRequestView]
    after: str | None


def create(actor: Actor, claim: Claim, once: Once) -> ProxyRequestView:
    """Ask to act for a patient. Raises Invalid, TooManyRequests, and Conflict where two asked at the same moment."""
    birth_dates.check("/date_of_birth", claim.date_of_birth)
    replayed, (window,) = once.find_or_room({f"proxy_requests:{actor.id}": REQUESTS})
    if replayed:
        return _view(_find(replayed["proxy_request_id"]))

    def change(tx: Transaction) -> dict[str, str]:
        limits.spend_in(tx, window, error=Conflict())
        request_id = storage.create(tx, actor.id, claim)
        about: dict[str, object] = {"proxy_request_id": request_id, "relation": claim.relation}
        audit.record(tx, Entry(actor, Action.PROXY_REQUEST_CREATE, account_id=actor.id, about=about))
        return {"proxy_request_id": request_id}

    return _view(_find(once.commit(change)["proxy_request_id"]))


def find_own(actor: Actor) -> list[ProxyRequestView]:
    """The caller's own requests, the newest first."""
    return [_view(row) for row in storage.find_all_of(actor.id)]


def find_page(actor: Actor, status: ProxyStatus, *, limit: int, before: str | None) -> RequestPage:
    """Requests as staff see them, the newest first. The look is audited before it is answered."""
    rows = storage.find_page(status, limit + 1, before)
    shown = rows[:limit]
    about: dict[str, object] = {"proxy_request_ids": [row.proxy_request_id for row in shown]}
    audit.record_alone(Entry(actor, Action.PROXY_REQUESTS_READ, about=about))
    return RequestPage([_view(row) for row in shown], shown[-1].proxy_request_id if len(rows) > limit else None)


def approve(actor: Actor, request_id: str, approval: Approval) -> ProxyRequestView:
    """Let who asked act for a patient.

    Raises NotFound, Conflict for a request that is decided already, OwnRequest for the caller's own, and Invalid for a
    patient who is not there, who is too old to have parents act for them, or who is the one who asks.
    """
    row = _find_pending(request_id)
    if row.account_id == actor.id:
        raise OwnRequest
    claim = row.claim()
    caregivers.check_end(approval.expires_at)
    requester = accounts.find_account(row.account_id)
    grant = Grant(
        row.account_id,
        frozenset(approval.scopes) if approval.scopes else claim.scopes,
        approval.expires_at,
        sees_sensitive=approval.sees_sensitive,
        relation=claim.relation,
        caregiver_id=ids.new_id("cgv"),
        decided_at=clock.now(),
        name=claim.requester_name,
    )
    patient = _checked_patient(approval.patient_id, requester.patient_id if requester else None, grant)
    if not approval.differs and _differs(claim, patient):
        raise Invalid([FieldError("/patient_id", "patient_differs")])
    patient_account_id = accounts.find_patient_account_id(approval.patient_id)
    with transaction() as tx:
        storage.decide(tx, row, ProxyStatus.APPROVED, patient_id=approval.patient_id)
        caregiver_storage.put_grant(tx, approval.patient_id, grant)
        outbox.post(tx, Notice(NoticeKind.PROXY_REQUEST_DECIDED, row.account_id))
        if grant.relation in rules.PARENTAL:
            boundaries.look_again(tx, patient)
        if patient_account_id:
            outbox.post(tx, Notice(NoticeKind.CAREGIVER_ADDED, patient_account_id))
        about: dict[str, object] = {"proxy_request_id": request_id, "caregiver_id": grant.caregiver_id}
        entry = Entry(actor, Action.PROXY_REQUEST_APPROVE, patient_id=approval.patient_id, about=about)
        audit.record(tx, entry)
    return _view(_find(request_id))


def _differs(claim: Claim, patient: Patient) -> bool:
    is_named_so = identity.names_match(claim.first_name, claim.last_name, patient.all_names)
    return not is_named_so or patient.birth_date != claim.date_of_birth


def _checked_patient(patient_id: str, own_patient_id: str | None, grant: Grant) -> Patient:
    patient = patients.find(patient_id)
    if patient is None:
        raise Invalid([FieldError("/patient_id", "patient_unknown")])
    if patient.merged_into:
        raise Invalid([FieldError("/patient_id", "patient_merged")])
    if patient_id == own_patient_id:
        raise Invalid([FieldError("/patient_id", "patient_asks_themselves")])
    if rules.in_force(grant, patient.birth_date, clock.now(), settings().clinic_zone) is None:
        raise Invalid([FieldError("/patient_id", "patient_of_age")])
    return patient


def deny(actor: Actor, request_id: str, reason: str | None) -> ProxyRequestView:
    """Turn a request down; who asked reads the reason. Raises NotFound, and Conflict for one that is decided."""
    row = _find_pending(request_id)
    with transaction() as tx:
        storage.decide(tx, row, ProxyStatus.DENIED, reason=reason)
        outbox.post(tx, Notice(NoticeKind.PROXY_REQUEST_DECIDED, row.account_id))
        about: dict[str, object] = {"proxy_request_id": request_id}
        audit.record(tx, Entry(actor, Action.PROXY_REQUEST_DENY, account_id=row.account_id, about=about))
    return _view(_find(request_id))


def _find(request_id: str) -> ProxyRequest:
    row = storage.find(request_id)
    if row is None:
        raise NotFound
    return row


def _find_pending(request_id: str) -> ProxyRequest:
    row = _find(request_id)
    if row.status != ProxyStatus.PENDING:
        raise Conflict
    return row


def _view(row: ProxyRequest) -> ProxyRequestView:
    return ProxyRequestView(
        proxy_request_id=row.proxy_request_id,
        account_id=row.account_id,
        claim=row.claim(),
        status=ProxyStatus(row.status),
        created_at=clock.read_stamp(row.created_at),
        decided_at=clock.read_stamp(row.decided_at) if row.decided_at else None,
        reason=row.reason,
        patient_id=row.patient_id,
    )
