"""The accounts table: people's accounts and service clients, and the rows that keep their names unique."""

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition

from chalicelib.errors import (
    EmailTaken,
    IdentityNotConfirmed,
    NotSignedIn,
    PortalError,
    StaleVersion,
    UsernameTaken,
    WrongCredentials,
)
from chalicelib.models.base import AreaMeta, Row, storage_errors
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
    """A person's account; sort key `principal`."""

    patient_id = UnicodeAttribute(null=True)
    username = UnicodeAttribute()
    username_key = UnicodeAttribute()
    email = UnicodeAttribute(null=True)
    pending_email = UnicodeAttribute(null=True)
    mobile_phone = UnicodeAttribute(null=True)
    language = UnicodeAttribute()
    time_zone = UnicodeAttribute()
    password_hash = UnicodeAttribute()
    password_disabled = BooleanAttribute(default=False)
    wrong_in_a_row = NumberAttribute(default=0)
    security_answers = UnicodeAttribute(default="[]")
    terms_version = UnicodeAttribute()
    created_at = UnicodeAttribute()
    version = NumberAttribute(default=1)


class Client(Principal, discriminator="client"):
    """A clinic's system; sort key `principal`."""

    name = UnicodeAttribute()
    secret_hash = UnicodeAttribute()
    scopes = UnicodeAttribute()
    created_at = UnicodeAttribute()


class Username(AccountsTable, discriminator="username"):
    """Who has a username; partition key `username#<canonical>`."""

    account_id = UnicodeAttribute()


class Email(AccountsTable, discriminator="email"):
    """Who has confirmed an email address; partition key `email#<canonical>`."""

    account_id = UnicodeAttribute()


class PatientAccount(AccountsTable, discriminator="patient_account"):
    """The account of a patient; partition key `patient#<patient id>`."""

    account_id = UnicodeAttribute()


PRINCIPAL = "principal"
"""The sort key of the row that sessions hang on."""


def find_account(account_id: str) -> Account | None:
    """An account."""
    return Account.find(account_id, PRINCIPAL)


def find_client(client_id: str) -> Client | None:
    """A service client."""
    return Client.find(client_id, PRINCIPAL)


def find_account_id(username_key: str) -> str | None:
    """Whose a username is."""
    name = Username.find(f"username#{username_key}", "username")
    return name.account_id if name else None


def find_owners(
    username_key: str, email_key: str | None, patient_id: str
) -> tuple[Username | None, Email | None, PatientAccount | None]:
    """Who has a username, an email and a patient already: one round trip."""
    name, email, patient = username_row(username_key, ""), email_row(email_key or "-", ""), patient_row(patient_id, "")
    rows = AccountsTable.find_all([name.key, email.key, patient.key])
    found_name, found_email, found_patient = rows.get(name.key), rows.get(email.key), rows.get(patient.key)
    return (
        found_name if isinstance(found_name, Username) else None,
        found_email if isinstance(found_email, Email) and email_key else None,
        found_patient if isinstance(found_patient, PatientAccount) else None,
    )


def username_row(username_key: str, account_id: str) -> Username:
    """The row that keeps a username one account's."""
    return Username(f"username#{username_key}", "username", account_id=account_id)


def email_row(email_key: str, account_id: str) -> Email:
    """The row that keeps a confirmed email one account's."""
    return Email(f"email#{email_key}", "email", account_id=account_id)


def patient_row(patient_id: str, account_id: str) -> PatientAccount:
    """The row that keeps a patient at one account."""
    return PatientAccount(f"patient#{patient_id}", "account", account_id=account_id)


def create_account(tx: Transaction, account: Account) -> None:
    """A new account with its username and, where its holder is a patient, the one account of that patient."""
    tx.create(account, error=None)
    tx.create(username_row(account.username_key, account.pk), error=UsernameTaken())
    if account.patient_id:
        tx.create(
            patient_row(account.patient_id, account.pk), error=IdentityNotConfirmed(), precedence=Precedence.STATE
        )


def verify_email(tx: Transaction, account: Account, email: str, email_key: str) -> None:
    """Make the pending email the account's own, unless another account was first."""
    tx.put(
        email_row(email_key, account.pk),
        condition=Email.pk.does_not_exist() | (Email.account_id == account.pk),
        error=EmailTaken(),
    )
    tx.update(
        account,
        [Account.email.set(email), Account.pending_email.remove(), Account.version.add(1)],
        condition=Account.pending_email == email,
        error=StaleVersion(),
    )


def edit_account(tx: Transaction, account_id: str, *, expected_version: int, **changes: str) -> None:
    """Change plain attributes of an account of an expected version."""
    account = Account(account_id, PRINCIPAL)
    actions = [getattr(Account, name).set(value) for name, value in changes.items()]
    tx.update(
        account, [*actions, Account.version.add(1)], condition=Account.version == expected_version, error=StaleVersion()
    )


def change_password(tx: Transaction, account: Account, password_hash: str) -> None:
    """A new password, which nobody has guessed at yet; every session of the account ends with the old one."""
    tx.update(
        account,
        [
            Account.password_hash.set(password_hash),
            Account.credentials_version.add(1),
            Account.wrong_in_a_row.set(0),
            Account.password_disabled.set(False),
        ],
        condition=_unchanged(account),
        error=NotSignedIn(),
    )


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


def disable_password(tx: Transaction, account: Account) -> None:
    """The password signs nobody in any more, until it is reset; of parallel tries one does it."""
    tx.update(
        account,
        [Account.password_disabled.set(True)],
        condition=_unchanged(account) & (Account.password_disabled == False),  # noqa: E712  A condition, no comparison.
        error=WrongCredentials(),
    )
