"""Grants and invitations in the patients table: who may see and do what for a patient.

Beside each grant its caregiver's account has a row that leads to the patient.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.expressions.update import Action

from chalicelib import clock, ids
from chalicelib.domain.caregivers import CaregiverStatus, Grant, Relation, Scope
from chalicelib.errors import LinkEnded, NotFound, StaleVersion
from chalicelib.models.accounts import AccountsTable
from chalicelib.models.base import Key, storage_errors
from chalicelib.models.patients import PATIENT, Patient, PatientsTable
from chalicelib.models.transaction import Precedence, Transaction

# Both kinds of row begin with it, so that one query finds them.
_ALL = "caregiver"
_GRANT, _INVITATION, _IN_CARE = "caregiver#", "caregiver_invitation#", "in_care#"


class Offer(PatientsTable, discriminator="caregiver"):
    """What a grant opens, given or only offered yet."""

    caregiver_id = UnicodeAttribute(null=True)
    scopes = UnicodeAttribute()
    expires_at = UnicodeAttribute(null=True)
    sees_sensitive = BooleanAttribute(default=False)
    relation = UnicodeAttribute(default=Relation.FAMILY)
    email = UnicodeAttribute(null=True)
    decided_at = UnicodeAttribute(null=True)
    version = NumberAttribute(default=1)

    @property
    def all_scopes(self) -> frozenset[Scope]:
        """Its scopes."""
        return frozenset(Scope(one) for one in json.loads(self.scopes))

    @property
    def ends_at(self) -> datetime | None:
        """When what it opens is over, if ever."""
        return clock.read_stamp(self.expires_at) if self.expires_at else None


class GrantRow(Offer, discriminator="grant"):
    """One caregiver of a patient; partition key is the patient's id, sort key `caregiver#<account id>`."""

    account_id = UnicodeAttribute()
    name = UnicodeAttribute(null=True)

    def grant(self) -> Grant:
        """What it opens, to whom."""
        return Grant(
            self.account_id,
            self.all_scopes,
            self.ends_at,
            sees_sensitive=self.sees_sensitive,
            relation=Relation(self.relation),
            caregiver_id=self.caregiver_id or "",
            decided_at=clock.read_stamp(self.decided_at) if self.decided_at else None,
            name=self.name,
            email=self.email,
            version=int(self.version),
        )


class Invitation(Offer, discriminator="caregiver_invitation"):
    """A caregiver who was invited; sort key `caregiver_invitation#<caregiver id>`. The address leaves with the wait."""

    link_id = UnicodeAttribute()
    link_expires_at = UnicodeAttribute()
    language = UnicodeAttribute()
    declined_at = UnicodeAttribute(null=True)

    @property
    def status(self) -> CaregiverStatus:
        """How far it is, by the portal's clock."""
        if self.declined_at:
            return CaregiverStatus.DECLINED
        is_late = clock.stamp(clock.now()) >= self.link_expires_at
        return CaregiverStatus.EXPIRED if is_late else CaregiverStatus.INVITED


class InCare(AccountsTable, discriminator="in_care"):
    """Somebody whom the holder of an account looks after; sort key `in_care#<patient id>`."""

    patient_id = UnicodeAttribute()


@dataclass(frozen=True, slots=True)
class Tie:
    """A grant beside the patient whom it is about: what age makes of it is read with both."""

    patient: Patient
    grant: Grant


def find_tie(patient_id: str, account_id: str) -> Tie | None:
    """What one caregiver has of a patient, over or not: one round trip."""
    rows = PatientsTable.find_all([(patient_id, PATIENT), (patient_id, f"{_GRANT}{account_id}")])
    return _tie(rows, patient_id, account_id)


def find_ties(account_id: str) -> list[Tie]:
    """Everybody whom an account's holder looks after, over or not: two round trips."""
    with storage_errors():
        found = list(InCare.query(account_id, InCare.sk.startswith(_IN_CARE), consistent_read=True))
    keys = [key for row in found for key in ((row.patient_id, PATIENT), (row.patient_id, f"{_GRANT}{account_id}"))]
    rows = PatientsTable.find_all(keys) if keys else {}
    ties = [_tie(rows, row.patient_id, account_id) for row in found]
    return [tie for tie in ties if tie is not None]


def count_in_care(account_id: str) -> int:
    """How many patients an account's holder looks after, over or not."""
    with storage_errors():
        return len(list(InCare.query(account_id, InCare.sk.startswith(_IN_CARE), consistent_read=True)))


def _tie(rows: dict[Key, PatientsTable], patient_id: str, account_id: str) -> Tie | None:
    patient, grant = rows.get((patient_id, PATIENT)), rows.get((patient_id, f"{_GRANT}{account_id}"))
    if isinstance(patient, Patient) and isinstance(grant, GrantRow):
        return Tie(patient, grant.grant())
    return None


def find_grant(patient_id: str, account_id: str) -> Grant | None:
    """What one caregiver has of a patient, over or not."""
    row = GrantRow.find(patient_id, f"{_GRANT}{account_id}")
    return row.grant() if row else None


