"""Closing one's own account, and opening it again for as long as that can be done (OP 5).

Whoever closes their account signs in no more at once, and is gone for everybody. What is personal is removed 30 days
later (services/purges.py); until then a link opens the account again. The health record stays with the clinic.
"""

from contextlib import suppress

from chalicelib import clock, ids
from chalicelib.auth import hashing, secrets
from chalicelib.auth.peppers import peppers
from chalicelib.domain.access import Actor, ActorKind, Reach, ReachKind
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.caregivers import PARENTAL
from chalicelib.domain.closures import REOPENABLE, Closure
from chalicelib.domain.contact_changes import UNDOABLE, Changed
from chalicelib.domain.events import ClinicEvent, ClinicEventType
from chalicelib.domain.exports import ExportSubject
from chalicelib.domain.links import LinkPurpose
from chalicelib.domain.notices import Notice, NoticeKind
from chalicelib.errors import Conflict, LinkEnded, NotFound, NotSignedIn, StaffAccount, StaleVersion, Unavailable
from chalicelib.models import accounts, audit, contact_changes, exports, links, outbox, password_resets, push_devices
from chalicelib.models import caregivers as grants
from chalicelib.models import closures as storage
from chalicelib.models.accounts import Account
from chalicelib.models.links import Link
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.services import caregivers, contacts, shares

_RACES = 3


def close(actor: Actor) -> Closure:
    """Close the caller's own account.

    First what they share ends, and everybody who acts for them, and for whom they act, is told that this ends; only a
    parent's or a guardian's right to look after a child stays, and of what the closer has everything that the clinic
    gave: nobody has the use of it while the account is closed, and it is there again once that is opened. Raises
    StaffAccount, NotSignedIn for an account that was closed meanwhile, and Unavailable.
    """
    _check(_own(actor))
    _end_grants(actor)
    shares.revoke_all(actor, _own(actor))
    for _ in range(_RACES):
        account = _own(actor)
        _check(account)
        with suppress(StaleVersion, Conflict):
            return _close(actor, account)
    raise Unavailable(retry_after=1)


def _own(actor: Actor) -> Account:
    found = accounts.find_account(actor.id)
    if found is None:
        raise NotFound
    return found


def _check(account: Account) -> None:
    if account.closing_id:
        raise NotSignedIn
    if account.staff_roles:
        raise StaffAccount


def _end_grants(actor: Actor) -> None:
    """Each in a transaction of its own with its notice: a closing that is tried again goes on with what is left."""
    for offer in grants.find_offers(actor.patient_id) if actor.patient_id else ():
        # A row of before caregivers had ids has none by which it could be ended here.
        if offer.relation not in PARENTAL and offer.caregiver_id:
            with suppress(NotFound, LinkEnded):
                caregivers.end(actor, Reach(actor.patient_id or "", ReachKind.SELF), offer.caregiver_id)
    for tie in grants.find_ties(actor.id):
        if not tie.grant.is_clinics:
            with suppress(NotFound):
                caregivers.end(actor, Reach(tie.patient.pk, ReachKind.CAREGIVER), tie.grant.caregiver_id)


def _close(actor: Actor, account: Account) -> Closure:
    asked = [one for one in exports.find_all(account.pk) if one.subject == ExportSubject.ACCOUNT]
    closing_id = ids.new_id("clo")
    with transaction() as tx:
        link = links.create(tx, LinkPurpose.REOPEN_ACCOUNT, account.pk, about=closing_id)
        until = clock.read_stamp(link.expires_at)
        storage.close(tx, account, closing_id, until)
        password_resets.drop(tx, account.pk)
        for device in push_devices.find_stored(account.pk):
            push_devices.remove(tx, device)
        _tell(tx, account, closing_id, link)
        outbox.post_purge(tx, account.pk, closing_id, until)
        _tell_clinic(tx, ClinicEventType.ACCOUNT_CLOSED, account)
        audit.record(tx, _entry(actor, Action.ACCOUNT_CLOSE, account, closing_id))
    return Closure(until - REOPENABLE, until, clock.read_stamp(asked[0].requested_at) if asked else None)


def _tell(tx: Transaction, account: Account, closing_id: str, link: Link) -> None:
    """Every address hears of it, and the one that a change of these days has taken the place of."""
    about = {"closing_id": closing_id, "link_id": link.pk}
    former = _former(account)
    outbox.post(
        tx, Notice(NoticeKind.ACCOUNT_CLOSED, account.pk, about | ({contacts.CHANGE: former} if former else {}))
    )


def _former(account: Account) -> str | None:
    """The first change that can still be undone of how somebody is reached: whoever made it may be closing now."""
    since = clock.now() - UNDOABLE
    changes = [
        change.change_id
        for change in contact_changes.find_all(account.pk)
        if change.what != Changed.USERNAME and change.before and not change.undone_at
    ]
    return next((change_id for change_id in changes if ids.time_of(change_id) > since), None)


def send_again(tx: Transaction, account: Account) -> Link:
    """A further link that opens a closed account again, to every address that the first one went to."""
    link = links.create(tx, LinkPurpose.REOPEN_ACCOUNT, account.pk, about=account.closing_id or "")
    _tell(tx, account, account.closing_id or "", link)
    return link


def reopen(link: Link, account: Account) -> None:
    """Open an account again. Its old password works no more: whoever closed it may have known it.

    `link` is one whose holder has proved who they are. Raises LinkEnded where it is too late.
    """
    if not account.closing_id:
        raise LinkEnded
    nobodys = hashing.hash(secrets.random_token(), peppers())
    holder = Actor(ActorKind.ACCOUNT, account.pk, patient_id=account.patient_id)
    with transaction() as tx:
        storage.reopen(tx, account, nobodys)
        links.use(tx, link)
        outbox.post(tx, Notice(NoticeKind.ACCOUNT_REOPENED, account.pk))
        _tell_clinic(tx, ClinicEventType.ACCOUNT_REOPENED, account)
        audit.record(tx, _entry(holder, Action.ACCOUNT_REOPEN, account, account.closing_id))


def _tell_clinic(tx: Transaction, what: ClinicEventType, account: Account) -> None:
    outbox.post_event(tx, ClinicEvent(what, account.patient_id, {"account_id": account.pk}))


def _entry(actor: Actor, action: Action, account: Account, closing_id: str) -> Entry:
    return Entry(actor, action, account_id=account.pk, about={"closing_id": closing_id})
