"""What people do with their own account."""

from dataclasses import dataclass

from chalicelib.auth import limits, sessions
from chalicelib.auth.limits import Limit
from chalicelib.auth.sessions import Opening, Tokens, Transport
from chalicelib.domain import identity, passwords
from chalicelib.domain.access import Actor
from chalicelib.domain.accounts import AccountView
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.links import LinkPurpose
from chalicelib.domain.notices import Notice, NoticeKind
from chalicelib.errors import FieldError, NotFound
from chalicelib.models import accounts, audit, links, outbox
from chalicelib.models.accounts import Account
from chalicelib.models.patients import Patient
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.services import devices
from chalicelib.services.links import email_hash
from chalicelib.settings import settings

CONFIRMATIONS = Limit(tries=5, seconds=3600)
"""How often an account may have a confirmation sent again."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An account and its new session; the device token is there where the device is new."""

    account: AccountView
    tokens: Tokens
    device_token: str | None = None


def open_session(tx: Transaction, account: Account, transport: Transport, device_name: str | None) -> SignedIn:
    """A session on a device that was not known before."""
    device_id, device_token = devices.remember(tx, account, device_name)
    tokens = sessions.open_session(tx, account, transport, Opening(device_name, device_id))
    return SignedIn(view(account), tokens, device_token)


def view(account: Account) -> AccountView:
    """An account as its holder sees it.

    An email that is somebody else's shows as one that waits, so that nobody learns whose it is.
    """
    return AccountView(
        account_id=account.pk,
        patient_id=account.patient_id,
        username=account.username,
        email=account.email or account.pending_email,
        email_verified=account.email is not None,
        mobile_phone=account.phone or account.mobile_phone,
        language=account.language,
        time_zone=account.time_zone,
        pending_email=account.pending_email,
        mobile_phone_verified=account.phone is not None,
        pending_mobile_phone=account.pending_phone,
        version=int(account.version),
        roles=tuple(sorted(account.staff_roles)),
    )


def find(actor: Actor) -> Account:
    """The caller's own account. Raises NotFound."""
    account = accounts.find_account(actor.id)
    if account is None:
        raise NotFound
    return account


def read(actor: Actor) -> AccountView:
    """The caller's own account as they see it."""
    return view(find(actor))


def edit(actor: Actor, expected_version: int, changes: dict[str, str]) -> AccountView:
    """Change language or time zone. Raises StaleVersion."""
    with transaction() as tx:
        accounts.edit_account(tx, actor.id, expected_version=expected_version, **changes)
        about: dict[str, object] = {"fields": sorted(changes)}
        audit.record(tx, Entry(actor, Action.ACCOUNT_EDIT, account_id=actor.id, about=about))
    return read(actor)


def resend_confirmation(actor: Actor) -> None:
    """Send the confirmation of an email that waits for it again, with new links; the old ones go on working.

    Where nothing waits, nothing is sent. Raises TooManyRequests after 5 in an hour.
    """
    account = find(actor)
    if not account.pending_email:
        return
    limits.spend(f"email-confirmation:account:{account.pk}", CONFIRMATIONS)
    owner_id = accounts.find_email_owner_id(identity.canonical_email(account.pending_email))
    with transaction() as tx:
        post_email_notice(tx, account, owner_id)
        audit.record(tx, Entry(actor, Action.ACCOUNT_EMAIL_RESEND, account_id=account.pk))


def check_password(
    password: str, own_words: list[str], pointer: str = "/password", minimum: int = passwords.SHORTEST
) -> list[FieldError]:
    """What is wrong with a password, for the field it came in."""
    values: dict[str, object] = {"minimum": minimum, "maximum": passwords.LONGEST}
    reasons = passwords.check(password, minimum=minimum, own_words=own_words)
    return [FieldError(pointer, f"password_{reason}", values) for reason in reasons]


def words_of(patient: Patient) -> list[str]:
    """What others may know of a patient and of the clinic, and would try as a password."""
    names = [name for given, family in patient.all_names for name in (*given, family)]
    return [*names, patient.birth_date or "", patient.clinic_number, settings().clinic_name]


def post_email_notice(tx: Transaction, account: Account, owner_id: str | None) -> None:
    """Ask the mailbox of the address that waits to confirm.

    Where it is somebody else's already, tell that somebody, and nothing to the stranger (ID 5).
    """
    if not account.pending_email:
        return
    if owner_id is not None:
        outbox.post(tx, Notice(NoticeKind.EMAIL_IN_USE, owner_id))
        return
    about = email_hash(account.pending_email)
    link = links.create(tx, LinkPurpose.VERIFY_EMAIL, account.pk, about=about)
    disown = links.create(tx, LinkPurpose.DISOWN_EMAIL, account.pk, about=about, partner_id=link.pk)
    sent = {"link_id": link.pk, "disown_link_id": disown.pk}
    outbox.post(tx, Notice(NoticeKind.EMAIL_CONFIRMATION, account.pk, sent))
