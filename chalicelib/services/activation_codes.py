"""Activation codes (ID 1): issued by the clinic, derived, never stored, alive for 21 days, five tries and one use."""

from dataclasses import dataclass

from chalicelib import clock, ids
from chalicelib.auth import secrets
from chalicelib.domain import identity
from chalicelib.domain.access import Actor
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.registration import ACTIVATION_LASTS
from chalicelib.errors import AccountExists, NotFound, PatientDeceased
from chalicelib.models import activations, audit
from chalicelib.models.accounts import PatientAccount
from chalicelib.models.activations import Activation
from chalicelib.models.base import find_rows
from chalicelib.models.idempotency import Served
from chalicelib.models.patients import PATIENT, Patient
from chalicelib.models.transaction import Transaction
from chalicelib.services.once import Once


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """What the clinic hands to the patient; `expires_at` is a stamp in UTC."""

    patient_id: str
    clinic_number: str
    activation_code: str
    expires_at: str


def issue(actor: Actor, patient_id: str, once: Once) -> IssuedCode:
    """A new code for a patient; the one before it is dead. Raises NotFound, PatientDeceased, AccountExists."""
    patient, current, account, served = _state(patient_id, once)
    if patient is None:
        raise NotFound
    replayed = once.replayed(served)
    if replayed is None:
        replayed = once.commit(lambda tx: _replace(tx, actor, patient, current, account))
    return IssuedCode(patient_id, patient.clinic_number, code_of(replayed["activation_id"]), replayed["expires_at"])


def code_of(activation_id: str) -> str:
    """The code of an activation: made again whenever it is asked for, read from nowhere."""
    return identity.format_activation_code(secrets.derive("activation-code", activation_id, 0))


def _state(patient_id: str, once: Once) -> tuple[Patient | None, Activation | None, PatientAccount | None, object]:
    code_key, account_key = activations.key(patient_id), activations.account_key(patient_id)
    rows = find_rows(
        [(Patient, (patient_id, PATIENT)), (Activation, code_key), (PatientAccount, account_key), (Served, once.key)]
    )
    by_kind = {type(row): row for row in rows.values()}
    patient, current, account = by_kind.get(Patient), by_kind.get(Activation), by_kind.get(PatientAccount)
    return (
        patient if isinstance(patient, Patient) else None,
        current if isinstance(current, Activation) else None,
        account if isinstance(account, PatientAccount) else None,
        by_kind.get(Served),
    )


def _replace(
    tx: Transaction, actor: Actor, patient: Patient, current: Activation | None, account: PatientAccount | None
) -> dict[str, str]:
    if patient.deceased:
        raise PatientDeceased
    if account is not None:
        raise AccountExists
    expires_at = clock.now() + ACTIVATION_LASTS
    activation = Activation(
        *activations.key(patient.pk),
        activation_id=ids.new_id("act"),
        patient_id=patient.pk,
        tries=0,
        expires_at=clock.stamp(expires_at),
    )
    activations.replace(tx, activation, replaces=current)
    about: dict[str, object] = {"activation_id": activation.activation_id}
    audit.record(tx, Entry(actor, Action.ACTIVATION_CODE_ISSUE, patient_id=patient.pk, about=about))
    return {"activation_id": activation.activation_id, "expires_at": activation.expires_at}
