"""May this actor do this to this patient?

Refusals of another's data are audited, and answered as if it did not exist.
"""

from chalicelib.domain.access import Actor, ActorKind, Policy, PolicyKind
from chalicelib.domain.audit import Action, Entry
from chalicelib.errors import Forbidden, NotFound, NotSignedIn
from chalicelib.models import audit


def permit(actor: Actor, policy: Policy, pid: str | None) -> str:
    """The id of the patient whom the call concerns ("" where none), if the policy lets the actor through.

    Raises NotSignedIn, Forbidden for the wrong kind of caller, and NotFound for a patient who is not the caller's.
    """
    if policy.kind in {PolicyKind.PUBLIC, PolicyKind.OPTIONAL}:
        return ""
    if actor.kind is ActorKind.NOBODY:
        raise NotSignedIn
    if policy.kind is PolicyKind.CLIENT:
        return _permit_client(actor, policy, pid)
    if actor.kind is not ActorKind.ACCOUNT:
        raise Forbidden
    return _permit_patient(actor, pid) if policy.kind is PolicyKind.PATIENT else ""


def _permit_client(actor: Actor, policy: Policy, pid: str | None) -> str:
    if actor.kind is not ActorKind.CLIENT or policy.scope not in actor.scopes:
        raise Forbidden
    return pid or ""


def _permit_patient(actor: Actor, pid: str | None) -> str:
    own = actor.patient_id
    if own is not None and pid in {"me", own}:
        return own
    audit.record_alone(Entry(actor, Action.ACCESS_REFUSE, account_id=actor.id, about={"patient_id": (pid or "")[:40]}))
    raise NotFound
