"""Codes of second factors: how often one may be wrong, whether one is right, and that it is used up.

A right code is used in the transaction of what it opens, so that of many at once one opens it (PW 9).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from chalicelib import clock
from chalicelib.auth import limits, recovery_codes, totp
from chalicelib.auth.limits import Limit, Try
from chalicelib.domain.second_factors import Factor
from chalicelib.errors import TooManyRequests, WrongCode
from chalicelib.models import second_factors as storage
from chalicelib.models.second_factors import Bound
from chalicelib.models.transaction import Transaction

WRONG_PER_BUCKET = Limit(tries=10, seconds=300)
WRONG_PER_DAY = Limit(tries=50, seconds=86400)
"""At three right codes in a million, whoever has the password needs 12 years for an even chance to guess one."""


@dataclass(frozen=True, slots=True)
class Proof:
    """That somebody has a factor; `use` puts its use into a transaction, which fails with WrongCode the second time."""

    factor: Factor
    use: Callable[[Transaction], None]


def find(account_id: str, factor: Factor, code: str) -> Proof | None:
    """The proof that a code is, None where it is wrong or was used."""
    bound = storage.find(account_id)
    match factor:
        case Factor.TOTP:
            return _of_app(bound, code)
        case Factor.RECOVERY_CODE:
            return _of_recovery_code(account_id, bound, code)
        case _:
            return None


def require(account_id: str, factor: Factor, code: str) -> Proof:
    """The proof that a code is. Raises WrongCode."""
    proof = find(account_id, factor, code)
    if proof is None:
        raise WrongCode
    return proof


def _of_app(bound: Bound, code: str) -> Proof | None:
    row = bound.totp
    counter = totp.find_counter(row.factor_id, code, clock.now()) if row else None
    if row is None or counter is None or counter <= row.last_counter:
        return None
    return Proof(Factor.TOTP, lambda tx: storage.use_totp(tx, row, counter, error=WrongCode()))


def _of_recovery_code(account_id: str, bound: Bound, code: str) -> Proof | None:
    row, known_as = bound.recovery_codes, recovery_codes.code_hash(account_id, code)
    if row is None or known_as not in (row.hashes or ()):
        return None
    return Proof(Factor.RECOVERY_CODE, lambda tx: storage.use_recovery_code(tx, row, known_as, error=WrongCode()))


def account_bucket(account_id: str) -> str:
    """Where wrong codes for an account count, from whatever device that it does not know."""
    return f"second-factor:account:{account_id}"


@contextmanager
def counted(buckets: Sequence[str]) -> Iterator[None]:
    """Reserve a try of each bucket; a WrongCode that leaves the block lets them count, all else gives them back.

    Raises TooManyRequests before anything is tried, after 10 wrong codes in 5 minutes or 50 in a day.
    """
    daily = {f"{bucket}:day": WRONG_PER_DAY for bucket in buckets}
    for window in limits.look(daily):
        if window.is_full:
            raise TooManyRequests(retry_after=window.opens_in)
    reserved = _reserve(buckets)
    try:
        yield
    except WrongCode:
        for one in reserved:
            limits.note_wrong(one)
        for bucket, limit in daily.items():
            with suppress(TooManyRequests):
                limits.spend(bucket, limit)
        raise
    except BaseException:
        _give_back(reserved)
        raise
    _give_back(reserved)


def _reserve(buckets: Sequence[str]) -> list[Try]:
    reserved: list[Try] = []
    try:
        for bucket in buckets:
            reserved.append(limits.take(bucket, WRONG_PER_BUCKET))  # noqa: PERF401  Those taken so far are given back.
    except BaseException:
        _give_back(reserved)
        raise
    return reserved


def _give_back(reserved: list[Try]) -> None:
    for one in reserved:
        limits.give_back(one)
