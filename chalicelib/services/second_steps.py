"""The second step of signing in: a code, or a device that somebody said to remember (PW 9)."""

from dataclasses import dataclass

from chalicelib import ids
from chalicelib.auth import limits, secrets, sign_in_codes
from chalicelib.auth.limits import Limit
from chalicelib.auth.sessions import Transport
from chalicelib.domain.access import NOBODY
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.notices import Notice, NoticeKind
from chalicelib.domain.second_factors import Factor
from chalicelib.errors import FieldError, Invalid, SignInEnded, WrongCode
from chalicelib.models import accounts, audit, outbox
from chalicelib.models import second_factors as storage
from chalicelib.models import sessions as devices_storage
from chalicelib.models.accounts import Account
from chalicelib.models.second_factors import SignIn
from chalicelib.models.sessions import Device
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.services import factor_proofs, openings
from chalicelib.services.accounts import SignedIn
from chalicelib.services.factor_proofs import Proof
from chalicelib.services.openings import Place
from chalicelib.settings import settings

CODES_PER_ACCOUNT = Limit(tries=5, seconds=3600)
CODES_PER_ADDRESS = Limit(tries=30, seconds=3600)
"""How many codes go out: each is a message that somebody else may pay for."""

_PARTS = 2
_BY_MESSAGE = (Factor.EMAIL, Factor.SMS)


@dataclass(frozen=True, slots=True)
class SecondStep:
    """What somebody gets whose password was right and is not enough."""

    mfa_token: str
    methods: list[Factor]


def begin(tx: Transaction, account: Account, place: Place) -> SecondStep:
    """Let a sign-in wait for its second step."""
    sign_in = SignIn(
        ids.new_id("mfa"),
        SignIn.KEY,
        account_id=account.pk,
        credentials_version=account.credentials_version,
        transport=place.transport,
        device_name=place.device_name,
        device_id=place.device.device_id if place.device else None,
    )
    storage.begin_sign_in(tx, sign_in)
    audit.record(tx, Entry(NOBODY, Action.SESSION_BEGIN, account_id=account.pk, about={"sign_in_id": sign_in.pk}))
    return SecondStep(_token(sign_in.pk), methods(account))


def methods(account: Account) -> list[Factor]:
    """What an account's second step may be done with. A passkey signs in by itself, at its own address."""
    return [*sorted(account.bound_factors), Factor.RECOVERY_CODE, *_messages(account)]


def _messages(account: Account) -> list[Factor]:
    """Where a code may be sent to instead: only what is confirmed, where the clinic allows it, and never for staff."""
    if not settings().codes_by_message or account.staff_roles:
        return []
    return [*([Factor.EMAIL] if account.email else []), *([Factor.SMS] if account.phone else [])]


def send_code(sign_in: SignIn, method: Factor, source_ip: str) -> None:
    """Send a code for the second step to the confirmed email or phone; the same one however often it is asked for.

    Raises Invalid where that is not offered, SignInEnded, and TooManyRequests.
    """
    account = accounts.find_account(sign_in.account_id)
    if account is None or account.disabled:
        raise SignInEnded
    if method not in _messages(account):
        raise Invalid([FieldError("/method", "method_not_offered")])
    limits.spend(f"sign-in-code:address:{limits.network(source_ip)}", CODES_PER_ADDRESS)
    limits.spend(f"sign-in-code:account:{account.pk}", CODES_PER_ACCOUNT)
    kind = NoticeKind.SIGN_IN_CODE if method is Factor.EMAIL else NoticeKind.SIGN_IN_TEXT
    about: dict[str, object] = {"sign_in_id": sign_in.pk, "method": method}
    with transaction() as tx:
        storage.note_sent(tx, sign_in, method)
        outbox.post(tx, Notice(kind, account.pk, {"sign_in_id": sign_in.pk}))
        audit.record(tx, Entry(NOBODY, Action.SESSION_CODE_SEND, account_id=account.pk, about=about))


def find(mfa_token: str) -> SignIn:
    """The sign-in of a token. Raises SignInEnded for one that is over, and for what is no token."""
    parts = mfa_token.split(".")
    if len(parts) != _PARTS or not ids.has_prefix(parts[0], "mfa") or not secrets.same(mfa_token, _token(parts[0])):
        raise SignInEnded
    sign_in = storage.find_sign_in(parts[0])
    if sign_in is None or sign_in.is_over:
        raise SignInEnded
    return sign_in


def finish(sign_in: SignIn, method: Factor, code: str, *, remember_device: bool, source_ip: str) -> SignedIn:
    """The session of a sign-in whose second step is right.

    Raises WrongCode, SignInEnded after 5 of them and where the password was changed meanwhile, and TooManyRequests.
    """
    account, device = devices_storage.find_account_and_device(sign_in.account_id, sign_in.device_id)
    if account is None or account.disabled or account.credentials_version != sign_in.credentials_version:
        raise SignInEnded
    place = Place(Transport(sign_in.transport), device, sign_in.device_name, trusts=remember_device)
    with factor_proofs.counted(_buckets(account, device, source_ip)):
        storage.take_try(sign_in)
        proof = _find_proof(account, sign_in, method, code)
        if proof is None:
            about: dict[str, object] = {"sign_in_id": sign_in.pk, "method": method}
            audit.record_alone(Entry(NOBODY, Action.SECOND_FACTOR_REFUSE, account_id=account.pk, about=about))
            raise WrongCode
        with transaction() as tx:
            accounts.check_credentials(tx, account, error=SignInEnded())
            storage.end_sign_in(tx, sign_in)
            proof.use(tx)
            return openings.open_session(tx, account, place, (Factor.PASSWORD, proof.factor))


def _find_proof(account: Account, sign_in: SignIn, method: Factor, code: str) -> Proof | None:
    if method not in _BY_MESSAGE:
        return factor_proofs.find(account.pk, method, code)
    # What was sent is used up with the sign-in that it was sent for.
    is_sent = method in (sign_in.sent or ()) and method in _messages(account)
    return Proof(method, lambda _tx: None) if is_sent and sign_in_codes.is_code(sign_in.pk, method, code) else None


def _buckets(account: Account, device: Device | None, source_ip: str) -> list[str]:
    """A known device has a bucket of its own, which strangers who have the password cannot fill."""
    if device is not None:
        return [f"second-factor:device:{device.device_id}"]
    return [factor_proofs.account_bucket(account.pk), f"second-factor:address:{limits.network(source_ip)}"]


def _token(sign_in_id: str) -> str:
    return f"{sign_in_id}.{secrets.encode(secrets.derive('mfa-token', sign_in_id, 0))}"
