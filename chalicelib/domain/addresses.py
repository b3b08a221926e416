"""The addresses that somebody's messages go to, as they see them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.notices import Channel
from chalicelib.domain.suppressions import Reason, Suppression


class AddressStatus(StrEnum):
    """Whether messages go to an address."""

    OK = "ok"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    STOPPED = "stopped"
    UNCONFIRMED = "unconfirmed"

    @classmethod
    def of(cls, suppression: Suppression | None, *, is_confirmed: bool) -> "AddressStatus":
        """The status of an address; what keeps messages from it is told before that nobody confirmed it."""
        if suppression is not None:
            return _OF_REASON[suppression.reason]
        return cls.OK if is_confirmed else cls.UNCONFIRMED


_OF_REASON = {
    Reason.BOUNCE: AddressStatus.BOUNCED,
    Reason.COMPLAINT: AddressStatus.COMPLAINED,
    Reason.STOP: AddressStatus.STOPPED,
}


@dataclass(frozen=True, slots=True)
class AddressView:
    """One address, masked. `since` (aware) is since when nothing is sent to it."""

    address_id: str
    channel: Channel
    masked: str
    status: AddressStatus
    since: datetime | None
