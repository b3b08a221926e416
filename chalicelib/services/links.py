"""Links in email and SMS.

A token carries a link's id and its derived secret; what it does is decided by the link's purpose.
"""

from chalicelib.auth import secrets
from chalicelib.domain import identity
from chalicelib.domain.access import NOBODY, Actor, ActorKind
from chalicelib.domain.audit import Action, Entry
from chalicelib.errors import IdentityNotConfirmed, LinkEnded, NotFound
from chalicelib.models import accounts, audit, links, patients
from chalicelib.models.accounts import Account
from chalicelib.models.links import Link
from chalicelib.models.transaction import transaction
from chalicelib.services.accounts import VERIFY_EMAIL, email_hash
from chalicelib.settings import settings

_ID_LENGTH, _SECRET_LENGTH = 26, 22


def url(link_id: str) -> str:
    """The address of a link's page; built from the configuration, never from a request."""
    return f"{settings().api_url}/l/{token(link_id)}"


def token(link_id: str) -> str:
    """The token of a link: its id and 128 derived bits."""
    secret = secrets.encode(secrets.derive("link", link_id, 0)[:16])
    return f"{link_id.removeprefix('lnk_')}{secret}"


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


def verify_email(link_token: str, date_of_birth: str | None, actor: Actor = NOBODY) -> Account:
    """Confirm the email that a link was sent to. Outside the account's own session the birth date is asked for.

    Raises NotFound, LinkEnded, IdentityNotConfirmed for a wrong birth date, and EmailTaken.
    """
    link = find_open(link_token)
    account = accounts.find_account(link.account_id)
    if link.purpose != VERIFY_EMAIL or account is None:
        raise NotFound
    if not account.pending_email or email_hash(account.pending_email) != link.about:
        raise LinkEnded
    if actor.id != account.pk:
        _check_birth_date(link, account, date_of_birth)
    with transaction() as tx:
        accounts.verify_email(tx, account, account.pending_email, identity.canonical_email(account.pending_email))
        links.use(tx, link)
        holder = Actor(ActorKind.ACCOUNT, account.pk, patient_id=account.patient_id)
        audit.record(tx, Entry(holder, Action.ACCOUNT_EMAIL_VERIFY, account_id=account.pk, about={"link_id": link.pk}))
    return account


def _check_birth_date(link: Link, account: Account, date_of_birth: str | None) -> None:
    links.take_try(link)
    patient = patients.find(account.patient_id) if account.patient_id else None
    if patient is None or not patient.birth_date or not secrets.same(patient.birth_date, date_of_birth or ""):
        raise IdentityNotConfirmed
    links.give_back_try(link)
