"""May this actor do this to this patient?

Refusals of a known caller are audited before they are answered; those of another's data are answered as if it did not
exist.
"""

from chalicelib import ids
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
        _audit_refusal(actor, pid)
        raise Forbidden
    return _permit_patient(actor, pid) if policy.kind is PolicyKind.PATIENT else ""


def _permit_client(actor: Actor, policy: Policy, pid: str | None) -> str:
    if actor.kind is not ActorKind.CLIENT or policy.scope not in actor.scopes:
        _audit_refusal(actor, pid)
        raise Forbidden
    return pid or ""


def _permit_patient(actor: Actor, pid: str | None) -> str:
    own = actor.patient_id
    if own is not None and pid in {"me", own}:
        return own
    _audit_refusal(actor, pid)
    raise NotFound


def _audit_refusal(actor: Actor, pid: str | None) -> None:
    """What stands in the path is kept only where it is an id: it may be anything that somebody typed."""
    about: dict[str, object] = {"patient_id": pid} if pid is not None and ids.has_prefix(pid, "pat") else {}
    audit.record_alone(Entry(actor, Action.ACCESS_REFUSE, account_id=actor.id, about=about))
