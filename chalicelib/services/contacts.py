"""Where the holder of an account can be reached: what they confirmed, and what the clinic has on file for them."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta

from chalicelib import clock
from chalicelib.auth import secrets
from chalicelib.domain import identity
from chalicelib.domain.contact_changes import Changed
from chalicelib.domain.deliveries import PENDING, PENDING_PHONE, Address, Contacts
from chalicelib.domain.notices import Channel
from chalicelib.models import contact_changes, patients, push_devices
from chalicelib.models.accounts import Account
from chalicelib.models.patients import Patient

_SETTLES = timedelta(hours=24)
"""How long a contact that staff replaced does not serve recovery."""

_MOST_EMAILS, _MOST_PHONES = 5, 3
"""Of what a clinic has on file for one patient, so much is written to at most."""


CHANGE = "change_id"
"""What a notice of a changed contact is about: by it the address that was there before is told too."""


def find(account: Account, about: Mapping[str, str] | None = None) -> Contacts:
    """Every address of an account's holder, with the one from before the change that a notice is about, if any.

    Two round trips at most, and one more for such a notice.
    """
    patient = patients.find(account.patient_id) if account.patient_id else None
    devices = [
        Address(Channel.PUSH, f"device:{device.device_id}", device.device_id)
        for device in push_devices.find_all(account.pk)
    ]
    found = of(account, patient, devices)
    change_id = (about or {}).get(CHANGE)
    former = _former(account, change_id) if change_id else None
    return found if former is None or _has(found, former) else replace(found, former=former)


def _has(found: Contacts, former: Address) -> bool:
    """Whether an address is one of somebody's still, as when the clinic has it on file."""
    if former.channel is Channel.SMS:
        return former.value in {one.value for one in found.phones}
    return _canonical(former) in {_canonical(one) for one in found.everywhere(Channel.EMAIL)}


def _former(account: Account, change_id: str) -> Address | None:
    change = contact_changes.find(account.pk, change_id)
    if change is None or not change.before or change.what == Changed.USERNAME:
        return None
    channel = Channel.EMAIL if change.what == Changed.EMAIL else Channel.SMS
    return Address(channel, f"former:{change_id}", change.before)


def of(account: Account, patient: Patient | None, devices: Iterable[Address] = ()) -> Contacts:
    """The addresses that the rows say. An email on file that is also the confirmed one stands once."""
    confirmed = Address(Channel.EMAIL, "confirmed", account.email) if account.email else None
    pending = Address(Channel.EMAIL, PENDING, account.pending_email) if account.pending_email else None
    own = identity.canonical_email(account.email) if account.email else None
    own_phone = _phone(account.phone) if account.phone else None
    waiting_phone = Address(Channel.SMS, PENDING_PHONE, account.pending_phone) if account.pending_phone else None
    return Contacts(
        confirmed_email=confirmed,
        pending_email=pending,
        on_file_emails=tuple(one for one in _emails_on_file(account, patient) if _canonical(one) != own),
        phones=(*((own_phone,) if own_phone else ()), *(one for one in _phones(account, patient) if one != own_phone)),
        devices=tuple(devices),
        confirmed_phone=own_phone,
        pending_phone=waiting_phone,
        is_on_file_new=_is_new(patient),
    )


def on_file(patient: Patient | None) -> Contacts:
    """The addresses that the clinic has on file for somebody, whether they have an account or not."""
    emails, is_new = tuple(_emails_on_file(None, patient)), _is_new(patient)
    return Contacts(on_file_emails=emails, phones=_phones(None, patient), is_on_file_new=is_new)


def _is_new(patient: Patient | None) -> bool:
    """Whether staff have just replaced what is on file: whoever talked them into it shall not recover by it (RC 7)."""
    replaced_at = patient.contacts_replaced_at if patient else None
    return replaced_at is not None and clock.now() < clock.read_stamp(replaced_at) + _SETTLES


def address_hash(email: str) -> str:
    """What rows keep of an email address: enough to know it again, and nothing to read."""
    return secrets.keyed_hash("address", identity.canonical_email(email))[:32]


def _canonical(email: Address) -> str:
    return identity.canonical_email(email.value)


def _emails_on_file(account: Account | None, patient: Patient | None) -> list[Address]:
    """The addresses on file, the one that the holder named too first, without those whose owner said "not me"."""
    found: dict[str, Address] = {}
    disowned = (account.disowned_emails if account else None) or ()
    for text in json.loads(patient.emails) if patient else ():
        try:
            email = identity.parse_email(text)
        except identity.NotAnEmail:
            continue
        known_as = address_hash(email.canonical)
        if known_as not in disowned:
            found.setdefault(email.canonical, Address(Channel.EMAIL, f"on_file:{known_as}", email.display))
    waiting = identity.canonical_email(account.pending_email) if account and account.pending_email else None
    return [found[key] for key in sorted(found, key=lambda key: key != waiting)][:_MOST_EMAILS]


def _phones(account: Account | None, patient: Patient | None) -> tuple[Address, ...]:
    """The numbers on file, the one that the holder named too first. A number that only they named is not confirmed."""
    numbers: dict[str, None] = {}
    for text in json.loads(patient.phones) if patient else ():
        try:
            numbers[identity.parse_phone(text)] = None
        except identity.NotAPhone:
            continue
    named = account.mobile_phone if account else None
    ordered = sorted(numbers, key=lambda number: number != named)[:_MOST_PHONES]
    return tuple(_phone(number) for number in ordered)


def _phone(number: str) -> Address:
    return Address(Channel.SMS, f"phone:{secrets.keyed_hash('address', number)[:32]}", number)
