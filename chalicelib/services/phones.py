"""The phone of one's own account: proved by a code that is sent to it."""

from chalicelib import clock, ids
from chalicelib.auth import limits, secrets
from chalicelib.auth.limits import Limit
from chalicelib.domain.access import Actor
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.contact_changes import Changed
from chalicelib.domain.notices import Channel, Notice, NoticeKind
from chalicelib.errors import FieldError, Invalid, LastAddress
from chalicelib.models import audit, outbox
from chalicelib.models import contact_changes as storage
from chalicelib.models.accounts import Account
from chalicelib.models.contact_changes import PhoneCode
from chalicelib.models.transaction import transaction
from chalicelib.services import contact_changes, contacts

_DIGITS = 6
_PER_ACCOUNT = Limit(tries=10, seconds=86_400)
_PER_NUMBER = Limit(tries=5, seconds=86_400)
"""Codes: a text costs the clinic money, and a number that somebody mistyped rings with a stranger."""


def ask(actor: Actor, number: str) -> None:
    """Send a code to a new number (E.164), which is the account's once the code was typed; the old one stays till then.

    Raises TooManyRequests after 10 codes to an account or 5 to a number in a day.
    """
    limits.spend(f"phone-code:account:{actor.id}", _PER_ACCOUNT)
    limits.spend(f"phone-code:number:{secrets.keyed_hash('phone', number)}", _PER_NUMBER)
    contact_changes.settled(lambda: _ask(actor, number))


def _ask(actor: Actor, number: str) -> None:
    account = contact_changes.own(actor)
    with transaction() as tx:
        code_id = storage.set_pending_phone(tx, account, number)
        outbox.post(tx, Notice(NoticeKind.PHONE_CODE, account.pk, {"code_id": code_id}))
        audit.record(tx, Entry(actor, Action.ACCOUNT_PHONE_ASK, account_id=account.pk))


def code(code_id: str, account_id: str) -> str | None:
    """The code of an id, where it is the one that was sent last and still works."""
    found = storage.find_phone_code(account_id)
    return _code(code_id) if found and found.code_id == code_id and not found.is_over else None


def confirm(actor: Actor, typed: str) -> Account:
    """Make the number that waits the account's own. Raises Invalid for whatever is wrong with the code."""
    return contact_changes.settled(lambda: _confirm(actor, typed))


def _confirm(actor: Actor, typed: str) -> Account:
    account, sent = contact_changes.own(actor), storage.find_phone_code(actor.id)
    if sent is None or sent.is_over or not account.pending_phone or not _is_right(sent, typed):
        audit.record_alone(Entry(actor, Action.ACCOUNT_PHONE_REFUSE, account_id=actor.id))
        raise Invalid([FieldError("/code", "wrong_code")])
    contact_changes.spend(account.pk, Changed.PHONE)
    with transaction() as tx:
        storage.use_phone_code(tx, sent)
        storage.set_phone(tx, account, sent.number)
        if account.phone != sent.number:
            began_at = clock.stamp(ids.time_of(sent.code_id))
            contact_changes.record(
                tx, account, Changed.PHONE, before=account.phone, after=sent.number, began_at=began_at
            )
        contact_changes.tell_clinic(tx, account, Changed.PHONE, has_one=True)
        audit.record(tx, Entry(actor, Action.ACCOUNT_PHONE_CONFIRM, account_id=account.pk))
    return contact_changes.own(actor)


def remove(actor: Actor) -> None:
    """Take the phone off the account, and one that waits. Raises LastAddress where nothing else reaches its holder."""
    contact_changes.settled(lambda: _remove(actor))


def _remove(actor: Actor) -> None:
    account = contact_changes.own(actor)
    if not account.phone and not account.pending_phone and not account.mobile_phone:
        return
    known = contacts.find(account)
    others = [one for one in known.phones if one != known.confirmed_phone] + list(known.everywhere(Channel.EMAIL))
    if account.phone and not others:
        raise LastAddress
    contact_changes.spend(account.pk, Changed.PHONE)
    with transaction() as tx:
        storage.set_phone(tx, account, None)
        if account.phone:
            contact_changes.record(tx, account, Changed.PHONE, before=account.phone, after=None)
            contact_changes.tell_clinic(tx, account, Changed.PHONE, has_one=False)
        audit.record(tx, Entry(actor, Action.ACCOUNT_PHONE_REMOVE, account_id=account.pk))


def _is_right(sent: PhoneCode, typed: str) -> bool:
    """Whether it is the code, for one of its tries."""
    return storage.take_try(sent) and secrets.same("".join(typed.split()), _code(sent.code_id))


def _code(code_id: str) -> str:
    return f"{int.from_bytes(secrets.derive('phone-code', code_id, 0)[:8]) % 10**_DIGITS:0{_DIGITS}}"
