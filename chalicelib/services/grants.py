"""What a caregiver's grant is worth at this moment: by its end, and by the patient's age at the clinic (AC 3)."""

from chalicelib import clock
from chalicelib.domain import caregivers
from chalicelib.domain.access import Reach, ReachKind
from chalicelib.domain.caregivers import Grant
from chalicelib.models import caregivers as storage
from chalicelib.models.caregivers import Tie
from chalicelib.models.patients import Patient
from chalicelib.settings import settings


def find(patient_id: str, account_id: str) -> Tie | None:
    """What an account's holder may see and do for a patient now; None where that is nothing. One round trip."""
    tie = storage.find_tie(patient_id, account_id)
    grant = now(tie.patient, tie.grant) if tie else None
    return Tie(tie.patient, grant) if tie and grant else None


def find_all_of(account_id: str) -> list[Tie]:
    """Everybody whom an account's holder looks after now."""
    ties = ((tie.patient, now(tie.patient, tie.grant)) for tie in storage.find_ties(account_id))
    return [Tie(patient, grant) for patient, grant in ties if grant is not None]


def now(patient: Patient, grant: Grant) -> Grant | None:
    """What a grant on a patient is worth now: nothing while they are merged, since it was given for that file alone."""
    if patient.merged_into:
        return None
    return caregivers.in_force(grant, patient.birth_date, clock.now(), settings().clinic_zone)


def reach(patient: Patient, grant: Grant) -> Reach:
    """How far a caregiver reaches with what a grant is worth now."""
    return Reach(
        patient.pk,
        ReachKind.CAREGIVER,
        grant.scopes,
        sees_sensitive=grant.sees_sensitive,
        closed=grant.closed,
        joined=patient.joined_ids,
    )
