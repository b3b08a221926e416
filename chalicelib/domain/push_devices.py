"""Devices that take push messages."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

MOST = 20
"""Devices of one account; the one that was not refreshed for the longest time makes room."""


class Platform(StrEnum):
    """Whose push service a device listens to."""

    IOS = "ios"
    ANDROID = "android"
    FIRE = "fire"


@dataclass(frozen=True, slots=True)
class PushDeviceView:
    """A device as its holder sees it: without its token. Times are aware, in UTC."""

    device_id: str
    platform: Platform
    created_at: datetime
    refreshed_at: datetime
