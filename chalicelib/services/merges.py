"""Merging two patients who turn out to be one, and parting them again: one transaction each, and no row is moved.

The duplicate's file says who remains, and theirs says who is merged into them; readers of the remaining one's record
read both files. What an import brings for the duplicate goes on into the duplicate's file.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from chalicelib import clock
from chalicelib.auth import secrets
from chalicelib.domain.access import Actor
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.caregivers import Grant
from chalicelib.domain.deliveries import Address
from chalicelib.domain.merges import MOST_JOINED, UNDO_WITHIN, MergeView
from chalicelib.domain.notices import Channel, Notice, NoticeKind
from chalicelib.errors import (
    DuplicateHasMerges,
    FieldError,
    Invalid,
    LaterMergeFirst,
    MergeLimitReached,
    MergeOfStaff,
    MergeOutdated,
    MergeSettled,
    MergeUndone,
    NotFound,
    OwnMerge,
    PatientMerged,
)
from chalicelib.models import accounts, activations, audit, caregivers, outbox
from chalicelib.models import merges as storage
from chalicelib.models.accounts import Account
from chalicelib.models.caregivers import GrantRow, Invitation
from chalicelib.models.merges import Decision, File, Merge, Undo
from chalicelib.models.patients import Patient
from chalicelib.models.transaction import Transaction
from chalicelib.services import boundaries, clinic_patients, contacts, former_contacts, grants
from chalicelib.services.once import Once


@dataclass(frozen=True, slots=True)
class Wanted:
    """What staff decide, having seen the preview of a version."""

    duplicate_id: str
    preview_version: str
    reason: str
    keep_account_id: str | None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two patients who may be one, and everybody who looks after the duplicate, or was invited to."""

    kept: File
    duplicate: File
    offers: list[GrantRow | Invitation]

    @property
    def version(self) -> str:
        """What a merge must find as the preview showed it; records may come in meanwhile."""
        seen = [_seen(self.kept), _seen(self.duplicate), sorted((one.sk, int(one.version)) for one in self.offers)]
        return secrets.keyed_hash("merge-preview", json.dumps(seen))

    @property
    def suspended(self) -> list[Grant]:
        """What caregivers of the duplicate have now, and lose while it is merged."""
        given = [one.grant() for one in self.offers if isinstance(one, GrantRow)]
        return [grant for one in given if (grant := grants.now(self.duplicate.patient, one)) is not None]


def _seen(file: File) -> list[object]:
    account, code, change = file.account, live_code(file), file.change
    return [
        [file.patient.pk, int(file.patient.version), int(file.patient.merge_version)],
        [account.pk, int(account.version), bool(account.disabled)] if account else None,
        code.activation_id if code else None,
        [change.change_id, int(change.version)] if change else None,
    ]


def live_code(file: File) -> activations.Activation | None:
    """The activation code that a patient may still use."""
    code = file.activation
    is_live = code is not None and not code.used_at and clock.stamp(clock.now()) < code.expires_at
    return code if is_live and file.account is None else None


def find_pair(patient_id: str, duplicate_id: str) -> Pair:
    """Two patients who can be merged.

    Raises NotFound, PatientMerged, DuplicateHasMerges, MergeLimitReached, and Invalid for a duplicate who is not there,
    is the same, or is merged into another.
    """
    if duplicate_id == patient_id:
        raise Invalid([FieldError("/duplicate_patient_id", "same_patient")])
    files = storage.find_files([patient_id, duplicate_id])
    kept, duplicate = files.get(patient_id), files.get(duplicate_id)
    if kept is None:
        raise NotFound
    if kept.patient.merged_into:
        raise PatientMerged(kept.patient.merged_into)
    if duplicate is None:
        raise Invalid([FieldError("/duplicate_patient_id", "patient_unknown")])
    if duplicate.patient.merged_into:
        raise Invalid([FieldError("/duplicate_patient_id", "patient_merged")])
    if duplicate.patient.joined_ids:
        raise DuplicateHasMerges
    if len(kept.patient.joined_ids) >= MOST_JOINED:
        raise MergeLimitReached
    return Pair(kept, duplicate, caregivers.find_offers(duplicate_id))


