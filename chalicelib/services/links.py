"""Links in email and SMS.

A token carries a link's id and its derived secret; what it does is decided by the link's purpose.
"""

from contextlib import suppress
from dataclasses import dataclass, replace

from chalicelib import words
from chalicelib.auth import secrets
from chalicelib.domain import identity
from chalicelib.domain.access import NOBODY, Actor, ActorKind
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.contact_changes import Changed
from chalicelib.domain.events import ClinicEvent, ClinicEventType
from chalicelib.domain.links import LinkEnd, LinkPurpose
from chalicelib.domain.notices import Channel, Notice, NoticeKind
from chalicelib.domain.shares import LINK_ENDS
from chalicelib.errors import IdentityNotConfirmed, LinkEnded, NotFound, StaleVersion, Unavailable
from chalicelib.models import accounts, audit, links, outbox, password_resets, patients, preferences
from chalicelib.models.accounts import Account
from chalicelib.models.links import Link
from chalicelib.models.transaction import transaction
from chalicelib.services import contact_changes, contacts, share_rights, share_secrets
from chalicelib.settings import settings

_ID_LENGTH, _SECRET_LENGTH = 26, 22
_SECRET_BYTES, _CODE_DIGITS = 16, 8
_RACES = 3


@dataclass(frozen=True, slots=True)
class Opened:
    """What a page may know of a link before anybody has proved who they are: nothing of a patient's."""

    link_id: str
    purpose: LinkPurpose
    about: str
    language: str
    asks_birth_date: bool
    end: LinkEnd | None


def url(link_id: str) -> str:
    """The address of a link's page; built from the configuration, never from a request."""
    return f"{settings().api_url}/l/{token(link_id)}"


def token(link_id: str) -> str:
    """The token of a link: its id and 128 derived bits."""
    return f"{link_id.removeprefix('lnk_')}{secrets.encode(_secret(link_id)[:_SECRET_BYTES])}"


def code(link_id: str) -> str:
    """The same secret as `token` for people to type: 8 digits, out of bits that the token does not show."""
    return f"{int.from_bytes(_secret(link_id)[_SECRET_BYTES:]) % 10**_CODE_DIGITS:0{_CODE_DIGITS}}"


def find(link_token: str) -> Link:
    """The link of a token, over or not. Raises NotFound."""
    link_id = f"lnk_{link_token[:_ID_LENGTH]}"
    if len(link_token) != _ID_LENGTH + _SECRET_LENGTH or not secrets.same(link_token, token(link_id)):
        raise NotFound
    link = links.find(link_id)
    if link is None:
        raise NotFound
    return link


def find_open(link_token: str) -> Link:
    """The link of a token that still works. Raises NotFound and LinkEnded."""
    link = find(link_token)
    if link.is_over:
        raise LinkEnded
    return link


def open_link(link_token: str) -> Opened:
    """What a token's page may know, whether the link still works or not. Changes nothing. Raises NotFound."""
    link = find(link_token)
    account = accounts.find_account(link.account_id) if link.account_id else None
    return Opened(
        link_id=link.pk,
        purpose=LinkPurpose(link.purpose),
        about=link.about,
        language=account.language if account else words.DEFAULT,
        asks_birth_date=account is not None and _has_birth_date(account),
        end=_end(link, account) if account else _end_of_nobodys(link),
    )


def prove(link_token: str, date_of_birth: str | None, purpose: LinkPurpose) -> tuple[Link, Account]:
    """The working link of a token and its account, once its holder's birth date is right.

    Raises NotFound, also for a link of another purpose, LinkEnded, and IdentityNotConfirmed.
    """
    link, account = _find_working(link_token, purpose)
    check_birth_date(link, account, date_of_birth)
    return link, account


def check_birth_date(link: Link, account: Account, date_of_birth: str | None) -> None:
    """Require the birth date of an account's holder (ISO 8601). A wrong one costs one of the link's tries.

    A caregiver who is no patient said theirs when they registered; of an account that has none, none is asked. Raises
    IdentityNotConfirmed, and LinkEnded where no try is left.
    """
    if not _has_birth_date(account):
        return
    links.take_try(link)
    patient = patients.find(account.patient_id) if account.patient_id else None
    birth_date = patient.birth_date if patient else account.birth_date
    if not birth_date or not secrets.same(birth_date, date_of_birth or ""):
        raise IdentityNotConfirmed
    links.give_back_try(link)


def _has_birth_date(account: Account) -> bool:
    return bool(account.patient_id or account.birth_date)


def email_hash(email: str) -> str:
    """What a confirmation link keeps of the address that it was sent to: it confirms that one and no other."""
    return secrets.keyed_hash("confirmed-email", identity.canonical_email(email))


def verify_email(link_token: str, date_of_birth: str | None, actor: Actor = NOBODY) -> Account:
    """Confirm the email that a link was sent to. Outside the account's own session the birth date is asked for.

    Raises NotFound, LinkEnded, IdentityNotConfirmed for a wrong birth date, and EmailTaken.
    """
    link, account = _find_working(link_token, LinkPurpose.VERIFY_EMAIL)
    email = account.pending_email or ""
    if actor.id != account.pk:
        check_birth_date(link, account, date_of_birth)
    with transaction() as tx:
        accounts.verify_email(tx, account, email, identity.canonical_email(email), contacts.address_hash(email))
        if account.email:
            accounts.release_email(tx, account, identity.canonical_email(account.email))
        if account.email_asked_at:
            contact_changes.record(
                tx, account, Changed.EMAIL, before=account.email, after=email, began_at=account.email_asked_at
            )
        links.use(tx, link)
        outbox.post_event(tx, _event(ClinicEventType.CONTACT_EMAIL_CONFIRMED, account))
        audit.record(tx, _entry(Action.ACCOUNT_EMAIL_VERIFY, link, account))
    return account