def find_grants(patient_id: str) -> list[Grant]:
    """Every grant on a patient, over or not."""
    with storage_errors():
        rows = GrantRow.query(patient_id, GrantRow.sk.startswith(_GRANT), consistent_read=True)
        return [row.grant() for row in rows]


def find_offers(patient_id: str) -> list[GrantRow | Invitation]:
    """Every caregiver and every invitation of a patient, over or not: one round trip."""
    with storage_errors():
        rows = list(Offer.query(patient_id, Offer.sk.startswith(_ALL), consistent_read=True))
    return [row for row in rows if isinstance(row, GrantRow | Invitation)]


def find_invitation(patient_id: str, caregiver_id: str) -> Invitation | None:
    """An invitation, over or not; none to a patient while they are merged into another."""
    place = patient_id, f"{_INVITATION}{caregiver_id}"
    rows = PatientsTable.find_all([(patient_id, PATIENT), place])
    patient, invitation = rows.get((patient_id, PATIENT)), rows.get(place)
    if isinstance(patient, Patient) and patient.merged_into:
        return None
    return invitation if isinstance(invitation, Invitation) else None


def put_grant(tx: Transaction, patient_id: str, grant: Grant) -> None:
    """Give a caregiver a grant, in the place of the one that they had."""
    decided_at = grant.decided_at or clock.now()
    row = GrantRow(
        patient_id,
        f"{_GRANT}{grant.account_id}",
        caregiver_id=grant.caregiver_id or ids.new_id("cgv"),
        account_id=grant.account_id,
        scopes=_text(grant.scopes),
        expires_at=clock.stamp(grant.expires_at) if grant.expires_at else None,
        sees_sensitive=grant.sees_sensitive,
        relation=grant.relation,
        decided_at=clock.stamp(decided_at),
        name=grant.name,
        email=grant.email,
    )
    tx.put(row)
    tx.put(InCare(grant.account_id, f"{_IN_CARE}{patient_id}", patient_id=patient_id))


def remove_grant(tx: Transaction, patient_id: str, account_id: str) -> None:
    """Take a caregiver's grant back."""
    tx.delete(GrantRow(patient_id, f"{_GRANT}{account_id}"))
    tx.delete(InCare(account_id, f"{_IN_CARE}{patient_id}"))


def invite(tx: Transaction, invitation: Invitation) -> None:
    """A new invitation."""
    tx.create(invitation, error=None)


def new_invitation(patient_id: str, grant: Grant, link_id: str, link_expires_at: datetime, language: str) -> Invitation:
    """An invitation, not stored yet; of the grant the account is not known."""
    return Invitation(
        patient_id,
        f"{_INVITATION}{grant.caregiver_id}",
        caregiver_id=grant.caregiver_id,
        scopes=_text(grant.scopes),
        expires_at=clock.stamp(grant.expires_at) if grant.expires_at else None,
        sees_sensitive=grant.sees_sensitive,
        relation=grant.relation,
        email=grant.email,
        decided_at=clock.stamp(grant.decided_at or clock.now()),
        link_id=link_id,
        link_expires_at=clock.stamp(link_expires_at),
        language=language,
    )


def remove_invitation(tx: Transaction, invitation: Invitation) -> None:
    """Nobody waits for an answer any more, because it came or another took its place. Raises LinkEnded at the commit.

    So does an invitation that was edited since it was read: what is accepted is what stands there.
    """
    tx.delete(
        invitation,
        condition=(Invitation.version == invitation.version) & Invitation.declined_at.does_not_exist(),
        error=LinkEnded(),
    )


def withdraw_invitation(tx: Transaction, invitation: Invitation) -> None:
    """Take an invitation back, whatever became of it; one that was accepted meanwhile is no more. Raises NotFound."""
    tx.delete(invitation, condition=Invitation.pk.exists(), error=NotFound())


def decline(tx: Transaction, invitation: Invitation) -> None:
    """Somebody does not want to be a caregiver; their address is forgotten. Raises LinkEnded at the commit."""
    actions: list[Action] = [Invitation.declined_at.set(clock.stamp(clock.now())), Invitation.email.remove()]
    tx.update(
        invitation,
        [*actions, Invitation.version.add(1)],
        condition=Invitation.pk.exists() & Invitation.declined_at.does_not_exist(),
        error=LinkEnded(),
    )


def edit(tx: Transaction, offer: GrantRow | Invitation, grant: Grant, expected_version: int) -> None:
    """What a grant opens from now on, or would open once it is accepted. Raises StaleVersion at the commit."""
    kind = type(offer)
    end = kind.expires_at
    actions: Sequence[Action] = [
        kind.scopes.set(_text(grant.scopes)),
        end.set(clock.stamp(grant.expires_at)) if grant.expires_at else end.remove(),
        kind.sees_sensitive.set(grant.sees_sensitive),
        kind.decided_at.set(clock.stamp(clock.now())),
        kind.version.add(1),
    ]
    tx.update(
        offer, actions, condition=kind.version == expected_version, error=StaleVersion(), precedence=Precedence.STATE
    )


def _text(scopes: Collection[Scope]) -> str:
    return json.dumps(sorted(scopes))
