"""Accounts as the help desk sees them, and the recovery that it starts (RC 7). Staff never see or set a password."""

from dataclasses import dataclass
from datetime import datetime

from chalicelib import clock
from chalicelib.auth import hashing, limits, secrets
from chalicelib.auth.limits import Limit
from chalicelib.auth.peppers import peppers
from chalicelib.domain import identity
from chalicelib.domain.access import Actor
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.deliveries import Address, addresses
from chalicelib.domain.help_desk import FAILURES, AccountState, Check, DeskAccount, FailedTry, MaskedContact, has_failed
from chalicelib.domain.links import LinkPurpose
from chalicelib.domain.notices import RULES, Channel, Notice, NoticeKind
from chalicelib.domain.staff import Permission
from chalicelib.errors import AccountDisabled, Forbidden, NoAddress, NotFound
from chalicelib.models import accounts, audit, links, outbox, password_resets, patients
from chalicelib.models.accounts import Account
from chalicelib.models.audit import AuditEntry
from chalicelib.models.patients import Patient
from chalicelib.models.transaction import Transaction
from chalicelib.services import closures, contacts, recovery, second_factors
from chalicelib.services.once import Once

STARTED_BY_STAFF = Limit(tries=5, seconds=86400)
"""How often the help desk may start one account's recovery. Strangers' requests do not count here."""

_MOST_FOUND, _ENTRIES, _MOST_TRIES = 12, 100, 20


@dataclass(frozen=True, slots=True)
class Started:
    """A recovery that staff started: where the code and the link went, masked, and until when they work."""

    sent_to: tuple[str, ...]
    expires_at: datetime


def find(actor: Actor, q: str) -> list[DeskAccount]:
    """Whoever has a username, an email address, or a clinic number, exactly; patients without an account, too.

    Every look is audited before it is answered.
    """
    found = [_look(*one) for one in _search(q)]
    for one in found:
        audit.record_alone(Entry(actor, Action.ACCOUNT_LOOKUP, patient_id=one.patient_id, account_id=one.account_id))
    if not found:
        audit.record_alone(Entry(actor, Action.ACCOUNT_LOOKUP, about={"found": 0}))
    return found


def _search(q: str) -> list[tuple[Account | None, Patient | None]]:
    meant = accounts.find_holders(identity.canonical_username(q), recovery.email_key(q))
    account_ids = [meant.confirmed, *meant.pending, meant.named]
    patient_id = _numbered(q)
    account_ids.append(accounts.find_patient_account_id(patient_id) if patient_id else None)
    found = accounts.find_accounts(list(dict.fromkeys(one for one in account_ids if one))[:_MOST_FOUND])
    on_file = {row.pk: row for row in patients.find_many(_patient_ids(found, patient_id))}
    pairs: list[tuple[Account | None, Patient | None]] = [
        (account, on_file.get(account.patient_id or "")) for account in found.values()
    ]
    if patient_id in on_file and all(patient is None or patient.pk != patient_id for _, patient in pairs):
        pairs.append((None, on_file[patient_id]))
    return pairs


def _numbered(q: str) -> str | None:
    """The patient of a clinic number, or whoever that one turned out to be."""
    number = identity.canonical_clinic_number(q)
    patient_id = patients.find_id_by_clinic_number(number) if number else None
    patient = patients.find(patient_id) if patient_id else None
    return patient.merged_into if patient is not None and patient.merged_into else patient_id


def _patient_ids(found: dict[str, Account], also: str | None) -> list[str]:
    named = [*(account.patient_id for account in found.values()), also]
    return list(dict.fromkeys(one for one in named if one))


def _look(account: Account | None, patient: Patient | None) -> DeskAccount:
    return DeskAccount(
        account_id=account.pk if account else None,
        patient_id=patient.pk if patient else None,
        username=account.username if account else None,
        state=_state(account),
        roles=tuple(sorted(account.staff_roles)) if account else (),
        second_factors=tuple(sorted(account.bound_factors)) if account else (),
        contacts=masked(account, patient),
        failed_tries=_failed_tries(account, patient),
        closed_until=clock.read_stamp(account.closed_until) if account and account.closed_until else None,
    )


def _state(account: Account | None) -> AccountState:
    if account is None:
        return AccountState.NO_ACCOUNT
    if account.closing_id:
        return AccountState.CLOSED
    if account.disabled:
        return AccountState.DISABLED
    return AccountState.PASSWORD_DISABLED if account.password_disabled else AccountState.ACTIVE


