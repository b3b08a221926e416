"""Identities that were not confirmed: one answer for every reason, which is kept for the patient and for staff."""

from collections.abc import Sequence
from typing import NoReturn

from chalicelib.domain.access import NOBODY
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.registration import MatchProblem
from chalicelib.errors import IdentityNotConfirmed
from chalicelib.models import audit
from chalicelib.models.transaction import transaction

_MOST_TOLD = 5
"""Of the patients whom a claim may have meant, so many have it in their history."""


def refuse(method: str, problem: MatchProblem, patient_ids: Sequence[str]) -> NoReturn:
    """Raises IdentityNotConfirmed. What nobody could have meant stands in the clinic's history."""
    about: dict[str, object] = {"method": method, "reason": problem}
    with transaction() as tx:
        for patient_id in patient_ids[:_MOST_TOLD] or [""]:
            audit.record(tx, Entry(NOBODY, Action.REGISTRATION_REFUSE, patient_id=patient_id or None, about=about))
    raise IdentityNotConfirmed
