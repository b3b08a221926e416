"""Activation codes (ID 1): issued by the clinic, derived, never stored, alive for 21 days, five tries and one use."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from chalicelib import clock, ids
from chalicelib.auth import secrets
from chalicelib.domain import identity
from chalicelib.domain.access import Actor
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.deliveries import Address
from chalicelib.domain.notices import Channel, Notice, NoticeKind
from chalicelib.domain.registration import ACTIVATION_LASTS, CodeState
from chalicelib.errors import AccountExists, FieldError, Invalid, NotFound, PatientDeceased, PatientMerged
from chalicelib.models import activations, audit, outbox
from chalicelib.models.accounts import PatientAccount
from chalicelib.models.activations import ACTIVATION_TRIES, Activation
from chalicelib.models.base import Key, Row, find_rows
from chalicelib.models.idempotency import Served
from chalicelib.models.patients import PATIENT, Patient
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.services import contacts, on_file
from chalicelib.services.once import Once
from chalicelib.services.strangers import Stranger

_REMEMBERED = timedelta(days=90)
"""How long a code that is over is kept, so that the clinic can see why it does not work."""

STRANGER = "activation"
"""The prefix by which strangers are known who wait for an activation code (services/strangers)."""


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """What the clinic hands to the patient; `expires_at` is a stamp in UTC, `sent_to` a masked address."""

    patient_id: str
    clinic_number: str
    activation_code: str
    expires_at: str
    sent_to: str | None


@dataclass(frozen=True, slots=True)
class KnownCode:
    """How a patient's code is, which is not shown again; times are stamps in UTC, `sent_to` a masked address."""

    patient_id: str
    state: CodeState
    issued_at: str | None = None
    expires_at: str | None = None
    tries_left: int = 0
    sent_to: str | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What decides whether a patient may have a code."""

    patient: Patient | None
    current: Activation | None
    account: PatientAccount | None
    served: object = None


def issue(actor: Actor, patient_id: str, once: Once, channel: Channel | None = None) -> IssuedCode:
    """A new code for a patient, sent to the contact on file where a channel is named; the one before it is dead.

    Raises NotFound, PatientMerged, PatientDeceased, AccountExists, and Invalid where nothing is on file for the
    channel.
    """
    state = find_state(patient_id, once)
    patient = _patient(state)
    issued = once.replayed(state.served)
    if issued is None:
        check_may_have_code(state)
        contact = _contact(patient, channel) if channel else None
        issued = once.commit(partial(_issue, actor, state, contact))
    address = contacts.on_file(patient).resolve(issued["contact"]) if issued.get("contact") else None
    return IssuedCode(
        patient_id,
        patient.clinic_number,
        code_of(issued["activation_id"]),
        issued["expires_at"],
        on_file.masked(address) if address else None,
    )


def check_may_have_code(state: State) -> None:
    """Raises PatientDeceased and AccountExists."""
    if state.patient and state.patient.deceased:
        raise PatientDeceased
    if state.account is not None:
        raise AccountExists


def code_of(activation_id: str) -> str:
    """The code of an activation: made again whenever it is asked for, read from nowhere."""
    return identity.format_activation_code(secrets.derive("activation-code", activation_id, 0))


def replace(tx: Transaction, patient_id: str, current: Activation | None, contact: Address | None) -> Activation:
    """A new code in the place of the present one, on its way to a contact where one is given."""
    now = clock.now()
    activation = Activation(
        *activations.key(patient_id),
        activation_id=ids.new_id("act"),
        patient_id=patient_id,
        contact=contact.ref if contact else None,
        issued_at=clock.stamp(now),
        tries=0,
        expires_at=clock.stamp(now + ACTIVATION_LASTS),
        ttl=clock.epoch(now + ACTIVATION_LASTS + _REMEMBERED),
    )
    activations.replace(tx, activation, replaces=current)
    if contact:
        waiting = f"{STRANGER}:{patient_id}:{activation.activation_id}"
        outbox.post(tx, Notice(NoticeKind.ACTIVATION_CODE, stranger=waiting))
    return activation


def stranger(named: str) -> Stranger | None:
    """Who waits for a code, or None where it counts no more; `named` is the patient's id and the activation's."""
    patient_id, _, activation_id = named.partition(":")
    state = find_state(patient_id)
    activation = state.current
    if state.patient is None or activation is None or activation.activation_id != activation_id:
        return None
    if _state_of(state) is not CodeState.ACTIVE:
        return None
    values = {"code": code_of(activation_id), "expires_at": clock.read_stamp(activation.expires_at)}
    return on_file.stranger(state.patient, activation.contact or "", values)


def read(actor: Actor, patient_id: str) -> KnownCode:
    """How a patient's code is. Raises NotFound and PatientMerged."""
    state = find_state(patient_id)
    patient = _patient(state)
    audit.record_alone(Entry(actor, Action.ACTIVATION_CODE_READ, patient_id=patient_id))
    activation = state.current
    if activation is None:
        return KnownCode(patient_id, _state_of(state))
    address = contacts.on_file(patient).resolve(activation.contact or "")
    return KnownCode(
        patient_id,
        _state_of(state),
        activation.issued_at,
        activation.expires_at,
        max(0, ACTIVATION_TRIES - int(activation.tries)),
        on_file.masked(address) if address else None,
    )


