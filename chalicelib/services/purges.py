"""Removing what is personal of an account that was closed 30 days ago and not opened again (OP 5).

Its holder has closed it, or a merge that nobody has undone in time.

The first step decides: from then on nobody opens the account again. The others may be done any number of times, each
with its audit entry, and the last takes the account's own row, so that after a worker who died another one goes on.
What stays is the audit, the health record and what the clinic was asked to change of it, keyed hashes of addresses
that bounced or said STOP, and links that are over, which name nobody and leave by themselves within 90 days.
"""

from collections import Counter

from chalicelib import observability
from chalicelib.domain.access import SYSTEM
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.events import ClinicEvent, ClinicEventType
from chalicelib.domain.notices import Notice, NoticeKind, OutboxStatus
from chalicelib.domain.proxy_requests import ProxyStatus
from chalicelib.errors import Conflict, Unavailable
from chalicelib.models import (
    accounts,
    audit,
    caregivers,
    closures,
    documents,
    exports,
    model_consents,
    outbox,
    passkeys,
    patients,
    picture_readings,
    proxy_requests,
    push_devices,
)
from chalicelib.models import purges as storage
from chalicelib.models.accounts import Account
from chalicelib.models.outbox import OutboxRow
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.services import jobs, shares
from chalicelib.services.documents import remove_in as remove_document
from chalicelib.services.exports import remove_file
from chalicelib.services.picture_readings import remove_in as remove_reading

_AT_ONCE = 40


def work(row_id: str) -> None:
    """Remove the account that an outbox row names, if it is still closed."""
    jobs.run(row_id, _work)


def _work(row: OutboxRow) -> None:
    account = accounts.find_account(row.account_id or "")
    if account is None or not _is_still_closed(account, row.ids()):
        # It was opened again, or removed by a worker who could not say so any more.
        outbox.settle(row, OutboxStatus.DROPPED)
        return
    try:
        _purge(row, account)
    except Conflict as overtaken:
        # Somebody was faster with a part of it: the next try looks at what is left.
        raise Unavailable(retry_after=1) from overtaken


def _is_still_closed(account: Account, about: dict[str, str]) -> bool:
    if "merge_id" in about:
        return bool(account.disabled) and account.closed_by_merge == about["merge_id"]
    return account.closing_id == about["closing_id"]


def _purge(row: OutboxRow, account: Account) -> None:
    if not account.purge_began_at:
        with transaction() as tx:
            closures.begin_purge(tx, account)
            _record(tx, account, "begin")
    steps = (_remove_grants, _remove_requests, _remove_devices, _remove_passkeys, _remove_exports, shares.remove_all)
    for step in (*steps, _free_usernames):
        step(account)
    _remove_documents(account)
    _remove_consent(account)
    _remove_readings(account)
    _remove_rows(account)
    with transaction() as tx:
        storage.remove_account(tx, account)
        outbox.settle_in(tx, row, OutboxStatus.DONE)
        outbox.post_event(tx, ClinicEvent(ClinicEventType.ACCOUNT_REMOVED, account.patient_id, _about(account)))
        _record(tx, account, "end")
    observability.event("account.removed", account_id=account.pk, closing_id=account.closing_id)


def _about(account: Account) -> dict[str, str]:
    return {"account_id": account.pk}


def _record(tx: Transaction, account: Account, step: str, **more: object) -> None:
    why = {"closing_id": account.closing_id} if account.closing_id else {"merge_id": account.closed_by_merge}
    about: dict[str, object] = {**why, "step": step, **more}
    audit.record(tx, Entry(SYSTEM, Action.ACCOUNT_PURGE, account_id=account.pk, about=about))


def _remove_grants(account: Account) -> None:
    """What the clinic gave, and a grant that was accepted in the moment of closing; the patient is told."""
    for tie in caregivers.find_ties(account.pk):
        patient_account_id = accounts.find_patient_account_id(tie.patient.pk)
        with transaction() as tx:
            caregivers.remove_grant(tx, tie.patient.pk, account.pk)
            if patient_account_id:
                outbox.post(tx, Notice(NoticeKind.CAREGIVER_LEFT, patient_account_id))
            about: dict[str, object] = {"caregiver_id": tie.grant.caregiver_id}
            audit.record(tx, Entry(SYSTEM, Action.CAREGIVER_END, patient_id=tie.patient.pk, about=about))


def _remove_requests(account: Account) -> None:
    """What nobody has decided. What was decided is the clinic's own."""
    for request in proxy_requests.find_all_of(account.pk):
        if request.status == ProxyStatus.PENDING:
            with transaction() as tx:
                storage.remove_proxy_request(tx, request)
                _record(tx, account, "proxy_request", proxy_request_id=request.proxy_request_id)


def _remove_devices(account: Account) -> None:
    for device in push_devices.find_stored(account.pk):
        with transaction() as tx:
            push_devices.remove(tx, device)
            _record(tx, account, "push_device", device_id=device.device_id)


def _remove_passkeys(account: Account) -> None:
    for passkey in passkeys.find_all(account.pk):
        with transaction() as tx:
            passkeys.remove(tx, passkey)
            _record(tx, account, "passkey", passkey_id=passkey.passkey_id)


def _remove_exports(account: Account) -> None:
    for export in exports.find_all(account.pk):
        remove_file(export)
        with transaction() as tx:
            exports.remove(tx, export)
            _record(tx, account, "export", export_id=export.export_id)


def _own_patients(account: Account) -> tuple[str, ...]:
    """The patient whom the account is, and who is merged into them; nobody where a merge gave their place away."""
    patient = patients.find(account.patient_id) if account.patient_id else None
    if patient is None or patient.merged_into or accounts.find_patient_account_id(patient.pk) != account.pk:
        return ()
    return (patient.pk, *patient.joined_ids)


def _remove_consent(account: Account) -> None:
    for patient_id in _own_patients(account):
        if consent := model_consents.find(patient_id):
            with transaction() as tx:
                model_consents.remove(tx, consent)
                _record(tx, account, "model_consent")


def _remove_documents(account: Account) -> None:
    for patient_id in _own_patients(account):
        while found := documents.find_page(patient_id, limit=_AT_ONCE, before=None):
            for document in found:
                with transaction() as tx:
                    remove_document(tx, document)
                    _record(tx, account, "document", document_id=document.document_id)


def _remove_readings(account: Account) -> None:
    for patient_id in _own_patients(account):
        while found := picture_readings.find_page(patient_id, limit=_AT_ONCE, before=None):
            for reading in found:
                with transaction() as tx:
                    remove_reading(tx, reading)
                    _record(tx, account, "picture_reading", reading_id=reading.reading_id)


def _free_usernames(account: Account) -> None:
    """Names that were given up, which stand with the changes: before those go."""
    for username_key in storage.find_former_usernames(account.pk):
        if username_key != account.username_key:
            with transaction() as tx:
                storage.free_username(tx, account.pk, username_key)
                _record(tx, account, "username")


def _remove_rows(account: Account) -> None:
    while found := storage.find_keys(account.pk, _AT_ONCE):
        with transaction() as tx:
            for key, _ in found:
                storage.remove(tx, key)
            _record(tx, account, "rows", removed=dict(Counter(kind for _, kind in found)))
