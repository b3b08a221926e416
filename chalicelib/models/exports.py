"""Exports beside the account that asked for them; the file of each lies in the bucket, under ids of its own."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib import clock, ids
from chalicelib.domain.exports import KEPT, ExportFormat, ExportStatus, ExportSubject, Manifest, Seen, Wanted
from chalicelib.domain.records.categories import Category
from chalicelib.domain.records.sight import Sight
from chalicelib.errors import Conflict, NotFound
from chalicelib.models.accounts import AccountsTable
from chalicelib.models.base import storage_errors
from chalicelib.models.transaction import Transaction

PREFIX = "exp"
_SORT_KEY = "export#"
_REMEMBERED_SECONDS = 30 * 86400


class Export(AccountsTable, discriminator="export"):
    """One export; sort key `export#<export id>`, which sorts by time. `subject` is what it is a copy of.

    Of a copy of a record `patient_id` says whose, `asked` what is wanted, and `made_of` what its holder saw when it was
    made, each as JSON. Of a share's, `share_id` says of which, and `sealed_key` where it lies encrypted.
    """

    export_id = UnicodeAttribute()
    subject = UnicodeAttribute()
    status = UnicodeAttribute()
    progress = NumberAttribute(default=0)
    requested_at = UnicodeAttribute()
    ready_at = UnicodeAttribute(null=True)
    expires_at = UnicodeAttribute(null=True)
    file_key = UnicodeAttribute(null=True)
    counts = UnicodeAttribute(null=True)
    sha256 = UnicodeAttribute(null=True)
    size = NumberAttribute(null=True)
    patient_id = UnicodeAttribute(null=True)
    asked = UnicodeAttribute(null=True)
    made_of = UnicodeAttribute(null=True)
    share_id = UnicodeAttribute(null=True)
    kept_until = UnicodeAttribute(null=True)
    sealed_key = UnicodeAttribute(null=True)
    sealed_size = NumberAttribute(null=True)

    @property
    def is_open(self) -> bool:
        """Whether it is still to be built."""
        return self.status in {ExportStatus.QUEUED, ExportStatus.RUNNING}

    def remove_at(self, ready_at: datetime) -> datetime:
        """Until when it is kept, being ready at a time."""
        return clock.read_stamp(self.kept_until) if self.kept_until else ready_at + KEPT

    @property
    def is_over(self) -> bool:
        """Whether it was kept for as long as it is, by the portal's clock."""
        return bool(self.expires_at) and clock.stamp(clock.now()) >= self.expires_at

    @property
    def manifest(self) -> Manifest | None:
        """What is in its file, once there is one."""
        if not self.counts:
            return None
        return Manifest(json.loads(self.counts), self.sha256 or "", int(self.size or 0))

    @property
    def wanted(self) -> Wanted | None:
        """What a copy of a record is to be."""
        return read_wanted(self.asked) if self.asked else None

    @property
    def seen(self) -> Seen | None:
        """What a copy of a record was made of, once there is one."""
        if not self.made_of:
            return None
        known = json.loads(self.made_of)
        sight = Sight(frozenset(Category(one) for one in known["categories"]), known["sensitive"])
        return Seen(frozenset(known["patient_ids"]), sight)


def read_wanted(text: str) -> Wanted:
    """What a copy of a record is to be, as `wanted_text` wrote it."""
    known = json.loads(text)
    return Wanted(
        format=ExportFormat(known["format"]),
        language=known["language"],
        categories=tuple(Category(one) for one in known["categories"]),
        since=_moment(known["since"]),
        until=_moment(known["until"]),
        large_print=known["large_print"],
    )


def _moment(text: str | None) -> date | datetime | None:
    if text is None:
        return None
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)


def wanted_text(wanted: Wanted) -> str:
    """What a copy of a record is to be, as JSON."""
    since, until = (one.isoformat() if one else None for one in (wanted.since, wanted.until))
    return json.dumps(
        {
            "format": wanted.format,
            "language": wanted.language,
            "categories": wanted.categories,
            "since": since,
            "until": until,
            "large_print": wanted.large_print,
        }
    )


def _made_of(seen: Seen) -> str:
    return json.dumps(
        {
            "patient_ids": sorted(seen.patient_ids),
            "categories": sorted(seen.sight.categories),
            "sensitive": seen.sight.sees_sensitive,
        }
    )


@dataclass(frozen=True, slots=True)
class Subject:
    """What an export is to be a copy of: of a record whose, and what is wanted; for a share, which, and until when."""

    kind: ExportSubject
    patient_id: str | None = None
    wanted: Wanted | None = None
    share_id: str | None = None
    kept_until: datetime | None = None


