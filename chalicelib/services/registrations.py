"""The first half of registering: prove who you are with the code from the clinic (ID 1, 2, 6)."""

from dataclasses import dataclass
from datetime import timedelta

from chalicelib import clock, ids
from chalicelib.auth import secrets
from chalicelib.domain import identity
from chalicelib.domain.access import NOBODY
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.legal import VERSIONS, LegalKind
from chalicelib.domain.registration import REGISTRATION_LASTS, Claim
from chalicelib.errors import BelowMinimumAge, IdentityNotConfirmed, RecordClosed
from chalicelib.models import activations, audit, patients
from chalicelib.models.activations import Activation, Registration
from chalicelib.models.patients import Patient
from chalicelib.models.transaction import transaction
from chalicelib.services import activation_codes
from chalicelib.settings import settings

_REMEMBERED = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class StartedRegistration:
    """A proved identity that waits for its account; `expires_at` is a stamp in UTC."""

    registration_id: str
    registration_token: str
    expires_at: str
    terms_version: str


def start(claim: Claim, *, email: str | None, mobile_phone: str | None) -> StartedRegistration:
    """Prove an identity by clinic number, code, name and birth date.

    Raises IdentityNotConfirmed, the same for whatever does not match; once the identity is proved, BelowMinimumAge or
    RecordClosed.
    """
    patient, activation = _find(claim)
    if (
        patient is None
        or activation is None
        or not activations.take_try(activation)
        or not _is(claim, patient, activation)
    ):
        raise _refusal(patient)
    activations.give_back_try(activation)
    check_may_have_account(patient)
    return _store(patient, activation, email, mobile_phone)


def _find(claim: Claim) -> tuple[Patient | None, Activation | None]:
    """The patient of a clinic number and their code, where both are alive."""
    found = patients.find_id_by_clinic_number(identity.canonical_clinic_number(claim.clinic_number))
    patient_id = found or ids.new_id("pat")
    patient = patients.find(patient_id)
    activation, account = activations.find(patient_id)
    alive = activation is not None and account is None and activation.used_at is None
    return patient, activation if alive and activation and clock.stamp(clock.now()) < activation.expires_at else None


def _is(claim: Claim, patient: Patient, activation: Activation) -> bool:
    typed = identity.canonical_activation_code(claim.activation_code)
    code = identity.canonical_activation_code(activation_codes.code_of(activation.activation_id))
    same_code = secrets.same(typed, code)
    same_birth_date = patient.birth_date == claim.date_of_birth.isoformat()
    return same_code and same_birth_date and identity.names_match(claim.first_name, claim.last_name, patient.all_names)


def _refusal(patient: Patient | None) -> IdentityNotConfirmed:
    """Every reason is one answer; that it happened to a patient who exists is kept for them and for staff."""
    if patient is not None:
        audit.record_alone(Entry(NOBODY, Action.ACTIVATION_CODE_REFUSE, patient_id=patient.pk))
    return IdentityNotConfirmed()


def check_may_have_account(patient: Patient) -> None:
    """Raises RecordClosed for somebody who has died, and BelowMinimumAge."""
    if patient.deceased:
        raise RecordClosed
    rules = settings()
    if not identity.is_of_age(patient.birth_date or "", clock.now(), rules.clinic_zone, rules.minimum_age):
        raise BelowMinimumAge(minimum_age=rules.minimum_age)


def _store(
    patient: Patient, activation: Activation, email: str | None, mobile_phone: str | None
) -> StartedRegistration:
    registration_id, token = ids.new_id("reg"), secrets.random_token()
    expires_at = clock.now() + REGISTRATION_LASTS
    row = Registration(
        registration_id,
        "registration",
        patient_id=patient.pk,
        activation_id=activation.activation_id,
        token_hash=secrets.token_hash(token),
        email=email,
        mobile_phone=mobile_phone,
        expires_at=clock.stamp(expires_at),
        ttl=clock.epoch(expires_at + _REMEMBERED),
    )
    with transaction() as tx:
        tx.create(row, error=None)
        about: dict[str, object] = {"registration_id": registration_id}
        audit.record(tx, Entry(NOBODY, Action.REGISTRATION_CREATE, patient_id=patient.pk, about=about))
    return StartedRegistration(registration_id, token, row.expires_at, VERSIONS[LegalKind.TERMS])
