"""Opening a share: by its page, and by its SMART Health Link. Both count wrong PINs together, and leave a receipt.

A try of a PIN is written before it is answered, under the condition that no other was since the share was read: of any
number of tries at the same moment no more are compared than a share has.
"""

import random
import time
import unicodedata
from contextlib import suppress
from dataclasses import dataclass

from chalicelib import clock
from chalicelib.auth import limits
from chalicelib.auth.limits import Limit
from chalicelib.clients import files
from chalicelib.domain.access import NOBODY
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.exports import DOWNLOAD_LASTS, ExportFormat
from chalicelib.domain.links import LinkPurpose
from chalicelib.domain.notices import Notice, NoticeKind
from chalicelib.domain.shares import TRIES, Contents, OpenedBy, ShareStatus
from chalicelib.errors import LinkEnded, NotFound, StaleVersion, Unavailable, WrongPasscode
from chalicelib.models import accounts, audit, outbox, patients
from chalicelib.models import links as link_storage
from chalicelib.models import shares as storage
from chalicelib.models.exports import Export
from chalicelib.models.links import Link
from chalicelib.models.shares import Share
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.services import links, share_rights, share_secrets, shares

OPENINGS = Limit(tries=60, seconds=3600)
"""How often a share may be opened: each time its maker is told."""

LARGEST_EMBEDDED = 2 << 20
"""Bytes of a file that goes out inside of a manifest: an answer of the API's may have 6 MB."""

_LONGEST_NAME = 200
_RACES = 40


@dataclass(frozen=True, slots=True)
class _Try:
    """One try to open a share: by which link, with which PIN, by whom."""

    link: Link
    by: OpenedBy
    pin: str
    recipient: str | None


def open_by_link(token: str, pin: str, recipient: str) -> Contents:
    """What is in a share, for whoever has its link and its PIN.

    Raises NotFound, LinkEnded, WrongPasscode and TooManyRequests.
    """
    link = links.find(token)
    if link.purpose != LinkPurpose.OPEN_SHARE:
        raise NotFound
    share, copies = _open(_Try(link, OpenedBy.LINK, pin, _name(recipient)))
    if copies is None:
        return Contents(is_building=True)
    patient = patients.find(share.patient_id)
    by_format = {one.wanted.format: one for one in copies if one.wanted is not None}
    manifest = by_format[ExportFormat.FHIR].manifest
    return Contents(
        patient_name=patient.display_name if patient is not None else "",
        wanted=share.wanted,
        counts=manifest.counts if manifest is not None else {},
        made_at=clock.read_stamp(by_format[ExportFormat.FHIR].ready_at or ""),
        urls={format_: _url(one.file_key) for format_, one in by_format.items()},
    )


def open_manifest(token: str, passcode: str | None, recipient: str, embedded_max: int | None) -> Contents:
    """The encrypted file of a share, for whoever has its SMART Health Link and its PIN.

    Raises NotFound for one that is not active any more too, WrongPasscode and TooManyRequests.
    """
    share_id = share_secrets.find_share_id(token)
    link = link_storage.find(share_secrets.link_id_of(share_id)) if share_id is not None else None
    if link is None:
        raise NotFound
    try:
        if passcode is None:
            raise WrongPasscode(remaining=_remaining(link))
        _, copies = _open(_Try(link, OpenedBy.SMART_HEALTH_LINK, passcode, _name(recipient)))
    except LinkEnded as ended:
        raise NotFound from ended
    if copies is None:
        return Contents(is_building=True)
    sealed = next(one for one in copies if one.sealed_key)
    made_at = clock.read_stamp(sealed.ready_at or "")
    if embedded_max is not None and int(sealed.sealed_size or 0) <= min(embedded_max, LARGEST_EMBEDDED):
        return Contents(made_at=made_at, embedded=files.get_export(sealed.sealed_key or "").decode())
    return Contents(made_at=made_at, sealed_url=_url(sealed.sealed_key))


def _remaining(link: Link) -> int:
    """How many tries are left, for whoever has given no PIN. Raises LinkEnded."""
    share, _ = _find(link)
    return TRIES - int(share.tries)


def _open(wanted: _Try) -> tuple[Share, list[Export] | None]:
    """The share and its copies once the PIN is right; None for copies that are not ready yet.

    Raises LinkEnded and WrongPasscode.
    """
    limits.spend(f"share-openings:{wanted.link.pk}", OPENINGS)
    for _ in range(_RACES):
        share, copies = _find(wanted.link)
        with suppress(StaleVersion):
            if not share_secrets.is_right_pin(share, wanted.pin):
                _note_wrong(share, wanted)
                raise WrongPasscode(remaining=TRIES - int(share.tries) - 1)
            return share, _note_right(share, copies, wanted)
        # Somebody else tried at the same moment: what they did may have ended it.
        time.sleep(random.uniform(0, 0.05))  # noqa: S311  It spreads racers, it keeps no secret.
    raise Unavailable(retry_after=1)


def _find(link: Link) -> tuple[Share, list[Export]]:
    """Raises LinkEnded for a share that does not open."""
    share, account, copies = share_rights.find_whole(link.account_id, share_secrets.share_id_of(link.pk))
    if share is None or share_rights.find_end(share, account, copies) is not None:
        raise LinkEnded
    return share, copies


def _note_right(share: Share, copies: list[Export], wanted: _Try) -> list[Export] | None:
    """The copies, once the receipt is stored. Raises StaleVersion, and LinkEnded where no copy could be made."""
    status = shares.status_of(copies)
    if status is not ShareStatus.READY:
        with transaction() as tx:
            storage.note_look(tx, share)
            audit.record(tx, _entry(Action.SHARE_TRY, share, wanted.by))
        if status is ShareStatus.FAILED:
            raise LinkEnded
        return None
    with transaction() as tx:
        storage.note_opening(tx, share, wanted.by, wanted.recipient, clock.now())
        _tell(tx, share, NoticeKind.SHARE_OPENED)
        audit.record(tx, _entry(Action.SHARE_OPEN, share, wanted.by))
    return copies


def _note_wrong(share: Share, wanted: _Try) -> None:
    """Raises StaleVersion."""
    is_last = int(share.tries) + 1 >= TRIES
    with transaction() as tx:
        storage.note_wrong(tx, share, is_last=is_last)
        audit.record(tx, _entry(Action.SHARE_REFUSE, share, wanted.by))
        if is_last:
            shares.post_removals(tx, share)
            _tell(tx, share, NoticeKind.SHARE_LOCKED)


def _tell(tx: Transaction, share: Share, kind: NoticeKind) -> None:
    """Whoever made the share, and the patient."""
    patients_own = accounts.find_patient_account_id(share.patient_id)
    for account_id in sorted(filter(None, {share.pk, patients_own})):
        outbox.post(tx, Notice(kind, account_id, {"share_id": share.share_id}, share.patient_id))


def _entry(action: Action, share: Share, by: OpenedBy) -> Entry:
    about: dict[str, object] = {"share_id": share.share_id, "account_id": share.pk, "operation": by}
    return Entry(NOBODY, action, patient_id=share.patient_id, about=about)


def _name(typed: str) -> str | None:
    """Who somebody says they are, as one line of text."""
    shown = "".join(" " if unicodedata.category(one).startswith("C") else one for one in typed)
    return " ".join(shown.split())[:_LONGEST_NAME] or None


def _url(key: str | None) -> str:
    """Its name says nothing of whose it is."""
    name = f"portal-record.{(key or '').rpartition('.')[2]}"
    return files.download_url(key or "", name, round(DOWNLOAD_LASTS.total_seconds()))
