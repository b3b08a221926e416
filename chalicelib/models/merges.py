"""Merges in the patients table: two files of which each says of the other, and the accounts that go with them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from pynamodb.attributes import UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib import clock, ids
from chalicelib.errors import Conflict, MergeOutdated, MergeUndone, PortalError
from chalicelib.models import accounts, activations
from chalicelib.models.accounts import Account, PatientAccount
from chalicelib.models.activations import Activation
from chalicelib.models.base import Key, Row, find_rows, storage_errors
from chalicelib.models.patient_changes import PatientChange
from chalicelib.models.patient_changes import key as change_key
from chalicelib.models.patients import PATIENT, Patient, PatientsTable, has_same_merges
from chalicelib.models.transaction import Precedence, Transaction

PREFIX = "mrg"
_MERGE = "merge#"


class Merge(PatientsTable, discriminator="merge"):
    """One merge; partition key is the patient who remains, sort key `merge#<merge id>`.

    `moved_account_id` became the account of who remains; `closed_account_id` signs nobody in while they are merged.
    """

    merge_id = UnicodeAttribute()
    duplicate_patient_id = UnicodeAttribute()
    reason = UnicodeAttribute()
    merged_at = UnicodeAttribute()
    merged_by = UnicodeAttribute()
    kept_account_id = UnicodeAttribute(null=True)
    moved_account_id = UnicodeAttribute(null=True)
    closed_account_id = UnicodeAttribute(null=True)
    undone_at = UnicodeAttribute(null=True)
    undone_by = UnicodeAttribute(null=True)
    undo_reason = UnicodeAttribute(null=True)


@dataclass(frozen=True, slots=True)
class File:
    """What goes with one patient: the account, the activation code, and what they have asked to be changed."""

    patient: Patient
    account: Account | None
    activation: Activation | None
    change: PatientChange | None

    @property
    def account_id(self) -> str | None:
        """The account's id."""
        return self.account.pk if self.account else None


def find_files(patient_ids: Iterable[str]) -> dict[str, File]:
    """The files of those of some patients who exist: two round trips."""
    wanted = list(dict.fromkeys(patient_ids))
    rows = find_rows([place for patient_id in wanted for place in _places(patient_id)])
    by_place = {(type(row), row.pk): row for row in rows.values()}
    owners = [row.account_id for row in rows.values() if isinstance(row, PatientAccount)]
    known = accounts.find_accounts(owners) if owners else {}
    return {
        patient_id: _file(by_place, known, patient_id) for patient_id in wanted if (Patient, patient_id) in by_place
    }


def _places(patient_id: str) -> list[tuple[type[Row], Key]]:
    return [
        (Patient, (patient_id, PATIENT)),
        (PatientChange, change_key(patient_id)),
        (PatientAccount, activations.account_key(patient_id)),
        (Activation, activations.key(patient_id)),
    ]


def _file(rows: dict[tuple[type[Row], str], Row], known: dict[str, Account], patient_id: str) -> File:
    patient, change = rows[Patient, patient_id], rows.get((PatientChange, patient_id))
    owner = rows.get((PatientAccount, f"patient#{patient_id}"))
    activation = rows.get((Activation, f"patient#{patient_id}"))
    return File(
        cast("Patient", patient),
        known.get(owner.account_id) if isinstance(owner, PatientAccount) else None,
        activation if isinstance(activation, Activation) else None,
        change if isinstance(change, PatientChange) else None,
    )


def find(patient_id: str, merge_id: str) -> Merge | None:
    """A merge, undone or not."""
    return Merge.find(patient_id, f"{_MERGE}{merge_id}") if ids.has_prefix(merge_id, PREFIX) else None


