"""Opening a record in an emergency, without being in the patient's care team (AC 6)."""

from dataclasses import dataclass
from datetime import datetime

from chalicelib import clock, observability
from chalicelib.domain.access import Actor
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.care_ties import GLASS_LASTS
from chalicelib.domain.notices import Notice, NoticeKind
from chalicelib.errors import NotFound, PatientMerged
from chalicelib.models import audit, care_ties, outbox, patients
from chalicelib.models.transaction import Transaction
from chalicelib.services.once import Once


@dataclass(frozen=True, slots=True)
class BrokenGlass:
    """Until when somebody may look; aware, in UTC."""

    patient_id: str
    ends_at: datetime


def break_glass(actor: Actor, patient_id: str, reason: str, once: Once) -> BrokenGlass:
    """Open a patient's record to the caller for 60 minutes; the patient is told, and the clinic alarmed.

    The reason stays with the tie, and its audit entry names that. Raises NotFound and PatientMerged.
    """
    patient = patients.find(patient_id)
    if patient is None:
        raise NotFound
    if patient.merged_into:
        raise PatientMerged(patient.merged_into)

    made: list[str] = []

    def change(tx: Transaction) -> dict[str, str]:
        ends_at = clock.stamp(clock.now() + GLASS_LASTS)
        made.append(glass_id := care_ties.break_glass(tx, patient_id, actor.id, ends_at, reason))
        outbox.post(tx, Notice(NoticeKind.BREAK_GLASS, patient_id=patient_id))
        about: dict[str, object] = {"glass_id": glass_id, "ends_at": ends_at}
        audit.record(tx, Entry(actor, Action.GLASS_BREAK, patient_id=patient_id, about=about))
        return {"glass_id": glass_id, "ends_at": ends_at}

    broken = once.commit(change)
    if broken["glass_id"] in made:
        # A replay opens nothing, and alarms nobody anew.
        observability.count("BreakGlass")
    return BrokenGlass(patient_id, clock.read_stamp(broken["ends_at"]))
