"""Addresses that nothing is sent to, and why."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Reason(StrEnum):
    """Why nothing is sent to an address, the weakest first."""

    BOUNCE = "bounce"
    """It does not exist, or takes no mail or message."""
    COMPLAINT = "complaint"
    """Whoever reads it told their mail program that it is spam."""
    STOP = "stop"
    """Whoever has the phone told it to stop, which they alone can take back."""

    def outweighs(self, other: "Reason") -> bool:
        """Whether it takes the place of another reason."""
        order = list(Reason)
        return order.index(self) > order.index(other)


@dataclass(frozen=True, slots=True)
class Suppression:
    """An address that nothing is sent to, since an aware time."""

    reason: Reason
    since: datetime
