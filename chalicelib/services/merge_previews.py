"""What merging two patients would do, for staff to see before they decide."""

from dataclasses import dataclass
from datetime import datetime

from chalicelib import clock
from chalicelib.domain.access import Actor
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.caregivers import Grant
from chalicelib.domain.merges import (
    MOST_COUNTED,
    Demographics,
    MergedAccount,
    MergeWarning,
    RecordCounts,
    differences,
)
from chalicelib.domain.notices import Channel
from chalicelib.domain.patient_search import words_of
from chalicelib.models import audit, caregivers, records
from chalicelib.models.accounts import Account
from chalicelib.models.base import together
from chalicelib.models.merges import File
from chalicelib.models.patients import Patient
from chalicelib.models.transaction import transaction
from chalicelib.services import clinic_accounts, clinic_patients, contacts
from chalicelib.services.clinic_patients import DeskPatient
from chalicelib.services.merges import Pair, find_pair, live_code


@dataclass(frozen=True, slots=True)
class Side:
    """One of two patients: what is on file, and what goes with it. `code_expires_at` is aware, in UTC."""

    patient: DeskPatient
    records: RecordCounts
    account: MergedAccount | None
    code_expires_at: datetime | None
    pending_change_id: str | None


@dataclass(frozen=True, slots=True)
class Preview:
    """Both sides, and what the merge would take from caregivers of the duplicate. `version` is what it was made of."""

    kept: Side
    duplicate: Side
    suspended: list[Grant]
    warnings: list[MergeWarning]
    version: str


def preview(actor: Actor, patient_id: str, duplicate_id: str) -> Preview:
    """What merging a duplicate into a patient would do; both looks are audited before they are answered.

    Raises what `merges.find_pair` raises.
    """
    pair = find_pair(patient_id, duplicate_id)
    with transaction() as tx:
        for one in (patient_id, duplicate_id):
            audit.record(tx, Entry(actor, Action.PATIENT_LOOKUP, patient_id=one))
    kept, duplicate = together(lambda: _side(pair.kept), lambda: _side(pair.duplicate))
    return Preview(kept, duplicate, pair.suspended, _warnings(pair, kept, duplicate), pair.version)


def _side(file: File) -> Side:
    by_category, is_all = records.count(file.patient.pk, MOST_COUNTED)
    code = live_code(file)
    return Side(
        patient=clinic_patients.view(file.patient),
        records=RecordCounts(dict(sorted(by_category.items())), is_all),
        account=_account(file.account, file.patient) if file.account else None,
        code_expires_at=clock.read_stamp(code.expires_at) if code else None,
        pending_change_id=file.change.change_id if file.change else None,
    )


def _account(account: Account, patient: Patient) -> MergedAccount:
    return MergedAccount(
        account_id=account.pk,
        username=account.username,
        contacts=clinic_accounts.masked(account, patient),
        cares_for=caregivers.count_in_care(account.pk),
    )


def _warnings(pair: Pair, kept: Side, duplicate: Side) -> list[MergeWarning]:
    there = [side.account for side in (kept, duplicate) if side.account is not None]
    is_choice = len(there) > 1
    found = {
        MergeWarning.BOTH_HAVE_ACCOUNTS: is_choice,
        MergeWarning.CLOSED_ACCOUNT_CARES_FOR_OTHERS: is_choice and any(one.cares_for for one in there),
        MergeWarning.CHANGE_PENDING: duplicate.pending_change_id is not None,
    }
    differing = differences(_demographics(pair.kept.patient), _demographics(pair.duplicate.patient))
    return [*differing, *(warning for warning, is_so in found.items() if is_so)]


def _demographics(patient: Patient) -> Demographics:
    on_file = contacts.on_file(patient)
    addresses = {(one.channel, one.value) for one in (*on_file.on_file_emails, *on_file.phones)}
    return Demographics(
        names=frozenset(" ".join(words_of([" ".join([*given[:1], family])])) for given, family in patient.all_names),
        birth_date=patient.birth_date,
        gender=patient.gender,
        is_deceased=bool(patient.deceased),
        contacts=frozenset(value.casefold() if channel is Channel.EMAIL else value for channel, value in addresses),
    )
