"""What an account has beside its password: binding, listing and removing second factors (PW 9)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from chalicelib import clock, ids
from chalicelib.auth import recovery_codes, totp
from chalicelib.domain.access import Actor
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.notices import Notice, NoticeKind
from chalicelib.domain.second_factors import RECOVERY_CODES, Factor
from chalicelib.errors import (
    BindingEnded,
    FieldError,
    Invalid,
    LongerPasswordNeeded,
    NotFound,
    SecondFactorRequired,
    WrongCode,
)
from chalicelib.models import accounts, audit, outbox, passkeys
from chalicelib.models import second_factors as storage
from chalicelib.models.accounts import Account
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.services import accounts as account_service
from chalicelib.services import factor_proofs
from chalicelib.settings import settings


@dataclass(frozen=True, slots=True)
class TotpSetUp:
    """What an authenticator app is set up with: its secret (base32), the `otpauth` URI, and that as a QR code (SVG)."""

    factor_id: str
    secret: str
    otpauth_uri: str
    qr_svg: str


@dataclass(frozen=True, slots=True)
class SecondFactors:
    """What an account has bound, and since when (aware, in UTC)."""

    since: list[tuple[Factor, datetime]]
    recovery_codes_left: int


def read(actor: Actor) -> SecondFactors:
    """What the caller has bound."""
    bound = storage.find(actor.id)
    since = [(Factor.TOTP, clock.read_stamp(bound.totp.created_at))] if bound.totp else []
    since += [(Factor.PASSKEY, clock.read_stamp(passkey.created_at)) for passkey in passkeys.find_all(actor.id)]
    return SecondFactors(since, len(bound.recovery_codes.hashes or ()) if bound.recovery_codes else 0)


def set_up(factor_id: str, username: str) -> TotpSetUp:
    """What the app of a factor is set up with; it can be made again, since its secret is derived from the id."""
    uri = totp.uri(factor_id, username=username, issuer=settings().clinic_name)
    return TotpSetUp(factor_id, totp.secret(factor_id), uri, totp.qr_svg(uri))


def begin_totp(actor: Actor) -> TotpSetUp:
    """Begin to set up an authenticator app; an app that is bound already goes on working until the new one is."""
    account = account_service.find(actor)
    with transaction() as tx:
        pending = storage.begin_totp(tx, account.pk, ids.new_id("fac"))
        _record(tx, actor, Action.SECOND_FACTOR_BEGIN, account, Factor.TOTP)
    return set_up(pending.factor_id, account.username)


def confirm_totp(actor: Actor, code: str) -> list[str]:
    """Bind the app that was set up, with a code of its; returns new recovery codes, which are shown this once.

    Raises BindingEnded, Invalid for a wrong code, and TooManyRequests.
    """
    account, bound = account_service.find(actor), storage.find(actor.id)
    pending = bound.pending_totp
    if pending is None or clock.stamp(clock.now()) >= pending.expires_at:
        raise BindingEnded
    try:
        with factor_proofs.counted([f"second-factor:binding:{account.pk}"]):
            counter = _counter_of(pending.factor_id, code)
    except WrongCode:
        raise Invalid([FieldError("/code", "wrong_code")]) from None
    with transaction() as tx:
        storage.bind_totp(tx, pending, counter)
        codes = _renew_codes(tx, account.pk)
        _note(tx, actor, account, account.bound_factors | {Factor.TOTP})
        _record(tx, actor, Action.SECOND_FACTOR_BIND, account, Factor.TOTP)
    return codes


def _counter_of(factor_id: str, code: str) -> int:
    counter = totp.find_counter(factor_id, code, clock.now())
    if counter is None:
        raise WrongCode
    return counter


def remove_totp(actor: Actor) -> None:
    """Remove the app. Raises NotFound, and SecondFactorRequired or LongerPasswordNeeded where it is needed."""
    account, bound = account_service.find(actor), storage.find(actor.id)
    if bound.totp is None:
        raise NotFound
    left = account.bound_factors - {Factor.TOTP}
    with transaction() as tx:
        storage.remove(tx, bound.totp)
        note_removed_in(tx, actor, account, Factor.TOTP, left)


def note_bound_in(tx: Transaction, actor: Actor, account: Account, factor: Factor) -> list[str]:
    """Note that a factor was bound; returns recovery codes where there were none, which are shown this once."""
    codes = [] if account.bound_factors else _renew_codes(tx, account.pk)
    _note(tx, actor, account, account.bound_factors | {factor})
    _record(tx, actor, Action.SECOND_FACTOR_BIND, account, factor)
    return codes


def note_removed_in(tx: Transaction, actor: Actor, account: Account, factor: Factor, left: frozenset[Factor]) -> None:
    """Note that a factor was removed; recovery codes go with the last. Raises as `check_may_be_left` does."""
    check_may_be_left(account, left)
    if not left:
        storage.remove_recovery_codes(tx, account.pk)
    _note(tx, actor, account, left)
    _record(tx, actor, Action.SECOND_FACTOR_REMOVE, account, factor)


def check_may_be_left(account: Account, left: Iterable[Factor]) -> None:
    """Whether somebody may do with these factors. Raises SecondFactorRequired for staff, and LongerPasswordNeeded."""
    if list(left):
        return
    if account.staff_roles:
        raise SecondFactorRequired
    if account.password_is_short:
        raise LongerPasswordNeeded


def renew_recovery_codes(actor: Actor) -> list[str]:
    """New recovery codes; the old ones are worth nothing any more. Raises NotFound where no factor is bound."""
    account = account_service.find(actor)
    if not account.bound_factors:
        raise NotFound
    with transaction() as tx:
        codes = _renew_codes(tx, account.pk)
        _note(tx, actor, account, account.bound_factors)
        _record(tx, actor, Action.RECOVERY_CODES_RENEW, account, Factor.RECOVERY_CODE)
    return codes


def remove_all_in(tx: Transaction, account: Account, actor: Actor, password_hash: str) -> None:
    """Remove every second factor of somebody who lost them, after the help desk has checked who asks.

    `password_hash` is the one that the account has until its holder sets a new password: whoever found the telephone
    and knows the old one is out. It leaves the audit entry to the caller's change; the holder is told at every address.
    """
    bound = storage.find(account.pk)
    for row in (bound.totp, bound.pending_totp, bound.recovery_codes):
        if row is not None:
            storage.remove(tx, row)
    for passkey in passkeys.find_all(account.pk):
        passkeys.remove(tx, passkey)
    _note(tx, actor, account, (), password_hash)


def _renew_codes(tx: Transaction, account_id: str) -> list[str]:
    codes = recovery_codes.new_codes(RECOVERY_CODES)
    storage.put_recovery_codes(tx, account_id, [recovery_codes.code_hash(account_id, code) for code in codes])
    return codes


def _note(
    tx: Transaction, actor: Actor, account: Account, factors: Iterable[Factor], password_hash: str | None = None
) -> None:
    """Whoever is told of it may have to undo it: every address is."""
    accounts.note_second_factors(tx, account, factors, password_hash=password_hash)
    outbox.post(tx, Notice(NoticeKind.SECOND_FACTOR_CHANGED, account.pk, {"by": actor.kind}))


def _record(tx: Transaction, actor: Actor, action: Action, account: Account, factor: Factor) -> None:
    audit.record(tx, Entry(actor, action, account_id=account.pk, about={"factor": factor}))