def find_all(patient_id: str) -> list[Merge]:
    """Every merge into a patient, the newest first."""
    with storage_errors():
        return list(
            Merge.query(patient_id, Merge.sk.startswith(_MERGE), consistent_read=True, scan_index_forward=False)
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """Who merges, why, and the account that stays, where there is one."""

    by: str
    reason: str
    keep: str | None


def merge(tx: Transaction, kept: File, duplicate: File, decided: Decision) -> str:
    """Merge a duplicate into who remains; returns the merge's id. Raises MergeOutdated at the commit."""
    merge_id, now, keep = ids.new_id(PREFIX), clock.stamp(clock.now()), decided.keep
    new = {"patient_id": duplicate.patient.pk, "merge_id": merge_id, "merged_at": now}
    joined = [*json.loads(kept.patient.merged_from), new]
    is_moved = keep is not None and keep == duplicate.account_id
    # What is on the other file is new to the holder of an account that moves there: it serves no recovery yet (RC 7).
    news = [Patient.contacts_replaced_at.set(now)] if is_moved else []
    _link(tx, kept.patient, [Patient.merged_from.set(json.dumps(joined)), *news], MergeOutdated())
    _link(tx, duplicate.patient, [Patient.merged_into.set(kept.patient.pk)], MergeOutdated())
    closed = next((one for one in (kept.account, duplicate.account) if one is not None and one.pk != keep), None)
    row = Merge(
        kept.patient.pk,
        f"{_MERGE}{merge_id}",
        merge_id=merge_id,
        duplicate_patient_id=duplicate.patient.pk,
        reason=decided.reason,
        merged_at=now,
        merged_by=decided.by,
        kept_account_id=keep,
        moved_account_id=keep if is_moved else None,
        closed_account_id=closed.pk if closed else None,
    )
    tx.create(row, error=None)
    if closed is not None:
        _close(tx, closed, merge_id)
    _give_account(tx, kept, duplicate, keep, [one["patient_id"] for one in joined])
    return merge_id


def _give_account(tx: Transaction, kept: File, duplicate: File, keep: str | None, joined: list[str]) -> None:
    """One account, or none, is that of who remains; nobody registers for either of them meanwhile."""
    if kept.account is not None and kept.account.pk == keep:
        _edit(tx, kept.account, _joined(joined), MergeOutdated())
    elif duplicate.account is not None:
        moved = [Account.patient_id.set(kept.patient.pk), *_joined(joined)]
        _edit(tx, duplicate.account, moved, MergeOutdated())
        _point(tx, kept.patient.pk, duplicate.account.pk, kept.account_id, MergeOutdated())
        _release(tx, duplicate.patient.pk, duplicate.account.pk, MergeOutdated())
    else:
        _check_free(tx, kept.patient.pk, MergeOutdated())
    if duplicate.account is None:
        _check_free(tx, duplicate.patient.pk, MergeOutdated())


def _check_free(tx: Transaction, patient_id: str, error: PortalError) -> None:
    row = accounts.patient_row(patient_id, "")
    tx.check(row, PatientAccount.pk.does_not_exist(), error=error, precedence=Precedence.STATE)


@dataclass(frozen=True, slots=True)
class Undo:
    """Who parts two patients, and why."""

    by: str
    reason: str


def undo(tx: Transaction, merged: Merge, kept: File, duplicate: File, closed: Account | None, undone: Undo) -> None:
    """Part two patients again. An account that is somebody else's by now stays theirs. Raises MergeUndone, Conflict."""
    left = [one for one in json.loads(kept.patient.merged_from) if one["merge_id"] != merged.merge_id]
    _link(tx, kept.patient, [Patient.merged_from.set(json.dumps(left))], Conflict())
    _link(tx, duplicate.patient, [Patient.merged_into.remove()], Conflict())
    tx.update(
        merged,
        [
            Merge.undone_at.set(clock.stamp(clock.now())),
            Merge.undone_by.set(undone.by),
            Merge.undo_reason.set(undone.reason),
        ],
        condition=Merge.undone_at.does_not_exist(),
        error=MergeUndone(),
        precedence=Precedence.STATE,
    )
    joined = [one["patient_id"] for one in left]
    is_closed = closed is not None and closed.closed_by_merge == merged.merge_id
    goes_back = kept.account is not None and kept.account.pk == merged.moved_account_id
    if kept.account is not None and goes_back:
        _go_back(tx, kept.account, merged, closed if is_closed else None)
        if not is_closed and kept.activation is not None and kept.activation.used_at:
            # Whose account it opened is gone, and the patient can have a new one.
            activations.remove_used(tx, kept.activation)
    elif kept.account is not None:
        _edit(tx, kept.account, _joined(joined), Conflict())
    else:
        _check_free(tx, kept.patient.pk, Conflict())
    if is_closed and closed is not None:
        own = _joined(joined if goes_back else duplicate.patient.joined_ids)
        _edit(tx, closed, [*_reopened(closed), *own], Conflict())


def _go_back(tx: Transaction, moved: Account, merged: Merge, closed: Account | None) -> None:
    """An account is the duplicate's again, and who remains has the one from before, if there was one."""
    back = [Account.patient_id.set(merged.duplicate_patient_id), Account.joined_patients.remove()]
    _edit(tx, moved, back, Conflict())
    _point(tx, merged.duplicate_patient_id, moved.pk, None, Conflict())
    if closed is None:
        _release(tx, merged.pk, moved.pk, Conflict())
    else:
        _point(tx, merged.pk, closed.pk, moved.pk, Conflict())


def _reopened(account: Account) -> list[Action]:
    """The merge closes an account no more. One that its holder has closed stays closed."""
    opens = [] if account.closing_id else [Account.disabled.set(False)]
    return [*opens, Account.closed_by_merge.remove()]


def _close(tx: Transaction, account: Account, merge_id: str) -> None:
    """Every session ends at once, and nobody signs in."""
    closed = [Account.disabled.set(True), Account.closed_by_merge.set(merge_id)]
    _edit(tx, account, [*closed, Account.credentials_version.add(1)], MergeOutdated())


def _edit(tx: Transaction, account: Account, actions: Iterable[Action], error: PortalError) -> None:
    same = (Account.version == account.version) & (Account.patient_id == account.patient_id)
    tx.update(
        account,
        [*actions, Account.version.add(1)],
        condition=same & (Account.disabled == bool(account.disabled)),
        error=error,
        precedence=Precedence.STATE,
    )


def _joined(patient_ids: Iterable[str]) -> list[Action]:
    joined = set(patient_ids)
    return [Account.joined_patients.set(joined) if joined else Account.joined_patients.remove()]


def _point(tx: Transaction, patient_id: str, account_id: str, instead_of: str | None, error: PortalError) -> None:
    free: Condition = PatientAccount.pk.does_not_exist()
    condition = PatientAccount.account_id == instead_of if instead_of else free
    tx.put(accounts.patient_row(patient_id, account_id), condition=condition, error=error)


def _release(tx: Transaction, patient_id: str, account_id: str, error: PortalError) -> None:
    row = accounts.patient_row(patient_id, account_id)
    tx.delete(row, condition=PatientAccount.account_id == account_id, error=error)


def _link(tx: Transaction, patient: Patient, actions: list[Action], error: PortalError) -> None:
    """Change what one file says of others, if its content and its merges are those that were read."""
    tx.update(
        patient,
        [*actions, Patient.merge_version.set(int(patient.merge_version) + 1)],
        condition=(Patient.version == patient.version) & has_same_merges(patient),
        error=error,
        precedence=Precedence.STATE,
    )
