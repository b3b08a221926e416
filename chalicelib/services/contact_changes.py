"""Changes of email, phone and username: told to the old address and the new one, and undone by link (ID 9)."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TypeVar

from chalicelib import clock, ids
from chalicelib.auth import hashing, limits, secrets
from chalicelib.auth.limits import Limit
from chalicelib.auth.peppers import peppers
from chalicelib.domain import identity
from chalicelib.domain.access import Actor, ActorKind
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.contact_changes import CHANGES_A_DAY, Changed, read_undo_key, undo_key
from chalicelib.domain.events import ClinicEvent, ClinicEventType
from chalicelib.domain.links import LinkPurpose
from chalicelib.domain.notices import Notice, NoticeKind
from chalicelib.errors import Conflict, LinkEnded, NotFound, StaleVersion, Unavailable
from chalicelib.models import accounts as account_storage
from chalicelib.models import audit, links, outbox, password_resets
from chalicelib.models import contact_changes as storage
from chalicelib.models.accounts import Account
from chalicelib.models.base import in_chunks
from chalicelib.models.contact_changes import ContactChange, Restored
from chalicelib.models.links import Link
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.services import bound_since

_T = TypeVar("_T")

_RACES = 3
_MOST_AT_ONCE = 14
_A_DAY = Limit(tries=CHANGES_A_DAY, seconds=86_400)

_NOTICES = {
    Changed.EMAIL: NoticeKind.EMAIL_CHANGED,
    Changed.PHONE: NoticeKind.PHONE_CHANGED,
    Changed.USERNAME: NoticeKind.USERNAME_CHANGED,
}
_EVENTS = {
    Changed.EMAIL: (ClinicEventType.CONTACT_EMAIL_CONFIRMED, ClinicEventType.CONTACT_EMAIL_REMOVED),
    Changed.PHONE: (ClinicEventType.CONTACT_PHONE_CONFIRMED, ClinicEventType.CONTACT_PHONE_REMOVED),
}


def spend(account_id: str, what: Changed) -> None:
    """Count one change. Raises TooManyRequests after 5 of its kind in a day."""
    limits.spend(f"contact-change:{what}:{account_id}", _A_DAY)


def settled(change: Callable[[], _T]) -> _T:
    """What a change gives that begins anew where the account was changed meanwhile. Raises Unavailable."""
    for _ in range(_RACES):
        with suppress(StaleVersion):
            return change()
    raise Unavailable(retry_after=1)


def own(actor: Actor) -> Account:
    """The caller's own account. Raises NotFound."""
    found = account_storage.find_account(actor.id)
    if found is None:
        raise NotFound
    return found


def record(
    tx: Transaction,
    account: Account,
    what: Changed,
    *,
    before: str | None,
    after: str | None,
    began_at: str | None = None,
) -> None:
    """Keep a change in its own transaction, with the link that undoes it, and tell of it everywhere.

    `began_at` (`clock.stamp`) is when it was asked for, where that was before now.
    """
    change = storage.new(account.pk, ids.new_id("chg"), what, before=before, after=after, began_at=began_at)
    link = links.create(tx, LinkPurpose.UNDO_CHANGE, account.pk, about=undo_key(what, change.change_id))
    change.link_id = link.pk
    storage.create(tx, change)
    outbox.post(tx, Notice(_NOTICES[what], account.pk, {"change_id": change.change_id}))


def tell_clinic(tx: Transaction, account: Account, what: Changed, *, has_one: bool) -> None:
    """Tell the clinic's systems of an email or a phone that its holder proved, or that is gone."""
    confirmed, removed = _EVENTS[what]
    about = {"account_id": account.pk}
    outbox.post_event(tx, ClinicEvent(confirmed if has_one else removed, account.patient_id, about))


def undo(link: Link, account: Account) -> None:
    """Undo a change, and every change after it, of whatever kind: whoever made it may have made those as well.

    Every session ends, the password works no more until it is reset, and no reset that was asked for goes on. Second
    factors, passkeys, recovery codes and devices of since the change began are gone with it, and so is what others were
    let into and what staff were asked to change on file. `link` is one whose holder has proved who they are. Raises
    LinkEnded, and EmailTaken where somebody else has confirmed the address meanwhile.
    """
    _, change_id = read_undo_key(link.about)
    nobodys = hashing.hash(secrets.random_token(), peppers())
    settled(lambda: _undo_once(link, own(_holder(account)), change_id, nobodys))


