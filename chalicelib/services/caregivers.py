"""A patient's caregivers: who they are, what each may see and do, and how that is changed and ended."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from chalicelib import clock
from chalicelib.domain.access import Actor, Reach, ReachKind
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.caregivers import CaregiverStatus, Grant, Relation, Scope
from chalicelib.domain.notices import Notice, NoticeKind
from chalicelib.errors import Conflict, FieldError, Invalid, NotFound
from chalicelib.models import accounts, audit, links, outbox
from chalicelib.models import caregivers as storage
from chalicelib.models import patients as patient_storage
from chalicelib.models.caregivers import GrantRow, Invitation
from chalicelib.models.patients import Patient
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.services import grants

LIST_OPERATION = "caregivers_list_patients"
"""What the audit calls a look at the list of people in one's care."""


@dataclass(frozen=True, slots=True)
class CaregiverView:
    """A caregiver as the patient sees them; `closed` are scopes that the patient's age has closed to them for now."""

    caregiver_id: str
    status: CaregiverStatus
    name: str | None
    email: str | None
    relation: Relation
    scopes: frozenset[Scope]
    sees_sensitive: bool
    expires_at: datetime | None
    version: int
    closed: frozenset[Scope] = frozenset()


@dataclass(frozen=True, slots=True)
class InCare:
    """Somebody for whom the caller may act: themselves, without a relation, or a person in their care.

    `closed` are scopes that a child's age has closed to a parent; `joined` are the patients who are merged into them.
    """

    patient_id: str
    name: str
    relation: Relation | None
    scopes: frozenset[Scope]
    sees_sensitive: bool
    expires_at: datetime | None
    closed: frozenset[Scope] = frozenset()
    joined: tuple[str, ...] = ()

    @property
    def reach(self) -> Reach:
        """How far the caller reaches them now."""
        if self.relation is None:
            return Reach(self.patient_id, joined=self.joined)
        return Reach(
            self.patient_id,
            ReachKind.CAREGIVER,
            self.scopes,
            sees_sensitive=self.sees_sensitive,
            closed=self.closed,
            joined=self.joined,
        )


def find_in_care(actor: Actor) -> list[InCare]:
    """For whom the caller may act now: themselves first, then the others, the newest patient first."""
    own = patient_storage.find(actor.patient_id) if actor.patient_id else None
    # A merge may have made somebody the patient whom they looked after.
    others = [tie for tie in grants.find_all_of(actor.id) if tie.patient.pk != actor.patient_id]
    ties = sorted(others, key=lambda tie: tie.patient.pk, reverse=True)
    myself = (
        [InCare(own.pk, own.display_name, None, frozenset(Scope), True, None, joined=actor.joined)]  # noqa: FBT003
        if own
        else []
    )
    return [*myself, *(in_care(tie.patient, tie.grant) for tie in ties)]


def in_care(patient: Patient, grant: Grant) -> InCare:
    """A patient as their caregiver sees them in a list."""
    return InCare(
        patient.pk,
        patient.display_name,
        grant.relation,
        grant.scopes - grant.closed,
        grant.sees_sensitive,
        grant.expires_at,
        grant.closed,
        patient.joined_ids,
    )


def place_of(one: InCare) -> str:
    """Where somebody stands in a list that is read backwards: oneself before everybody else."""
    return "~" if one.relation is None else one.patient_id


def note_listed(actor: Actor, listed: list[InCare], operation: str = LIST_OPERATION) -> None:
    """Keep in each patient's history that somebody who looks after them was shown their name."""
    about: dict[str, object] = {"operation": operation, "by": ReachKind.CAREGIVER}
    with transaction() as tx:
        for one in listed:
            if one.relation is not None:
                audit.record(tx, Entry(actor, Action.PATIENT_ACCESS, patient_id=one.patient_id, about=about))


def find_all(patient_id: str) -> list[CaregiverView]:
    """Every caregiver of a patient and everybody who was invited, the newest first."""
    patient = _patient(patient_id)
    found = [_view(patient, offer) for offer in storage.find_offers(patient_id)]
    return sorted(found, key=lambda view: view.caregiver_id, reverse=True)


def find(patient_id: str, caregiver_id: str) -> CaregiverView:
    """One caregiver. Raises NotFound."""
    return _view(_patient(patient_id), _offer(patient_id, caregiver_id))


def preview(patient_id: str, caregiver_id: str) -> Reach:
    """How far a caregiver reaches now, or would once they accept. Raises NotFound for one whose rights are over."""
    offer, patient = _offer(patient_id, caregiver_id), _patient(patient_id)
    grant = grants.now(patient, _grant(offer))
    if grant is None or (isinstance(offer, Invitation) and offer.status is not CaregiverStatus.INVITED):
        raise NotFound
    return grants.reach(patient, grant)


