"""May this actor do this to this patient?

Refusals of a known caller are audited before they are answered; those of another's data are answered as if it did not
exist. Access by anybody but the patient is audited before it happens.
"""

from datetime import timedelta

from chalicelib import clock, ids
from chalicelib.domain.access import Actor, ActorKind, Policy, PolicyKind, Reach, ReachKind
from chalicelib.domain.audit import Action, Entry
from chalicelib.errors import Forbidden, NotFound, NotInCareTeam, NotSignedIn, PatientMerged, StepUpRequired
from chalicelib.models import audit, patients
from chalicelib.models.base import together
from chalicelib.services import care_ties, grants

STEP_UP_LASTS = timedelta(minutes=5)
"""How long a step-up opens what moves money, data or contacts (ID 9)."""


def permit(actor: Actor, policy: Policy, pid: str | None, operation_id: str) -> Reach:
    """How far the policy lets the actor through, and for which patient.

    Raises NotSignedIn, Forbidden for the wrong kind of caller, NotFound for a patient who is not the caller's,
    NotInCareTeam for staff without a tie to the patient, and PatientMerged for staff where another took their place.
    """
    if policy.kind in {PolicyKind.PUBLIC, PolicyKind.OPTIONAL}:
        return Reach()
    if actor.kind is ActorKind.NOBODY:
        raise NotSignedIn
    if policy.kind is PolicyKind.PATIENT and actor.kind is ActorKind.ACCOUNT:
        return _permit_patient(actor, policy, pid, operation_id)
    if not _is_open(actor, policy):
        _audit_refusal(actor, pid)
        raise Forbidden
    by = ReachKind.CLIENT if actor.kind is ActorKind.CLIENT else ReachKind.STAFF
    return Reach(pid, by) if pid else Reach()


def find_reach(actor: Actor, policy: Policy, patient_id: str) -> Reach | None:
    """How far a policy of a patient's lets somebody through at this moment; None where it does not.

    It is for what goes on after the request that was permitted and audited.
    """
    if actor.patient_id == patient_id:
        return Reach(patient_id, joined=actor.joined)
    try:
        return _tied_reach(actor, policy, patient_id)
    except PatientMerged:
        return None


def reach(actor: Actor, policy: Policy, patient_id: str, operation_id: str) -> Reach:
    """How far an actor reaches a patient whom the view of a policy of resources has found.

    Raises what `permit` raises of a patient's policy; the clinic's systems reach everybody who is there.
    """
    if actor.kind is ActorKind.ACCOUNT:
        return _permit_patient(actor, policy, patient_id, operation_id)
    patient = patients.find(patient_id)
    if patient is None:
        _audit_refusal(actor, patient_id)
        raise NotFound
    if patient.merged_into:
        _audit_refusal(actor, patient_id)
        raise PatientMerged(patient.merged_into)
    about: dict[str, object] = {"operation": operation_id, "by": ReachKind.CLIENT}
    audit.record_alone(Entry(actor, Action.PATIENT_ACCESS, patient_id=patient_id, about=about))
    return Reach(patient_id, ReachKind.CLIENT, joined=patient.joined_ids)


def require_step_up(actor: Actor) -> None:
    """Raises StepUpRequired for a caller who has not just proved again that it is them."""
    if not is_stepped_up(actor):
        raise StepUpRequired


def is_stepped_up(actor: Actor) -> bool:
    """Whether a caller has just proved again that it is them."""
    return actor.stepped_up_at is not None and clock.now() < actor.stepped_up_at + STEP_UP_LASTS


def _is_open(actor: Actor, policy: Policy) -> bool:
    """Whether a policy that looks at no patient lets an actor through."""
    is_account = actor.kind is ActorKind.ACCOUNT
    has_scope = actor.kind is ActorKind.CLIENT and policy.scope in actor.scopes
    match policy.kind:
        case PolicyKind.ACCOUNT:
            return is_account
        case PolicyKind.RESOURCE:
            return is_account or has_scope
        case PolicyKind.CLIENT:
            return has_scope
        case PolicyKind.STAFF:
            return is_account and actor.has(policy.permission)
        case PolicyKind.CLINIC:
            return has_scope or (is_account and actor.has(policy.permission))
        case _:
            return False


def _permit_patient(actor: Actor, policy: Policy, pid: str | None, operation_id: str) -> Reach:
    own = actor.patient_id
    if own is not None and pid in {"me", own}:
        return Reach(own, joined=actor.joined)
    reach = _reach_of_another(actor, policy, pid) if pid is not None and ids.has_prefix(pid, "pat") else None
    if reach is None:
        _audit_refusal(actor, pid)
        raise NotFound
    about: dict[str, object] = {"operation": operation_id, "by": reach.by}
    audit.record_alone(Entry(actor, Action.PATIENT_ACCESS, patient_id=reach.patient_id, about=about))
    return reach


def _reach_of_another(actor: Actor, policy: Policy, patient_id: str) -> Reach | None:
    """How far somebody reaches who is not the patient. Raises NotInCareTeam for staff without a tie to them."""
    reach = _tied_reach(actor, policy, patient_id)
    if reach is None and actor.has(policy.permission):
        _audit_refusal(actor, patient_id)
        raise NotInCareTeam
    return reach


def _tied_reach(actor: Actor, policy: Policy, patient_id: str) -> Reach | None:
    """As staff who care for the patient, else as a caregiver, which somebody of the clinic may be as well."""
    if actor.has(policy.permission) and (reach := _reach_of_staff(actor, patient_id)) is not None:
        return reach
    tie = grants.find(patient_id, actor.id) if policy.grants else None
    if tie is not None and any(tie.grant.covers(scope, clock.now()) for scope in policy.grants):
        return grants.reach(tie.patient, tie.grant)
    return None


def _reach_of_staff(actor: Actor, patient_id: str) -> Reach | None:
    """As somebody who cares for the patient, or for one who is merged into them. Raises PatientMerged."""
    is_tied, patient = together(lambda: care_ties.has_tie(actor, patient_id), lambda: patients.find(patient_id))
    if patient is not None and patient.merged_into:
        _audit_refusal(actor, patient_id)
        raise PatientMerged(patient.merged_into)
    joined = patient.joined_ids if patient is not None else ()
    if is_tied or any(care_ties.has_tie(actor, one) for one in joined):
        return Reach(patient_id, ReachKind.STAFF, joined=joined)
    return None


def _audit_refusal(actor: Actor, pid: str | None) -> None:
    """What stands in the path is kept only where it is an id: it may be anything that somebody typed."""
    about: dict[str, object] = {"patient_id": pid} if pid is not None and ids.has_prefix(pid, "pat") else {}
    audit.record_alone(Entry(actor, Action.ACCESS_REFUSE, account_id=actor.id, about=about))