def merge(actor: Actor, patient_id: str, wanted: Wanted, once: Once) -> MergeView:
    """Merge a duplicate into a patient.

    Raises what `find_pair` raises, MergeOutdated where something is no longer as it was previewed, OwnMerge,
    MergeOfStaff, and Invalid for an account that is not there to be kept.
    """
    if served := once.find():
        return _view(_find(patient_id, served["merge_id"]))
    pair = find_pair(patient_id, wanted.duplicate_id)
    if not secrets.same(pair.version, wanted.preview_version):
        raise MergeOutdated
    _check_not_own(actor, pair)
    keep = _kept_account(pair, wanted.keep_account_id)
    closed = next((one for one in _accounts(pair) if one.pk != keep), None)
    if closed is not None and closed.staff_roles:
        raise MergeOfStaff
    change = partial(_merge, actor, pair, Decision(actor.id, wanted.reason, keep), closed)
    return _view(_find(patient_id, once.commit(change)["merge_id"]))


def _merge(actor: Actor, pair: Pair, decided: Decision, closed: Account | None, tx: Transaction) -> dict[str, str]:
    """The merge with everything that ends with it, and everybody who is told of it."""
    patients = pair.kept.patient.pk, pair.duplicate.patient.pk
    merge_id = storage.merge(tx, pair.kept, pair.duplicate, decided)
    if code := live_code(pair.duplicate):
        activations.revoke(tx, code)
    outbox.post(tx, Notice(NoticeKind.FILES_JOINED, patient_id=patients[0]))
    for grant in pair.suspended:
        outbox.post(tx, Notice(NoticeKind.GRANT_ENDED, grant.account_id))
    _tell_addresses(tx, pair, decided.keep, closed)
    if closed is not None and not closed.closing_id:
        # One that its holder has closed is removed sooner.
        outbox.post_merge_purge(tx, closed.pk, merge_id, clock.now() + UNDO_WITHIN)
    touched = [one.pk for one in (closed, pair.duplicate.account) if one is not None]
    _audit(tx, actor, Action.PATIENT_MERGE, patients, merge_id, touched)
    return {"merge_id": merge_id}


def _check_not_own(actor: Actor, pair: Pair) -> None:
    """A merge shows one file to whoever sees the other. Raises OwnMerge."""
    kept_id, duplicate_id = pair.kept.patient.pk, pair.duplicate.patient.pk
    is_own = actor.patient_id in {kept_id, duplicate_id}
    if is_own or caregivers.find_grant(kept_id, actor.id) is not None:
        raise OwnMerge


def _kept_account(pair: Pair, chosen: str | None) -> str | None:
    """The account that stays: the only one, or the one that was chosen. Raises Invalid."""
    there = [account.pk for account in _accounts(pair)]
    if len(there) > 1 and chosen is None:
        raise Invalid([FieldError("/keep_account_id", "missing")])
    if chosen is not None and chosen not in there:
        raise Invalid([FieldError("/keep_account_id", "not_a_choice")])
    return chosen or next(iter(there), None)


def _accounts(pair: Pair) -> list[Account]:
    return [file.account for file in (pair.kept, pair.duplicate) if file.account is not None]


def _file_of(account: Account, pair: Pair) -> File:
    return pair.kept if pair.kept.account_id == account.pk else pair.duplicate


def _tell_addresses(tx: Transaction, pair: Pair, keep: str | None, closed: Account | None) -> None:
    """Tell the addresses of a closed account, and those on file that the notice to who remains does not reach.

    Where the two were not one, whoever has such an address is the one to object.
    """
    told = _reached(closed, _file_of(closed, pair).patient) if closed else []
    if closed is not None:
        former_contacts.tell_of_closing(tx, _file_of(closed, pair).patient, told)
    kept = next((account for account in _accounts(pair) if account.pk == keep), None)
    reached = {one.value for one in [*told, *(_reached(kept, pair.kept.patient) if kept else [])]}
    for file in (pair.kept, pair.duplicate):
        left = [one for one in _reached(None, file.patient) if one.value not in reached]
        former_contacts.tell_of_joining(tx, file.patient, left)
        reached |= {one.value for one in left}


def _reached(account: Account | None, patient: Patient) -> list[Address]:
    """The addresses by which somebody is reached: confirmed by the holder of an account, or on file."""
    known = contacts.of(account, patient) if account else contacts.on_file(patient)
    return [*known.everywhere(Channel.EMAIL), *known.everywhere(Channel.SMS)]


