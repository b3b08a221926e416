"""Telling addresses that staff took off a patient's file: whoever had them may have to object (RC 7)."""

from collections.abc import Iterable

from chalicelib import clock, words
from chalicelib.domain.deliveries import Address
from chalicelib.domain.notices import Channel, Notice, NoticeKind
from chalicelib.models import former_contacts, outbox
from chalicelib.models.patients import Patient
from chalicelib.models.transaction import Transaction
from chalicelib.services.strangers import Stranger
from chalicelib.settings import settings

STRANGER = "former_contact"
"""By which prefix the outbox names an address that was on file."""

_MOST = 4


def tell(tx: Transaction, patient: Patient, gone: Iterable[Address]) -> None:
    """Tell those who have an account at every address that they have now, and the addresses that are gone."""
    outbox.post(tx, Notice(NoticeKind.CONTACT_REPLACED, patient_id=patient.pk))
    _tell_each(tx, NoticeKind.CONTACT_REMOVED, patient, list(gone)[:_MOST])


def tell_of_closing(tx: Transaction, patient: Patient, addresses: Iterable[Address]) -> None:
    """Tell every address of an account that is closed, through which its holder is not reached any more."""
    _tell_each(tx, NoticeKind.ACCOUNT_MERGED, patient, addresses)


def tell_of_joining(tx: Transaction, patient: Patient, addresses: Iterable[Address]) -> None:
    """Tell addresses on a file that was joined with another, which no account of who remains is told through."""
    _tell_each(tx, NoticeKind.FILE_JOINED, patient, addresses)


def _tell_each(tx: Transaction, kind: NoticeKind, patient: Patient, addresses: Iterable[Address]) -> None:
    for address in addresses:
        former_id = former_contacts.keep(tx, patient.pk, address.channel, address.value, patient.language)
        outbox.post(tx, Notice(kind, stranger=f"{STRANGER}:{former_id}"))


def stranger(former_id: str) -> Stranger | None:
    """Whoever had an address, to be told that it is no longer on file."""
    row = former_contacts.find(former_id)
    if row is None:
        return None
    is_email = row.channel == Channel.EMAIL
    return Stranger(
        language=words.negotiate(row.language),
        zone=str(settings().clinic_zone),
        email=row.address if is_email else None,
        phone=None if is_email else row.address,
        values={"changed_at": clock.read_stamp(row.created_at)},
    )