def _undo_once(link: Link, account: Account, change_id: str, nobodys_password: str) -> None:
    try:
        _undo(link, account, change_id, nobodys_password)
    except (Conflict, NotFound) as met:
        if type(met) not in {Conflict, NotFound}:
            raise
        # A factor or a device was bound or removed meanwhile, an invitation answered or a wish decided.
        raise StaleVersion from met


def _undo(link: Link, account: Account, change_id: str, nobodys_password: str) -> None:
    if account.closing_id and not account.can_be_reopened:
        raise LinkEnded
    changes = storage.find_since(account.pk, change_id)
    if not changes or changes[0].change_id != change_id:
        raise LinkEnded
    since = min(change.began_at or clock.stamp(ids.time_of(change.change_id)) for change in changes)
    changes = _few(account, changes)
    holder = _holder(account)
    bound_since.forget_devices(holder, since)
    let_in = bound_since.find_let_in(account, since)
    let_in_last = bound_since.end_most(holder, let_in)
    restored = _restored(account, changes)
    waiting = account.pending_email if account.email_asked_at else None
    with transaction() as tx:
        storage.restore(
            tx,
            account,
            restored,
            password_hash=nobodys_password,
            factors=bound_since.remove_factors_in(tx, account, since),
            waiting_email_key=identity.canonical_email(waiting) if waiting else None,
        )
        password_resets.drop(tx, account.pk)
        bound_since.end_in(tx, holder, let_in_last)
        wish_id = bound_since.drop_wish_in(tx, account, since)
        links.use(tx, link)
        _end(tx, changes, link)
        for one in restored:
            if one.what in _EVENTS:
                tell_clinic(tx, account, one.what, has_one=one.value is not None)
        outbox.post(tx, Notice(NoticeKind.CONTACT_RESTORED, account.pk))
        ended = {"caregiver_ids": [one.caregiver_id for one in let_in], "patient_change_id": wish_id}
        audit.record(tx, _entry(account, changes, **ended))


def _few(account: Account, changes: list[ContactChange]) -> list[ContactChange]:
    """As many changes as a transaction takes beside all else; whoever made more does not win by their number.

    Those over, of which none says what was before all, end by themselves first: doing so again does no harm.
    """
    firsts = {change.what: change for change in reversed(changes)}.values()
    over = [change for change in changes[1:] if change not in firsts][_MOST_AT_ONCE:]
    for lot in in_chunks(over, _MOST_AT_ONCE):
        with transaction() as tx:
            _end(tx, lot)
            audit.record(tx, _entry(account, lot))
    return [change for change in changes if change not in over]


def _end(tx: Transaction, changes: Iterable[ContactChange], link: Link | None = None) -> None:
    """Changes are so no more, and their links but this one do nothing."""
    for change in changes:
        storage.mark_undone(tx, change)
        if link is None or change.link_id != link.pk:
            links.end(tx, change.link_id)


def _restored(account: Account, changes: Iterable[ContactChange]) -> list[Restored]:
    """Of each kind what was there before its first change."""
    first: dict[Changed, ContactChange] = {}
    for change in changes:
        first.setdefault(Changed(change.what), change)
    lost = {Changed.EMAIL: account.email, Changed.PHONE: account.phone, Changed.USERNAME: account.username}
    return [Restored(what, one.before, _key(what, one.before), _key(what, lost[what])) for what, one in first.items()]


def _key(what: Changed, value: str | None) -> str | None:
    """The canonical form under which a value is one account's."""
    if value is None or what is Changed.PHONE:
        return value
    return identity.canonical_email(value) if what is Changed.EMAIL else identity.canonical_username(value)


def _holder(account: Account) -> Actor:
    return Actor(ActorKind.ACCOUNT, account.pk, patient_id=account.patient_id)


def _entry(account: Account, changes: Iterable[ContactChange], **ended: object) -> Entry:
    about: dict[str, object] = {"change_ids": [change.change_id for change in changes], **ended}
    return Entry(_holder(account), Action.ACCOUNT_CHANGE_UNDO, account_id=account.pk, about=about)
