"""Sharing a record: making a link and a SMART Health Link that open with a PIN, seeing who opened them, ending them.

What a share shows are copies of the record as its maker sees it (services/exports.py builds them, services/
share_rights.py looks again each time). Its secrets are derived; only a PIN of somebody's own is kept, as a keyed hash.
"""

from datetime import datetime

import orjson

from chalicelib import clock, words
from chalicelib.auth import limits, secrets, totp
from chalicelib.auth.limits import Limit, Window
from chalicelib.domain.access import SYSTEM, Actor, Reach, ReachKind
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.exports import ExportFormat, ExportStatus, ExportSubject, Wanted
from chalicelib.domain.links import LinkPurpose
from chalicelib.domain.records.sight import sight_of
from chalicelib.domain.shares import FORMATS, LONGEST, NewShare, ShareLinks, ShareStatus, ShareView, is_guessable
from chalicelib.errors import Conflict, FieldError, Invalid, NotFound, StaleVersion, TooManyRequests, Unavailable
from chalicelib.models import accounts, audit, links, outbox, patients
from chalicelib.models import exports as export_storage
from chalicelib.models import shares as storage
from chalicelib.models.accounts import Account
from chalicelib.models.base import together
from chalicelib.models.exports import Export, Subject
from chalicelib.models.shares import Made, Share, SharePlace
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.services import links as link_service
from chalicelib.services import share_rights, share_secrets
from chalicelib.services.once import Once
from chalicelib.settings import settings

REQUESTS, ALL_REQUESTS = Limit(tries=10, seconds=86_400), Limit(tries=40, seconds=86_400)
"""How often somebody may share one patient's record, and anybody's."""

MANIFESTS = "/v1/shl"
"""Where manifests are: short, because the whole address has room for 128 characters."""

_LONGEST_LABEL = 80
_RACES = 5


def create(actor: Actor, reach: Reach, new: NewShare, once: Once) -> tuple[ShareView, ShareLinks]:
    """Share a patient's record as far as the caller sees it.

    Raises NotFound for a category that is hidden, Invalid for a PIN that others would guess and for a time that is
    past or too late, TooManyRequests, and Conflict where the caller asked twice at the same moment.
    """
    if not set(new.wanted.categories) <= sight_of(reach).categories:
        raise NotFound
    buckets = {f"share:{actor.id}:{reach.patient_id}": REQUESTS, f"share:{actor.id}": ALL_REQUESTS}
    replayed, windows = together(once.find, lambda: limits.look(buckets))
    if replayed is None:
        _check(reach, new, windows)

    def change(tx: Transaction) -> dict[str, str]:
        for window in windows:
            limits.spend_in(tx, window, error=Conflict())
        return {"share_id": _create(tx, actor, reach, new)}

    served = replayed or once.commit(change)
    share = storage.find(actor.id, served["share_id"])
    if share is None:
        raise NotFound
    (view,) = _views(actor, [share])
    return view, _links(share, view.wanted.language)


def _check(reach: Reach, new: NewShare, windows: list[Window]) -> None:
    full = [window.opens_in for window in windows if window.is_full]
    if full:
        raise TooManyRequests(retry_after=max(full))
    if wrong := [*_wrong_with_time(new.expires_at), *_wrong_with_pin(new.pin, reach.patient_id)]:
        raise Invalid(wrong)


def _wrong_with_time(expires_at: datetime) -> list[FieldError]:
    now = clock.now()
    if expires_at <= now:
        return [FieldError("/expires_at", "time_is_past")]
    is_too_long = expires_at > now + LONGEST
    return [FieldError("/expires_at", "share_too_long", {"days": LONGEST.days})] if is_too_long else []


def _wrong_with_pin(pin: str | None, patient_id: str) -> list[FieldError]:
    if pin is None:
        return []
    patient = patients.find(patient_id)
    own = (patient.birth_date or "", patient.clinic_number) if patient is not None else ()
    return [FieldError("/pin", "pin_guessable")] if is_guessable(pin, own) else []


def _create(tx: Transaction, actor: Actor, reach: Reach, new: NewShare) -> str:
    link = links.create(tx, LinkPurpose.OPEN_SHARE, actor.id, about=ExportSubject.SHARE, expires_at=new.expires_at)
    share_id = share_secrets.share_id_of(link.pk)
    copies = {format_: _ask_for_copy(tx, actor, reach, new, (share_id, format_)) for format_ in FORMATS}
    pin_hash = share_secrets.pin_hash(share_id, new.pin) if new.pin else None
    storage.create(tx, actor.id, reach.patient_id, new, Made(share_id, copies, pin_hash))
    about: dict[str, object] = {"share_id": share_id, "account_id": actor.id, "by": reach.by}
    audit.record(tx, Entry(actor, Action.SHARE_CREATE, patient_id=reach.patient_id, about=about))
    return share_id


def _ask_for_copy(tx: Transaction, actor: Actor, reach: Reach, new: NewShare, what: tuple[str, ExportFormat]) -> str:
    share_id, format_ = what
    asked = new.wanted
    wanted = Wanted(format_, asked.language, asked.categories, asked.since, asked.until)
    subject = Subject(ExportSubject.SHARE, reach.patient_id, wanted, share_id, new.expires_at)
    export = export_storage.create(tx, actor.id, subject)
    outbox.post_export(tx, actor.id, export.export_id, subject=ExportSubject.SHARE)
    export_id: str = export.export_id
    return export_id


