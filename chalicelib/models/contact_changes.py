"""Changes of email, phone and username, in the partition of their account, with what was before; codes to phones."""

from collections.abc import Iterable
from dataclasses import dataclass

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib import clock, ids
from chalicelib.domain.contact_changes import CODE_LASTS, CODE_TRIES, UNDOABLE, Changed
from chalicelib.domain.second_factors import Factor
from chalicelib.errors import EmailTaken, LinkEnded, StaleVersion
from chalicelib.models import accounts
from chalicelib.models.accounts import Account, AccountsTable, Email
from chalicelib.models.base import storage_errors
from chalicelib.models.transaction import Precedence, Transaction

_PREFIX = "contact_change#"
_KEPT_SECONDS = 30 * 86400


class ContactChange(AccountsTable, discriminator="contact_change"):
    """One change; sort key `contact_change#<id>`, which sorts by time. `before` and `after` are None where none was.

    It began when it was asked for, which may be long before it was made.
    """

    change_id = UnicodeAttribute()
    what = UnicodeAttribute()
    before = UnicodeAttribute(null=True)
    after = UnicodeAttribute(null=True)
    link_id = UnicodeAttribute()
    began_at = UnicodeAttribute(null=True)
    undone_at = UnicodeAttribute(null=True)


class PhoneCode(AccountsTable, discriminator="phone_code"):
    """The code that was sent to a new phone, derived from `code_id`; sort key `phone_code`. A newer one replaces it."""

    code_id = UnicodeAttribute()
    number = UnicodeAttribute()
    expires_at = UnicodeAttribute()
    tries = NumberAttribute(default=0)

    @property
    def is_over(self) -> bool:
        """Whether it works no more, by the portal's clock."""
        return self.tries >= CODE_TRIES or clock.stamp(clock.now()) >= self.expires_at


_PHONE_CODE = "phone_code"


def create(tx: Transaction, change: ContactChange) -> None:
    """Keep what a change was, for as long as it can be undone and told of."""
    change.ttl = clock.epoch(clock.now()) + _KEPT_SECONDS
    tx.create(change, error=None)


def new(
    account_id: str, change_id: str, what: Changed, *, before: str | None, after: str | None, began_at: str | None
) -> ContactChange:
    """A change that is not stored yet and has no link. One that is made as it is asked for begins now."""
    return ContactChange(
        account_id,
        f"{_PREFIX}{change_id}",
        change_id=change_id,
        what=what,
        before=before,
        after=after,
        began_at=began_at or clock.stamp(clock.now()),
    )


def find(account_id: str, change_id: str) -> ContactChange | None:
    """A change of an account's."""
    return ContactChange.find(account_id, f"{_PREFIX}{change_id}")


def find_all(account_id: str) -> list[ContactChange]:
    """Every change of an account's that is remembered, undone or not, the oldest first."""
    with storage_errors():
        return list(ContactChange.query(account_id, ContactChange.sk.startswith(_PREFIX), consistent_read=True))


def find_since(account_id: str, change_id: str) -> list[ContactChange]:
    """A change and all after it that were not undone, the oldest first."""
    first, last = f"{_PREFIX}{change_id}", f"{_PREFIX}chg_~"
    with storage_errors():
        found = list(ContactChange.query(account_id, ContactChange.sk.between(first, last), consistent_read=True))
    return [change for change in found if not change.undone_at]


def mark_undone(tx: Transaction, change: ContactChange) -> None:
    """Note that what a change made is so no more. Raises LinkEnded where that was noted before."""
    tx.update(
        change,
        [ContactChange.undone_at.set(clock.stamp(clock.now()))],
        condition=ContactChange.undone_at.does_not_exist(),
        error=LinkEnded(),
        precedence=Precedence.STATE,
    )


def set_pending_email(
    tx: Transaction, account: Account, email: str | None, *, former_key: str | None, new_key: str | None
) -> None:
    """An address that shall be the account's once it is confirmed, in the place of one that waited; None for no more.

    `former_key` and `new_key` are the canonical forms of the one that waited and of the new one.
    """
    asked = [Account.email_asked_at.set(clock.stamp(clock.now()))] if email else [Account.email_asked_at.remove()]
    pending = Account.pending_email.set(email) if email else Account.pending_email.remove()
    tx.update(account, [pending, *asked, Account.version.add(1)], condition=_unchanged(account), error=StaleVersion())
    if former_key and former_key != new_key:
        tx.delete(accounts.pending_email_row(former_key, account.pk))
    if new_key:
        tx.put(accounts.pending_email_row(new_key, account.pk))


def set_pending_phone(tx: Transaction, account: Account, number: str) -> str:
    """A number that shall be the account's once its code was typed. Returns the id of the code, the only one now."""
    code_id, expires_at = ids.new_id("otc"), clock.now() + CODE_LASTS
    tx.put(
        PhoneCode(
            account.pk,
            _PHONE_CODE,
            code_id=code_id,
            number=number,
            expires_at=clock.stamp(expires_at),
            ttl=clock.epoch(expires_at) + 86400,
        )
    )
    actions = [Account.pending_phone.set(number), Account.version.add(1)]
    tx.update(account, actions, condition=_unchanged(account), error=StaleVersion())
    return code_id


