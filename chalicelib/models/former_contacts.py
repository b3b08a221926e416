"""Addresses that staff took off a patient's file, kept until they were told of it."""

from datetime import timedelta

from pynamodb.attributes import UnicodeAttribute

from chalicelib import clock, ids
from chalicelib.domain.notices import Channel
from chalicelib.models.accounts import AccountsTable
from chalicelib.models.transaction import Transaction

_KEPT = timedelta(days=7)


class FormerContact(AccountsTable, discriminator="former_contact"):
    """One address; partition key is its id."""

    patient_id = UnicodeAttribute()
    channel = UnicodeAttribute()
    address = UnicodeAttribute()
    language = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute()


def keep(tx: Transaction, patient_id: str, channel: Channel, address: str, language: str | None) -> str:
    """Keep an address until it was told; returns the id under which."""
    now = clock.now()
    row = FormerContact(
        ids.new_id("fmr"),
        "former_contact",
        patient_id=patient_id,
        channel=channel,
        address=address,
        language=language,
        created_at=clock.stamp(now),
        ttl=clock.epoch(now + _KEPT),
    )
    tx.create(row, error=None)
    return str(row.pk)


def find(former_id: str) -> FormerContact | None:
    """An address that is to be told."""
    return FormerContact.find(former_id, "former_contact")