def create(tx: Transaction, account_id: str, subject: Subject) -> Export:
    """An export that is to be built."""
    export_id, now = ids.new_id(PREFIX), clock.now()
    row = Export(
        account_id,
        f"{_SORT_KEY}{export_id}",
        export_id=export_id,
        subject=subject.kind,
        patient_id=subject.patient_id,
        asked=wanted_text(subject.wanted) if subject.wanted else None,
        status=ExportStatus.QUEUED,
        requested_at=clock.stamp(now),
        share_id=subject.share_id,
        kept_until=clock.stamp(subject.kept_until) if subject.kept_until else None,
        ttl=clock.epoch(subject.kept_until or now) + _REMEMBERED_SECONDS,
    )
    tx.create(row, error=None)
    return row


def find(account_id: str, export_id: str) -> Export | None:
    """One export of an account."""
    return Export.find(account_id, f"{_SORT_KEY}{export_id}")


def find_some(account_id: str, export_ids: Iterable[str]) -> dict[str, Export]:
    """Some exports of an account by their ids. One round trip."""
    return find_many((account_id, export_id) for export_id in export_ids)


def find_many(places: Iterable[tuple[str, str]]) -> dict[str, Export]:
    """Some exports by their ids, each given with its account's. One round trip for each 100."""
    found = Export.find_all([(account_id, f"{_SORT_KEY}{export_id}") for account_id, export_id in places])
    return {export.export_id: export for export in found.values()}


def find_all(account_id: str) -> list[Export]:
    """Every export of an account that is remembered, the newest first."""
    with storage_errors():
        found = Export.query(
            account_id, Export.sk.startswith(_SORT_KEY), consistent_read=True, scan_index_forward=False
        )
        return list(found)


def note_progress(export: Export, progress: int) -> None:
    """Show how far the work is, in percent, unless another worker has done it. Written alone, as delivery state is."""
    actions: list[Action] = [Export.status.set(ExportStatus.RUNNING), Export.progress.set(progress)]
    try:
        export.update(actions, condition=_is_open())
    except UpdateError as refused:
        if refused.cause_response_code != "ConditionalCheckFailedException":
            with storage_errors():
                raise


@dataclass(frozen=True, slots=True)
class Made:
    """What became of an export: its file, what is in it, and what that was made of."""

    file_key: str
    manifest: Manifest
    ready_at: datetime
    seen: Seen | None = None
    sealed_key: str | None = None
    sealed_size: int | None = None


def finish(tx: Transaction, export: Export, made: Made) -> None:
    """The file is there, under a key that no other try has.

    Raises Conflict at the commit where another worker was faster, or the account is no more.
    """
    manifest = made.manifest
    more: list[Action] = [Export.made_of.set(_made_of(made.seen))] if made.seen else []
    if made.sealed_key and made.sealed_size:
        more += [Export.sealed_key.set(made.sealed_key), Export.sealed_size.set(made.sealed_size)]
    tx.update(
        export,
        [
            Export.status.set(ExportStatus.READY),
            Export.progress.set(100),
            Export.file_key.set(made.file_key),
            Export.ready_at.set(clock.stamp(made.ready_at)),
            Export.expires_at.set(clock.stamp(export.remove_at(made.ready_at))),
            Export.counts.set(json.dumps(dict(manifest.counts))),
            Export.sha256.set(manifest.sha256),
            Export.size.set(manifest.size),
            *more,
        ],
        condition=_is_open(),
        error=Conflict(),
    )


def fail(tx: Transaction, export: Export) -> None:
    """The export is given up. Raises Conflict at the commit where it was built meanwhile."""
    tx.update(
        export,
        [Export.status.set(ExportStatus.FAILED)],
        condition=_is_open(),
        error=Conflict(),
    )


def withdraw(tx: Transaction, export: Export) -> datetime:
    """Nobody may have an export any more, and whoever builds it is done; returns since when.

    Raises NotFound at the commit where it is gone, or was withdrawn meanwhile.
    """
    now = clock.now()
    stamp = clock.stamp(now)
    is_there = Export.pk.exists() & (Export.expires_at.does_not_exist() | (Export.expires_at > stamp))
    tx.update(
        export,
        [Export.status.set(ExportStatus.FAILED), Export.expires_at.set(stamp)],
        condition=is_there,
        error=NotFound(),
    )
    return now


def _is_open() -> Condition:
    open_: Condition = Export.status.is_in(ExportStatus.QUEUED, ExportStatus.RUNNING)
    return open_


def remove(tx: Transaction, export: Export) -> None:
    """An export that is no more, and whose file is gone."""
    tx.delete(export)
