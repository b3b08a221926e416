"""Staff and caregivers without the steps by which they come to the portal."""

from uuid import uuid4

from chalicelib import clock, ids
from chalicelib.auth import sessions
from chalicelib.auth.sessions import Opening, Transport
from chalicelib.domain.caregivers import Grant, Scope
from chalicelib.domain.staff import Role
from chalicelib.models import accounts, care_ties, caregivers
from chalicelib.models.accounts import Account
from chalicelib.models.transaction import transaction


def new_account(*roles: Role) -> str:
    """The id of a new account that is no patient's; with roles it is one of staff."""
    name = f"somebody-{uuid4().hex[:12]}"
    account = Account(
        ids.new_id("acc"),
        accounts.PRINCIPAL,
        username=name,
        username_key=name,
        email=f"{name}@example.org",
        language="en",
        time_zone="America/Chicago",
        password_hash="none",
        terms_version="1",
        roles=set(roles) or None,
        created_at=clock.stamp(clock.now()),
    )
    with transaction() as tx:
        accounts.create_account(tx, account)
    return account.pk


def appoint(account_id: str, *roles: Role) -> None:
    """Make the holder of an account somebody of the clinic as well."""
    account = accounts.find_account(account_id)
    assert account is not None
    with transaction() as tx:
        tx.update(account, [Account.roles.set(set(roles))])


def token_of(account_id: str, *, stepped_up: bool = True) -> str:
    """The access token of one more session of an account."""
    account = accounts.find_account(account_id)
    assert account is not None
    with transaction() as tx:
        opening = Opening(factors=("password", "totp"), stepped_up=stepped_up)
        return sessions.open_session(tx, account, Transport.BEARER, opening).access_token


def new_caregiver(patient_id: str, *scopes: Scope, sees_sensitive: bool = False) -> str:
    """The id of a new account that looks after a patient."""
    account_id = new_account()
    with transaction() as tx:
        grant = Grant(account_id, frozenset(scopes), sees_sensitive=sees_sensitive)
        caregivers.put_grant(tx, patient_id, grant)
    return account_id


def new_staff(*roles: Role, cares_for: str | None = None) -> str:
    """The id of a new account of somebody of the clinic, in the care team of a patient where one is named."""
    account_id = new_account(*roles)
    if cares_for is not None:
        with transaction() as tx:
            care_ties.put_care_team_tie(tx, cares_for, account_id)
    return account_id