def find_page(actor: Actor, reach: Reach, *, limit: int, before: str | None) -> tuple[list[ShareView], str | None]:
    """Shares of a patient's record, the newest first, and where the next begin.

    A caregiver sees those that they made, the patient all. They are those of before a share's id, where one is given.
    """
    mine = _places(actor, reach)
    older = [one for one in mine if before is None or one.share_id < before]
    shown = _views(actor, storage.find_at(older[:limit]))
    return shown, older[limit - 1].share_id if len(older) > limit else None


def find(actor: Actor, reach: Reach, share_id: str) -> tuple[ShareView, ShareLinks | None]:
    """One share; with its links for whoever made it, while it opens. Raises NotFound."""
    share = _find(actor, reach, share_id)
    (view,) = _views(actor, [share])
    is_open = view.status in {ShareStatus.BUILDING, ShareStatus.READY}
    return view, _links(share, view.wanted.language) if view.is_own and is_open else None


def revoke(actor: Actor, reach: Reach, share_id: str) -> None:
    """End a share at once; one that is over stays so. Raises NotFound."""
    share = _find(actor, reach, share_id)
    _revoke(actor, share)


def revoke_all(actor: Actor, account: Account) -> None:
    """End every share of somebody who leaves."""
    for share in storage.find_all(account.pk):
        _revoke(actor, share)


def remove_all(account: Account) -> None:
    """Take away what is kept of somebody's shares: of an account that is no more. Doing it again does nothing."""
    for share in storage.find_all(account.pk):
        with transaction() as tx:
            storage.remove(tx, share)
            links.remove(tx, share_secrets.link_id_of(share.share_id))
            about: dict[str, object] = {"share_id": share.share_id, "account_id": share.pk}
            audit.record(tx, Entry(SYSTEM, Action.SHARE_REMOVE, patient_id=share.patient_id, about=about))


def find_own(actor: Actor) -> list[ShareView]:
    """Every share that somebody made and that is remembered, the newest first."""
    return _views(actor, storage.find_all(actor.id))


def post_removals(tx: Transaction, share: Share) -> None:
    """Have the files of a share that is over taken away now."""
    for export_id in share.export_ids.values():
        outbox.post_export(tx, share.pk, export_id, subject=ExportSubject.SHARE, remove_at=clock.now())


def _revoke(actor: Actor, share: Share | None) -> None:
    for _ in range(_RACES):
        if share is None or share.end is not None:
            return
        try:
            with transaction() as tx:
                storage.end(tx, share)
                post_removals(tx, share)
                about: dict[str, object] = {"share_id": share.share_id, "account_id": share.pk}
                audit.record(tx, Entry(actor, Action.SHARE_REVOKE, patient_id=share.patient_id, about=about))
        except StaleVersion:
            share = storage.find(share.pk, share.share_id)
        else:
            return
    raise Unavailable(retry_after=1)


def _places(actor: Actor, reach: Reach) -> list[SharePlace]:
    found = [place for patient_id in reach.patient_ids for place in storage.find_places(patient_id)]
    mine = [one for one in found if reach.by is ReachKind.SELF or one.account_id == actor.id]
    return sorted(mine, key=lambda one: one.sk, reverse=True)


def _find(actor: Actor, reach: Reach, share_id: str) -> Share:
    places = [one for one in _places(actor, reach) if one.share_id == share_id]
    for share in storage.find_at(places):
        return share
    raise NotFound


def _views(actor: Actor, shares: list[Share]) -> list[ShareView]:
    makers = accounts.find_accounts(sorted({share.pk for share in shares})) if shares else {}
    places = [(share.pk, export_id) for share in shares for export_id in share.export_ids.values()]
    copies = export_storage.find_many(places)
    return [
        _view(actor, share, makers.get(share.pk), [copies[one] for one in share.export_ids.values() if one in copies])
        for share in shares
    ]


def _view(actor: Actor, share: Share, maker: Account | None, copies: list[Export]) -> ShareView:
    end = share_rights.find_end(share, maker, copies)
    built = [one.manifest for one in copies if one.manifest is not None]
    return ShareView(
        share_id=share.share_id,
        recipient=share.recipient,
        wanted=share.wanted,
        status=ShareStatus(end) if end is not None else status_of(copies),
        created_at=clock.read_stamp(share.created_at),
        expires_at=clock.read_stamp(share.expires_at),
        is_own=share.pk == actor.id,
        wrong_tries=int(share.tries),
        openings=share.all_openings(),
        opening_count=int(share.opening_count),
        counts=built[0].counts if built else None,
    )


def status_of(copies: list[Export]) -> ShareStatus:
    """How far the copies of a share that opens are."""
    states = {one.status for one in copies}
    if ExportStatus.FAILED in states or len(copies) < len(FORMATS):
        return ShareStatus.FAILED
    return ShareStatus.READY if states == {ExportStatus.READY} else ShareStatus.BUILDING


def _links(share: Share, language: str) -> ShareLinks:
    shlink = _smart_health_link(share, language)
    return ShareLinks(
        url=link_service.url(share_secrets.link_id_of(share.share_id)),
        smart_health_link=shlink,
        qr_svg=totp.qr_svg(shlink),
        pin=None if share.pin_hash else share_secrets.made_pin(share.share_id),
    )


def _smart_health_link(share: Share, language: str) -> str:
    """As HL7's SMART Health Cards and Links say (links-specification, "Construct a SMART Health Link Payload")."""
    label = words.say("share.label", language, clinic=settings().clinic_name)
    payload = {
        "url": f"{settings().api_url}{MANIFESTS}/{share_secrets.manifest_token(share.share_id)}",
        "key": secrets.encode(share_secrets.file_key(share.share_id)),
        "exp": clock.epoch(clock.read_stamp(share.expires_at)),
        "flag": "P",
        "label": label[:_LONGEST_LABEL],
    }
    return f"shlink:/{secrets.encode(orjson.dumps(payload))}"
