"""Reaching somebody at what the clinic has on file for them, before they have an account (ID 7)."""

from chalicelib import words
from chalicelib.domain import identity
from chalicelib.domain.deliveries import Address
from chalicelib.domain.notices import Channel
from chalicelib.models.patients import Patient
from chalicelib.services import contacts, suppressions
from chalicelib.services.strangers import Stranger
from chalicelib.settings import settings

_NOBODYS_ADDRESS = (Channel.SMS, "+10000000000")
"""Asked for besides, so that the call is made whether there is anything on file or not."""


def find_contact(patient: Patient | None, channel: Channel | None = None) -> Address | None:
    """Where a message goes: an email address on file, else a telephone, of those that take our messages.

    `channel` comes first where something is on file for it. Nothing serves for a day after staff have replaced what is
    on file, unless the patient stood before them (RC 7). One round trip, whoever it is.
    """
    known = contacts.on_file(patient)
    found = () if known.is_on_file_new else (*known.on_file_emails, *known.phones)
    addresses = sorted(found, key=lambda one: one.channel is not channel)
    stopped = suppressions.find_suppressed([_NOBODYS_ADDRESS, *((one.channel, one.value) for one in addresses)])
    return next((one for one in addresses if (one.channel, one.value) not in stopped), None)


def masked(contact: Address) -> str:
    """An address of which its owner knows which one it is, and nobody else."""
    is_email = contact.channel is Channel.EMAIL
    return identity.mask_email(contact.value) if is_email else identity.mask_phone(contact.value)


def stranger(patient: Patient, ref: str, values: dict[str, object], language: str | None = None) -> Stranger | None:
    """The patient at one of their addresses, if the clinic still has it; else in the language that is on file."""
    address = contacts.on_file(patient).resolve(ref)
    if address is None:
        return None
    is_email = address.channel is Channel.EMAIL
    return Stranger(
        language=language or words.negotiate(patient.language),
        zone=str(settings().clinic_zone),
        email=address.value if is_email else None,
        phone=None if is_email else address.value,
        values=values,
    )
