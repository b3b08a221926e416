"""Where a notice goes: the addresses that somebody has, and which of them a kind of notice is for."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from chalicelib.domain.notices import AddressBook, Channel, NoticeKind, Rule

PENDING = "pending"
"""The reference of an email address that nobody has confirmed."""


@dataclass(frozen=True, slots=True)
class Address:
    """One place that a message can go to.

    `ref` names it in an outbox row, which keeps no address: `confirmed`, `pending`, `on_file:<keyed hash>`,
    `phone:<keyed hash>`, `device:<id>`. `value` is the email address, the number in E.164, or the device's id.
    """

    channel: Channel
    ref: str
    value: str

    @property
    def is_confirmed(self) -> bool:
        """Whether it is known to be the holder's."""
        return self.ref != PENDING


@dataclass(frozen=True, slots=True)
class Contacts:
    """The addresses of one account's holder; what the clinic has on file counts as confirmed."""

    confirmed_email: Address | None = None
    pending_email: Address | None = None
    on_file_emails: tuple[Address, ...] = ()
    phones: tuple[Address, ...] = ()
    devices: tuple[Address, ...] = ()

    @property
    def all(self) -> list[Address]:
        """Every address."""
        emails = [one for one in (self.confirmed_email, self.pending_email) if one]
        return [*self.devices, *emails, *self.on_file_emails, *self.phones]

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
    """One message of a notice to one address; `about` holds ids, `after` the channels that were tried before."""

    row_id: str
    notice_id: str
    kind: NoticeKind
    account_id: str
    address: Address
    patient_id: str | None = None
    about: dict[str, str] = field(default_factory=dict)


def addresses(contacts: Contacts, rule: Rule, chosen: Iterable[Channel]) -> list[Address]:
    """Where a notice goes first; `chosen` are the reader's channels for its type.

    Somebody who chose channels, but can be reached through none of them, is told through the next that reaches them.
    Somebody who chose none finds the notice in the portal.
    """
    wanted = [channel for channel in chosen if channel in rule.channels]
    match rule.to:
        case AddressBook.PREFERRED:
            found = [one for channel in wanted for one in contacts.through(channel)]
            return found or (following(contacts, rule, ()) if wanted else [])
        case AddressBook.EVERYWHERE:
            return [one for channel in rule.channels for one in contacts.everywhere(channel)]
        case AddressBook.CONFIRMED_EMAIL:
            return [contacts.confirmed_email] if contacts.confirmed_email else []
        case AddressBook.PENDING_EMAIL:
            return [contacts.pending_email] if contacts.pending_email else []
        case AddressBook.RECOVERY_EMAIL:
            return list(contacts.through(Channel.EMAIL))


def following(contacts: Contacts, rule: Rule, tried: Collection[Channel]) -> list[Address]:
    """Where a notice goes when all that were tried failed: the first other channel that reaches its reader."""
    if rule.to is not AddressBook.PREFERRED:
        return []
    left = (contacts.through(channel) for channel in rule.channels if channel not in tried)
    return list(next((found for found in left if found), ()))
