"""The addresses that one's messages go to: whether they work, and trying one again."""

from dataclasses import dataclass

from chalicelib import clock
from chalicelib.auth import limits
from chalicelib.auth.limits import Limit
from chalicelib.clients import email
from chalicelib.domain import identity
from chalicelib.domain.access import Actor
from chalicelib.domain.addresses import AddressStatus, AddressView
from chalicelib.domain.notices import Channel
from chalicelib.domain.suppressions import Reason
from chalicelib.errors import Conflict, MessagesStopped, NotFound
from chalicelib.models.accounts import Account
from chalicelib.models.transaction import transaction
from chalicelib.services import accounts, contacts, suppressions
from chalicelib.settings import settings

_TRIES = 5
_RESTORES = Limit(tries=5, seconds=86_400)
"""Of one address: mail to what does not exist costs the clinic its good name with every mailbox."""


@dataclass(frozen=True, slots=True)
class _Address:
    channel: Channel
    value: str
    is_confirmed: bool


def find_all(actor: Actor) -> list[AddressView]:
    """Every address of the caller's, the latest ids first. Raises NotFound."""
    own = _own(accounts.find(actor))
    suppressed = suppressions.find_suppressed([(one.channel, one.value) for one in own.values()])
    found = []
    for address_id, one in own.items():
        suppression = suppressed.get((one.channel, one.value))
        status = AddressStatus.of(suppression, is_confirmed=one.is_confirmed)
        since = suppression.since if suppression else None
        found.append(AddressView(address_id, one.channel, _masked(one), status, since))
    return sorted(found, key=lambda address: address.address_id, reverse=True)


def restore(actor: Actor, address_id: str) -> None:
    """Try an address again that bounced, or that its reader's mail program complained of.

    An address that messages go to is left as it is. Raises NotFound, MessagesStopped for a phone that said STOP,
    TooManyRequests, and Unavailable where SES, which keeps a list of its own, does not answer.
    """
    one = _own(accounts.find(actor)).get(address_id)
    if one is None:
        raise NotFound
    if not _is_restorable(one):
        return
    limits.spend(f"address-restore:{address_id}", _RESTORES)
    if one.channel is Channel.EMAIL:
        email.forget_suppression(one.value)
    for _ in range(_TRIES):
        try:
            with transaction() as tx:
                at = clock.now()
                suppressions.restore(tx, one.channel, one.value, at=at, actor=actor, account_id=actor.id)
        except Conflict:
            if not _is_restorable(one):
                return
        else:
            return
    raise Conflict


def _is_restorable(one: _Address) -> bool:
    """Whether nothing is sent to an address that could be. Raises MessagesStopped."""
    suppression = suppressions.find_suppressed([(one.channel, one.value)]).get((one.channel, one.value))
    if suppression is not None and suppression.reason is Reason.STOP:
        raise MessagesStopped(number=_number())
    return suppression is not None


def _own(account: Account) -> dict[str, _Address]:
    """The addresses of an account by id; one that stands twice is confirmed if it is so once."""
    named = [_Address(Channel.SMS, account.mobile_phone, is_confirmed=False)] if account.mobile_phone else []
    known = [
        _Address(one.channel, one.value, one.is_confirmed)
        for one in contacts.find(account).all
        if one.channel is not Channel.PUSH
    ]
    ordered = sorted([*named, *known], key=lambda one: one.is_confirmed)
    return {suppressions.address_id(one.channel, one.value): one for one in ordered}


def _masked(one: _Address) -> str:
    return identity.mask_email(one.value) if one.channel is Channel.EMAIL else identity.mask_phone(one.value)


def _number() -> str:
    """The number that texts come from, for the end of a sentence; nothing where it is not known."""
    origination = settings().sms_origination or ""
    return f": {origination}" if origination.removeprefix("+").isdecimal() else ""
