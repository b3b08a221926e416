"""Who is told of a change, and through what: a change's notice becomes a copy and messages for each of its readers."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from chalicelib import clock, ids, observability
from chalicelib.domain import caregivers, deliveries, identity
from chalicelib.domain.caregivers import Grant
from chalicelib.domain.deliveries import Address, Delivery
from chalicelib.domain.links import LinkPurpose
from chalicelib.domain.notices import (
    ASKED_BY,
    COMMENTED,
    OTHERS,
    REST,
    RULES,
    AddressBook,
    Channel,
    DeliveryStatus,
    Notice,
    NoticeType,
    OutboxStatus,
    Rule,
)
from chalicelib.domain.preferences import LOCKED, Preferences
from chalicelib.errors import Conflict
from chalicelib.models import accounts, links, notices, outbox, patients, preferences, records
from chalicelib.models import caregivers as grants
from chalicelib.models.accounts import Account
from chalicelib.models.notices import Progress
from chalicelib.models.outbox import OutboxRow
from chalicelib.models.patients import Patient
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.services import boundaries, clinic_settings, releases, strangers
from chalicelib.services import contacts as contact_service
from chalicelib.services import grants as grant_service
from chalicelib.settings import settings

FALLBACK = "instead_of"
"""What a message is about that goes out because what was chosen reaches nobody: the row that it takes the place of."""


def address(row_id: str) -> None:
    """Write the messages of one notice that a change asked for.

    Each reader's are one transaction with derived ids, so that a worker who comes back after a crash, or twice, adds
    only what is missing.
    """
    row = outbox.find(row_id)
    if row is None or row.status != OutboxStatus.PENDING:
        return
    notice = row.notice()
    if row.not_before:
        boundaries.tell_now(row)
        return
    if boundaries.is_to_look_again(notice):
        boundaries.post_missing(notice)
        outbox.settle(row, OutboxStatus.DONE)
        return
    if notice.stranger is not None:
        _tell_stranger(row, notice)
        return
    notice, readers = _readers(notice)
    for account in readers:
        _tell(row_id, notice, account)
    outbox.settle(row, OutboxStatus.DONE if readers else OutboxStatus.DROPPED)
    observability.event("notice.addressed", notice_id=row_id, notice_kind=notice.kind, count=len(readers))


def _readers(notice: Notice) -> tuple[Notice, list[Account]]:
    """Who is told, and the notice as it concerns them: what is about somebody who was merged is about who remains."""
    ids_of = [notice.account_id] if notice.account_id else []
    if not notice.account_id and (patient := _remaining(notice.patient_id or "")):
        notice, ids_of = (
            replace(notice, patient_id=patient.pk),
            _who_reads_about(patient, RULES[notice.kind], notice.about),
        )
    found = [accounts.find_account(account_id) for account_id in ids_of if account_id]
    told = [account for account in found if account is not None and may_be_told(account, RULES[notice.kind])]
    return notice, _released(told, notice.patient_id, RULES[notice.kind], notice.about)


def _released(readers: list[Account], patient_id: str | None, rule: Rule, about: dict[str, str]) -> list[Account]:
    """Those of some readers who do not hold back all of the results that a notice tells of."""
    if rule.type is not NoticeType.RESULTS or not (COMMENTED in about or any(one.release for one in readers)):
        return readers
    patient = _remaining(patient_id or "")
    files = (patient.pk, *patient.joined_ids) if patient else ()
    wanted = [about[name] for name in ("record_id", OTHERS) if name in about]
    rows = list(records.find_many(files, " ".join(wanted).split()).values()) if wanted else []
    is_comment = COMMENTED in about
    return [one for one in readers if releases.is_told(one, files, rows, is_comment=is_comment)]


def may_be_told(account: Account, rule: Rule) -> bool:
    """Whether the holder of an account is told anything: of one that is closed, only that it is."""
    return not account.disabled or (rule.reaches_closed and bool(account.closing_id))


def _remaining(patient_id: str) -> Patient | None:
    patient = patients.find(patient_id)
    return patients.find(patient.merged_into) if patient is not None and patient.merged_into else patient


def _who_reads_about(patient: Patient, rule: Rule, about: dict[str, str]) -> list[str]:
    patient_id = patient.pk
    now, minimum_age = clock.now(), clinic_settings.rules().minimum_age
    is_child = not identity.is_of_age(patient.birth_date or "0001", now, settings().clinic_zone, minimum_age)
    worth = [found for grant in grants.find_grants(patient_id) if (found := grant_service.now(patient, grant))]
    return caregivers.readers(
        None if REST in about else accounts.find_patient_account_id(patient_id),
        is_child=is_child,
        grants=_seeing(worth, patient, about),
        scope=rule.scope,
        now=now,
    )


def _seeing(worth: list[Grant], patient: Patient, about: dict[str, str]) -> list[Grant]:
    """The grants that open a record that a notice is about, apart from their scopes; of `REST` those left over."""
    if REST in about:
        return [grant for grant in worth if not grant.sees_sensitive]
    if ASKED_BY in about:
        worth = [grant for grant in worth if grant.account_id == about[ASKED_BY]]
    files = patient.pk, *patient.joined_ids
    found = records.find_many(files, [about["record_id"]]) if "record_id" in about else {}
    record = next(iter(found.values()), None)
    is_sensitive = "record_id" in about and (record is None or record.is_sensitive is not False)
    return [grant for grant in worth if grant.sees_sensitive or not is_sensitive]


def _tell(row_id: str, notice: Notice, account: Account) -> None:
    rule, chosen = RULES[notice.kind], preferences.find(account.pk)
    wanted = chosen.channels(rule.type)
    found = deliveries.addresses(contact_service.find(account, notice.about), rule, wanted)
    try:
        with transaction() as tx:
            about = notice.about | _stop_link(tx, account, rule, found)
            if rule.to is AddressBook.PREFERRED and not {one.channel for one in found} & set(wanted):
                about |= {FALLBACK: row_id}
            notice_id = notices.notice_id(row_id)
            progress = post(tx, messages(notice_id, replace(notice, about=about), account, found), chosen, account)
            notices.create(tx, account.pk, notice_id, notice, progress)
    except Conflict:
        # Another worker, or this one before it ended, has told this reader.
        observability.event("notice.addressed_before", notice_id=row_id, account_id=account.pk)


def _tell_stranger(row: OutboxRow, notice: Notice) -> None:
    """One message and no copy, since there is no portal of theirs to read it in."""
    stranger = strangers.find(notice.stranger or "")
    found = strangers.first_address(stranger, notice.stranger or "", RULES[notice.kind]) if stranger else None
    try:
        with transaction() as tx:
            outbox.settle_in(tx, row, OutboxStatus.DONE if found else OutboxStatus.DROPPED)
            if found is not None:
                outbox.post_delivery(tx, to_stranger(notices.notice_id(row.pk), notice, found))
    except Conflict:
        # Another worker has told them.
        observability.event("notice.addressed_before", notice_id=row.pk)


def to_stranger(notice_id: str, notice: Notice, found: Address) -> Delivery:
    """A message to somebody without an account, with the id that it always has."""
    row_id = _row_id(notice_id, found.ref, found.channel)
    return Delivery(row_id, notice_id, notice.kind, None, found, notice.patient_id, notice.about)


def messages(notice_id: str, notice: Notice, account: Account, found: Iterable[Address]) -> list[Delivery]:
    """One message for each address, with the id that it always has."""
    return [
        Delivery(
            row_id=_row_id(notice_id, account.pk, one.ref),
            notice_id=notice_id,
            kind=notice.kind,
            account_id=account.pk,
            address=one,
            patient_id=notice.patient_id,
            about=notice.about,
        )
        for one in found
    ]


def _row_id(*named: str) -> str:
    return ids.derived_id("out", hashlib.sha256("\x1f".join(named).encode()).digest())


def post(tx: Transaction, posted: list[Delivery], chosen: Preferences, account: Account) -> Progress:
    """Post messages; those that would ring at night wait for the morning. Returns how far each is."""
    progress: dict[tuple[Channel, str], DeliveryStatus] = {}
    for message in posted:
        channel = message.address.channel
        not_before = quiet_until(RULES[message.kind], chosen, account)
        outbox.post_delivery(tx, message, not_before)
        progress[channel, message.address.ref] = DeliveryStatus.HELD if not_before else DeliveryStatus.QUEUED
    return progress


def may_read(account: Account, patient_id: str | None, rule: Rule, about: dict[str, str]) -> bool:
    """Whether somebody may still be told of this, if it is about a patient."""
    if patient_id is None:
        return True
    patient = _remaining(patient_id)
    may = patient is not None and account.pk in _who_reads_about(patient, rule, about)
    return may and bool(_released([account], patient_id, rule, about))


def quiet_until(rule: Rule, chosen: Preferences, account: Account) -> datetime | None:
    """Until when a message has to wait, whatever its channel: phones ring for emails, too."""
    return None if rule.is_urgent else chosen.quiet_until(clock.now(), ZoneInfo(account.time_zone))


def _stop_link(tx: Transaction, account: Account, rule: Rule, found: list[Address]) -> dict[str, str]:
    """What can be switched off carries a link that does it."""
    if rule.type in LOCKED or all(one.channel is not Channel.EMAIL for one in found):
        return {}
    link = links.create(tx, LinkPurpose.STOP_MESSAGES, account.pk, about=rule.type)
    return {"stop_link_id": link.pk}