def edit(
    actor: Actor, patient_id: str, caregiver_id: str, expected_version: int, changes: dict[str, Any]
) -> CaregiverView:
    """Change what a caregiver may see and do; `changes` are `scopes`, `expires_at` and `sees_sensitive`.

    Raises NotFound, StaleVersion, Invalid for an end in the past, and Conflict where nobody waits for an answer to the
    invitation any more.
    """
    offer = _offer(patient_id, caregiver_id)
    if isinstance(offer, Invitation) and offer.status is not CaregiverStatus.INVITED:
        raise Conflict
    check_end(changes.get("expires_at"))
    with transaction() as tx:
        storage.edit(tx, offer, replace(_grant(offer), **changes), expected_version)
        if isinstance(offer, GrantRow):
            outbox.post(tx, Notice(NoticeKind.GRANT_CHANGED, offer.account_id))
        _audit(tx, actor, Action.CAREGIVER_EDIT, patient_id, caregiver_id, fields=sorted(changes))
    return find(patient_id, caregiver_id)


def check_end(expires_at: datetime | None) -> None:
    """Raises Invalid for an end that lies in the past."""
    if expires_at is not None and expires_at <= clock.now():
        raise Invalid([FieldError("/expires_at", "time_is_past")])


def end(actor: Actor, reach: Reach, caregiver_id: str) -> None:
    """End a caregiver's rights at once: by the patient those of any, by a caregiver their own.

    Raises NotFound, also for another caregiver's.
    """
    offer = _offer(reach.patient_id, caregiver_id)
    if reach.by is not ReachKind.SELF and not (isinstance(offer, GrantRow) and offer.account_id == actor.id):
        raise NotFound
    with transaction() as tx:
        end_in(tx, actor, reach, offer)


def end_in(tx: Transaction, actor: Actor, reach: Reach, offer: GrantRow | Invitation) -> None:
    """End what somebody has of a patient, or was offered. Raises NotFound for an invitation that is no more."""
    if isinstance(offer, Invitation):
        withdraw(tx, offer)
    else:
        storage.remove_grant(tx, reach.patient_id, offer.account_id)
        _tell_of_end(tx, reach, offer.account_id)
    _audit(tx, actor, Action.CAREGIVER_END, reach.patient_id, offer.caregiver_id or "")


def withdraw(tx: Transaction, invitation: Invitation) -> None:
    """Take an invitation back, and its link with it."""
    storage.withdraw_invitation(tx, invitation)
    links.end(tx, invitation.link_id)


def _tell_of_end(tx: Transaction, reach: Reach, account_id: str) -> None:
    """The other side is told: the caregiver by whom the patient has ended it, the patient whose caregiver left."""
    if reach.by is ReachKind.SELF:
        outbox.post(tx, Notice(NoticeKind.GRANT_ENDED, account_id))
    elif patient_account_id := accounts.find_patient_account_id(reach.patient_id):
        outbox.post(tx, Notice(NoticeKind.CAREGIVER_LEFT, patient_account_id))


def _patient(patient_id: str) -> Patient:
    patient = patient_storage.find(patient_id)
    if patient is None:
        raise NotFound
    return patient


def _offer(patient_id: str, caregiver_id: str) -> GrantRow | Invitation:
    for offer in storage.find_offers(patient_id):
        if offer.caregiver_id == caregiver_id:
            return offer
    raise NotFound


def _grant(offer: GrantRow | Invitation) -> Grant:
    """What an offer opens; of one that was not accepted the account is not known."""
    if isinstance(offer, GrantRow):
        return offer.grant()
    return Grant(
        "",
        offer.all_scopes,
        offer.ends_at,
        sees_sensitive=offer.sees_sensitive,
        relation=Relation(offer.relation),
        caregiver_id=offer.caregiver_id or "",
        email=offer.email,
        version=int(offer.version),
    )


def _view(patient: Patient, offer: GrantRow | Invitation) -> CaregiverView:
    given = _grant(offer)
    grant = grants.now(patient, given)
    if isinstance(offer, Invitation):
        status = offer.status
    else:
        status = CaregiverStatus.ACTIVE if grant else CaregiverStatus.EXPIRED
    worth = grant or given
    return CaregiverView(
        caregiver_id=worth.caregiver_id,
        status=status,
        name=worth.name,
        email=worth.email,
        relation=worth.relation,
        scopes=worth.scopes,
        sees_sensitive=worth.sees_sensitive,
        expires_at=worth.expires_at,
        version=worth.version,
        closed=worth.closed,
    )


def _audit(tx: Transaction, actor: Actor, action: Action, patient_id: str, caregiver_id: str, **more: object) -> None:
    about: dict[str, object] = {"caregiver_id": caregiver_id, **more}
    audit.record(tx, Entry(actor, action, patient_id=patient_id, about=about))
