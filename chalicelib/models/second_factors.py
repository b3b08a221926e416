"""Second factors beside the account that they belong to, and sign-ins that wait for one."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar

from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UnicodeSetAttribute
from pynamodb.exceptions import UpdateError

from chalicelib import clock
from chalicelib.domain.second_factors import BINDING_LASTS, SIGN_IN_LASTS, WRONG_CODES
from chalicelib.errors import BindingEnded, PortalError, SignInEnded, WrongCode
from chalicelib.models.accounts import AccountsTable
from chalicelib.models.base import storage_errors
from chalicelib.models.transaction import Precedence, Transaction


class Totp(AccountsTable, discriminator="totp"):
    """An authenticator app; sort key `factor#totp`. Its secret is derived from `factor_id`."""

    KEY: ClassVar = "factor#totp"

    factor_id = UnicodeAttribute()
    last_counter = NumberAttribute()
    created_at = UnicodeAttribute()


class PendingTotp(AccountsTable, discriminator="pending_totp"):
    """An authenticator app that is being set up; sort key `factor#pending_totp`."""

    KEY: ClassVar = "factor#pending_totp"

    factor_id = UnicodeAttribute()
    expires_at = UnicodeAttribute()


class RecoveryCodes(AccountsTable, discriminator="recovery_codes"):
    """What is left of an account's recovery codes, as keyed hashes; sort key `factor#recovery_codes`."""

    KEY: ClassVar = "factor#recovery_codes"

    hashes: UnicodeSetAttribute = UnicodeSetAttribute(null=True)
    created_at = UnicodeAttribute()


class SignIn(AccountsTable, discriminator="sign_in"):
    """A sign-in whose password was right and that waits for the second step; partition key is its id."""

    KEY: ClassVar = "sign_in"

    account_id = UnicodeAttribute()
    credentials_version = NumberAttribute()
    transport = UnicodeAttribute()
    device_name = UnicodeAttribute(null=True)
    device_id = UnicodeAttribute(null=True)
    expires_at = UnicodeAttribute()
    tries = NumberAttribute(default=0)
    sent: UnicodeSetAttribute = UnicodeSetAttribute(null=True)

    @property
    def is_over(self) -> bool:
        """Whether it has to begin anew, by the portal's clock."""
        return self.tries >= WRONG_CODES or clock.stamp(clock.now()) >= self.expires_at


@dataclass(frozen=True, slots=True)
class Bound:
    """What an account has bound, as it was read."""

    totp: Totp | None = None
    pending_totp: PendingTotp | None = None
    recovery_codes: RecoveryCodes | None = None


def find(account_id: str) -> Bound:
    """What an account has bound: one round trip."""
    keys = [(account_id, kind.KEY) for kind in (Totp, PendingTotp, RecoveryCodes)]
    totp, pending, codes = (AccountsTable.find_all(keys).get(key) for key in keys)
    return Bound(
        totp if isinstance(totp, Totp) else None,
        pending if isinstance(pending, PendingTotp) else None,
        codes if isinstance(codes, RecoveryCodes) else None,
    )


def begin_totp(tx: Transaction, account_id: str, factor_id: str) -> PendingTotp:
    """An app that is being set up, in the place of one that was not finished."""
    expires_at = clock.now() + BINDING_LASTS
    row = PendingTotp(
        account_id,
        PendingTotp.KEY,
        factor_id=factor_id,
        expires_at=clock.stamp(expires_at),
        ttl=clock.epoch(expires_at) + 86400,
    )
    tx.put(row)
    return row


def bind_totp(tx: Transaction, pending: PendingTotp, counter: int) -> None:
    """The app that was set up is the account's second factor; its first code is used with that."""
    tx.delete(pending, condition=PendingTotp.factor_id == pending.factor_id, error=BindingEnded())
    put_totp(tx, pending.pk, pending.factor_id, counter)


def put_totp(tx: Transaction, account_id: str, factor_id: str, counter: int) -> None:
    """An app that is bound, whose code of this counter was used."""
    now = clock.stamp(clock.now())
    tx.put(Totp(account_id, Totp.KEY, factor_id=factor_id, last_counter=counter, created_at=now))


def use_totp(tx: Transaction, row: Totp, counter: int, *, error: PortalError) -> None:
    """Use a counter, once, and none before it any more."""
    tx.update(
        row,
        [Totp.last_counter.set(counter)],
        condition=(Totp.factor_id == row.factor_id) & (Totp.last_counter < counter),
        error=error,
        precedence=Precedence.STATE,
    )


def put_recovery_codes(tx: Transaction, account_id: str, hashes: Collection[str]) -> None:
    """New codes; those before them are worth nothing any more."""
    now = clock.stamp(clock.now())
    tx.put(RecoveryCodes(account_id, RecoveryCodes.KEY, hashes=set(hashes), created_at=now))


def use_recovery_code(tx: Transaction, row: RecoveryCodes, code_hash: str, *, error: PortalError) -> None:
    """Use a code, once."""
    tx.update(
        row,
        [RecoveryCodes.hashes.delete({code_hash})],
        condition=RecoveryCodes.hashes.contains(code_hash),
        error=error,
        precedence=Precedence.STATE,
    )


def remove(tx: Transaction, row: Totp | PendingTotp | RecoveryCodes) -> None:
    """A factor that is no more."""
    tx.delete(row)


def remove_recovery_codes(tx: Transaction, account_id: str) -> None:
    """There is nothing any more that the codes could stand for."""
    tx.delete(RecoveryCodes(account_id, RecoveryCodes.KEY))


def begin_sign_in(tx: Transaction, sign_in: SignIn) -> None:
    """A sign-in that waits for its second step."""
    expires_at = clock.now() + SIGN_IN_LASTS
    sign_in.expires_at, sign_in.ttl = clock.stamp(expires_at), clock.epoch(expires_at) + 86400
    tx.create(sign_in, error=None)


def find_sign_in(sign_in_id: str) -> SignIn | None:
    """A sign-in that waits, over or not."""
    return SignIn.find(sign_in_id, SignIn.KEY)


def note_sent(tx: Transaction, sign_in: SignIn, method: str) -> None:
    """That a code for the second step goes out by email or SMS. Raises SignInEnded where it was done meanwhile."""
    tx.update(sign_in, [SignIn.sent.add({method})], condition=SignIn.pk.exists(), error=SignInEnded())


def take_try(sign_in: SignIn) -> None:
    """Reserve one of a sign-in's tries. Raises SignInEnded where none is left."""
    try:
        sign_in.update([SignIn.tries.add(1)], condition=SignIn.tries < WRONG_CODES)
    except UpdateError as refused:
        if refused.cause_response_code == "ConditionalCheckFailedException":
            raise SignInEnded from refused
        with storage_errors():
            raise


def end_sign_in(tx: Transaction, sign_in: SignIn) -> None:
    """The second step was done, once."""
    tx.delete(sign_in, condition=SignIn.pk.exists(), error=WrongCode(), precedence=Precedence.STATE)
