"""Whom a forgotten password or username is about, and where a message to them goes (RC 4 and 8)."""

from dataclasses import replace

from chalicelib.domain import identity
from chalicelib.domain.deliveries import Address, Contacts
from chalicelib.domain.notices import RULES, Channel, NoticeKind
from chalicelib.models import accounts, patients
from chalicelib.models.accounts import Account, Holders
from chalicelib.services import contacts, recovery
from chalicelib.services.recovery import Recipient


def find(identifier: str, kind: NoticeKind, *, is_username: bool = True) -> Recipient:
    """Whose a confirmed email, an email on file, or (unless told otherwise) a username is.

    `kind` is what they shall be sent. Three round trips, whoever it is.
    """
    username_key, email_key = identity.canonical_username(identifier), recovery.email_key(identifier)
    nobody = recovery.nobody(email_key or username_key)
    meant = accounts.find_holders(username_key, email_key)
    if not is_username:
        meant = replace(meant, named=None)
    found = accounts.find_accounts(_candidates(meant) or [nobody.account_id])
    meant = _but_merged(meant, found)
    patient_ids = [account.patient_id for account in found.values() if account.patient_id]
    on_file = {patient.pk: patient for patient in patients.find_many(patient_ids or [nobody.account_id])}
    reached = {account.pk: contacts.of(account, on_file.get(account.patient_id or "")) for account in found.values()}
    account = found.get(_choose(meant, email_key, reached) or nobody.account_id)
    if account is None or account.disabled:
        return nobody
    channels = RULES[kind].channels
    (address,) = reached[account.pk].for_recovery(channels) or (None,)
    return Recipient(account.pk, _canonical(address) if address else None)


def _canonical(address: Address) -> str:
    return identity.canonical_email(address.value) if address.channel is Channel.EMAIL else address.value


def _candidates(meant: Holders) -> list[str]:
    named = [one for one in (meant.confirmed, meant.named) if one]
    return list(dict.fromkeys([*named, *meant.pending]))


def _but_merged(meant: Holders, found: dict[str, Account]) -> Holders:
    """Without the addresses of an account that a merge has closed: whoever it was of has another one."""
    merged = {account.pk for account in found.values() if account.closed_by_merge}
    return replace(
        meant,
        confirmed=None if meant.confirmed in merged else meant.confirmed,
        pending=[one for one in meant.pending if one not in merged],
    )


def _choose(meant: Holders, email_key: str | None, reached: dict[str, Contacts]) -> str | None:
    """The account of a confirmed email; else of one that waits to be confirmed and is on file; else of a username.

    An address that is on file for several people who did not confirm it, as in a family, does not say who asks.
    """
    if meant.confirmed:
        return meant.confirmed
    on_file = [account_id for account_id in meant.pending if _is_on_file(email_key, reached.get(account_id))]
    return on_file[0] if len(on_file) == 1 else meant.named


def _is_on_file(email_key: str | None, known: Contacts | None) -> bool:
    addresses = known.on_file_emails if known else ()
    return email_key in {identity.canonical_email(address.value) for address in addresses}
