"""What somebody bound to an account since a time, taken off it: they may not have been its holder."""

from collections.abc import Iterator, Sequence

from chalicelib import clock, ids
from chalicelib.domain.access import Actor, Reach, ReachKind
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.caregivers import PARENTAL
from chalicelib.domain.second_factors import Factor
from chalicelib.models import audit, passkeys, patient_changes, push_devices, second_factors, sessions
from chalicelib.models import caregivers as offers
from chalicelib.models.accounts import Account
from chalicelib.models.base import in_chunks
from chalicelib.models.caregivers import GrantRow, Invitation
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.services import caregivers

_AT_ONCE = 25
_OFFERS_BESIDE_ALL_ELSE, _OFFERS_AT_ONCE = 5, 20


def forget_devices(actor: Actor, since: str) -> None:
    """Forget every device that signed in first, or got a push token, since a time (`clock.stamp`).

    There may be more of them than a transaction takes, so that each lot is one of its own; doing it again does no harm.
    A push device counts from when its token was last set, which may be another's by now; its app sets it again.
    """
    for known in in_chunks(_known_since(actor.id, since), _AT_ONCE):
        with transaction() as tx:
            for one in known:
                sessions.forget_device(tx, actor.id, one.device_id)
            _record(tx, actor, Action.ACCOUNT_DEVICE_FORGET, {"device_ids": [one.device_id for one in known]})
    pushed = [one for one in push_devices.find_stored(actor.id) if one.refreshed_at >= since]
    for lot in in_chunks(pushed, _AT_ONCE):
        with transaction() as tx:
            for device in lot:
                push_devices.remove(tx, device)
                _record(tx, actor, Action.PUSH_DEVICE_REMOVE, {"device_id": device.device_id})


def _known_since(account_id: str, since: str) -> list[sessions.Device]:
    return [one for one in sessions.find_devices(account_id) if one.created_at >= since]


def _record(tx: Transaction, actor: Actor, action: Action, about: dict[str, object]) -> None:
    audit.record(tx, Entry(actor, action, account_id=actor.id, about=about))


def remove_factors_in(tx: Transaction, account: Account, since: str) -> frozenset[Factor]:
    """Remove second factors and recovery codes of since a time; returns which factors are left.

    What is being set up goes as well, and recovery codes go with the last factor. Raises Conflict at the commit.
    """
    bound = second_factors.find(account.pk)
    left = frozenset(_factors_before(tx, account.pk, bound.totp, since))
    codes = bound.recovery_codes
    if codes is not None and (codes.created_at >= since or not left):
        second_factors.remove(tx, codes)
    if bound.pending_totp is not None:
        second_factors.remove(tx, bound.pending_totp)
    return left


def _factors_before(tx: Transaction, account_id: str, totp: second_factors.Totp | None, since: str) -> Iterator[Factor]:
    if totp is not None and totp.created_at < since:
        yield Factor.TOTP
    elif totp is not None:
        second_factors.remove(tx, totp)
    for passkey in passkeys.find_all(account_id):
        if passkey.created_at < since:
            yield Factor.PASSKEY
        else:
            passkeys.remove(tx, passkey)


def find_let_in(account: Account, since: str) -> list[GrantRow | Invitation]:
    """Who was invited to look after the account's own patient, or was given more, since a time.

    What the clinic gives is not among them: parents' and guardians' rights, and agents' as the clinic gave them.
    """
    found = offers.find_offers(account.patient_id) if account.patient_id else []
    return [one for one in found if _began(one) >= since and not _is_as_the_clinic_gave_it(one)]


def _began(offer: GrantRow | Invitation) -> str:
    """When it was last decided what is opened; a row of before caregivers had ids is older than any change."""
    if offer.decided_at:
        return str(offer.decided_at)
    return clock.stamp(ids.time_of(offer.caregiver_id)) if offer.caregiver_id else ""


def _is_as_the_clinic_gave_it(offer: GrantRow | Invitation) -> bool:
    if not isinstance(offer, GrantRow):
        return False
    grant = offer.grant()
    return grant.is_clinics and (grant.relation in PARENTAL or grant.version == 1)


def end_most(actor: Actor, let_in: Sequence[GrantRow | Invitation]) -> Sequence[GrantRow | Invitation]:
    """End what some were let into, but for as many as a transaction takes beside all else: those are given back.

    Each lot is one of its own, and doing it again does no harm. Raises NotFound where an invitation was answered
    meanwhile.
    """
    for lot in in_chunks(let_in[_OFFERS_BESIDE_ALL_ELSE:], _OFFERS_AT_ONCE):
        with transaction() as tx:
            end_in(tx, actor, lot)
    return let_in[:_OFFERS_BESIDE_ALL_ELSE]


def end_in(tx: Transaction, actor: Actor, let_in: Sequence[GrantRow | Invitation]) -> None:
    """End what some were let into; who has accepted is told. Raises NotFound at the commit, as `end_most` does."""
    for offer in let_in:
        caregivers.end_in(tx, actor, Reach(offer.pk, ReachKind.SELF), offer)


def drop_wish_in(tx: Transaction, account: Account, since: str) -> str | None:
    """Drop what the clinic was asked since a time to change on file; returns its id, None where there is nothing.

    Raises NotFound and Conflict at the commit, where staff decided or more was asked meanwhile.
    """
    wish = patient_changes.find(account.patient_id) if account.patient_id else None
    if wish is None or wish.asked_at < since:
        return None
    patient_changes.end(tx, wish)
    return str(wish.change_id)
