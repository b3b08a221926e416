"""Who of the clinic's staff has to do with a patient."""

from chalicelib.domain.access import Actor
from chalicelib.models import care_ties


def has_tie(actor: Actor, patient_id: str) -> bool:
    """Whether a member of staff cares for a patient, or has broken the glass and may still look: one round trip.

    The care team is known by accounts, and by the Practitioners that the records name.
    """
    holders = [actor.id, *([actor.practitioner_id] if actor.practitioner_id else [])]
    return any(not tie.is_over for tie in care_ties.find_ties(patient_id, holders))