def disown_email(link_token: str) -> None:
    """Take the address that a link was sent to off the account, confirmed or not: it is not the holder's.

    Whoever has the mailbox may do so without a birth date, which only the account's holder knows, and who is told in
    other ways. Confirming the address anew undoes it. Raises NotFound and LinkEnded.
    """
    link, account = _find_working(link_token, LinkPurpose.DISOWN_EMAIL)
    is_pending = _is_of(account.pending_email, link)
    email = (account.pending_email if is_pending else account.email) or ""
    known_as = identity.canonical_email(email), contacts.address_hash(email)
    with transaction() as tx:
        accounts.disown_email(tx, account, email, *known_as, is_pending=is_pending)
        links.use(tx, link)
        if link.partner_id:
            links.end(tx, link.partner_id)
        if not is_pending:
            # Of an address that nobody confirmed the clinic was never told.
            outbox.post_event(tx, _event(ClinicEventType.CONTACT_EMAIL_REMOVED, account))
        outbox.post(tx, Notice(NoticeKind.EMAIL_REMOVED, account.pk))
        audit.record(tx, _entry(Action.ACCOUNT_EMAIL_DISOWN, link, account))


def stop_emails(link_token: str, date_of_birth: str | None) -> None:
    """Switch off the emails of the type of notice that a link is about; other channels stay as they are.

    Raises NotFound, LinkEnded, and IdentityNotConfirmed for a wrong birth date.
    """
    link, account = prove(link_token, date_of_birth, LinkPurpose.STOP_MESSAGES)
    for _ in range(_RACES):
        with suppress(StaleVersion):
            return _switch_off_emails(link, account)
    raise Unavailable(retry_after=1)


def _switch_off_emails(link: Link, account: Account) -> None:
    chosen = preferences.find(account.pk)
    wanted = [row for row in chosen.rows() if row.kind == link.about and Channel.EMAIL in row.channels]
    choices = {**chosen.choices, **{row.cell: row.channels - {Channel.EMAIL} for row in wanted}}
    with transaction() as tx:
        if wanted:
            preferences.put(tx, account.pk, replace(chosen, choices=choices), chosen.version)
        links.use(tx, link)
        audit.record(tx, _entry(Action.ACCOUNT_PREFERENCES_EDIT, link, account))


def _find_working(link_token: str, purpose: LinkPurpose) -> tuple[Link, Account]:
    link = find(link_token)
    if link.purpose != purpose:
        raise NotFound
    account = _account_of(link)
    if _end(link, account) is not None:
        raise LinkEnded
    return link, account


def _account_of(link: Link) -> Account:
    account = accounts.find_account(link.account_id) if link.account_id else None
    if account is None:
        raise LinkEnded if link.account_id else NotFound
    return account


def _end_of_nobodys(link: Link) -> LinkEnd | None:
    """Why the link of a stranger does nothing any more, or that of an account that is no more."""
    return link.end or (LinkEnd.EXPIRED if link.account_id else None)


def _end(link: Link, account: Account) -> LinkEnd | None:
    """Why a link does nothing any more, also by what has become of what it is about."""
    if account.closing_id or link.purpose == LinkPurpose.REOPEN_ACCOUNT:
        return link.end or _end_by_closing(link, account)
    match link.purpose:
        case LinkPurpose.VERIFY_EMAIL if _is_of(account.email, link):
            return LinkEnd.USED
        case LinkPurpose.VERIFY_EMAIL if not _is_of(account.pending_email, link):
            return LinkEnd.REPLACED
        case LinkPurpose.DISOWN_EMAIL if not (_is_of(account.email, link) or _is_of(account.pending_email, link)):
            return LinkEnd.USED
        case LinkPurpose.RESET_PASSWORD if link.end is None and not password_resets.is_running(link):
            return LinkEnd.REPLACED
    return _end_of_share(link, account) if link.purpose == LinkPurpose.OPEN_SHARE else link.end


def _end_of_share(link: Link, account: Account) -> LinkEnd | None:
    end = share_rights.end_of_link(account, share_secrets.share_id_of(link.pk))
    return LINK_ENDS[end] if end is not None else None


def _end_by_closing(link: Link, account: Account) -> LinkEnd | None:
    """Of a closed account only what opens it again does anything, and what undoes changes of those days with it."""
    if not account.closing_id:
        return LinkEnd.REPLACED
    is_of_this = link.purpose == LinkPurpose.UNDO_CHANGE or link.about == account.closing_id
    return None if is_of_this and account.can_be_reopened else LinkEnd.EXPIRED


def _is_of(email: str | None, link: Link) -> bool:
    return bool(email) and secrets.same(email_hash(email or ""), link.about)


def _entry(action: Action, link: Link, account: Account) -> Entry:
    holder = Actor(ActorKind.ACCOUNT, account.pk, patient_id=account.patient_id)
    return Entry(holder, action, account_id=account.pk, about={"link_id": link.pk})


def _event(event_type: ClinicEventType, account: Account) -> ClinicEvent:
    return ClinicEvent(event_type, account.patient_id, {"account_id": account.pk})


def _secret(link_id: str) -> bytes:
    return secrets.derive("link", link_id, 0)
