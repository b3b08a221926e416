"""People whom the portal tells something before they have an account, or because they will never have one.

Where they are reached and what they are told stands with the thing that it is about, and is read when it is sent.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from chalicelib.domain.deliveries import Address
from chalicelib.domain.notices import Channel, Rule


@dataclass(frozen=True, slots=True)
class Stranger:
    """How somebody is reached, in which language and zone, and the values of the message."""

    language: str
    zone: str
    email: str | None = None
    phone: str | None = None
    values: dict[str, object] = field(default_factory=dict)

    def through(self, channel: Channel, ref: str) -> Address | None:
        """Their address of a channel, under the name that outbox rows have for them."""
        value = {Channel.EMAIL: self.email, Channel.SMS: self.phone}.get(channel)
        return Address(channel, ref, value) if value else None


def _staff_invitation(staff_id: str) -> Stranger | None:
    from chalicelib.services import staff  # noqa: PLC0415  It tells strangers of itself.

    return staff.stranger(staff_id)


def _registration(named: str) -> Stranger | None:
    from chalicelib.services.registrations import codes  # noqa: PLC0415  It tells strangers of itself.

    return codes.stranger(named)


def _invitation(link_id: str) -> Stranger | None:
    from chalicelib.services import invitations  # noqa: PLC0415  It tells strangers of itself.

    return invitations.stranger(link_id)


def _activation(named: str) -> Stranger | None:
    from chalicelib.services import activation_codes  # noqa: PLC0415  It tells strangers of itself.

    return activation_codes.stranger(named)


def _former_contact(former_id: str) -> Stranger | None:
    from chalicelib.services import former_contacts  # noqa: PLC0415  It tells strangers of itself.

    return former_contacts.stranger(former_id)


RESOLVERS: dict[str, Callable[[str], Stranger | None]] = {
    "former_contact": _former_contact,
    "invitation": _invitation,
    "activation": _activation,
    "registration": _registration,
    "staff_invitation": _staff_invitation,
}
"""By the prefix of a reference: who it is, or None where there is nothing to tell any more."""


def find(ref: str) -> Stranger | None:
    """Who stands behind a reference, as in `invitation:<id>`."""
    prefix, _, named = ref.partition(":")
    return RESOLVERS[prefix](named)


def first_address(stranger: Stranger, ref: str, rule: Rule, tried: Iterable[Channel] = ()) -> Address | None:
    """Where a notice goes: the first of its channels that reaches them and was not tried."""
    left = [channel for channel in rule.channels if channel not in set(tried)]
    return next((found for channel in left if (found := stranger.through(channel, ref))), None)
