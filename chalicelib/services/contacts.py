"""Where the holder of an account can be reached: what they confirmed, and what the clinic has on file for them."""

import json
from collections.abc import Iterable

from chalicelib.auth import secrets
from chalicelib.domain import identity
from chalicelib.domain.deliveries import PENDING, Address, Contacts
from chalicelib.domain.notices import Channel
from chalicelib.models import patients, push_devices
from chalicelib.models.accounts import Account
from chalicelib.models.patients import Patient

_MOST_EMAILS, _MOST_PHONES = 5, 3
"""Of what a clinic has on file for one patient, so much is written to at most."""


def find(account: Account) -> Contacts:
    """Every address of an account's holder. Two round trips at most."""
    patient = patients.find(account.patient_id) if account.patient_id else None
    devices = [
        Address(Channel.PUSH, f"device:{device.device_id}", device.device_id)
        for device in push_devices.find_all(account.pk)
    ]
    return of(account, patient, devices)


def of(account: Account, patient: Patient | None, devices: Iterable[Address] = ()) -> Contacts:
    """The addresses that the rows say. An email on file that is also the confirmed one stands once."""
    confirmed = Address(Channel.EMAIL, "confirmed", account.email) if account.email else None
    pending = Address(Channel.EMAIL, PENDING, account.pending_email) if account.pending_email else None
    own = identity.canonical_email(account.email) if account.email else None
    return Contacts(
        confirmed_email=confirmed,
        pending_email=pending,
        on_file_emails=tuple(one for one in _emails_on_file(account, patient) if _canonical(one) != own),
        phones=_phones(account, patient),
        devices=tuple(devices),
    )


def address_hash(email: str) -> str:
    """What rows keep of an email address: enough to know it again, and nothing to read."""
    return secrets.keyed_hash("address", identity.canonical_email(email))[:32]


def _canonical(email: Address) -> str:
    return identity.canonical_email(email.value)


def _emails_on_file(account: Account, patient: Patient | None) -> list[Address]:
    """The addresses on file, the one that the holder named too first, without those whose owner said "not me"."""
    found: dict[str, Address] = {}
    for text in json.loads(patient.emails) if patient else ():
        try:
            email = identity.parse_email(text)
        except identity.NotAnEmail:
            continue
        known_as = address_hash(email.canonical)
        if known_as not in (account.disowned_emails or ()):
            found.setdefault(email.canonical, Address(Channel.EMAIL, f"on_file:{known_as}", email.display))
    waiting = identity.canonical_email(account.pending_email) if account.pending_email else None
    return [found[key] for key in sorted(found, key=lambda key: key != waiting)][:_MOST_EMAILS]


def _phones(account: Account, patient: Patient | None) -> tuple[Address, ...]:
    """The numbers on file, the one that the holder named too first. A number that only they named is not confirmed."""
    numbers: dict[str, None] = {}
    for text in json.loads(patient.phones) if patient else ():
        try:
            numbers[identity.parse_phone(text)] = None
        except identity.NotAPhone:
            continue
    ordered = sorted(numbers, key=lambda number: number != account.mobile_phone)[:_MOST_PHONES]
    return tuple(
        Address(Channel.SMS, f"phone:{secrets.keyed_hash('address', number)[:32]}", number) for number in ordered
    )