def masked(account: Account | None, patient: Patient | None) -> tuple[MaskedContact, ...]:
    """Every address of somebody, shown so that only its owner knows it again."""
    known = contacts.of(account, patient) if account else contacts.on_file(patient)
    return tuple(
        MaskedContact(one.channel, mask(one), is_verified=one.is_confirmed)
        for one in known.all
        if one.channel is not Channel.PUSH
    )


def mask(address: Address) -> str:
    """An address, shown so that only its owner knows it again."""
    is_email = address.channel is Channel.EMAIL
    return identity.mask_email(address.value) if is_email else identity.mask_phone(address.value)


def _failed_tries(account: Account | None, patient: Patient | None) -> tuple[FailedTry, ...]:
    partitions = [f"account#{account.pk}"] if account else []
    partitions += [f"patient#{patient.pk}"] if patient else []
    entries = [entry for partition in partitions for entry in audit.find_latest(partition, _ENTRIES)]
    tries = [_failed_try(entry) for entry in entries if has_failed(entry.action, entry.details.get("reason"))]
    return tuple(sorted(tries, key=lambda one: one.at, reverse=True)[:_MOST_TRIES])


def _failed_try(entry: AuditEntry) -> FailedTry:
    reason = entry.details.get("reason")
    return FailedTry(clock.read_stamp(entry.at), FAILURES[entry.action], str(reason) if reason else None)


def start_recovery(actor: Actor, account_id: str, check: Check, *, reset_second_factor: bool, once: Once) -> Started:
    """Send a code and a link for a new password to whoever has an account, once staff have made sure who asks.

    It goes to verified addresses and those on file alone. With `reset_second_factor` every second factor, every session
    and the old password end at once. Of an account that its holder has closed it is the link that opens it again, and
    nothing else is changed. Raises NotFound, Forbidden for an account of staff's that is not the caller's to
    recover, AccountDisabled, NoAddress and TooManyRequests.
    """
    account = accounts.find_account(account_id)
    if account is None:
        raise NotFound
    told = NoticeKind.ACCOUNT_CLOSED if account.closing_id else NoticeKind.PASSWORD_RESET
    reached = addresses(contacts.find(account), RULES[told], ())
    served = once.find()
    if served is None:
        _check(actor, account, reached)
        served = once.commit(lambda tx: _start(tx, actor, account, check, reset_second_factor=reset_second_factor))
    return Started(tuple(mask(one) for one in reached), clock.read_stamp(served["expires_at"]))


def _check(actor: Actor, account: Account, reached: list[Address]) -> None:
    """Who may recover the accounts of staff could take over the clinic: only who manages them may."""
    if account.pk == actor.id or (account.staff_roles and not actor.has(Permission.STAFF_WRITE)):
        raise Forbidden
    if account.disabled and not account.can_be_reopened:
        raise AccountDisabled
    if not reached:
        raise NoAddress
    limits.spend(f"staff-recovery:account:{account.pk}", STARTED_BY_STAFF)


def _start(
    tx: Transaction, actor: Actor, account: Account, check: Check, *, reset_second_factor: bool
) -> dict[str, str]:
    if account.closing_id:
        return _start_reopening(tx, actor, account, check)
    link = links.create(tx, LinkPurpose.RESET_PASSWORD, account.pk, about=account.pk)
    password_resets.start(tx, link)
    outbox.post(tx, Notice(NoticeKind.PASSWORD_RESET, account.pk, {"link_id": link.pk}))
    if reset_second_factor:
        nobodys = hashing.hash(secrets.random_token(), peppers())
        second_factors.remove_all_in(tx, account, actor, nobodys)
    about: dict[str, object] = {"link_id": link.pk, "check": check, "reset_second_factor": reset_second_factor}
    audit.record(tx, Entry(actor, Action.ACCOUNT_RECOVER, account_id=account.pk, about=about))
    return {"link_id": link.pk, "expires_at": link.expires_at}


def _start_reopening(tx: Transaction, actor: Actor, account: Account, check: Check) -> dict[str, str]:
    link = closures.send_again(tx, account)
    about: dict[str, object] = {"link_id": link.pk, "check": check, "closing_id": account.closing_id}
    audit.record(tx, Entry(actor, Action.ACCOUNT_RECOVER, account_id=account.pk, about=about))
    return {"link_id": link.pk, "expires_at": account.closed_until or ""}