def find_phone_code(account_id: str) -> PhoneCode | None:
    """The code that was sent last, over or not."""
    return PhoneCode.find(account_id, _PHONE_CODE)


def take_try(code: PhoneCode) -> bool:
    """Reserve one of a code's tries. False where none is left, or a newer code took its place."""
    condition = (PhoneCode.code_id == code.code_id) & (PhoneCode.tries < CODE_TRIES)
    try:
        code.update([PhoneCode.tries.add(1)], condition=condition)
    except UpdateError as refused:
        if refused.cause_response_code == "ConditionalCheckFailedException":
            return False
        with storage_errors():
            raise
    return True


def use_phone_code(tx: Transaction, code: PhoneCode) -> None:
    """A code works once. Raises StaleVersion where it was used, or a newer one took its place."""
    tx.delete(code, condition=PhoneCode.code_id == code.code_id, error=StaleVersion())


def set_phone(tx: Transaction, account: Account, number: str | None) -> None:
    """A number that its holder has proved is the account's own; None for none."""
    actions = [Account.phone.set(number) if number else Account.phone.remove(), Account.pending_phone.remove()]
    if not number:
        actions.append(Account.mobile_phone.remove())
        tx.delete(PhoneCode(account.pk, _PHONE_CODE))
    tx.update(account, [*actions, Account.version.add(1)], condition=_unchanged(account), error=StaleVersion())


def set_username(tx: Transaction, account: Account, username: str, username_key: str, *, reserved_until: str) -> None:
    """Another username; the one before it stays the holder's for a while. Raises UsernameTaken."""
    if username_key != account.username_key:
        accounts.claim_username(tx, account.pk, username_key)
        accounts.reserve_username(tx, account.pk, account.username_key, reserved_until)
    actions = [Account.username.set(username), Account.username_key.set(username_key), Account.version.add(1)]
    tx.update(account, actions, condition=_unchanged(account), error=StaleVersion())


@dataclass(frozen=True, slots=True)
class Restored:
    """What an account gets back, and the canonical forms of what it gets back and of what it loses."""

    what: Changed
    value: str | None
    key: str | None
    lost_key: str | None


def restore(
    tx: Transaction,
    account: Account,
    restored: Iterable[Restored],
    *,
    password_hash: str,
    factors: Iterable[Factor],
    waiting_email_key: str | None,
) -> None:
    """Put back what was before changes, and let nothing that whoever made them knows or waits for work any more.

    Every session ends, the password is one that nobody knows, these factors are left, and no number waits to be
    confirmed, nor an address of this canonical form. Raises StaleVersion where the account or its factors were changed
    meanwhile, EmailTaken and UsernameTaken.
    """
    actions: list[Action] = [
        Account.password_hash.set(password_hash),
        Account.password_is_short.set(False),
        Account.wrong_in_a_row.set(0),
        Account.credentials_version.add(1),
        Account.second_factors.set(accounts.factors_text(factors)),
        Account.factors_version.add(1),
        Account.version.add(1),
        Account.pending_phone.remove(),
        # Whoever made the changes may have closed the account as well.
        *(accounts.reopening() if account.closing_id else []),
    ]
    for one in restored:
        actions += _back(one)
        if one.key != one.lost_key:
            _swap_names(tx, account, one)
    if waiting_email_key:
        actions += [Account.pending_email.remove(), Account.email_asked_at.remove()]
        tx.delete(accounts.pending_email_row(waiting_email_key, account.pk))
    is_same = _unchanged(account) & accounts.same_factors(account)
    tx.update(account, actions, condition=is_same, error=StaleVersion())
    tx.delete(PhoneCode(account.pk, _PHONE_CODE))


def _back(restored: Restored) -> list[Action]:
    if restored.what is Changed.USERNAME:
        return [Account.username.set(restored.value or ""), Account.username_key.set(restored.key or "")]
    attribute = Account.email if restored.what is Changed.EMAIL else Account.phone
    return [attribute.set(restored.value) if restored.value else attribute.remove()]


def _swap_names(tx: Transaction, account: Account, restored: Restored) -> None:
    """The rows that keep an email or a username one account's."""
    if restored.what is Changed.USERNAME and restored.key and restored.lost_key:
        accounts.claim_username(tx, account.pk, restored.key)
        tx.delete(accounts.username_row(restored.lost_key, account.pk))
    if restored.what is not Changed.EMAIL:
        return
    if restored.lost_key:
        accounts.release_email(tx, account, restored.lost_key)
    if restored.key:
        is_free = Email.pk.does_not_exist() | (Email.account_id == account.pk)
        tx.put(accounts.email_row(restored.key, account.pk), condition=is_free, error=EmailTaken())


def _unchanged(account: Account) -> Condition:
    same: Condition = Account.version == account.version
    return same


def reserved_until() -> str:
    """Until when a username that is given up now stays its holder's."""
    return clock.stamp(clock.now() + UNDOABLE)