def find_all(actor: Actor, patient_id: str) -> list[MergeView]:
    """Every merge into a patient, the newest first; the look is audited. Raises NotFound and PatientMerged."""
    clinic_patients.find(patient_id)
    audit.record_alone(Entry(actor, Action.PATIENT_LOOKUP, patient_id=patient_id))
    return [_view(one) for one in storage.find_all(patient_id)]


def undo(actor: Actor, patient_id: str, merge_id: str, reason: str, once: Once) -> MergeView:
    """Part two patients again: everything as before but what changed since.

    Raises NotFound, MergeUndone, MergeSettled after 30 days, LaterMergeFirst, and Conflict where something changed at
    the same moment.
    """
    merged = _find(patient_id, merge_id)
    if once.find():
        return _view(merged)
    _check_can_undo(merged)
    files = storage.find_files([patient_id, merged.duplicate_patient_id])
    kept, duplicate = files[patient_id], files[merged.duplicate_patient_id]
    merge_ids = [one["merge_id"] for one in json.loads(kept.patient.merged_from)]
    if merge_id not in merge_ids:
        raise MergeUndone
    if merge_ids[-1] != merge_id:
        raise LaterMergeFirst
    closed = _closed_account(merged)
    offers = caregivers.find_offers(merged.duplicate_patient_id)

    def change(tx: Transaction) -> dict[str, str]:
        storage.undo(tx, merged, kept, duplicate, closed, Undo(actor.id, reason))
        for file in (kept, duplicate):
            outbox.post(tx, Notice(NoticeKind.FILES_PARTED, patient_id=file.patient.pk))
            # What fell due while they were one was not told.
            boundaries.look_again(tx, file.patient)
        for offer in offers:
            if isinstance(offer, GrantRow) and not offer.grant().is_over(clock.now()):
                outbox.post(tx, Notice(NoticeKind.GRANT_CHANGED, offer.account_id))
        touched = [one for one in (merged.closed_account_id, merged.moved_account_id) if one]
        both = (patient_id, merged.duplicate_patient_id)
        _audit(tx, actor, Action.PATIENT_MERGE_UNDO, both, merge_id, touched)
        return {"merge_id": merge_id}

    once.commit(change)
    return _view(_find(patient_id, merge_id))


def _closed_account(merged: Merge) -> Account | None:
    """The account that a merge has closed, if it is there still. Raises MergeSettled where it is being removed."""
    closed = accounts.find_account(merged.closed_account_id) if merged.closed_account_id else None
    if closed is not None and closed.purge_began_at and not closed.closing_id:
        raise MergeSettled
    return closed


def _check_can_undo(merged: Merge) -> None:
    if merged.undone_at:
        raise MergeUndone
    if clock.now() >= _undo_until(merged):
        raise MergeSettled


def _audit(
    tx: Transaction, actor: Actor, action: Action, patients: tuple[str, str], merge_id: str, touched: Iterable[str]
) -> None:
    """In the history of both patients, and of each account that was closed, opened, or is another patient's now."""
    kept_id, duplicate_id = patients
    about: dict[str, object] = {"merge_id": merge_id, "patient_id": kept_id, "duplicate_patient_id": duplicate_id}
    for patient_id in patients:
        audit.record(tx, Entry(actor, action, patient_id=patient_id, about=about))
    for account_id in dict.fromkeys(touched):
        audit.record(tx, Entry(actor, action, account_id=account_id, about=about))


def _find(patient_id: str, merge_id: str) -> Merge:
    merged = storage.find(patient_id, merge_id)
    if merged is None:
        raise NotFound
    return merged


def _undo_until(merged: Merge) -> datetime:
    return clock.read_stamp(merged.merged_at) + UNDO_WITHIN


def _view(merged: Merge) -> MergeView:
    return MergeView(
        merge_id=merged.merge_id,
        patient_id=merged.pk,
        duplicate_patient_id=merged.duplicate_patient_id,
        reason=merged.reason,
        merged_at=clock.read_stamp(merged.merged_at),
        merged_by=merged.merged_by,
        undo_until=_undo_until(merged),
        kept_account_id=merged.kept_account_id,
        moved_account_id=merged.moved_account_id,
        closed_account_id=merged.closed_account_id,
        undone_at=clock.read_stamp(merged.undone_at) if merged.undone_at else None,
        undone_by=merged.undone_by,
        undo_reason=merged.undo_reason,
    )
