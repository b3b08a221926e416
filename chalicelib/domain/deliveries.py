"""Where a notice goes: the addresses that somebody has, and which of them a kind of notice is for."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from chalicelib.domain.notices import AddressBook, Channel, NoticeKind, Rule

PENDING = "pending"
"""The reference of an email address that nobody has confirmed."""

PENDING_PHONE = "pending_phone"
"""The reference of a number that nobody has confirmed."""


@dataclass(frozen=True, slots=True)
class Address:
    """One place that a message can go to.

    `ref` names it in an outbox row, which keeps no address: `confirmed`, `pending`, `pending_phone`,
    `on_file:<keyed hash>`, `phone:<keyed hash>`, `device:<id>`, `former:<id of the change that took its place>`.
    `value` is the email address, the number in E.164, or the device's id.
    """

    channel: Channel
    ref: str
    value: str

    @property
    def is_confirmed(self) -> bool:
        """Whether it is known to be the holder's."""
        return self.ref not in {PENDING, PENDING_PHONE}


@dataclass(frozen=True, slots=True)
class Contacts:
    """The addresses of one account's holder; what the clinic has on file counts as confirmed.

    Of `phones` the first is `confirmed_phone`, where there is one. `former` is the one that a change took the place of.
    While `is_on_file_new`, what the clinic has on file is too new to recover an account with.
    """

    confirmed_email: Address | None = None
    pending_email: Address | None = None
    on_file_emails: tuple[Address, ...] = ()
    phones: tuple[Address, ...] = ()
    devices: tuple[Address, ...] = ()
    confirmed_phone: Address | None = None
    pending_phone: Address | None = None
    former: Address | None = None
    is_on_file_new: bool = False

    @property
    def all(self) -> list[Address]:
        """Every address."""
        emails = [one for one in (self.confirmed_email, self.pending_email) if one]
        others = [one for one in (self.pending_phone, self.former) if one]
        return [*self.devices, *emails, *self.on_file_emails, *self.phones, *others]

    def resolve(self, ref: str) -> Address | None:
        """The address of a reference, if it is still one of theirs."""
        return next((one for one in self.all if one.ref == ref), None)

    def through(self, channel: Channel) -> tuple[Address, ...]:
        """Where a channel reaches them: every device, but one mailbox and one phone."""
        match channel:
            case Channel.PUSH:
                return self.devices
            case Channel.EMAIL:
                return (self.confirmed_email,) if self.confirmed_email else self.on_file_emails[:1]
            case Channel.SMS:
                return self.phones[:1]

    def for_recovery(self, channels: Collection[Channel]) -> tuple[Address, ...]:
        """The one address that an account can be recovered through, or none.

        An email comes before a phone, one's own before one on file.
        """
        emails = [self.confirmed_email, *(() if self.is_on_file_new else self.on_file_emails)]
        phones = [self.confirmed_phone, *(() if self.is_on_file_new else self.phones)]
        return tuple(one for one in (*emails, *phones) if one and one.channel in channels)[:1]

    def everywhere(self, channel: Channel) -> tuple[Address, ...]:
        """All that a channel reaches, without an address that nobody has confirmed."""
        match channel:
            case Channel.PUSH:
                return self.devices
            case Channel.EMAIL:
                own = self.confirmed_email
                return (*((own,) if own else ()), *self.on_file_emails)
            case Channel.SMS:
                return self.phones


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message of a notice to one address; `about` holds ids. A stranger's has no account."""

    row_id: str
    notice_id: str
    kind: NoticeKind
    account_id: str | None
    address: Address
    patient_id: str | None = None
    about: dict[str, str] = field(default_factory=dict)


def addresses(contacts: Contacts, rule: Rule, chosen: Iterable[Channel]) -> list[Address]:
    """Where a notice goes first; `chosen` are the reader's channels for its type.

    Somebody who chose channels, but can be reached through none of them, is told through the next that reaches them.
    Somebody who chose none finds the notice in the portal.
    """
    if rule.to is AddressBook.PREFERRED:
        wanted = [channel for channel in chosen if channel in rule.channels]
        found = [one for channel in wanted for one in contacts.through(channel)]
        return found or (following(contacts, rule, ()) if wanted else [])
    return [one for one in _BOOKS[rule.to](contacts, rule) if one is not None]


def _everywhere(contacts: Contacts, rule: Rule) -> list[Address]:
    return [one for channel in rule.channels for one in contacts.everywhere(channel)]


def _everywhere_before_too(contacts: Contacts, rule: Rule) -> list[Address]:
    former = [contacts.former] if contacts.former and contacts.former.channel in rule.channels else []
    return [*former, *_everywhere(contacts, rule)]


def _of_nobody(_contacts: Contacts, _rule: Rule) -> list[Address]:
    raise ValueError("Somebody without an account has no contacts")


_BOOKS: Mapping[AddressBook, Callable[[Contacts, Rule], Iterable[Address | None]]] = {
    AddressBook.EVERYWHERE: _everywhere,
    AddressBook.EVERYWHERE_BEFORE_TOO: _everywhere_before_too,
    AddressBook.CONFIRMED_EMAIL: lambda contacts, _: [contacts.confirmed_email],
    AddressBook.CONFIRMED_PHONE: lambda contacts, _: [contacts.confirmed_phone],
    AddressBook.PENDING_EMAIL: lambda contacts, _: [contacts.pending_email],
    AddressBook.PENDING_PHONE: lambda contacts, _: [contacts.pending_phone],
    AddressBook.RECOVERY_EMAIL: lambda contacts, rule: contacts.for_recovery(rule.channels),
    AddressBook.RECOVERY: lambda contacts, rule: contacts.for_recovery(rule.channels),
    AddressBook.STRANGER: _of_nobody,
}
"""What each book but the preferred one has for a rule."""


def following(contacts: Contacts, rule: Rule, tried: Collection[Channel]) -> list[Address]:
    """Where a notice goes when all that were tried failed: the first other channel that reaches its reader."""
    if rule.to is not AddressBook.PREFERRED:
        return []
    left = (contacts.through(channel) for channel in rule.channels if channel not in tried)
    return list(next((found for found in left if found), ()))