def revoke(actor: Actor, patient_id: str) -> None:
    """Let a patient's code be worth nothing; where there is none, nothing happens.

    Raises NotFound, PatientMerged, and ActivationCodeChanged for one that is used at the same moment.
    """
    state = find_state(patient_id)
    _patient(state)
    if state.current is None or state.current.used_at:
        return
    about: dict[str, object] = {"activation_id": state.current.activation_id}
    with transaction() as tx:
        activations.revoke(tx, state.current)
        audit.record(tx, Entry(actor, Action.ACTIVATION_CODE_REVOKE, patient_id=patient_id, about=about))


def _patient(state: State) -> Patient:
    if state.patient is None:
        raise NotFound
    if state.patient.merged_into:
        raise PatientMerged(state.patient.merged_into)
    return state.patient


def find_state(patient_id: str, once: Once | None = None) -> State:
    """Everything about a patient's code, and what a request answered before: one round trip."""
    patient_key, code_key, account_key = (
        (patient_id, PATIENT),
        activations.key(patient_id),
        activations.account_key(patient_id),
    )
    wanted: list[tuple[type[Row], Key]] = [
        (Patient, patient_key),
        (Activation, code_key),
        (PatientAccount, account_key),
    ]
    rows = {type(row): row for row in find_rows([*wanted, *([(Served, once.key)] if once else [])]).values()}
    patient, current, account = rows.get(Patient), rows.get(Activation), rows.get(PatientAccount)
    return State(
        patient if isinstance(patient, Patient) else None,
        current if isinstance(current, Activation) else None,
        account if isinstance(account, PatientAccount) else None,
        rows.get(Served),
    )


def _state_of(state: State) -> CodeState:
    activation = state.current
    if state.account is not None or (activation and activation.used_at):
        return CodeState.USED
    if activation is None:
        return CodeState.NONE
    if clock.stamp(clock.now()) >= activation.expires_at:
        return CodeState.EXPIRED
    return CodeState.LOCKED if activation.tries >= ACTIVATION_TRIES else CodeState.ACTIVE


def _contact(patient: Patient, channel: Channel) -> Address:
    contact = on_file.find_contact(patient, channel)
    if contact is None or contact.channel is not channel:
        raise Invalid([FieldError("/deliver", f"no_{channel}_on_file")])
    return contact


def _issue(actor: Actor, state: State, contact: Address | None, tx: Transaction) -> dict[str, str]:
    patient_id = state.patient.pk if state.patient else ""
    activation = replace(tx, patient_id, state.current, contact)
    about: dict[str, object] = {"activation_id": activation.activation_id}
    if contact:
        about["channel"] = contact.channel
    audit.record(tx, Entry(actor, Action.ACTIVATION_CODE_ISSUE, patient_id=patient_id, about=about))
    issued = {"activation_id": activation.activation_id, "expires_at": activation.expires_at}
    return issued | ({"contact": contact.ref} if contact else {})
