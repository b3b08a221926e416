"""Whose records somebody may read through the FHIR API, and how much of them."""

from dataclasses import dataclass

from chalicelib.domain.access import Actor, ActorKind, Policy, Reach
from chalicelib.domain.records.sight import FULL, Sight, sight_of
from chalicelib.errors import NotFound, NotInCareTeam
from chalicelib.models import patients
from chalicelib.services import access
from chalicelib.services.record_pages import Whose


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, by which policy, and through which operation, which is what is audited."""

    actor: Actor
    policy: Policy
    operation: str


@dataclass(frozen=True, slots=True)
class View:
    """Whose records are read, and what of them shows. `reach` is how the asker came to see them."""

    reach: Reach
    sight: Sight

    @property
    def whose(self) -> Whose:
        """The patient, and whoever is merged into them; none for what is about nobody."""
        return self.reach.patient_ids if self.reach.patient_id else ()


NOBODYS = View(Reach(), FULL)
"""The clinic's directory, which whoever is signed in may read."""


def of_patient(asker: Asker, patient_id: str) -> View:
    """What the asker sees of a patient; audited. Raises NotFound, NotInCareTeam and PatientMerged."""
    reach = access.reach(asker.actor, asker.policy, patient_id, asker.operation)
    return View(reach, sight_of(reach))


def of_owner(asker: Asker, owner: str) -> View:
    """What the asker sees of whoever owns a resource, or of the patient that this one is merged into; audited.

    Raises NotFound for whoever may not see it: that it is there is not for them to know.
    """
    actor = asker.actor
    if actor.kind is ActorKind.ACCOUNT and actor.patient_id is not None and owner in (actor.patient_id, *actor.joined):
        return of_patient(asker, actor.patient_id)
    patient = patients.find(owner)
    if patient is None:
        raise NotFound
    try:
        return of_patient(asker, patient.merged_into or owner)
    except NotInCareTeam:
        raise NotFound from None
