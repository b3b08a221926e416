"""How often strangers may try to register: checked before anything is looked up, and counted where it was in vain."""

from collections.abc import Iterator
from contextlib import contextmanager

from chalicelib.auth import limits, secrets
from chalicelib.auth.limits import Limit
from chalicelib.domain import identity
from chalicelib.domain.registration import ActivationClaim, Claim, ClinicNumberClaim, IdentityClaim
from chalicelib.errors import IdentityNotConfirmed, TooManyRequests

WRONG_PER_NETWORK = Limit(tries=100, seconds=300)
"""Wide enough for a waiting room: a network's other people are kept out with whoever is wrong."""

WRONG_PER_NUMBER = Limit(tries=30, seconds=3600)
WRONG_PER_CLAIM = Limit(tries=10, seconds=3600)
WRONG_OVERALL = Limit(tries=1000, seconds=300)
CODES_PER_PATIENT = Limit(tries=5, seconds=3600)
"""Messages with a code to one patient's contacts, for which one must know whose they are."""

_WHAT = "registration"


@contextmanager
def counted(claim: Claim, source_ip: str) -> Iterator[None]:
    """Let one try through, and count it if it ends with IdentityNotConfirmed.

    What a code would be sent for can be guessed at, so that its tries are reserved; an activation code reserves its
    own, and an invitation's token cannot be guessed. Whether a claim is about anybody makes no difference. Raises
    TooManyRequests.
    """
    buckets = _buckets(claim, source_ip)
    _check(buckets)
    is_guessed_at = isinstance(claim, ClinicNumberClaim | IdentityClaim)
    reserved = limits.take(_claim_bucket(claim), WRONG_PER_CLAIM) if is_guessed_at else None
    try:
        yield
    except IdentityNotConfirmed:
        if reserved:
            limits.note_wrong(reserved)
        limits.note_overall(_WHAT)
        for bucket, limit in buckets.items():
            limits.spend(bucket, limit)
        raise
    except Exception:
        if reserved:
            limits.give_back(reserved)
        raise
    if reserved:
        limits.give_back(reserved)


def spend_code(patient_id: str) -> None:
    """Count one message with a code to a patient's contacts. Raises TooManyRequests."""
    limits.spend(f"{_WHAT}:code:{patient_id}", CODES_PER_PATIENT)


def _buckets(claim: Claim, source_ip: str) -> dict[str, Limit]:
    """Where a wrong try counts, besides the claim's own."""
    network = {f"{_WHAT}:network:{limits.network(source_ip)}": WRONG_PER_NETWORK}
    return network | ({_claim_bucket(claim): WRONG_PER_NUMBER} if isinstance(claim, ActivationClaim) else {})


def _check(buckets: dict[str, Limit]) -> None:
    limits.check_overall(_WHAT, WRONG_OVERALL)
    for window in limits.look(buckets):
        if window.is_full:
            raise TooManyRequests(retry_after=window.opens_in)


def _claim_bucket(claim: Claim) -> str:
    if isinstance(claim, ActivationClaim | ClinicNumberClaim):
        named = identity.canonical_clinic_number(claim.clinic_number)
    else:
        keys = sorted(identity.family_keys(claim.person.last_name))
        named = f"{claim.person.date_of_birth}|{keys[:1]}"
    return f"{_WHAT}:{claim.method}:{secrets.keyed_hash('claim', named)}"
