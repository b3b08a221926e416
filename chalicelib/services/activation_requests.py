"""An activation code that a patient asks for, without an account: whoever asks learns nothing (ID 2, 7)."""

from datetime import date

from chalicelib import ids
from chalicelib.auth import limits, pace, secrets
from chalicelib.auth.limits import Limit
from chalicelib.domain import identity
from chalicelib.domain.access import NOBODY
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.deliveries import Address
from chalicelib.domain.notices import Channel
from chalicelib.domain.registration import MatchProblem
from chalicelib.errors import ActivationCodeChanged, Conflict, Unavailable
from chalicelib.models import audit, patients
from chalicelib.models.transaction import transaction
from chalicelib.services import activation_codes, on_file
from chalicelib.services.activation_codes import State

PER_NETWORK = Limit(tries=30, seconds=3600)
PER_NUMBER = Limit(tries=3, seconds=86400)
"""Codes for one clinic number in a day; more are answered alike, and not sent."""

_SECONDS = 0.15
"""How long an answer takes at least: longer than the work, so that reading a row more or less does not show."""

_RACES = 20
_NOWHERE = Address(Channel.EMAIL, "nowhere", "")


def request(clinic_number: str, date_of_birth: date, source_ip: str) -> None:
    """Send a new code to the contact on file of whoever has this number and birth date, and no account yet.

    Every request takes the same calls and writes the same rows; what is for nobody, or is one too many, is written for
    the id of a patient who does not exist. Raises TooManyRequests for a network that asks too often.
    """
    with pace.at_least(_SECONDS):
        limits.spend(f"activation-request:network:{limits.network(source_ip)}", PER_NETWORK)
        number = identity.canonical_clinic_number(clinic_number)
        bucket = f"activation-request:number:{secrets.keyed_hash('claim', number)}"
        patient_id = patients.find_id_by_clinic_number(number) or ids.new_id("pat")
        for _ in range(_RACES):
            try:
                return _write(bucket, patient_id, date_of_birth.isoformat())
            except (ActivationCodeChanged, Conflict):
                continue
        raise Unavailable(retry_after=1)


def _write(bucket: str, patient_id: str, birth_date: str) -> None:
    state = activation_codes.find_state(patient_id)
    problem = _problem(state, birth_date)
    contact = on_file.find_contact(state.patient if problem is None else None)
    (window,) = limits.look({bucket: PER_NUMBER})
    if problem is None and contact is None:
        problem = MatchProblem.NO_CONTACT
    if problem is None and window.is_full:
        problem = MatchProblem.TOO_MANY
    known_id = (state.patient.merged_into or state.patient.pk) if state.patient else None
    if problem is not None or contact is None:
        patient_id, state, contact = ids.new_id("pat"), State(None, None, None), _NOWHERE
    counted = limits.fresh_window(f"{bucket}:{patient_id}", PER_NUMBER) if window.is_full else window
    with transaction() as tx:
        limits.spend_in(tx, counted, error=Conflict())
        activation = activation_codes.replace(tx, patient_id, state.current, contact)
        about: dict[str, object] = {"activation_id": activation.activation_id}
        if problem is not None:
            about["reason"] = problem
        audit.record(tx, Entry(NOBODY, Action.ACTIVATION_CODE_REQUEST, patient_id=known_id, about=about))


def _problem(state: State, birth_date: str) -> MatchProblem | None:
    if state.patient is None:
        return MatchProblem.UNKNOWN
    if state.patient.merged_into:
        return MatchProblem.MERGED
    if state.patient.birth_date != birth_date:
        return MatchProblem.BIRTH_DATE
    if state.patient.deceased:
        return MatchProblem.DECEASED
    return MatchProblem.ACCOUNT_EXISTS if state.account else None
