"""Shares in the partition of the account that made them, and, for each patient, where those of their record lie.

Whatever happens to a share is written under the condition that nothing else has happened to it since it was read: so
no two tries of a PIN count as one, however many come at once.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.expressions.update import Action

from chalicelib import clock
from chalicelib.domain.exports import ExportFormat, Wanted
from chalicelib.domain.links import REMEMBERED
from chalicelib.domain.shares import OPENINGS_SHOWN, NewShare, OpenedBy, Opening, ShareEnd
from chalicelib.errors import StaleVersion
from chalicelib.models.accounts import AccountsTable
from chalicelib.models.base import Key, storage_errors
from chalicelib.models.exports import read_wanted, wanted_text
from chalicelib.models.transaction import Transaction

PREFIX = "shr"
_SORT_KEY = "share#"
_PLACES = "shares#"


class Share(AccountsTable, discriminator="share"):
    """One share; sort key `share#<share id>`, which sorts by time.

    `pin_hash` is of a PIN of its maker's own; `exports` has the copies that it is made of, by format; `openings` the
    newest of them. The rest of its secrets are derived from its id.
    """

    share_id = UnicodeAttribute()
    patient_id = UnicodeAttribute()
    recipient = UnicodeAttribute()
    asked = UnicodeAttribute()
    created_at = UnicodeAttribute()
    expires_at = UnicodeAttribute()
    pin_hash = UnicodeAttribute(null=True)
    exports = UnicodeAttribute()
    ended_as = UnicodeAttribute(null=True)
    ended_at = UnicodeAttribute(null=True)
    tries = NumberAttribute(default=0)
    openings = UnicodeAttribute(default="[]")
    opening_count = NumberAttribute(default=0)
    revision = NumberAttribute(default=1)

    @property
    def wanted(self) -> Wanted:
        """What of the record it is of."""
        return read_wanted(self.asked)

    @property
    def export_ids(self) -> dict[ExportFormat, str]:
        """The copies that it is made of."""
        return {ExportFormat(format_): export_id for format_, export_id in json.loads(self.exports).items()}

    @property
    def end(self) -> ShareEnd | None:
        """Why it opens no more, as far as its own row says, by the portal's clock."""
        if self.ended_as:
            return ShareEnd(self.ended_as)
        return ShareEnd.EXPIRED if clock.stamp(clock.now()) >= self.expires_at else None

    def all_openings(self) -> tuple[Opening, ...]:
        """The openings that are kept, the newest first."""
        return tuple(
            Opening(clock.read_stamp(one["at"]), OpenedBy(one["by"]), one["recipient"])
            for one in reversed(json.loads(self.openings))
        )


class SharePlace(AccountsTable, discriminator="share_place"):
    """Where a share of a patient's record lies; partition key `shares#<patient id>`, sort key as the share's."""

    share_id = UnicodeAttribute()
    account_id = UnicodeAttribute()


@dataclass(frozen=True, slots=True)
class Made:
    """What a share is made with beside what was asked for: its id, its copies, and the hash of its maker's own PIN."""

    share_id: str
    export_ids: Mapping[ExportFormat, str]
    pin_hash: str | None


def create(tx: Transaction, account_id: str, patient_id: str, new: NewShare, made: Made) -> Share:
    """A new share of a patient's record."""
    sk, ttl = f"{_SORT_KEY}{made.share_id}", clock.epoch(new.expires_at + REMEMBERED)
    share = Share(
        account_id,
        sk,
        share_id=made.share_id,
        patient_id=patient_id,
        recipient=new.recipient,
        asked=wanted_text(new.wanted),
        created_at=clock.stamp(clock.now()),
        expires_at=clock.stamp(new.expires_at),
        pin_hash=made.pin_hash,
        exports=json.dumps(dict(made.export_ids)),
        ttl=ttl,
    )
    place = SharePlace(f"{_PLACES}{patient_id}", sk, share_id=made.share_id, account_id=account_id, ttl=ttl)
    tx.create(share, error=None)
    tx.create(place, error=None)
    return share


def find(account_id: str, share_id: str) -> Share | None:
    """A share."""
    return Share.find(account_id, f"{_SORT_KEY}{share_id}")


def find_all(account_id: str) -> list[Share]:
    """Every share that an account made and that is remembered, the newest first."""
    with storage_errors():
        found = Share.query(account_id, Share.sk.startswith(_SORT_KEY), consistent_read=True, scan_index_forward=False)
        return list(found)


def find_places(patient_id: str) -> list[SharePlace]:
    """Where the shares of a patient's record lie, the newest first."""
    with storage_errors():
        found = SharePlace.query(f"{_PLACES}{patient_id}", consistent_read=True, scan_index_forward=False)
        return list(found)


def find_at(places: Iterable[SharePlace]) -> list[Share]:
    """The shares that lie there, in the order of the places. One round trip."""
    keys: list[Key] = [(place.account_id, place.sk) for place in places]
    found = Share.find_all(keys) if keys else {}
    return [found[key] for key in keys if key in found]


def note_wrong(tx: Transaction, share: Share, *, is_last: bool) -> None:
    """A wrong PIN was tried; the last one ends the share. Raises StaleVersion at the commit."""
    _change(tx, share, [Share.tries.set(share.tries + 1), *(_ended(ShareEnd.LOCKED) if is_last else [])])


def note_opening(tx: Transaction, share: Share, by: OpenedBy, recipient: str | None, at: datetime) -> None:
    """It was opened. Raises StaleVersion at the commit."""
    opening = {"at": clock.stamp(at), "by": by, "recipient": recipient}
    kept = [*json.loads(share.openings), opening][-OPENINGS_SHOWN:]
    count = Share.opening_count.set(share.opening_count + 1)
    _change(tx, share, [Share.openings.set(json.dumps(kept)), count])


def note_look(tx: Transaction, share: Share) -> None:
    """The right PIN was given where there is nothing to show yet. Raises StaleVersion at the commit.

    Without this, tries at the same moment could all be compared before any of them counts.
    """
    _change(tx, share, [])


def end(tx: Transaction, share: Share) -> None:
    """It opens no more. Raises StaleVersion at the commit."""
    _change(tx, share, _ended(ShareEnd.REVOKED))


def remove(tx: Transaction, share: Share) -> None:
    """A share of somebody who is gone."""
    tx.delete(share)
    tx.delete(AccountsTable(f"{_PLACES}{share.patient_id}", share.sk))


def _ended(as_: ShareEnd) -> list[Action]:
    return [Share.ended_as.set(as_), Share.ended_at.set(clock.stamp(clock.now()))]


def _change(tx: Transaction, share: Share, actions: list[Action]) -> None:
    tx.update(
        share,
        [*actions, Share.revision.set(share.revision + 1)],
        condition=Share.revision == share.revision,
        error=StaleVersion(),
    )
