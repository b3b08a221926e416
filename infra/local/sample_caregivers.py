"""People who look after patients of the sample clinic and are none: a child's father, and an old man's neighbour."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.local.seeded import SeededCaregiver, SeededCharge, SeededPatient

if TYPE_CHECKING:
    from chalicelib.models.accounts import Account


@dataclass(frozen=True)
class _Person:
    """Somebody who looks after the sample patient of this first name."""

    username: str
    name: str
    cares_for: str
    relation: str
    scopes: tuple[str, ...]


_PEOPLE = (
    _Person("chidi.okafor", "Chidi Okafor", "Micah", "parent", ("everything",)),
    _Person("nora.lund", "Nora Lund", "Earl", "friend", ("appointments", "medications")),
)


def join_all(patients: Iterable[SeededPatient]) -> tuple[SeededCaregiver, ...]:
    """An account for each of them, with the rights that a clinic or a patient has given them."""
    known = {patient.first_name: patient for patient in patients}
    return tuple(_join(person, known[person.cares_for].patient_id) for person in _PEOPLE)


def _join(person: _Person, patient_id: str) -> SeededCaregiver:
    from chalicelib import ids
    from chalicelib.domain.access import SYSTEM
    from chalicelib.domain.audit import Action, Entry
    from chalicelib.domain.caregivers import Grant, Relation, Scope
    from chalicelib.models import accounts, audit, caregivers, patients
    from chalicelib.models.transaction import transaction
    from chalicelib.services import boundaries

    username = person.username
    if accounts.find_account_id(username) is not None:
        # Tables that survived the file which says their passwords.
        username += f".{secrets.token_hex(2)}"
    password = f"{secrets.token_hex(8)} kettle"
    account, patient = _account(username, password), patients.find(patient_id)
    grant = Grant(
        account.pk,
        frozenset(Scope(scope) for scope in person.scopes),
        relation=Relation(person.relation),
        caregiver_id=ids.new_id("cgv"),
        name=person.name,
        email=account.email,
    )
    with transaction() as tx:
        accounts.create_account(tx, account)
        caregivers.put_grant(tx, patient_id, grant)
        if patient is not None:
            boundaries.look_again(tx, patient)
        about: dict[str, object] = {"caregiver_id": grant.caregiver_id}
        audit.record(tx, Entry(SYSTEM, Action.CAREGIVER_ADD, patient_id=patient_id, about=about))
    charge = SeededCharge(patient_id, person.relation, person.scopes)
    return SeededCaregiver(username, password, (charge,))


def _account(username: str, password: str) -> "Account":
    from chalicelib import clock, ids
    from chalicelib.auth import hashing
    from chalicelib.auth.peppers import peppers
    from chalicelib.domain.legal import VERSIONS, LegalKind
    from chalicelib.models.accounts import PRINCIPAL, Account
    from chalicelib.settings import settings

    return Account(
        ids.new_id("acc"),
        PRINCIPAL,
        username=username,
        username_key=username,
        email=f"{username}@example.org",
        language="en",
        time_zone=str(settings().clinic_zone),
        password_hash=hashing.hash(password, peppers()),
        terms_version=VERSIONS[LegalKind.TERMS],
        created_at=clock.stamp(clock.now()),
        credentials_version=1,
        version=1,
    )
