"""The accounts table: people's accounts and service clients, and the rows that keep their names unique."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute, UnicodeSetAttribute
from pynamodb.exceptions import UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib import clock
from chalicelib.domain.second_factors import Factor
from chalicelib.domain.staff import Role
from chalicelib.errors import (
    Conflict,
    EmailTaken,
    IdentityNotConfirmed,
    LinkEnded,
    NotFound,
    NotSignedIn,
    PortalError,
    StaleVersion,
    UsernameTaken,
    WrongCredentials,
)
from chalicelib.models.base import AreaMeta, Row, storage_errors, together
from chalicelib.models.transaction import Precedence, Transaction


class AccountsTable(Row, discriminator="accounts"):
    """Any row of the table."""

    class Meta(metaclass=AreaMeta):
        area = "accounts"

    ttl = NumberAttribute(null=True)


class Principal(AccountsTable, discriminator="principal"):
    """Somebody who can hold sessions: all of them end when `credentials_version` rises."""

    credentials_version = NumberAttribute(default=1)
    disabled = BooleanAttribute(default=False)


class Account(Principal, discriminator="account"):
    """A person's account; sort key `principal`.

    `joined_patients` are those who are merged into its holder (models/merges.py keeps them as the patient's row says).
    `release` is the JSON of when its holder wants to see new results of whom (domain/records/release.py).
    """

    patient_id = UnicodeAttribute(null=True)
    birth_date = UnicodeAttribute(null=True)
    username = UnicodeAttribute()
    username_key = UnicodeAttribute()
    email = UnicodeAttribute(null=True)
    pending_email = UnicodeAttribute(null=True)
    email_asked_at = UnicodeAttribute(null=True)
    mobile_phone = UnicodeAttribute(null=True)
    phone = UnicodeAttribute(null=True)
    pending_phone = UnicodeAttribute(null=True)
    security_phrase = UnicodeAttribute(null=True)
    disowned_emails: UnicodeSetAttribute = UnicodeSetAttribute(null=True)
    language = UnicodeAttribute()
    time_zone = UnicodeAttribute()
    password_hash = UnicodeAttribute()
    password_disabled = BooleanAttribute(default=False)
    password_is_short = BooleanAttribute(default=False)
    wrong_in_a_row = NumberAttribute(default=0)
    security_answers = UnicodeAttribute(default="[]")
    terms_version = UnicodeAttribute()
    roles: UnicodeSetAttribute = UnicodeSetAttribute(null=True)
    practitioner_id = UnicodeAttribute(null=True)
    second_factors = UnicodeAttribute(default="[]")
    factors_version = NumberAttribute(default=0)
    closing_id = UnicodeAttribute(null=True)
    closed_until = UnicodeAttribute(null=True)
    purge_began_at = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute()
    version = NumberAttribute(default=1)
    joined_patients: UnicodeSetAttribute = UnicodeSetAttribute(null=True)
    closed_by_merge = UnicodeAttribute(null=True)
    release = UnicodeAttribute(null=True)

    @property
    def bound_factors(self) -> frozenset[Factor]:
        """The second factors that its holder has; the rows of each are in models/second_factors.py and passkeys.py."""
        return frozenset(Factor(factor) for factor in json.loads(self.second_factors))

    @property
    def staff_roles(self) -> frozenset[Role]:
        """What its holder does at the clinic; none for patients and caregivers."""
        return frozenset(Role(role) for role in self.roles or ())

    @property
    def can_be_reopened(self) -> bool:
        """Whether its holder has closed it, and not so long ago that it is being removed, by the portal's clock.

        What a merge has closed as well is opened by nobody but whoever undoes the merge.
        """
        is_over = bool(self.purge_began_at) or bool(self.closed_by_merge)
        return bool(self.closed_until) and not is_over and clock.stamp(clock.now()) < self.closed_until


class Client(Principal, discriminator="client"):
    """A clinic's system; sort key `principal`."""

    name = UnicodeAttribute()
    secret_hash = UnicodeAttribute()
    previous_secret_hash = UnicodeAttribute(null=True)
    previous_until = UnicodeAttribute(null=True)
    generation = NumberAttribute(default=1)
    scopes = UnicodeAttribute()
    created_at = UnicodeAttribute()
    version = NumberAttribute(default=1)


class Username(AccountsTable, discriminator="username"):
    """Who has a username; partition key `username#<canonical>`.

    One that somebody gave up stays theirs for a while (`reserved_until`), but means nobody.
    """

    account_id = UnicodeAttribute()
    reserved_until = UnicodeAttribute(null=True)

    @property
    def holder_id(self) -> str | None:
        """Who signs in by it."""
        return None if self.reserved_until else self.account_id

    @property
    def is_free(self) -> bool:
        """Whether anybody may take it, by the portal's clock."""
        return bool(self.reserved_until) and clock.stamp(clock.now()) >= self.reserved_until


class Email(AccountsTable, discriminator="email"):
    """Who has confirmed an email address; partition key `email#<canonical>`."""

    account_id = UnicodeAttribute()


class PendingEmail(AccountsTable, discriminator="pending_email"):
    """Who gave an email address and has not confirmed it; partition key `pending_email#<canonical>`.

    It proves nothing: several accounts may have given one address, so that the sort key names the account.
    """

    account_id = UnicodeAttribute()


class PatientAccount(AccountsTable, discriminator="patient_account"):
    """The account of a patient; partition key `patient#<patient id>`."""

    account_id = UnicodeAttribute()


PRINCIPAL = "principal"
"""The sort key of the row that sessions hang on."""

_MOST_PENDING = 10
"""Accounts that gave one address and did not confirm it, so many of which are looked at."""


def find_account(account_id: str) -> Account | None:
    """An account."""
    return Account.find(account_id, PRINCIPAL)


def find_client(client_id: str) -> Client | None:
    """A service client."""
    return Client.find(client_id, PRINCIPAL)


def find_account_id(username_key: str) -> str | None:
    """Whose a username is."""
    name = Username.find(f"username#{username_key}", "username")
    return name.holder_id if name else None


def find_accounts(account_ids: list[str]) -> dict[str, Account]:
    """The accounts of these ids that exist, by id."""
    return {row.pk: row for row in Account.find_all([(account_id, PRINCIPAL) for account_id in account_ids]).values()}


@dataclass(frozen=True, slots=True)
class Holders:
    """The ids of the accounts that somebody may mean: by a confirmed email, by an unconfirmed one, by the username."""

    confirmed: str | None
    pending: list[str]
    named: str | None


def find_holders(username_key: str, email_key: str | None) -> Holders:
    """Whom an identifier may mean. The same two calls at the same time, whatever it is: one round trip."""
    name, email = username_row(username_key, ""), email_row(email_key or "-", "")
    rows, pending = together(
        lambda: AccountsTable.find_all([name.key, email.key]), lambda: _find_pending(email_key or "-")
    )
    found_name, found_email = rows.get(name.key), rows.get(email.key)
    return Holders(
        confirmed=found_email.account_id if isinstance(found_email, Email) else None,
        pending=pending,
        named=found_name.holder_id if isinstance(found_name, Username) else None,
    )


def _find_pending(email_key: str) -> list[str]:
    with storage_errors():
        rows = PendingEmail.query(f"pending_email#{email_key}", consistent_read=True, limit=_MOST_PENDING)
        return [row.account_id for row in rows]


def find_email_owner_id(email_key: str) -> str | None:
    """Who has confirmed an email."""
    row = Email.find(*email_row(email_key, "").key)
    return row.account_id if row else None


def find_patient_account_id(patient_id: str) -> str | None:
    """The account of a patient, if they have one."""
    row = PatientAccount.find(*patient_row(patient_id, "").key)
    return row.account_id if row else None


def find_owners(
    username_key: str, email_key: str | None, patient_id: str
) -> tuple[Username | None, Email | None, PatientAccount | None]:
    """Who has a username, an email and a patient already: one round trip."""
    name, email, patient = username_row(username_key, ""), email_row(email_key or "-", ""), patient_row(patient_id, "")
    rows = AccountsTable.find_all([name.key, email.key, patient.key])
    found_name, found_email, found_patient = rows.get(name.key), rows.get(email.key), rows.get(patient.key)
    return (
        found_name if isinstance(found_name, Username) and not found_name.is_free else None,
        found_email if isinstance(found_email, Email) and email_key else None,
        found_patient if isinstance(found_patient, PatientAccount) else None,
    )


def username_row(username_key: str, account_id: str) -> Username:
    """The row that keeps a username one account's."""
    return Username(f"username#{username_key}", "username", account_id=account_id)


def email_row(email_key: str, account_id: str) -> Email:
    """The row that keeps a confirmed email one account's."""
    return Email(f"email#{email_key}", "email", account_id=account_id)


def pending_email_row(email_key: str, account_id: str) -> PendingEmail:
    """The row by which an address that waits to be confirmed leads to an account."""
    return PendingEmail(f"pending_email#{email_key}", f"pending#{account_id}", account_id=account_id)


def patient_row(patient_id: str, account_id: str) -> PatientAccount:
    """The row that keeps a patient at one account."""
    return PatientAccount(f"patient#{patient_id}", "account", account_id=account_id)


def create_account(tx: Transaction, account: Account, email_key: str | None = None) -> None:
    """A new account with its username and, where its holder is a patient, the one account of that patient.

    `email_key` is the canonical form of its pending email.
    """
    tx.create(account, error=None)
    if email_key:
        tx.create(pending_email_row(email_key, account.pk), error=None)
    claim_username(tx, account.pk, account.username_key)
    if account.patient_id:
        tx.create(
            patient_row(account.patient_id, account.pk), error=IdentityNotConfirmed(), precedence=Precedence.STATE
        )


def claim_username(tx: Transaction, account_id: str, username_key: str) -> None:
    """A username is an account's, unless it is another's. Raises UsernameTaken."""
    is_over: Condition = Username.reserved_until <= clock.stamp(clock.now())
    is_own: Condition = Username.account_id == account_id
    tx.create(username_row(username_key, account_id), error=UsernameTaken(), or_where=is_over | is_own)


def reserve_username(tx: Transaction, account_id: str, username_key: str, until: str) -> None:
    """A username that its holder gives up means nobody, and is nobody else's before a time."""
    row = username_row(username_key, account_id)
    row.reserved_until = until
    tx.put(row, condition=Username.account_id == account_id, error=StaleVersion())


def release_email(tx: Transaction, account: Account, email_key: str) -> None:
    """An address that was an account's is nobody's any more."""
    is_own = Email.pk.does_not_exist() | (Email.account_id == account.pk)
    tx.delete(email_row(email_key, account.pk), condition=is_own, error=StaleVersion())


def verify_email(tx: Transaction, account: Account, email: str, email_key: str, email_hash: str) -> None:
    """Make the pending email the account's own, in the place of the one before it, unless another account was first.

    `email_hash` is what `disown_email` keeps of an address: whoever confirms it owns it again.
    """
    tx.put(
        email_row(email_key, account.pk),
        condition=Email.pk.does_not_exist() | (Email.account_id == account.pk),
        error=EmailTaken(),
    )
    tx.delete(pending_email_row(email_key, account.pk))
    tx.update(
        account,
        [
            Account.email.set(email),
            Account.pending_email.remove(),
            Account.email_asked_at.remove(),
            Account.disowned_emails.delete({email_hash}),
            Account.version.add(1),
        ],
        condition=Account.pending_email == email,
        error=StaleVersion(),
    )


def disown_email(
    tx: Transaction, account: Account, email: str, email_key: str, email_hash: str, *, is_pending: bool
) -> None:
    """Take an address off an account, that waits to be confirmed or was confirmed.

    Its hash stays: where the clinic has the same address on file, it is not the holder's either.
    """
    attribute = Account.pending_email if is_pending else Account.email
    asked = [Account.email_asked_at.remove()] if is_pending else []
    tx.update(
        account,
        [attribute.remove(), *asked, Account.disowned_emails.add({email_hash}), Account.version.add(1)],
        condition=attribute == email,
        error=LinkEnded(),
        precedence=Precedence.STATE,
    )
    if is_pending:
        tx.delete(pending_email_row(email_key, account.pk))
    else:
        tx.delete(email_row(email_key, account.pk), condition=Email.account_id == account.pk, error=LinkEnded())


def claim_email(tx: Transaction, account_id: str, email_key: str) -> None:
    """An address that its holder has proved is a new account's own. Raises EmailTaken."""
    tx.create(email_row(email_key, account_id), error=EmailTaken(), precedence=Precedence.STATE)


def edit_staff(
    tx: Transaction,
    account_id: str,
    *,
    roles: Iterable[Role],
    practitioner_id: str | None,
    disabled: bool,
    ends_sessions: bool,
) -> None:
    """Change what a member of staff may do; where it `ends_sessions`, all of them at once."""
    account = Account(account_id, PRINCIPAL)
    actions: list[Action] = [Account.roles.set(set(roles)), Account.disabled.set(disabled), Account.version.add(1)]
    actions.append(_change(Account.practitioner_id, practitioner_id))
    if ends_sessions:
        actions.append(Account.credentials_version.add(1))
    tx.update(account, actions, condition=Account.pk.exists(), error=NotFound())


def reopening() -> list[Action]:
    """What makes an account that its holder has closed one like any other."""
    return [
        Account.disabled.set(False),
        Account.closing_id.remove(),
        Account.closed_until.remove(),
    ]


def edit_account(tx: Transaction, account_id: str, *, expected_version: int, **changes: str | None) -> None:
    """Change plain attributes of an account of an expected version; None removes one."""
    account = Account(account_id, PRINCIPAL)
    actions = [_change(getattr(Account, name), value) for name, value in changes.items()]
    tx.update(
        account, [*actions, Account.version.add(1)], condition=Account.version == expected_version, error=StaleVersion()
    )


def _change(attribute: UnicodeAttribute, value: str | None) -> Action:
    return attribute.remove() if value is None else attribute.set(value)


def change_password(
    tx: Transaction, account: Account, password_hash: str, *, is_short: bool, error: PortalError | None = None
) -> None:
    """A new password, which nobody has guessed at yet; every session of the account ends with the old one.

    One that is short needs the second factors that the account was read with. `error` is for somebody who changed
    either meanwhile; without one they are signed in no more.
    """
    tx.update(
        account,
        [
            Account.password_hash.set(password_hash),
            Account.credentials_version.add(1),
            Account.wrong_in_a_row.set(0),
            Account.password_disabled.set(False),
            Account.password_is_short.set(is_short),
        ],
        condition=_unchanged(account) & same_factors(account) if is_short else _unchanged(account),
        error=error or NotSignedIn(),
    )


def factors_text(factors: Iterable[Factor]) -> str:
    """How an account's row keeps what is bound."""
    return json.dumps(sorted(factors))


def note_second_factors(
    tx: Transaction,
    account: Account,
    factors: Iterable[Factor],
    *,
    password_hash: str | None = None,
) -> None:
    """What an account has bound now. Devices that were trusted before are trusted no more.

    With another `password_hash` every session of the account ends, too.

    Raises Conflict where another of its factors was bound or removed meanwhile.
    """
    others = [Account.password_hash.set(password_hash), Account.credentials_version.add(1)] if password_hash else []
    tx.update(
        account,
        [Account.second_factors.set(factors_text(factors)), Account.factors_version.add(1), *others],
        condition=_unchanged(account) & same_factors(account),
        error=Conflict(),
    )


def same_factors(account: Account) -> Condition:
    """Only while an account has the second factors that it was read with."""
    version = int(account.factors_version)
    is_same: Condition = Account.factors_version == version
    # A row of before there were second factors has no such attribute.
    return is_same if version else is_same | Account.factors_version.does_not_exist()


def note_right_password(tx: Transaction, account: Account, *, new_hash: str | None, unlocks: bool) -> None:
    """A sign-in succeeds only while the credentials are the ones that were checked."""
    actions = [Account.password_hash.set(new_hash)] if new_hash else []
    if unlocks and account.wrong_in_a_row:
        actions.append(Account.wrong_in_a_row.set(0))
    if actions:
        tx.update(account, actions, condition=_unchanged(account), error=WrongCredentials())
    else:
        check_credentials(tx, account, error=WrongCredentials())


def check_credentials(tx: Transaction, principal: Principal, *, error: PortalError) -> None:
    """A session is opened only while the credentials are the ones that were checked."""
    tx.check(principal, _unchanged(principal), error=error)


def _unchanged(principal: Principal) -> Condition:
    return Principal.credentials_version == principal.credentials_version


def note_wrong_password(account: Account) -> int:
    """Count a wrong try; returns how many there were in a row."""
    with storage_errors():
        account.update([Account.wrong_in_a_row.add(1)], condition=Account.pk.exists())
    return int(account.wrong_in_a_row)


def note_nobodys_wrong_password(account_id: str) -> None:
    """The same call for an account that does not exist: it changes nothing, and takes as long."""
    try:
        Account(account_id, PRINCIPAL).update([Account.wrong_in_a_row.add(1)], condition=Account.pk.exists())
    except UpdateError as refused:
        if refused.cause_response_code != "ConditionalCheckFailedException":
            with storage_errors():
                raise


def disable_password(tx: Transaction, account: Account) -> None:
    """The password signs nobody in any more, until it is reset; of parallel tries one does it."""
    tx.update(
        account,
        [Account.password_disabled.set(True)],
        condition=_unchanged(account) & (Account.password_disabled == False),  # noqa: E712  A condition, no comparison.
        error=WrongCredentials(),
    )
